"""The part of the proof that reads what the public meets: old addresses that lead on, and the notice that says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from archive import canon, successor
from archive.proving.evidence import Findings, Published
from archive.redirection import old_urls, redirects, relate
from archive.redirection.old_urls import Address, Ledger
from archive.retiring import notices
from archive.text import _
from sitegen import model
from sitegen.errors import Problem, Refused
from sitegen.lifecycle import SiteRecord
from sitegen.sites.notice import COLUMN


def check(known: Published, record: SiteRecord | None, findings: Findings) -> None:
    """`mapped` is due once `archive retire` has published, `announced` once the portal's notice is on record."""
    if known.in_place:
        for name in ("links", "mapped", "announced"):
            findings.not_due[name] = _("pages of our own answer at their old address")
        return
    if record is None or record.last("published") is None:
        findings.not_due["mapped"] = _("the retirement has not come to the redirects yet")
    else:
        _check_mapped(known, findings)
    if record is None or record.last("portal-notice") is None:
        findings.not_due["announced"] = _("the notice on the portal is not on record yet")
    else:
        _check_announced(known, findings)


# --- old addresses


def _check_mapped(known: Published, findings: Findings) -> None:
    """The table has a row for every URL; what it says exists; the servers' files say the same."""
    where, urls = known.where, [row.url for row in known.rows]
    file = where.beside / "redirects.csv"
    try:
        rows = old_urls.read_csv(file)
        relation = relate.relate(where.capture, public=where.public, content=where.content, build=where.build)
        fresh = old_urls.ledger(
            where.capture, known.decision, relation, content=where.content, build=where.build, site_url=where.site_url
        )
    except Refused as refused:
        findings.problems += refused.problems
        findings.fail("mapped", urls)
        return
    findings.problems += fresh.problems
    by_url = {one.old_url: one for one in rows}
    for url in urls:
        findings.looked_at["addresses"] += 1
        if url not in by_url:
            findings.add(file, "proof-unmapped", _("{url} has no row").format(url=url), _again(known), url)
            findings.fail("mapped", [url])
        elif reason := _untrue(known, by_url[url]):
            findings.add(file, "proof-target-missing", reason, _again(known), url)
            findings.fail("mapped", [url])
    _check_servers(known, replace(fresh, addresses=tuple(rows)), findings)
    _check_fresh(known, file, fresh.addresses, by_url, findings)


def _untrue(known: Published, one: Address) -> str:
    """Why a row cannot be followed; empty when it can."""
    if not one.target:
        return ""
    parts, portal = urlsplit(one.target), urlsplit(known.where.site_url)
    home = urlsplit(known.decision.successor.url if known.decision.successor else "").netloc
    if parts.scheme not in {"http", "https"} or parts.netloc not in {portal.netloc, home} - {""}:
        return _("{url} leads to a host that is not allowed: {target}").format(url=one.old_url, target=one.target)
    path = unquote(parts.path)
    prefix = f"/archive/{known.where.capture.site}/{known.where.capture.timestamp}/"
    there = successor.is_live(known.where.build, path) or (not known.built and path.removeprefix(prefix) in known.files)
    if parts.netloc == portal.netloc and not there:
        return _("{url} leads to {target}, which does not answer").format(url=one.old_url, target=one.target)
    return ""


def _check_servers(known: Published, table: Ledger, findings: Findings) -> None:
    """Each file is what the table gives: a row taken out of one of them alone is found."""
    for form in redirects.FORMATS:
        file = known.where.beside / f"redirects.{form}"
        try:
            same = file.read_bytes() == redirects.render(table, form).encode()
        except OSError:
            same = False
        if not same and form != "csv":
            message = _("the file does not say what the table of old addresses says")
            findings.add(file, "proof-redirects-differ", message, _again(known))
            findings.fail("mapped", [row.url for row in known.rows])


def _check_fresh(
    known: Published, file: Path, fresh: Iterable[Address], written: dict[str, Address], findings: Findings
) -> None:
    """Articles released since then have a better answer; that is no failure, the table says something true."""
    better = [one.old_url for one in fresh if one.old_url in written and one.target != written[one.old_url].target]
    if better:
        findings.problems.append(
            Problem(
                path=file.as_posix(),
                code="proof-redirects-old",
                severity="warning",
                key=better[0],
                message=_("{count} old addresses have a better answer by now").format(count=len(better)),
                remedy=_again(known),
            )
        )


def _again(known: Published) -> str:
    return _("run `archive retire {site}` again").format(site=known.where.capture.site)


# --- the notices


def _check_announced(known: Published, findings: Findings) -> None:
    """第十二条: the portal's notice names the site, its archive and where each column went; the old home has its own."""
    where, site, urls = known.where, known.where.capture.site, [row.url for row in known.rows]
    remedy = _("run `archive notice {site}`, have it reviewed, and run `sitegen build`").format(site=site)
    banner = where.beside / "banner.html"
    findings.looked_at["notices"] += 2
    if not banner.is_file() or f"/archive/{site}/" not in banner.read_text(encoding="utf-8", errors="replace"):
        findings.add(banner, "proof-banner-missing", _("the 迁移公告 for the old home page is missing"), remedy)
    path = notices.find(where.content, known.decision)
    live = where.build / "site" / model.file_of(model.url_of(path)) if path else None
    if path is None or live is None or not live.is_file():
        place = where.content / (path or COLUMN)
        message = _("readers cannot open the notice on the portal, which is on record")
        findings.add(place, "proof-notice-missing", message, remedy)
        findings.fail("announced", urls)
        return
    text = (where.content / path).read_text(encoding="utf-8", errors="replace")
    name = known.decision.name or site
    if name not in text or f"/archive/{site}/" not in text:
        message = _("the notice does not name the site and its archive")
        findings.add(where.content / path, "proof-notice-incomplete", message, remedy)
        findings.fail("announced", urls)
    columns = known.decision.successor.columns if known.decision.successor else {}
    for prefix, column in columns.items():
        findings.looked_at["columns"] += 1
        if f"{column.strip('/')}/" not in text:
            message = _("the notice does not say where the column {prefix} went").format(prefix=prefix)
            findings.add(where.content / path, "proof-notice-incomplete", message, remedy, prefix)
            findings.fail("announced", (url for url in urls if _below(url, prefix)))


def _below(url: str, prefix: str) -> bool:
    path = unquote(urlsplit(canon.strip_session(url)).path).strip("/")
    return path == prefix.strip("/") or path.startswith(prefix.strip("/") + "/")
