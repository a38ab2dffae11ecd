"""The archive: capture, publication, retirement."""
