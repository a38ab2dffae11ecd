"""The archive: a retiring site in, a capture, stamped pages, notices and redirects out."""
