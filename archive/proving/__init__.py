"""The proof that nothing was lost."""
