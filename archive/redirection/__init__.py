"""The ledger of old addresses and the forms in which servers read it."""
