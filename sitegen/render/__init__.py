"""Rendering: the only package that imports mkdocs, markdown and jinja2, so that leaving them is one package wide."""
