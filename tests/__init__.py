"""Claims about the platform, each one a test."""
