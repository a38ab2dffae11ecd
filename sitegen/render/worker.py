"""A worker process: pages in, files of the new release out; only digests and facts go back over the pipe."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import segno

from sitegen.errors import Problem
from sitegen.output import put
from sitegen.render.adapter import Engine
from sitegen.render.body import Body
from sitegen.state import Made, Targets
from sitegen.text import _

_NO_BODY = Body(html="", headings=(), reads={}, anchors=(), anchor_links=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What all pages of one build have in common; hashable, so that a process prepares it once."""

    config_file: Path
    targets: Path
    shared: Path
    """JSON: name → value."""
    release: Path
    digest: str
    """Of the engine and of `shared`: a process that lives longer than one build prepares itself again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    file: str
    key: str
    source: str
    body: str
    gov: Mapping[str, Any]
    shared: Mapping[str, str]


def ignore_interrupts() -> None:
    """Ctrl-C is the parent's affair: a worker that dies of it leaves the parent waiting for a pipe nobody reads."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def render(setup: Setup, tasks: Sequence[Task]) -> list[Made]:
    """In the order of `tasks`. A page that cannot be rendered comes back with an empty digest and a Problem."""
    return [_render_one(setup, task) for task in tasks]


def _render_one(setup: Setup, task: Task) -> Made:
    engine, shared = _prepared(setup)
    body, problems, digest = _NO_BODY, [], ""
    try:
        if task.source:
            body = engine.body(task.source, task.body)
        gov = {**task.gov, **{key: shared[name] for key, name in task.shared.items()}}
        gov["contents"] = [{"title": h.title, "anchor": h.anchor} for h in body.headings if h.level <= 2]
        gov["site"] = {**gov["site"], "report_url": gov["report_url"]}
        gov["qr"] = _qr(str(gov["canonical"]))
        data = engine.page(gov, body.html).encode()
        put(setup.release, task.file, data)
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
    except OSError:
        raise
    except Exception as error:  # one page must not stop the other 99,999; what went wrong is told
        problems.append(
            Problem(
                path=f"content/{task.source}" if task.source else f"/{task.file}",
                code="render-failed",
                message=_("the page could not be rendered: {error}").format(error=f"{type(error).__name__}: {error}"),
                remedy=_("look at the template or the Markdown named here; the page's last version stays online"),
            )
        )
    return Made(
        file=task.file,
        key=task.key if digest else "",
        digest=digest,
        source=task.source,
        reads=body.reads,
        anchors=body.anchors,
        anchor_links=body.anchor_links,
        problems=tuple(problems),
    )


@functools.lru_cache(maxsize=1)
def _prepared(setup: Setup) -> tuple[Engine, Mapping[str, Any]]:
    targets = Targets(setup.targets)
    direct = os.environ.get("SITEGEN_DIRECT") != "0"  # a way out for the night in which it is wrong
    return Engine(setup.config_file, targets.__contains__, direct=direct), json.loads(
        setup.shared.read_text(encoding="utf-8")
    )


def _qr(url: str) -> str:
    """「扫一扫在手机打开当前页」: inline SVG, no external service."""
    stream = io.BytesIO()
    segno.make(url, error="m", micro=False).save(
        stream, kind="svg", border=2, xmldecl=False, svgns=False, svgclass="gov-qr", lineclass=None, omitsize=True
    )
    return stream.getvalue().decode()
