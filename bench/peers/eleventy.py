"""Eleventy 3.1, installed by npm from the lock beside this file, into the working directory."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from bench import corpus as corpora
from bench.contender import Contender, environment, prepare
from bench.peers import Order

_PROJECT = Path(__file__).parent / "eleventy"


def make(order: Order) -> Contender:
    root = order.root("eleventy")
    content, output, layouts = root / "content", root / "output", root / "layouts"
    modules = _install(order)

    def fill() -> None:
        corpora.copy(order.corpus.content, [*order.articles, *order.corpus.others()], content)
        shutil.copytree(_PROJECT / "layouts", layouts)
        shutil.copytree(_PROJECT / "data", root / "data")
        shutil.copytree(_PROJECT / "pages", content / "_pages")
        for name in ("package.json", "eleventy.config.js"):
            shutil.copyfile(_PROJECT / name, root / name)
        (root / "node_modules").symlink_to(modules)

    prepare(root, order.key(_PROJECT), fill, order.say)
    return Contender(
        name="eleventy",
        root=root,
        command=("node", str(modules / "@11ty" / "eleventy" / "cmd.cjs"), "--quiet"),
        content=content,
        output=output,
        everything=(output, root / ".cache"),
        memory=(root / ".cache",),
        template=layouts / "article.11ty.js",
        comment="/* {} */",
        environment=environment(),
    )


def _install(order: Order) -> Path:
    folder = order.workdir / "eleventy-npm"

    def fill() -> None:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copyfile(_PROJECT / name, folder / name)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--silent"], cwd=folder, check=True)

    prepare(folder, (_PROJECT / "package-lock.json").read_text(encoding="utf-8"), fill, order.say)
    return folder / "node_modules"
