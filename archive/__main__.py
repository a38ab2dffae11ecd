"""`python -m archive`, and the `archive` script."""

from archive.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
