"""Inspection: a profile of indicators as data, pure rules over facts of the last build, ledgers of what was found."""
