"""Small old-style websites served from committed files, for tests."""
