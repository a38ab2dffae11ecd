"""The whole retirement in one command, resumable: each step is taken when its turn has come, and recorded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from archive import decision as decisions
from archive import store, successor
from archive.crawling import capture as capturing
from archive.crawling.options import Options
from archive.decision import Decision
from archive.migration import extract, related
from archive.packing import wacz
from archive.progress import Show
from archive.proving import natures, proof, verify
from archive.proving.evidence import Where
from archive.publishing import copies, own, publish, published
from archive.redirection import old_urls, redirects, relate
from archive.retiring import notices, retirement
from archive.retiring.retirement import Standing, Step
from archive.store import Capture
from archive.text import _
from sitegen import clock, files, ledger, lifecycle, model
from sitegen.errors import Problem, has_errors, in_order
from sitegen.lifecycle import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where things lie. `root` holds content/ and build/; `now` is the time that rules see."""

    root: Path
    content: Path
    store: Path
    public: Path
    site_url: str
    now: datetime

    @property
    def build(self) -> Path:
        return self.root / "build"

    @property
    def today(self) -> date:
        return self.now.astimezone(clock.SHANGHAI).date()


@dataclass(slots=True, kw_only=True)
class RetireReport:
    """What stands after the run, and what this run did."""

    site: str
    steps: list[Step]
    done_now: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """`retired`, `waiting until DATE`, `refused` or `due`."""
        states = {step.state for step in self.steps}
        if self.steps and self.steps[-1].state == "done":
            return "retired"
        if "refused" in states:
            return "refused"
        waiting = next((step for step in self.steps if step.state == "waiting"), None)
        return f"waiting until {waiting.by}" if waiting else "due"

    def as_json(self) -> dict[str, object]:
        return {
            "site": self.site,
            "outcome": self.outcome,
            "done": self.done_now,
            "steps": [step.as_json() for step in self.steps],
            "problems": [problem.as_json() for problem in in_order(self.problems)],
        }


def load_decision(desk: Desk, site: str) -> Decision:
    """Of an old site, or of a path of our own. Raises Refused when there is none."""
    return own.load_decision(desk.content, site, desk.site_url, desk.today.isoformat())


def standing(desk: Desk, decision: Decision) -> Standing:
    """What is recorded and proved about the site, as the rules want to see it."""
    record = lifecycle.load(desk.content, decision.site)
    index = published.newest_index(desk.public, decision.site)
    drafts = {
        uri: path for uri, path in successor.drafts(desk.content).items() if decisions.allows(decision.hosts, uri)
    }
    notice = notices.find(desk.content, decision)
    articles = [path for path in drafts.values() if path != notice]
    released = sum(successor.is_live(desk.build, model.url_of(path)) for path in articles)
    return Standing(
        site=decision.site,
        today=desk.today,
        own=own.is_own(decision, desk.site_url),
        decision=decision,
        record=record,
        captured=_finished_capture(desk, decision),
        published=f"{decision.site}/{index.stem}" if index.exists() else None,
        built=_is_built(desk, decision.site, index),
        drafts=len(articles) - released,
        migrated=released,
        notice=notice,
        notice_live=notice is not None and successor.is_live(desk.build, model.url_of(notice)),
        redirects=(desk.store / decision.site / "redirects.nginx").exists(),
        notice_days=notices.days(desk.content),
    )


def _finished_capture(desk: Desk, decision: Decision) -> str | None:
    found = [capture for capture in store.captures(desk.store, decision.site) if capture.finished]
    return found[-1].id if found else None


def _is_built(desk: Desk, site: str, index: Path) -> bool:
    """Whether the live release carries what was published last."""
    if not index.exists():
        return False
    record = published.read_index(index)
    if record["mode"] == "in-place":
        return all((desk.build / "site" / model.file_of(page["url"])).exists() for page in record["pages"])
    return (desk.build / "site" / "archive" / site / index.stem / copies.NOT_CAPTURED).exists()


def retire(
    desk: Desk,
    site: str,
    *,
    options: Options = capturing.DEFAULTS,
    again: bool = False,
    progress: Show = lambda said: None,
) -> RetireReport:
    """Do what can be done now, in the order of the law, and say what remains. Run again, it ends the same.

    Nothing is done before the approval is recorded; nothing is published that is not verified.
    """
    decision = load_decision(desk, site)
    work = _Run(desk=desk, decision=decision, options=options, again=again, progress=progress)
    if retirement.steps(standing(desk, decision))[0].state == "refused" or decisions.missing_for_publication(decision):
        work.problems += decisions.missing_for_publication(decision)
    else:
        work.go()
    now = standing(desk, decision)
    steps = retirement.steps(now)
    problems = [*work.problems, *retirement.warnings(now), *retirement.refusals(steps, site)]
    return RetireReport(site=site, steps=steps, done_now=work.done, problems=in_order(problems))


@dataclass(slots=True, kw_only=True)
class _Run:
    desk: Desk
    decision: Decision
    options: Options
    again: bool
    progress: Show
    done: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def own(self) -> bool:
        return own.is_own(self.decision, self.desk.site_url)

    def go(self) -> None:
        approval = self.decision.approval
        if approval is not None:
            self.record("approval", approval.date, {"document": approval.document})
        capture = self.captured()
        if capture is None or not self.verified(capture) or not self.announced():
            return
        self.published(capture)
        if not self.own:
            self.migrated(capture)
            self.related(capture)
            self.noticed(capture)
        if not self.built():
            return
        if not self.own:
            if self.related(capture):
                # Where articles have come online meanwhile, old addresses now lead to them.
                self.built()
            self.notice_published()
        self.finished()
        if not self.own and self.told(capture):
            self.built()

    # --- the steps, each idempotent

    def captured(self) -> Capture | None:
        """A finished capture that was taken after the decision; an unfinished one is resumed."""
        known = store.captures(self.desk.store, self.decision.site)
        finished = [capture for capture in known if capture.finished]
        unfinished = [capture for capture in known if not capture.finished]
        if finished and not unfinished and not self.again and self._after_decision(finished[-1]):
            return finished[-1]
        self.progress(_("capturing the site"))
        if self.own:
            report = own.capture(
                self.decision,
                build=self.desk.build,
                place=self.desk.store,
                now=datetime.now(UTC),
                progress=self.progress,
            )
        else:
            report = capturing.capture(
                self.decision,
                store=self.desk.store,
                now=datetime.now(UTC),
                options=self.options,
                progress=self.progress,
            )
        self.problems += report.problems
        self.done.append(f"captured {report.capture.id}")
        return report.capture

    def _after_decision(self, capture: Capture) -> bool:
        approval = self.decision.approval
        return approval is None or _day(capture) >= approval.date or self.desk.today < approval.date

    def verified(self, capture: Capture) -> bool:
        """Recorded as captured only when every record and digest is true."""
        record = lifecycle.load(self.desk.content, self.decision.site)
        known = record.last("captured") if record else None
        if known is not None and known.facts.get("capture") == capture.id:
            return True
        self.progress(_("proving the capture"))
        report = verify.verify(capture, self.decision.terms.excuse)
        self.problems += report.problems
        damaged = [
            p for p in report.problems if p.severity == "error" and p.code not in {"verify-url-failed", "verify-orphan"}
        ]
        if damaged:
            return False
        facts = {"capture": capture.id, "coverage": f"{report.coverage:g}", "manifest": store.manifest_digest(capture)}
        self.record("captured", _day(capture), facts)
        return True

    def announced(self) -> bool:
        """Whether the day has come until which pages of our own said that they stay; an old site's notice does not wait."""
        steps = retirement.steps(standing(self.desk, self.decision)) if self.own else []
        return all(step.state == "done" for step in steps if step.name == "notice-period")

    def published(self, capture: Capture) -> None:
        """Copies that still say what the decision says stay as they are (第十五条: not altered once archived)."""
        index = self.desk.public / capture.site / f"{capture.timestamp}.json"
        known = lifecycle.load(self.desk.content, self.decision.site)
        last = known.last("published") if known else None
        if last and last.facts.get("capture") == capture.id and published.is_current(index, self.decision):
            return
        self.progress(_("publishing the copies"))
        if self.own:
            report = own.publish_in_place(
                capture,
                self.decision,
                build=self.desk.build,
                public=self.desk.public,
                content=self.desk.content,
                now=self.desk.now,
            )
        else:
            if not capture.wacz.exists():
                wacz.package(capture, capture.wacz)  # the evidence that the stamps link
            report = publish.publish(
                capture,
                self.decision,
                public=self.desk.public,
                content=self.desk.content,
                now=self.desk.now,
                progress=self.progress,
            )
        self.problems += report.problems
        self.record("published", report.archived_on, {"capture": capture.id})

    def migrated(self, capture: Capture) -> None:
        self.progress(_("writing drafts"))
        drafted = self.desk.store / self.decision.site / "drafted.json"
        before = frozenset(json.loads(drafted.read_bytes())) if drafted.exists() else frozenset()
        report = extract.extract(
            capture, self.decision, content=self.desk.content, leave=before, progress=self.progress
        )
        # What editors delete stays deleted: only `archive extract` itself brings a draft back.
        known = sorted({*before, *(draft.target_uri for draft in report.written)})
        files.write_atomic(drafted, (json.dumps(known, indent=1) + "\n").encode())
        self.problems += report.problems
        if report.written:
            self.done.append(f"{len(report.written)} drafts")

    def related(self, capture: Capture) -> bool:
        """Redirect files, and in the index where each page's information is now; whether the index changed."""
        relation = relate.relate(capture, public=self.desk.public, content=self.desk.content, build=self.desk.build)
        old = write_redirects(self.desk, self.decision, capture, relation)
        self.problems += [problem for problem in old.problems if problem not in self.problems]
        migrated = {one.target_uri: one.to for one in relation.outcomes if isinstance(one, relate.Moved)}
        index = self.desk.public / capture.site / f"{capture.timestamp}.json"
        likes, problems = related.relations(capture, self.decision, content=self.desk.content, build=self.desk.build)
        self.problems += problems
        changed = published.update_successors(index, migrated)
        return published.update_related(index, related.shown(likes)) or changed

    def told(self, capture: Capture) -> bool:
        """The catalogue shows the steps that were taken, and what the proof found; whether its index changed."""
        index = self.desk.public / capture.site / f"{capture.timestamp}.json"
        changed = published.update_events(index, lifecycle.load(self.desk.content, self.decision.site))
        self.progress(_("proving the archive"))
        where = Where(
            capture=capture,
            content=self.desk.content,
            public=self.desk.public,
            build=self.desk.build,
            site_url=self.desk.site_url,
        )
        found = natures.summary(proof.prove(where), on=self.desk.today)
        return published.update_proof(index, found) or changed

    def noticed(self, capture: Capture) -> None:
        paths = write_notices(self.desk, self.decision, self.desk.public / capture.site / f"{capture.timestamp}.json")
        self.done += [f"draft content/{path}" for path in paths]

    def built(self) -> bool:
        self.progress(_("running `sitegen build`"))
        self.problems += build(self.desk)
        return not has_errors(problem for problem in self.problems if problem.code == "retire-build-failed")

    def notice_published(self) -> None:
        """`portal-notice` is recorded when readers can open the signed notice, from the day it was signed."""
        now = standing(self.desk, self.decision)
        if not now.notice_live or now.notice is None or (now.record and now.record.last("portal-notice")):
            return
        on = _signed_on(self.desk.content, now.notice) or self.desk.today
        until = on + timedelta(days=now.notice_days)
        self.record("portal-notice", on, {"until": until.isoformat(), "url": model.url_of(now.notice)})

    def finished(self) -> None:
        """`retired` is recorded when nothing is left."""
        steps = retirement.steps(standing(self.desk, self.decision))
        if all(step.state == "done" for step in steps[:-1]) and steps[-1].state != "done":
            self.record("retired", self.desk.today, {})

    def record(self, name: str, on: date, facts: dict[str, str]) -> None:
        """Append the event unless the site's record has it already."""
        known = lifecycle.load(self.desk.content, self.decision.site)
        last = known.last(name) if known else None
        if last is not None and (not facts or all(last.facts.get(key) == value for key, value in facts.items())):
            return
        if lifecycle.append_event(
            self.desk.content,
            self.decision.site,
            Event(event=name, on=on, facts=facts),
            name=self.decision.name or "",
            url=notices.start_of(self.decision),
            unit=self.decision.unit or "",
        ):
            self.done.append(name)


def _day(capture: Capture) -> date:
    taken = datetime.strptime(capture.timestamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return taken.astimezone(clock.SHANGHAI).date()


def _signed_on(content: Path, path: str) -> date | None:
    """The day of the last signature on an article of a column `<column>/<yyyymm>/<id>.md`."""
    folder, _, name = path.rpartition("/")
    column, stem = folder.rpartition("/")[0], name.removesuffix(".md")
    entries, _ = ledger.read(content, column)
    signed = [
        entry.at for entry in entries if entry.article == stem and entry.stage == "sign" and entry.verdict == "pass"
    ]
    return max(signed).astimezone(clock.SHANGHAI).date() if signed else None


def write_redirects(desk: Desk, decision: Decision, capture: Capture, relation: relate.Relation) -> old_urls.Ledger:
    """`redirects.nginx`, `.caddy`, `.csv` and `.html` below the store, beside the captures."""
    old = old_urls.ledger(capture, decision, relation, content=desk.content, build=desk.build, site_url=desk.site_url)
    for form in redirects.FORMATS:
        files.write_atomic(desk.store / decision.site / f"redirects.{form}", redirects.render(old, form).encode())
    return old


def write_notices(desk: Desk, decision: Decision, index: Path, *, dry_run: bool = False) -> list[str]:
    """The banner for the old home page, and the portal notice where there is none; returns drafts written."""
    places = successor.Places.read(desk.content, decision)
    if not dry_run:
        snippet = notices.banner_html(decision, site_url=desk.site_url, places=places)
        files.write_atomic(desk.store / decision.site / "banner.html", snippet.encode())
    titles = (
        {column["path"]: column["title"] for column in published.read_index(index)["columns"]} if index.exists() else {}
    )
    notice = notices.portal_notice(
        decision, content=desk.content, now=desk.now, columns=titles, site_url=desk.site_url, dry_run=dry_run
    )
    return [notice.path] if notice.written else []


def build(desk: Desk) -> list[Problem]:
    """`sitegen build --json`, as a program of its own. Problems of other pages stay with `sitegen check`: a broken
    article elsewhere does not stop a retirement, a build that made nothing does."""
    command = [sys.executable, "-m", "sitegen", "build", "--json", "--date", desk.now.isoformat()]
    package = str(Path(__file__).resolve().parents[2])
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    ended = subprocess.run(command, cwd=desk.root, env=environment, capture_output=True, text=True, check=False)
    try:
        said = json.loads(ended.stdout)
    except ValueError:
        said = {}
    if "release" not in said:
        words = (ended.stderr or ended.stdout).strip().splitlines()
        return [
            Problem(
                path=desk.root.as_posix(),
                code="retire-build-failed",
                message=_("`sitegen build` ended with {code}: {words}").format(
                    code=ended.returncode, words=words[-1] if words else "…"
                ),
                remedy=_("run `sitegen build` and follow what it says, then `archive retire` again"),
            )
        ]
    return [
        Problem(
            path=str(found["path"]),
            line=found["line"],
            code=str(found["code"]),
            severity=found["severity"],
            key=found["key"],
            message=str(found["message"]),
            remedy=str(found["remedy"]),
        )
        for found in said.get("problems", ())
        if str(found["code"]).startswith("archive-")
    ]
