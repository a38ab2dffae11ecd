"""`report.html`: what was captured, what was not and why, for whoever must answer for the archive.

One file without scripts, in the reader's language. URLs, titles and causes are a stranger's text: everything goes
through `Markup.format`, which escapes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from importlib import resources
from typing import Any

from markupsafe import Markup

from archive import store
from archive.crawling import tally
from archive.crawling.frontier import Frontier, PostForm, Row
from archive.crawling.tally import SHOWN, Tally
from archive.progress import duration, size
from archive.store import Capture
from archive.text import _
from sitegen.clock import SHANGHAI
from sitegen.files import write_atomic
from sitegen.text import language_now

_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_WIDTH, _HEIGHT = 1000, 160


def write(capture: Capture) -> None:
    """Raises Refused when the capture is not finished, sqlite3.Error when its frontier cannot be read."""
    manifest = store.read_manifest(capture)
    with Frontier(capture.frontier, read_only=True) as frontier:
        counted, forms = tally.of(frontier.rows()), frontier.forms()
    write_counted(capture, manifest, counted, forms)


def write_counted(capture: Capture, manifest: Mapping[str, Any], counted: Tally, forms: Sequence[PostForm]) -> None:
    """The same of a frontier that was counted already."""
    write_atomic(capture.report, page(capture, manifest, counted, forms).encode("utf-8", "replace"))


def page(capture: Capture, manifest: Mapping[str, Any], counted: Tally, forms: Sequence[PostForm] = ()) -> str:
    sections = (
        _time(counted),
        _outcomes(counted),
        _failures(counted),
        _left_out(counted),
        _outside(manifest),
        _forms(forms),
        _kinds(counted),
        _extremes(counted),
        _integrity(capture, manifest),
    )
    return Markup(
        '<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="referrer" content="no-referrer"><title>{title}</title><style>{css}</style></head><body>\n'
        "{header}\n<main>\n{sections}\n</main>\n<footer><p>{footer}</p></footer></body></html>\n"
    ).format(
        lang="zh-CN" if language_now() == "zh_CN" else "en",
        title=_("Capture of {site}, {date}").format(site=capture.site, date=_day(manifest["started"])),
        css=Markup((resources.files("archive") / "templates" / "report.css").read_text(encoding="utf-8")),  # noqa: S704 (ours)
        header=_header(capture, manifest, counted),
        sections=Markup("\n").join(section for section in sections if section),
        footer=_(
            "Written from crawl.sqlite and capture.json of {capture}; they hold every URL and every digest."
        ).format(capture=capture.id),
    )


def _header(capture: Capture, manifest: Mapping[str, Any], counted: Tally) -> Markup:
    outcomes = counted.outcomes
    open_ones = outcomes["failed"] + outcomes.get("queued", 0)
    verdict = _("All {total} URLs that were found have an outcome, and none failed.")
    if open_ones:
        verdict = _("All {total} URLs that were found have an outcome; {failed} gave no whole answer, listed below.")
    began, ended = (datetime.fromisoformat(manifest[key]) for key in ("started", "finished"))
    answers = [datetime.fromisoformat(row.captured_at) for row in counted.answered if row.captured_at]
    seconds = (max(answers) - min(answers)).total_seconds() if answers else 0.0
    cards = (
        (f"{counted.total:,}", _("URLs found")),
        (f"{outcomes['captured']:,}", _("captured")),
        (f"{outcomes['failed']:,}", _("failed")),
        (size(counted.bytes), _("received")),
        (duration(seconds), _("from first to last answer")),
    )
    return Markup(
        '<header><p class="over">{over}</p><h1>{site}</h1><p class="over">{when}</p>'
        '<p class="verdict{bad}">{verdict}</p><ul class="cards">{cards}</ul></header>'
    ).format(
        over=_("Report of a website capture"),
        site=_("Capture of {site}").format(site=capture.site),
        when=_("{start} – {end}, Beijing time · {capture}").format(
            start=_clock(began), end=_clock(ended), capture=capture.id
        ),
        bad=" bad" if open_ones else "",
        verdict=verdict.format(total=f"{counted.total:,}", failed=f"{open_ones:,}"),
        cards=_all("<li><b>{}</b><span>{}</span></li>", cards),
    )


def _time(counted: Tally) -> Markup:
    """Bars: how many URLs were answered in each stretch of the crawl."""
    stretches = tally.over_time(counted.answered)
    if not stretches:
        return Markup("")
    most = max(one.urls for one in stretches)
    width = _WIDTH / len(stretches)
    step = stretches[1].at - stretches[0].at if len(stretches) > 1 else None
    seconds = round(step.total_seconds()) if step else 1
    bars = _all(
        '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>',
        (
            (
                number * width,
                _HEIGHT - _HEIGHT * one.urls / most,
                max(width - 2, 1),
                _HEIGHT * one.urls / most,
                _("{time}: {urls} URLs, {bytes}").format(time=_second(one.at), urls=one.urls, bytes=size(one.bytes)),
            )
            for number, one in enumerate(stretches)
        ),
    )
    words = _("URLs answered in each {span}, at most {most}.").format(span=duration(seconds), most=f"{most:,}")
    figure = Markup(
        '<figure><svg viewBox="0 0 {w} {h}" role="img" aria-label="{words}" preserveAspectRatio="none" '
        'style="height:160px"><g fill="var(--captured)">{bars}</g><path d="M0 {h}H{w}" stroke="#868e99" '
        'stroke-width="1"/></svg><figcaption><span>{first}</span><span>{last}</span></figcaption></figure>'
    ).format(
        w=_WIDTH, h=_HEIGHT, words=words, bars=bars, first=_second(stretches[0].at), last=_second(stretches[-1].at)
    )
    return _section(_("The crawl over time"), words, figure)


def _outcomes(counted: Tally) -> Markup:
    """The sum is the inventory's."""
    outcomes = counted.outcomes
    meaning = {
        "captured": (_("Captured"), _("stored, the server answered with the document")),
        "redirected": (_("Redirected"), _("stored, the server named another address")),
        "excluded": (_("Left out"), _("by a rule, named below")),
        "failed": (_("Failed"), _("no whole answer, listed below")),
        "excused": (_("Not there"), _("the server itself says that there is nothing (404, 410)")),
        "queued": (_("Waiting"), _("not asked for yet: the capture was not finished")),
    }
    kinds = sorted({kind for of in counted.kinds.values() for kind in of}, key=_kind_order)
    rows = (
        (
            state,
            *meaning[state],
            number,
            _all('<td class="n">{:,}</td>', ((counted.kinds[state][kind],) for kind in kinds)),
        )
        for state, number in outcomes.items()
    )
    sums = ((sum(of[kind] for of in counted.kinds.values()),) for kind in kinds)
    table = Markup(
        '{bar}<div class="wide" tabindex="0" role="group" aria-label="{title}"><table><thead><tr><th scope="col">{outcome}</th>'
        '<th scope="col" class="n">{total}</th>{kinds}</tr></thead><tbody>{rows}</tbody><tfoot><tr>'
        '<th scope="row">{total}</th><td class="n">{sum:,}</td>{sums}</tr></tfoot></table></div>'
    ).format(
        bar=_bar(outcomes),
        title=_("Outcomes"),
        outcome=_("Outcome"),
        kinds=_all('<th scope="col" class="n">{}</th>', ((_kind(kind),) for kind in kinds)),
        total=_("Total"),
        rows=_all(
            '<tr><th scope="row"><span class="key" style="background:var(--{})"></span>{} <small class="none">{}</small></th>'
            '<td class="n">{:,}</td>{}</tr>',
            rows,
        ),
        sums=_all('<td class="n">{:,}</td>', sums),
        sum=sum(outcomes.values()),
    )
    return _section(
        _("What became of every URL"), _("Each URL that was found counts once; the sum is the inventory."), table
    )


def _bar(outcomes: Mapping[str, int]) -> Markup:
    total = sum(outcomes.values()) or 1
    at, parts = 0.0, []
    for state, number in outcomes.items():
        parts.append((at, _WIDTH * number / total, state))
        at += _WIDTH * number / total
    return Markup(
        '<svg class="bar" viewBox="0 0 {} 14" preserveAspectRatio="none" style="height:14px" aria-hidden="true">{}</svg>'
    ).format(_WIDTH, _all('<rect x="{:.2f}" y="0" width="{:.2f}" height="14" style="fill:var(--{})"/>', parts))


def _failures(counted: Tally) -> Markup:
    title = _("No whole answer")
    if not counted.failed:
        return _section(title, _("Nothing failed."), Markup(""))
    rows = (
        (_url(row), _cause(row.cause or ""), _kind(row.kind), row.attempts, _remedy(row.cause or ""))
        for row in counted.failed[:SHOWN]
    )
    heads = (_("URL"), _("Cause"), _("Kind"), _("Attempts"), _("What to do"))
    template = '<tr><td class="u">{}</td><td>{}</td><td>{}</td><td class="n">{}</td><td>{}</td></tr>'
    return _section(title, _more(len(counted.failed)), _table(title, heads, template, rows, numbers={3}))


def _cause(cause: str) -> str:
    """In the reader's language where it is ours; what a server or a library said stays as it was said."""
    ours = {
        "truncated: disconnect": _("cut off: the connection ended"),
        "truncated: time": _("cut off: no more data came in time"),
        "truncated: length": _("cut off: larger than the limit"),
    }
    kind, _colon, reason = cause.partition(": ")
    if kind == "limit":
        return _("beyond the limit of --max-urls")
    return _("decision: {reason}").format(reason=reason) if kind == "decision" else ours.get(cause, cause)


def _remedy(cause: str) -> str:
    """The next action for a cause as fetching words it."""
    known: tuple[tuple[str, Callable[[], str]], ...] = (
        (r"HTTP (401|403|407)", lambda: _("ask for access, or leave it out with the reason")),
        (r"HTTP (429|503)", lambda: _("capture again more slowly: --delay")),
        (r"HTTP 5", lambda: _("tell the site's operator, then capture again")),
        (r"HTTP 4", lambda: _("look at the page that links here; leave it out with the reason if it is gone")),
        (r"truncated: length", lambda: _("larger than --max-bytes: capture it again with more")),
        (r"truncated: time", lambda: _("too slow: capture it again, with a longer --timeout or --max-time")),
        (r"truncated", lambda: _("the answer was cut: capture again")),
        (r"refused", lambda: _("a private address: name it under `allow_private` if it is the site's")),
        (r"dns", lambda: _("the name is unknown: use --connect-to with the server's address")),
        (r"tls", lambda: _("the certificate is not valid: ask the operator to renew it")),
    )
    found = next((say() for pattern, say in known if re.match(pattern, cause)), None)
    return found or _("capture again when the server answers")


def _left_out(counted: Tally) -> Markup:
    """Rules and traps, each named; and what the server says is not there."""
    blocks = []
    for title, words, groups in (
        (_("Left out by a rule"), _("On purpose: the decision file or robots.txt says so."), counted.rules),
        (
            _("Traps"),
            _("Addresses without end, such as calendars; real pages among them can be named as start URLs."),
            counted.traps,
        ),
    ):
        if groups:
            ordered = sorted(groups, key=lambda name: (-counted.left[name], name))
            rows = (
                (_cause(name), _all("<div>{}</div>", ((_link(url),) for url in groups[name])), counted.left[name])
                for name in ordered[:SHOWN]
            )
            template = '<tr><th scope="row">{}</th><td class="u">{}</td><td class="n">{:,}</td></tr>'
            table = _table(title, (_("Rule"), _("For example"), _("URLs")), template, rows, numbers={2})
            blocks.append(_section(title, words, table))
    if counted.excused:
        title = _("Not there")
        rows_of = sorted(counted.excused.items(), key=lambda one: (-one[1], one[0]))
        template = '<tr><th scope="row">{}</th><td class="n">{:,}</td></tr>'
        table = _table(title, (_("The server's answer"), _("URLs")), template, rows_of, numbers={1})
        blocks.append(
            _section(title, _("Linked, but gone before the capture; the answers are stored as evidence."), table)
        )
    return Markup("\n").join(blocks)


def _outside(manifest: Mapping[str, Any]) -> Markup:
    hosts: dict[str, int] = manifest.get("outside") or {}
    if not hosts:
        return Markup("")
    title = _("Hosts outside the decision")
    words = _(
        "Images, styles and files that pages need lie there and were not captured; add a host if it is the site's."
    )
    rows = sorted(hosts.items(), key=lambda one: (-one[1], one[0]))[:SHOWN]
    template = '<tr><th scope="row" class="u">{}</th><td class="n">{:,}</td></tr>'
    return _section(
        title, words, _table(title, (_("Host"), _("Links")), template, ((_clean(h), n) for h, n in rows), numbers={1})
    )


def _forms(forms: Sequence[PostForm]) -> Markup:
    if not forms:
        return Markup("")
    title = _("Forms that post")
    words = _("They were not submitted: what only their answers show is not in the capture.")
    heads = (_("Address"), _("Fields"), _("Encoding"), _("On the page"))
    template = '<tr><th scope="row" class="u">{}</th><td>{}</td><td>{}</td><td class="u">{}</td></tr>'
    rows = (
        (_link(one.action), _clean(", ".join(one.fields)) or "–", _clean(one.charset), _link(one.page))
        for one in forms[:SHOWN]
    )
    return _section(title, words, _table(title, heads, template, rows, numbers=set()))


def _kinds(counted: Tally) -> Markup:
    mimes = sorted(counted.mimes.items(), key=lambda one: (-one[1][1], one[0]))[:SHOWN]
    first = _table(
        _("Media types"),
        (_("Media type"), _("Answers"), _("Volume")),
        '<tr><th scope="row" class="u">{}</th><td class="n">{:,}</td><td class="n">{}</td></tr>',
        ((_clean(mime) or _("none given"), number, size(volume)) for mime, (number, volume) in mimes),
        numbers={1, 2},
    )
    charsets: list[tuple[str, int]] = counted.charsets.most_common()
    second = _table(
        _("Character encodings"),
        (_("Encoding"), _("Pages")),
        '<tr><th scope="row">{}</th><td class="n">{:,}</td></tr>',
        charsets,
        numbers={1},
    )
    both = Markup('<div class="two"><div>{}</div><div>{}</div></div>').format(first, second)
    return _section(_("What it consists of"), _("As the server named it; volumes as they were sent."), both)


def _extremes(counted: Tally) -> Markup:
    template = '<tr><td class="u">{}</td><td class="n">{}</td></tr>'
    parts: tuple[tuple[str, str, list[Row], Callable[[Row], str]], ...] = (
        (_("Largest"), _("Volume"), counted.largest(), lambda row: size(row.size or 0)),
        (_("Slowest"), _("Seconds"), counted.slowest(), lambda row: f"{row.seconds or 0:.2f}"),
    )
    blocks = [
        _table(title, (title, head), template, ((_url(row), value(row)) for row in rows), numbers={1})
        for title, head, rows, value in parts
        if rows
    ]
    if not blocks:
        return Markup("")
    both = Markup('<div class="two">{}</div>').format(_all("<div>{}</div>", ((block,) for block in blocks)))
    return _section(_("Largest and slowest"), _("From the request to the end of the body."), both)


def _integrity(capture: Capture, manifest: Mapping[str, Any]) -> Markup:
    previous = manifest.get("previous")
    root = manifest.get("merkle") or {}
    signed = _("yes, see capture.statement.sig") if capture.signature.exists() else _("no")
    facts = [
        (_("Merkle root of the index"), Markup("<code>{}</code>").format(root.get("root", ""))),
        (_("Digest of the manifest"), Markup("<code>{}</code>").format(store.manifest_digest(capture))),
        (
            _("Capture before this one"),
            Markup("{} <code>{}</code>").format(previous["id"], previous["sha256"]) if previous else _("none"),
        ),
        (_("Signed"), signed),
        (_("Scope"), _(", ").join(map(_clean, manifest["scope"]["hosts"]))),
        (_("Made by"), _(", ").join(f"{name} {number}" for name, number in sorted(manifest["tools"].items()))),
        (_("To prove it"), Markup("<code>archive verify {}</code>").format(capture.id)),
    ]
    files = _table(
        _("Files"),
        (_("File"), _("Size"), "SHA-256"),
        '<tr><th scope="row" class="u">{}</th><td class="n">{}</td><td><code>{}</code></td></tr>',
        (
            (name, size(about["bytes"]), str(about["sha256"]).removeprefix("sha256:"))
            for name, about in sorted(manifest["files"].items())
        ),
        numbers={1},
    )
    return _section(
        _("Integrity"),
        _(
            "Anybody who has the Merkle root can tell whether a page was in this capture, and whether anything was changed."
        ),
        Markup("<dl>{}</dl><br>{}").format(_all("<dt>{}</dt><dd>{}</dd>", facts), files),
    )


def _section(title: str, words: str, content: Markup) -> Markup:
    return Markup("<section><h2>{}</h2><p>{}</p>{}</section>").format(title, words, content)


def _table(
    title: str, heads: Sequence[str], template: str, rows: Iterable[Sequence[object]], numbers: set[int]
) -> Markup:
    """`numbers`: the columns that stand to the right."""
    columns = _all(
        '<th scope="col"{}>{}</th>',
        ((Markup(' class="n"') if number in numbers else "", head) for number, head in enumerate(heads)),
    )
    return Markup(
        '<div class="wide" tabindex="0" role="group" aria-label="{}"><table><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>"
    ).format(title, columns, _all(template, rows))


def _all(template: str, rows: Iterable[Sequence[object]]) -> Markup:
    """The template, which is ours, filled with each row; what is not Markup is escaped."""
    one = Markup(template)  # noqa: S704 (a literal of this module)
    return Markup("").join(one.format(*(_clean(v) if type(v) is str else v for v in row)) for row in rows)


def _url(row: Row) -> Markup:
    title = Markup("<small><bdi>{}</bdi></small>").format(_clean(row.title)) if row.title else Markup("")
    return _link(row.url) + title


def _link(url: str) -> Markup:
    """Only http(s), and the old server is not told where the reader came from."""
    text = _clean(url)
    if not url.startswith(("http://", "https://")):
        return Markup("<bdi>{}</bdi>").format(text)
    return Markup('<a href="{}" rel="noreferrer noopener"><bdi>{}</bdi></a>').format(text, text)


def _clean(text: str) -> str:
    """A title may hold anything: no control characters, no switches of direction."""
    return _UNSAFE.sub("�", text)


def _more(number: int) -> str:
    if number <= SHOWN:
        return _("{number} URLs. Their causes, and the next step for each.").format(number=number)
    return _("{number} URLs, the first {shown} of them here; crawl.sqlite has all.").format(number=number, shown=SHOWN)


_KINDS = ("page", "requisite", "sitemap", "robots")


def _kind_order(kind: str) -> tuple[int, str]:
    return _KINDS.index(kind) if kind in _KINDS else len(_KINDS), kind


def _kind(kind: str) -> str:
    names = {
        "page": _("pages"),
        "requisite": _("images, styles, files"),
        "sitemap": _("site maps"),
        "robots": "robots.txt",
    }
    return names.get(kind, kind)


def _day(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(SHANGHAI).strftime("%Y-%m-%d")


def _clock(moment: datetime) -> str:
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def _second(moment: datetime) -> str:
    return moment.astimezone(SHANGHAI).strftime("%H:%M:%S")
