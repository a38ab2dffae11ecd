"""MkDocs' public objects under our own loop: configuration, File, Files, Page and the theme's environment.

Nothing else of MkDocs is used: no build(), no nav, no plugin, no underscore name. One Engine lives in each worker
process (MkDocs' objects must not be shared between threads) and holds nothing that grows with the site: link targets
are looked up one by one.
"""

from __future__ import annotations

import functools
import logging
import posixpath
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import markdown
import mkdocs
from markupsafe import Markup
from mkdocs.config import load_config
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import is_markdown_file

from sitegen.render.body import Body, Heading
from sitegen.render.direct import Direct, Unsure

VERSIONS = f"mkdocs {mkdocs.__version__}, markdown {markdown.__version__}"


class _LinkTargets(Files):
    """What MkDocs asks for a link's target, answered by a lookup, each question recorded."""

    def __init__(self, exists: Callable[[str], bool], make: Callable[[str], File]) -> None:
        super().__init__([])
        self._exists = exists
        self._make = make
        self.reads: dict[str, bool] = {}

    def get_file_from_path(self, path: str) -> File | None:
        found = self._exists(path)
        self.reads[path] = found
        return self._make(path) if found else None


class Engine:
    """`exists(path)` tells whether a path under content/ is published, so that a link may lead there.

    `direct=False` sends every body through Python-Markdown; the result is the same, at twenty times the cost.
    """

    def __init__(self, config_file: Path, exists: Callable[[str], bool], *, direct: bool = True) -> None:
        logging.getLogger("mkdocs").setLevel(logging.ERROR)
        self._config = load_config(str(config_file))
        # A link that leads nowhere is our Problem, from the recorded reads; MkDocs need not guess what was meant.
        self._config.validation.links.not_found = logging.DEBUG
        self._config.validation.links.unrecognized_links = logging.DEBUG
        self._config.validation.links.absolute_links = logging.DEBUG
        self._exists = exists
        self._environment = self._config.theme.get_env()
        self._direct = Direct(self._markdown(), _address) if direct else None

    def body(self, source: str, text: str) -> Body:
        """Markdown of one source (front matter removed) to HTML, exactly as `mkdocs build` would."""
        result = self._direct.render(source, text, self._exists) if self._direct else Unsure(reason="switched-off")
        return result if isinstance(result, Body) else self._stock(source, text, result.reason)

    def _stock(self, source: str, text: str, fallback: str) -> Body:
        targets = _LinkTargets(self._exists, self._file)
        file = self._file(source)
        page = Page(None, file, self._config)
        page.markdown = text
        page.render(self._config, targets)
        links = page.links_to_anchors or {}
        return Body(
            html=page.content or "",
            headings=tuple(_flatten(page.toc)),
            reads=dict(sorted(targets.reads.items())),
            anchors=tuple(sorted(page.present_anchor_ids or ())),
            anchor_links=tuple(sorted((target.src_uri, anchor) for target, found in links.items() for anchor in found)),
            fallback=fallback,
        )

    def page(self, gov: Mapping[str, Any], body_html: str) -> str:
        """One whole page from the theme. Raises jinja2.TemplateError."""
        page = {"content": Markup(body_html)}  # noqa: S704 (sanitised by our extension)
        return self._environment.get_template("main.html").render(gov=gov, page=page)

    def _markdown(self) -> markdown.Markdown:
        return markdown.Markdown(
            extensions=self._config.markdown_extensions, extension_configs=self._config.mdx_configs or {}
        )

    def _file(self, path: str) -> File:
        return File(path, self._config.docs_dir, self._config.site_dir, use_directory_urls=False)


@functools.lru_cache(maxsize=4096)
def _address(path: str) -> str:
    """`File(path).url` without making a File, which costs a quarter of a directly rendered page."""
    folder, name = posixpath.split(path)
    if is_markdown_file(path):
        stem = posixpath.splitext(name)[0]
        path = posixpath.join(folder, ("index" if stem == "README" else stem) + ".html")
    return quote(path)


def _flatten(items: Any) -> list[Heading]:
    found: list[Heading] = []
    for item in items:
        found.append(Heading(title=item.title, anchor=item.id, level=item.level))
        found += _flatten(item.children)
    return found
