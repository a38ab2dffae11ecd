"""MkDocs' public objects under our own loop: configuration, File, Files and Page.

Nothing else of MkDocs is used: no build(), no nav, no plugin, no underscore name. One Engine lives in each worker
process (MkDocs' objects must not be shared between threads) and holds nothing that grows with the site: link targets
are looked up one by one. MkDocs is imported and reads its settings when the first body needs it: that costs more than
a whole page, and a page without Markdown never needs it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import posixpath
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sitegen import config
from sitegen.files import write_atomic
from sitegen.render import shape
from sitegen.render.body import Body, Heading
from sitegen.render.theme import Theme

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import File

    from sitegen.render.direct import Direct


class Engine:
    """`exists(path)` tells whether a path under content/ is published, so that a link may lead there.

    `kept`: a folder for what outlives the process (compiled templates, MkDocs' view of the extensions), or None;
    `dialect` names the settings of Markdown there. `direct=False` sends every body through Python-Markdown; the
    result is the same, at twenty times the cost. Raises UsageError when mkdocs.yml names no theme.
    """

    def __init__(
        self,
        config_file: Path,
        exists: Callable[[str], bool],
        kept: Path | None = None,
        *,
        direct: bool = True,
        dialect: str = "",
    ) -> None:
        self._config_file = config_file
        self._exists = exists
        self._may_be_direct = direct
        self._theme = Theme(config.load(config_file).theme, kept / "templates" if kept else None)
        self._extensions_file = kept / f"extensions-{dialect[:16]}.json" if kept and dialect else None

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
        if self._direct is None:
            return self._stock(source, text, "switched-off")
        result = self._direct.render(source, text, self._exists)
        return result if isinstance(result, Body) else self._stock(source, text, result.reason)

    @cached_property
    def _direct(self) -> Direct | None:
        from markdown import Markdown

        from sitegen.render.direct import Direct

        if not self._may_be_direct:
            return None
        extensions, configs = self._extensions()
        return Direct(Markdown(extensions=extensions, extension_configs=configs), _address)

    def _extensions(self) -> tuple[list[str], dict[str, Any]]:
        """Names and settings as MkDocs completes them. Kept in a file, because asking MkDocs takes longer than a page."""
        with contextlib.suppress(OSError, ValueError):
            if self._extensions_file is not None:
                extensions, configs = json.loads(self._extensions_file.read_bytes())
                return extensions, configs
        extensions, configs = list(self._config.markdown_extensions), dict(self._config.mdx_configs or {})
        if self._extensions_file is not None:
            with contextlib.suppress(OSError, TypeError):  # settings that are no JSON are asked for each time
                write_atomic(self._extensions_file, json.dumps([extensions, configs]).encode())
        return extensions, configs

    def _stock(self, source: str, text: str, fallback: str) -> Body:
        from mkdocs.structure.pages import Page

        from sitegen.render.targets import LinkTargets

        targets = LinkTargets(self._exists, self._file)
        file = self._file(source)
        page = Page(None, file, self._config)
        page.markdown = text
        page.render(self._config, targets)
        links = page.links_to_anchors or {}
        html = page.content or ""
        return Body(
            html=html,
            headings=tuple(_flatten(page.toc)),
            reads=dict(sorted(targets.reads.items())),
            anchors=tuple(sorted({*(page.present_anchor_ids or ()), *shape.article_anchors(html)})),
            anchor_links=tuple(sorted((target.src_uri, anchor) for target, found in links.items() for anchor in found)),
            fallback=fallback,
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


@functools.lru_cache(maxsize=4096)
def _address(path: str) -> str:
    """`File(path).url` without making a File, which costs a quarter of a directly rendered page."""
    from mkdocs.utils import is_markdown_file

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
