"""Stock MkDocs: with a lean theme that shows what Hugo's does, and with Material at the settings it is fastest with."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from bench import corpus as corpora
from bench.contender import Contender, environment, prepare
from bench.peers import Order

_THEME = Path(__file__).parent / "mkdocs_lean"

_SETTINGS = """site_name: 市人民政府门户网站
site_url: https://www.example.gov.cn/
docs_dir: content
site_dir: output
use_directory_urls: false
exclude_docs: |
  _index.md
markdown_extensions: [tables, sane_lists, attr_list, footnotes]
"""
_LEAN = "theme: {name: null, custom_dir: theme}\nplugins: []\n"
_MATERIAL = """theme:
  name: material
  custom_dir: theme
  language: zh
  font: false
  features: [navigation.prune]
plugins: [search]
"""


def lean(order: Order) -> Contender:
    return _contender(order, "mkdocs", _LEAN, lambda theme: shutil.copytree(_THEME, theme))


def material(order: Order) -> Contender:
    return _contender(order, "material", _MATERIAL, _only_an_extension)


def _only_an_extension(theme: Path) -> None:
    """Material as it is; the file is there to be edited."""
    theme.mkdir()
    (theme / "main.html").write_text('{% extends "base.html" %}\n', encoding="utf-8")


def _contender(order: Order, name: str, theme_settings: str, make_theme: Callable[[Path], object]) -> Contender:
    root = order.root(name)
    content, output, theme = root / "content", root / "output", root / "theme"

    def fill() -> None:
        corpora.copy(order.corpus.content, [*order.articles, *order.corpus.others(), "index.md"], content)
        (root / "mkdocs.yml").write_text(_SETTINGS + theme_settings, encoding="utf-8")
        make_theme(theme)

    prepare(root, order.key(_THEME) + _SETTINGS + theme_settings, fill, order.say)
    return Contender(
        name=name,
        root=root,
        command=(sys.executable, "-m", "mkdocs", "build", "--quiet"),
        content=content,
        output=output,
        everything=(output,),
        memory=(),
        template=theme / "main.html",
        comment="{{#- {} -#}}",
        environment=environment(),
    )
