"""The pages with which the service answers: the portal's own head and foot, in the theme of the live release."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sitegen import inputs
from sitegen.city import City
from sitegen.config import Project
from sitegen.errors import Refused
from sitegen.model import Site
from sitegen.pages.frame import Frame
from sitegen.pages.letters import form_of
from sitegen.pages.values import Page
from sitegen.render.theme import Theme
from sitegen.scan import scan
from sitegen.state.shelf import Shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One view of the city: its identity, the units that answer, its theme."""

    frame: Frame
    theme: Theme
    portal: Site
    units: Mapping[str, str]
    """Id → name."""
    _kept: dict[tuple[str, ...], bytes] = field(default_factory=dict)

    def plain_page(self, title: str, state: str, why: str) -> bytes:
        """A page that is the same for everybody: the empty form, a number nobody has, a refusal."""
        key = (state, why)
        if key not in self._kept:
            self._kept[key] = self.page(title, {"values": {}, "errors": [], "state": state, "why": why, "steps": None})
        return self._kept[key]

    def page(self, title: str, letter: Mapping[str, Any]) -> bytes:
        """`letter`: what the kind `letter` shows (docs/THEME.md)."""
        url = self.portal.messages_url
        page = self.frame.page(
            url,
            "letter",
            title,
            self.portal,
            {"letter": {**form_of(self.frame), **letter}},
            crumbs=[("首页", "/"), (title, None)],
        )
        return self.html(page)

    def html(self, page: Page) -> bytes:
        gov = {**page.gov, **{key: self.frame.shared[name] for key, name in page.shared.items()}}
        gov["site"] = {**gov["site"], "report_url": gov["report_url"]}
        return self.theme.page(gov | {"contents": [], "qr": None}, "", page.shared).encode()


class Desks:
    """The desk of the release that is live now: made anew when another one is."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._release, self._desk = self._live(), self._open()

    def now(self) -> Desk:
        release = self._live()
        if release != self._release:
            with self._lock, contextlib.suppress(Refused, OSError):  # half-edited sources: the desk of before
                self._desk = self._open()
            self._release = release
        return self._desk

    def _live(self) -> str:
        try:
            return os.readlink(self._project.live)  # noqa: PTH115 (asked for each request)
        except OSError:
            return ""

    def _open(self) -> Desk:
        everything = inputs.read(self._project, scan(self._project.content, {}))
        city = City(
            site_url=self._project.site_url,
            search_url=self._project.search_url,
            sites=everything.tree.sites,
            columns=everything.tree.columns,
            published=everything.published,
            records=everything.records,
            links=everything.links,
            phrases=everything.phrases,
            quarters=everything.quarters,
            reports=everything.reports,
            articles=Shelf.open(Path(":memory:")),
        )
        return Desk(
            frame=Frame(city=city, assets=inputs.page_assets(self._project), engine=""),
            theme=Theme(self._project.theme, None),
            portal=city.portal,
            units={unit.id: unit.name for unit in everything.records.units.values()},
        )
