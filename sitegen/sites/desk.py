"""What the commands about sites do: compare with the law, write drafts of notices, append to the site's record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sitegen import clock, files, inputs, lifecycle
from sitegen.config import Project
from sitegen.content import Tree
from sitegen.errors import Problem, Refused
from sitegen.lifecycle import Event, SiteRecord
from sitegen.model import Site, url_of
from sitegen.rules import registry
from sitegen.scan import scan
from sitegen.sites import filing, notice, server, stages
from sitegen.sites.filing import Change
from sitegen.sites.notice import Facts, Kind
from sitegen.text import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was written, or would be: the event, drafts below content/, and other files (for servers and old home pages)."""

    event: Event | None = None
    drafts: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    configuration: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        return {
            "event": {"event": self.event.event, "date": self.event.on.isoformat(), **self.event.facts}
            if self.event
            else None,
            "drafts": [f"content/{path}" for path in self.drafts],
            "files": list(self.written),
            "configuration": dict(self.configuration),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A site as `sitegen site list` shows it. `record` None: nothing is recorded of it."""

    id: str
    name: str
    address: str
    unit: str
    record: SiteRecord | None
    stage: stages.Stage
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """`now` is the time that rules see; nothing is written when `dry_run` is set."""

    project: Project
    tree: Tree
    numbers: Mapping[str, Any]
    now: datetime
    dry_run: bool

    @classmethod
    def open(cls, project: Project, now: datetime, *, dry_run: bool = False) -> Desk:
        """Raises Refused without a portal, UsageError for corrections of numbers that cannot be read."""
        return cls(
            project=project,
            tree=inputs.read(project, scan(project.content, {})).tree,
            numbers=registry.numbers(registry.load(project.content)),
            now=now.astimezone(clock.SHANGHAI),
            dry_run=dry_run,
        )

    @property
    def content(self) -> Path:
        return self.project.content

    @property
    def today(self) -> date:
        return self.now.date()

    def site(self, site: str) -> Site | None:
        """Of ours; None for a site that stands elsewhere."""
        return self.tree.sites.get(stages.folder_of(site))

    def record(self, site: str) -> SiteRecord | None:
        return lifecycle.load(self.content, site)

    def known(self, site: str) -> SiteRecord:
        """Its record; a site of ours without one has an empty one. Raises Refused for a site that nobody knows."""
        ours, record = self.site(site), self.record(site)
        if record is not None:
            return record
        if ours is None:
            raise Refused([notice.unknown(self.content, site)])
        return SiteRecord(site=site, name=ours.title, url=self.address(ours), unit=ours.sponsor, events=())

    def address(self, site: Site) -> str:
        return self.project.site_url.rstrip("/") + url_of(site.source)

    def changes(self, site: str) -> tuple[Change, ...]:
        ours = self.site(site)
        if ours is None:
            return ()
        now = filing.present(ours, self.tree.columns.values(), self.address(ours))
        return tuple(filing.changes(self.record(site), now))

    def standing(self, site: str) -> Standing:
        """Raises Refused for a site that nobody knows."""
        known = self.known(site)
        return Standing(
            id=site,
            name=known.name,
            address=known.url,
            unit=known.unit,
            record=self.record(site),
            stage=stages.stage_of(known),
            changes=self.changes(site),
        )

    def standings(self) -> list[Standing]:
        """Ours in the order of their folders, then those that only the records know."""
        ours = [stages.id_of(folder) for folder in sorted(self.tree.sites)]
        others = [record.site for record in lifecycle.load_all(self.content) if record.site not in ours]
        return [self.standing(site) for site in [*ours, *others]]

    # --- what is done

    def append(self, site: str, event: Event, *, name: str = "", url: str = "", unit: str = "") -> None:
        known = self.record(site) or self._begun(site, name, url, unit)
        if not self.dry_run:
            lifecycle.append_event(self.content, site, event, name=known.name, url=known.url, unit=known.unit)

    def _begun(self, site: str, name: str, url: str, unit: str) -> SiteRecord:
        if self.site(site) is not None:
            return self.known(site)
        return SiteRecord(site=site, name=name or site, url=url, unit=unit, events=())

    def open_step(self, site: str, event: Event, *, name: str = "", url: str = "", unit: str = "") -> Done:
        """One step of 第十条. Raises Refused when it is not its turn."""
        record = self.record(site)
        problems = stages.may_take(record, site, event)
        if record is None and self.site(site) is None and not (name and url and unit):
            problems.append(_head_missing(site))
        if problems:
            raise Refused(problems)
        drafts: tuple[str, ...] = ()
        if event.event == "open-notice" and record is not None:
            approval = record.first(stages.OPENING[0].event)
            facts = Facts(document=approval.facts.get("document", "") if approval else "", start=event.on)
            drafts, urls, _pasted = self._announce("opening", record, facts)
            event = replace(event, facts={**event.facts, **urls})
        self.append(site, event, name=name, url=url, unit=unit)
        return Done(event=event, drafts=drafts)

    def file_changes(self, site: str, event: Event) -> Done:
        """第十四条: the present state is filed under the document's number. Raises Refused when nothing differs."""
        ours = self.site(site)
        if ours is None:
            raise Refused([notice.unknown(self.content, site)])
        if not self.changes(site):
            raise Refused([_nothing_to_file(site)])
        now = filing.present(ours, self.tree.columns.values(), self.address(ours))
        event = replace(event, facts={**event.facts, **now})
        self.append(site, event)
        return Done(event=event)

    def suspend(self, site: str, event: Event) -> Done:
        """第十三条: both notices as drafts, what the web server needs, and the event. Raises Refused as the rules say."""
        record = self.known(site)
        if problems := stages.may_suspend(record, event, self.numbers):
            raise Refused(problems)
        until = date.fromisoformat(event.facts["until"])
        facts = Facts(
            document=event.facts.get("document", ""),
            start=event.on,
            until=until,
            reason=event.facts.get("reason", ""),
            force_majeure=event.facts.get("cause") == "force-majeure",
        )
        drafts, urls, pasted = self._announce("temporary-offline", record, facts)
        event = replace(event, facts={**event.facts, **urls})
        folder = stages.folder_of(site)
        made = {
            f"503.{one}": server.configuration(one, site, folder, until)
            for one in server.SERVERS
            if self.site(site) is not None
        }
        self.append(site, event)
        return Done(event=event, drafts=drafts, written=self._keep(site, {**made, **pasted}), configuration=made)

    def resume(self, site: str, event: Event) -> Done:
        """第十三条: the site is back; announced on the portal."""
        record = self.known(site)
        if problems := stages.may_resume(record, event):
            raise Refused(problems)
        drafts, urls, _pasted = self._announce("resumption", record, Facts(start=event.on))
        event = replace(event, facts={**event.facts, **urls})
        self.append(site, event)
        return Done(event=event, drafts=drafts)

    def move(self, site: str, event: Event) -> Done:
        """第十四条: the change of domain, announced on the original site. Raises Refused for an address that is none."""
        record, new = self.known(site), event.facts.get("to", "")
        old = urlsplit(_address_of(record)).hostname or ""
        host = urlsplit(new).hostname or ""
        if not host or host == old:
            raise Refused([_no_address(site, new, old)])
        drafts, urls, pasted = self._announce(
            "domain-change", record, Facts(to=new, start=event.on, reason=event.facts.get("reason", ""))
        )
        event = replace(event, facts={**event.facts, **urls})
        made = {f"moved.{one}": server.moved(one, old, new) for one in server.SERVERS}
        self.append(site, event)
        return Done(event=event, drafts=drafts, written=self._keep(site, {**made, **pasted}), configuration=made)

    def retirement_step(self, site: str, event: Event) -> Done:
        """第十二条: what an office has done. Raises Refused for what is skipped."""
        record = self.record(site)
        if problems := stages.may_retire(record, site, event, self.today):
            raise Refused(problems)
        self.append(site, event)
        return Done(event=event)

    # --- notices

    def _announce(
        self, kind: Kind, record: SiteRecord, facts: Facts
    ) -> tuple[tuple[str, ...], dict[str, str], dict[str, str]]:
        """(drafts, their addresses as the event keeps them, HTML for a home page that is not ours by file name)."""
        folder = stages.folder_of(record.site)
        own = f"{folder}/{notice.COLUMN}" if folder and self.site(record.site) is not None else ""
        portal, pasted = self._draft(kind, record, facts, notice.COLUMN)
        drafts, urls = [portal], {"portal_notice": url_of(portal)}
        if own and pasted:
            on_site, _fragment = self._draft(kind, record, facts, own)
            drafts.append(on_site)
            urls["own_notice"] = url_of(on_site)
        elsewhere = {f"banner-{kind}.html": pasted} if pasted and self.site(record.site) is None else {}
        return tuple(drafts), urls, elsewhere

    def _draft(self, kind: Kind, record: SiteRecord, facts: Facts, column: str) -> tuple[str, str]:
        made, pasted = notice.draft(
            kind,
            record.site,
            facts,
            content=self.content,
            now=self.now,
            column=column,
            record=record,
            dry_run=self.dry_run,
        )
        return made.path, pasted

    def _keep(self, site: str, made: Mapping[str, str]) -> tuple[str, ...]:
        folder = self.project.build / "sites" / site
        for name, text in made.items():
            if not self.dry_run:
                files.write_atomic(folder / name, text.encode())
        return tuple(f"build/sites/{site}/{name}" for name in made)


def _address_of(record: SiteRecord) -> str:
    """Where the site is now: the last change of domain that is recorded, else the record's head."""
    moved = record.last("domain-changed")
    return moved.facts.get("to", record.url) if moved else record.url


def _head_missing(site: str) -> Problem:
    return Problem(
        path=f"content/_records/sites/{site}.yml",
        code="site-head-missing",
        message=_("a site that has no folder under content/ yet needs a name, an address and a unit (第十条)"),
        remedy=_("give --name, --url and --unit, or write content/{folder}/index.md first").format(
            folder=stages.folder_of(site)
        ),
    )


def _nothing_to_file(site: str) -> Problem:
    return Problem(
        path=f"content/_records/sites/{site}.yml",
        code="nothing-to-file",
        message=_("nothing differs from what was filed last (第十四条)"),
        remedy=_("change content/{site}/index.md or its columns first").format(site=stages.folder_of(site)),
    )


def _no_address(site: str, new: str, old: str) -> Problem:
    return Problem(
        path=f"content/_records/sites/{site}.yml",
        code="domain-unreadable",
        key="to",
        message=_("“{new}” is no other address than {old} (第十四条)").format(new=new, old=old),
        remedy=_("write the whole new address: {command}").format(command="--to https://www.….gov.cn/"),
    )
