"""Records: written, read back, indexed, mended, and taken in from other tools."""
