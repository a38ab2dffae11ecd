"""A site of our own that hides its links in every way we know."""
