"""The two notices of a permanent offline (第十二条): the 迁移公告 on the old home page, the notice on the portal."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from archive import successor
from archive.decision import Approval, Decision
from archive.successor import Places
from sitegen import files, frontmatter, records
from sitegen.errors import Refused
from sitegen.rules import registry
from sitegen.sites.notice import COLUMN, FIRST_NUMBER, Notice, chinese, column_missing


def start_of(decision: Decision) -> str:
    return decision.start[0] if decision.start else f"http://{decision.hosts[0]}/"


def banner_html(decision: Decision, *, site_url: str, places: Places) -> str:
    """The 迁移公告 to paste as first child of the old home page's body.

    It is plain ASCII (Chinese as character references), so that it reads the same in a GBK page.
    """
    approval = decision.approval
    base = site_url.rstrip("/")
    new = f"{base}{places.home.url}"
    archive = f"{base}/archive/{decision.site}/"
    said = f"经{approval.document}批准，" if approval else ""
    html = (
        '<div role="region" aria-label="网站迁移公告" style="position:relative;z-index:2147483647;clear:both;'
        "margin:0;padding:16px 24px;background:#faf0ee;border-top:8px solid #a3231a;border-bottom:3px solid #a3231a;"
        "color:#1a1e23;font:16px/1.7 'Microsoft YaHei',sans-serif;text-align:left\">"
        '<p style="margin:0;font-size:22px;font-weight:bold;color:#a3231a">迁移公告</p>'
        f'<p style="margin:4px 0 0">{escape(said)}{escape(decision.name or decision.site)}因{escape(decision.reason or "整合迁移")}永久下线，'
        f'内容已迁移至 <a href="{escape(new)}" style="color:#14406f">{escape(places.home.title)}（{escape(new)}）</a>。'
        f'历史页面可在 <a href="{escape(archive)}" style="color:#14406f">网站归档（{escape(archive)}）</a> 查阅。</p></div>\n'
    )
    return html.encode("ascii", "xmlcharrefreplace").decode()


def find(content: Path, decision: Decision) -> str | None:
    """The portal notice that is there already, as path under content/: in 通知公告, `retires` the site."""
    for path in sorted((content / COLUMN).rglob("*.md")):
        if path.name != "index.md" and successor.front_value(path, "retires") == decision.site:
            return path.relative_to(content).as_posix()
    return None


def days(content: Path) -> int:
    """How long a notice stands at least (第十二条（三）), as this project has it."""
    return int(registry.number("notice_days", content))


def portal_notice(
    decision: Decision,
    *,
    content: Path,
    now: datetime,
    columns: Mapping[str, str],
    site_url: str,
    dry_run: bool = False,
) -> Notice:
    """Write the notice as a draft below content/tzgg/, once; it passes the three reviews like every text.

    `columns`: old path prefix → title of the old column. Raises Refused when the portal has no column 通知公告.
    """
    until = now.date() + timedelta(days=days(content))
    if found := find(content, decision):
        return Notice(path=found, until=until, written=False)
    if not (content / COLUMN / "index.md").exists():
        raise Refused([column_missing(content)])
    path = f"{COLUMN}/{now:%Y%m}/t{now:%Y%m%d}_{_number(content, decision, now)}.md"
    places = Places.read(content, decision)
    text = _text(decision, content, places, now, until, columns, site_url, path)
    if not dry_run:
        files.write_atomic(content / path, text.encode())
    return Notice(path=path, until=until, written=True)


def _number(content: Path, decision: Decision, now: datetime) -> int:
    """9xxxxxx, of the site and the day; the next one where another article has it."""
    taken = {path.stem for path in content.rglob(f"t{now:%Y%m%d}_*.md")}
    number = int(hashlib.sha256(f"notice {decision.site}".encode()).hexdigest()[:12], 16) % 1_000_000
    while f"t{now:%Y%m%d}_{FIRST_NUMBER + number}" in taken:
        number = (number + 1) % 1_000_000
    return FIRST_NUMBER + number


def _text(
    decision: Decision,
    content: Path,
    places: Places,
    now: datetime,
    until: date,
    columns: Mapping[str, str],
    site_url: str,
    path: str,
) -> str:
    name = decision.name or decision.site
    up = "../" * path.count("/")
    reason = decision.reason or "整合迁移"
    values = {
        "title": f"关于{name}永久下线和内容迁移的公告",
        "date": f"{now:%Y-%m-%d %H:%M}",
        "source": _issuer(content, places),
        "keywords": f"网站迁移, 永久下线, 已归档网站, {name}",
        "description": f"{name}因{reason}永久下线，公布原有栏目现在的位置、历史页面查阅方式和联系方式。",
        "retires": decision.site,
    }
    front = "".join(f"{key}: {frontmatter.quoted(value)}\n" for key, value in values.items())
    approval = f"经{_approval(decision.approval)}批准，" if decision.approval else ""
    successor_link = f"[{places.home.title}]({_link(up, places.home.url)})"
    rows = "".join(
        f"| {columns.get(prefix) or prefix} | [{place.title}]({_link(up, place.url)}) |\n"
        for prefix, place in places.columns.items()
    )
    moved = f"原有栏目现在的位置如下：\n\n| 原栏目 | 现在的位置 |\n| --- | --- |\n{rows}\n" if rows else ""
    return (
        f"---\n{front}---\n\n"
        f"根据《政府网站发展指引》（国办发〔2017〕47号）和政府网站建设管理办法第十二条，"
        f"{approval}{name}（{start_of(decision)}）因{reason}永久下线，网站内容整合迁移至{successor_link}。现将有关事项公告如下。\n\n"
        f"{moved}"
        f"原网站的历史页面已经归档，注明“{decision.label}”和归档时间，可在[已归档网站：{name}](/archive/{decision.site}/)查阅。"
        "历史页面内容不再更新，仅供查考。\n\n"
        f"原网站的党政机关网站标识、ICP备案编号、公安机关备案标识和域名 {urlsplit(start_of(decision)).hostname} 依规定注销。"
        f"本公告自发布之日起保留不少于30天（至{chinese(until)}）。\n\n"
        f"{_contact(content, decision)}\n\n"
        f"{_issuer(content, places)}\n\n{chinese(now.date())}\n"
    )


def _link(up: str, url: str) -> str:
    """From the notice to a section of ours: the source's own path, which the generator checks."""
    return f"{up}{url.strip('/')}/index.md" if url.startswith("/") and url.endswith("/") else url


def _approval(approval: Approval) -> str:
    return f"《{approval.document}》（{chinese(approval.date)}）"


def _issuer(content: Path, places: Places) -> str:
    unit = successor.front_value(content / "index.md", "unit")
    known, _ = records.load(content)
    return known.unit_name(unit) if unit in known.units else f"{places.owner}办公室"


def _contact(content: Path, decision: Decision) -> str:
    """Of the section that took over, else of the portal."""
    site = decision.successor.site if decision.successor else ""
    for folder in (site, ""):
        index = content / folder / "index.md"
        if phone := successor.front_value(index, "phone"):
            mail = successor.front_value(index, "email")
            who = successor.front_value(index, "short_name") or successor.front_value(index, "title")
            return f"咨询电话：{phone}（{who}）" + (f"，电子邮箱：{mail}" if mail else "") + "。"
    return "咨询电话：12345。"
