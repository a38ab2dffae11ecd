"""The generator: Markdown in, a city's portal and department sections out."""

__version__ = "0.1.0"
