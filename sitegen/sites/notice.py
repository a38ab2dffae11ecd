"""Notices of a site's life on the portal besides that of its retirement: opening, change of domain, temporary offline,
resumption (第十条, 第十三条, 第十四条), as drafts for the three reviews."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Literal

from sitegen import files, frontmatter, lifecycle, records
from sitegen.errors import Problem, Refused
from sitegen.lifecycle import SiteRecord
from sitegen.rules import registry
from sitegen.text import _

Kind = Literal["opening", "domain-change", "temporary-offline", "resumption"]
KINDS: tuple[Kind, ...] = ("opening", "domain-change", "temporary-offline", "resumption")
COLUMN = "tzgg"
FIRST_NUMBER = 9_000_000
"""Ids that programs give begin here."""
GUIDE = "《政府网站发展指引》（国办发〔2017〕47号）"
_TITLES: dict[Kind, str] = {
    "opening": "关于{name}正式开通的公告",
    "domain-change": "关于{name}变更域名的公告",
    "temporary-offline": "关于{name}临时下线的公告",
    "resumption": "关于{name}恢复运行的公告",
}
_ASKED: dict[Kind, tuple[str, ...]] = {
    "opening": ("document", "start"),
    "domain-change": ("to", "start"),
    "temporary-offline": ("document", "start", "until"),
    "resumption": ("start",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """`path` is relative to content/; `until` the first day on which the notice may be taken down."""

    path: str
    until: date
    written: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What people know and the records do not. `start` and `until` are the first and the last day; `to` is the new
    address; `force_majeure`: 断电、断网 or an ordered shutdown, which is not counted (第十三条)."""

    document: str = ""
    start: date | None = None
    until: date | None = None
    to: str = ""
    reason: str = ""
    force_majeure: bool = False


def draft(
    kind: Kind,
    site: str,
    facts: Facts,
    *,
    content: Path,
    now: datetime,
    column: str = COLUMN,
    record: SiteRecord | None = None,
    dry_run: bool = False,
) -> tuple[Notice, str]:
    """The draft below `column` (one that is there is left as editors have it), and the HTML for the site's own home page,
    empty where the law asks for none.

    Raises Refused for a site without a record, for facts that are missing, and for an offline that the law forbids.
    """
    record = record or lifecycle.load(content, site)
    problems = _missing(kind, site, facts) if record is not None else [unknown(content, site)]
    if record is not None and kind == "temporary-offline" and not problems and not facts.force_majeure:
        problems = _forbidden(record, facts, content)
    if not (content / column / "index.md").exists():
        problems.append(column_missing(content, column))
    if problems or record is None:
        raise Refused(problems)
    title = _TITLES[kind].format(name=record.name)
    body = _body(kind, record, facts, now.date())
    unit = records.load(content)[0].unit_name(record.unit) or _front(content / "index.md", "title")
    front = {
        "title": title,
        "date": f"{now:%Y-%m-%d %H:%M}",
        "source": unit,
        "keywords": f"政府网站, {record.name}",
        "description": body.split("。", 1)[0] + "。",
    }
    path = f"{column}/{now:%Y%m}/t{now:%Y%m%d}_{_number(content, kind, f'{site} {column}' if column != COLUMN else site, now)}.md"
    text = "".join(f"{key}: {frontmatter.quoted(value)}\n" for key, value in front.items())
    text = f"---\n{text}---\n\n{body}\n\n{unit}\n\n{chinese(now.date())}\n"
    written = not (content / path).exists()
    if written and not dry_run:
        files.write_atomic(content / path, text.encode())
    shown = facts.until or now.date() + timedelta(days=int(registry.number("notice_days", content)))
    pasted = fragment(title, body) if kind in {"domain-change", "temporary-offline"} else ""
    return Notice(path=path, until=shown, written=written), pasted


def _body(kind: Kind, record: SiteRecord, facts: Facts, today: date) -> str:
    name, url = f"{record.name}（{record.url}）", record.url
    start, until = chinese(facts.start or today), chinese(facts.until or today)
    reason = f"因{facts.reason}，" if facts.reason else ""
    if kind == "opening":
        return f"根据{GUIDE}和政府网站建设管理办法第十条，经{facts.document}批准，{name}自{start}起正式开通，欢迎访问。"
    if kind == "domain-change":
        return (
            f"根据{GUIDE}和政府网站建设管理办法第十四条，{reason}{record.name}的网址自{start}起由 {url} 变更为 {facts.to}。"
            "原网址的各页面将跳转到新网址的对应页面，请更新收藏和链接。"
        )
    if kind == "temporary-offline":
        approved = f"经{facts.document}批准，" if facts.document else ""
        cause = "因不可抗力，" if facts.force_majeure and not facts.reason else reason
        return (
            f"根据{GUIDE}和政府网站建设管理办法第十三条，{cause}{approved}{name}自{start}至{until}临时下线，"
            "期间无法访问。恢复运行时将另行公告，由此带来的不便敬请谅解。"
        )
    return f"根据{GUIDE}和政府网站建设管理办法第十三条，{name}已于{start}恢复运行，欢迎访问。"


def _missing(kind: Kind, site: str, facts: Facts) -> list[Problem]:
    asked = [key for key in _ASKED[kind] if not (key == "document" and facts.force_majeure)]
    return [
        Problem(
            path=f"content/_records/sites/{site}.yml",
            code="notice-fact-missing",
            key=key,
            message=_("this notice must say `{key}`").format(key=key),
            remedy=_("run the command again with --{key}").format(key="from" if key == "start" else key),
        )
        for key in asked
        if not getattr(facts, key)
    ]


def _forbidden(record: SiteRecord, facts: Facts, content: Path) -> list[Problem]:
    """第十三条: at most once a year, at most 30 days each; the numbers are those of the rules (`sitegen rules show YZ-14`)."""
    longest, most = (int(registry.number(name, content)) for name in ("suspension_days", "suspensions_a_year"))
    path = f"content/_records/sites/{record.site}.yml"
    problems = []
    days = (facts.until - facts.start).days + 1 if facts.start and facts.until else 0
    if not 0 < days <= longest:
        problems.append(
            Problem(
                path=path,
                code="notice-offline-too-long",
                key="until",
                message=_("{days} days: a temporary offline takes 1 to {most} days (第十三条)").format(
                    days=days, most=longest
                ),
                remedy=_("choose days within {most}, or retire the site (第十二条)").format(most=longest),
            )
        )
    year = facts.start.year if facts.start else 0
    before = [
        event
        for event in record.events
        if event.event == "suspended"
        and event.on.year == year
        and event.on != facts.start
        and not (event.facts.get("cause") == "force-majeure" and event.facts.get("report"))
    ]
    if len(before) >= most:
        problems.append(
            Problem(
                path=path,
                code="notice-offline-again",
                key="events",
                message=_("the site was offline on {date} already: once a year (第十三条)").format(date=before[0].on),
                remedy=_("wait for the next year; force majeure is not counted (--force-majeure)"),
            )
        )
    return problems


def unknown(content: Path, site: str) -> Problem:
    return Problem(
        path=f"{content.as_posix()}/_records/sites/{site}.yml",
        code="notice-site-unknown",
        message=_("nothing is recorded about the site {site}").format(site=site),
        remedy=_("write the file with site, name, url, unit and `events: []` (docs/FORMATS.md §1.4)"),
    )


def _number(content: Path, kind: Kind, site: str, now: datetime) -> int:
    """The same for the same notice of the same day; the next one where another article has it."""
    number = int(hashlib.sha256(f"{kind} {site}".encode()).hexdigest()[:12], 16) % 1_000_000
    while any(
        not _front(path, "title").endswith(_TITLES[kind].partition("}")[2])
        for path in content.rglob(f"t{now:%Y%m%d}_{FIRST_NUMBER + number}.md")
    ):
        number = (number + 1) % 1_000_000
    return FIRST_NUMBER + number


def fragment(title: str, body: str) -> str:
    """A notice to paste as first child of a site's own home page, in plain ASCII like the banner."""
    html = (
        f'<div role="region" aria-label="{escape(title)}" style="position:relative;z-index:2147483647;clear:both;'
        "margin:0;padding:16px 24px;background:#faf0ee;border-top:8px solid #a3231a;border-bottom:3px solid #a3231a;"
        "color:#1a1e23;font:16px/1.7 'Microsoft YaHei',sans-serif;text-align:left\">"
        f'<p style="margin:0;font-size:22px;font-weight:bold;color:#a3231a">{escape(title)}</p>'
        f'<p style="margin:4px 0 0">{escape(body)}</p></div>\n'
    )
    return html.encode("ascii", "xmlcharrefreplace").decode()


def column_missing(content: Path, column: str = COLUMN) -> Problem:
    return Problem(
        path=f"{content.as_posix()}/{column}/index.md",
        code="notice-column-missing",
        message=_("there is no column 通知公告 in which the notice could stand"),
        remedy=_("write content/{column}/index.md with kind: column").format(column=column),
    )


def chinese(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _front(path: Path, key: str) -> str:
    """One value of a source's front matter, empty when it has none."""
    text = frontmatter.normalise(path.read_bytes()) if path.exists() else ""
    matter, _problems = frontmatter.parse(text, path.name, frontmatter.ARTICLE_KEYS | frontmatter.SECTION_KEYS)
    return frontmatter.as_text(matter.values.get(key)) if matter else ""
