"""Capturing a site: what must be accounted for, what was fetched, what it leads to."""
