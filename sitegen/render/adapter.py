"""MkDocs' public objects under our own loop: configuration, File, Files and Page.

Nothing else of MkDocs is used: no build(), no nav, no plugin, no underscore name. One Engine lives in each worker
process (MkDocs' objects must not be shared between threads) and holds nothing that grows with the site: link targets
are looked up one by one. MkDocs is imported and reads its settings when the first body needs it: that costs more than
a whole page, and a page without Markdown never needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sitegen import config
from sitegen.render.theme import Theme

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import File


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    title: str
    anchor: str
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A rendered body and all it depended on besides its own text.

    `reads`: path under content/ → whether it could be linked to; `anchors`: ids that stand in it;
    `anchor_links`: (path, anchor) pairs it links to.
    """

    html: str
    headings: tuple[Heading, ...]
    reads: Mapping[str, bool]
    anchors: tuple[str, ...]
    anchor_links: tuple[tuple[str, str], ...]


class Engine:
    """`exists(path)` tells whether a path under content/ is published, so that a link may lead there.

    `bytecode`: a folder for compiled templates, or None. Raises UsageError when mkdocs.yml names no theme.
    """

    def __init__(self, config_file: Path, exists: Callable[[str], bool], bytecode: Path | None = None) -> None:
        self._config_file = config_file
        self._exists = exists
        self._theme = Theme(config.load(config_file).theme, bytecode)

    @cached_property
    def _config(self) -> MkDocsConfig:
        import logging

        from mkdocs.config import load_config

        logging.getLogger("mkdocs").setLevel(logging.ERROR)
        settings = load_config(str(self._config_file))
        # A link that leads nowhere is our Problem, from the recorded reads; MkDocs need not guess what was meant.
        settings.validation.links.not_found = logging.DEBUG
        settings.validation.links.unrecognized_links = logging.DEBUG
        settings.validation.links.absolute_links = logging.DEBUG
        return settings

    def body(self, source: str, text: str) -> Body:
        """Markdown of one source (front matter removed) to HTML, exactly as `mkdocs build` would."""
        from mkdocs.structure.pages import Page

        from sitegen.render.targets import LinkTargets

        targets = LinkTargets(self._exists, self._file)
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
        )

    def page(self, gov: Mapping[str, Any], body_html: str, shared: Mapping[str, str] | None = None) -> str:
        """One whole page from the theme. Raises jinja2.TemplateError.

        `shared`: key of `gov` → the name of its value. For the life of an Engine a name means one value: the frame of
        a page is rendered once for all pages that give the same names, and anew for a page that gives none.
        """
        return self._theme.page(gov, body_html, shared or {})

    def _file(self, path: str) -> File:
        from mkdocs.structure.files import File

        return File(path, self._config.docs_dir, self._config.site_dir, use_directory_urls=False)


def _flatten(items: Any) -> list[Heading]:
    found: list[Heading] = []
    for item in items:
        found.append(Heading(title=item.title, anchor=item.id, level=item.level))
        found += _flatten(item.children)
    return found
