"""What the live release consists of, for whoever checks or mirrors it (docs/FORMATS.md §5)."""

from __future__ import annotations

from typing import Any

import orjson

from sitegen import content, editions, files, inputs, output
from sitegen.config import Project
from sitegen.errors import Problem, Refused
from sitegen.inputs import Inputs
from sitegen.scan import scan
from sitegen.state import State
from sitegen.text import _


def manifest(project: Project) -> dict[str, Any]:
    """What the live release consists of (docs/FORMATS.md §5). Raises Refused when it is not the one last built."""
    with output.only_build(project):
        state = State(project.state / "build.sqlite")
        try:
            release = output.live_release(project)
            if not release or state.value("release") != release:
                raise Refused([no_manifest(release)])
            everything = inputs.read(project, scan(project.content, {}))
            listed = [
                _manifest_page(file, section, source, state, everything)
                for file, section, source in state.pages()
                if not file.startswith("zh-hant/")  # it follows from the others
            ]
            return {
                "format": "release/1",
                "id": release,
                "site_url": project.site_url,
                "pages": listed,
                "files": [{"url": f"/{file}", "column": column} for file, column in state.attached_files()],
            }
        finally:
            state.close()


def no_manifest(release: str) -> Problem:
    return Problem(
        path="build/site",
        code="release-unknown",
        message=_("what {release} consists of is not known").format(release=release or "build/site"),
        remedy=_("run: {command}").format(command="sitegen build"),
    )


def _manifest_page(file: str, section: str, source: str, state: State, everything: Inputs) -> dict[str, object]:
    digest = blob = None
    column = everything.tree.columns.get(section)
    title = column.title if column else everything.tree.sites[""].title
    if source in everything.tree.section_texts:
        text = everything.tree.section_texts[source].encode()
        digest, blob = files.sha256(text), content.git_blob(text)
        title = next(s.title for s in everything.tree.sections if s.source == source)
    elif source:
        article = orjson.loads(state.facts(source))[0]
        title, digest, blob = (article[editions.FIELD[name]] for name in ("title", "digest", "blob"))
    return {
        "url": "/"
        + (file.removesuffix("index.html") if file == "index.html" or file.endswith("/index.html") else file),
        "source": source or None,
        "column": "" if section.startswith("@") else section,
        "title": title,
        "digest": digest,
        "blob": blob,
    }
