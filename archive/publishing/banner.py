"""The stamp 「已歸檔」 itself: what stands above every archived page, and the page shell around it (第十五条)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from html import escape
from importlib import resources

from archive.publishing import names
from archive.publishing.moments import LISTED, Moment
from sitegen.clock import SHANGHAI

# What no rule of an old page can undo: declarations in a style attribute that are !important.
_PINNED = "display:block!important;visibility:visible!important;opacity:1!important;position:relative!important"


# An old page's own defaults, before its rules.
_DEFAULTS = ":where(archived-html,archived-body){display:block}:where(archived-body){margin:8px}"
_JSON = json.JSONEncoder(ensure_ascii=False, sort_keys=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What all copies of one capture share. `archived_on` is the archive date; `owner` the archive's keeper, `unit` the
    one that answers for the retired site; `evidence` the URL of the whole capture (WACZ), empty where there is none."""

    site: str
    timestamp: str
    name: str
    owner: str
    label: str
    archived_on: date
    unit: str
    reason: str
    successor_url: str
    successor_title: str
    evidence: str = ""

    @property
    def folder(self) -> str:
        return names.folder_url(self.site, self.timestamp)

    @property
    def catalogue(self) -> str:
        return f"/archive/{self.site}/"

    @property
    def when(self) -> str:
        """The word for the archive date, in the characters of the label."""
        return "歸檔時間" if "歸" in self.label else "归档时间"

    @property
    def is_traditional(self) -> bool:
        return "歸" in self.label or "檔" in self.label


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about one copy. `successor_*`: where the information is now, as near as we know. Our own pages
    inside an archive stand for no record: `record_id` is empty, `target_uri` their own address."""

    publication: Publication
    target_uri: str
    captured_at: datetime
    record_id: str
    payload_digest: str
    successor_url: str
    successor_title: str
    moments: Sequence[Moment] = ()
    """Its copies in other captures, oldest first."""

    def as_json(self) -> dict[str, str]:
        publication = self.publication
        return {
            "archived_on": publication.archived_on.isoformat(),
            "capture": f"{publication.site}/{publication.timestamp}",
            "captured_at": self.captured_at.isoformat(),
            "evidence": publication.evidence,
            "label": publication.label,
            "payload_digest": self.payload_digest,
            "reason": publication.reason,
            "unit": publication.unit,
            "record_id": self.record_id,
            "successor": self.successor_url,
            "target_uri": self.target_uri,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The stamp's headline after the label, and the sentence of warning."""

    headline: str
    warning: str


PAGE_WORDS = Words(
    headline="这是历史页面，内容不再更新，仅供查考",
    warning="页中的办事指引、电话、政策可能已失效。办理业务请以现在的位置为准。",
)
IMAGE_WORDS = Words(headline="历史图片", warning="图片保存原貌，内容可能已失效。")
FILE_WORDS = Words(headline="您要打开的是已归档文件", warning="原文件保存原貌，其中没有归档标记；内容可能已失效。")
MOVED_WORDS = Words(headline="这是历史网址，当年已转到另一页", warning="转到的页面也已归档，内容可能已失效。")
MISSING_WORDS = Words(headline="这个页面没有归档", warning="采集时该网址已无内容、不在归档范围内，或者未能取得。")
LEAVING_WORDS = Words(
    headline="您将离开归档网站",
    warning="这个链接来自历史页面，所指网站不由本网站管理，内容可能已变更或失效，请谨慎访问。",
)


def page(
    facts: Facts,
    *,
    title: str,
    words: Words = PAGE_WORDS,
    head: str = "",
    old: bytes = b"",
    main: str = "",
    lang: str = "zh-CN",
    doctype: str = "<!DOCTYPE html>",
    wide: bool = False,
) -> bytes:
    """A stamped page in UTF-8. `head` (the old page's styles) and `old` (its content) must be safe markup already;
    `main` is our own. `wide`: the old page was made for a desktop window and slides sideways on a narrow screen."""
    publication = facts.publication
    plain, heavy = _rules()
    successor = f'<link rel="latest-version" href="{escape(facts.successor_url)}">\n' if facts.successor_url else ""
    machine = escape(_JSON.encode(facts.as_json()))
    before, after = _frame(wide) if old or not main else (b"", b"")
    # Joined as bytes: two thirds of a page are rules that are the same on all, and its content comes in UTF-8.
    return b"".join(
        (
            f'{doctype}{chr(10) if doctype else ""}<html lang="{escape(lang)}">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>【{escape(publication.label)}】{escape(title)}</title>\n"
            f'<meta name="archived" content="{machine}">\n'
            f'<link rel="canonical" href="{escape(facts.target_uri)}">\n{successor}'
            f"<style>@layer gdz-{_nonce(facts)}{{".encode(),
            plain,
            f"{head}<style>".encode(),
            heavy,
            f"{stamp(facts, words)}\n".encode(),
            before,
            old,
            after,
            f"{main}{_foot(publication)}\n</body>\n</html>\n".encode(),
        )
    )


def stamp(facts: Facts, words: Words) -> str:
    """The first element of the body."""
    return f'{_said(facts.publication, words)}<dl class="gdz-pairs">{_pairs(facts)}</dl><p class="gdz-go">{_buttons(facts)}</p></div></section>'


@lru_cache(maxsize=64)
def _said(publication: Publication, words: Words) -> str:
    """The stamp's beginning, which all copies of one kind share."""
    hant = ' lang="zh-Hant"' if publication.is_traditional else ""
    level = (
        ' role="heading" aria-level="1"' if words == PAGE_WORDS else ""
    )  # other pages of ours have a heading of their own
    label = escape(publication.label)
    day = publication.archived_on.isoformat()
    return (
        f'<section data-archived="{day}" class="gdz gdz-stamp" role="region" aria-label="归档说明" lang="zh-Hans-CN" '
        f'style="{_PINNED}"><div class="gdz-in"><div class="gdz-top">'
        f'<span class="gdz-seal" aria-hidden="true"{hant}>{label}</span><div class="gdz-say">'
        f'<p class="gdz-owner"><span class="gdz-mark" aria-hidden="true"></span>{escape(publication.owner)} · 网站归档</p>'
        f'<p class="gdz-h"{level} style="display:block!important">「<span{hant}>{label}</span>」{escape(words.headline)}</p>'
        f'<p class="gdz-on" style="display:block!important"><span{hant}>{publication.when}</span>'
        f'<time datetime="{day}">{day}</time></p>'
        f'<p class="gdz-warn">{escape(words.warning)}</p></div></div>'
    )


def moment(value: datetime) -> str:
    """As citizens read it: 2026-11-10 02:14:07（北京时间）."""
    return f"{value.astimezone(SHANGHAI).isoformat(sep=' ')[:19]}（北京时间）"


def pair(term: str, value: str, *, wide: bool = False) -> str:
    """One line of facts; `value` is markup."""
    return f"<div{' class=gdz-all' if wide else ''}><dt>{escape(term)}</dt><dd>{value}</dd></div>"


def card(facts: Facts, heading: str, body: str) -> str:
    """Our own content below the stamp, where there is no old page to show, and the way to it from the portal's home. The
    portal's head and foot are not around it: they change, a copy and its digest stay."""
    publication = facts.publication
    way = (
        f'<a href="/">首页</a> › <a href="/archive/">已归档网站</a> › '
        f'<a href="{publication.catalogue}">{escape(publication.name)}</a>'
    )
    return (
        f'<main class="gdz gdz-main" lang="zh-Hans-CN"><div class="gdz-card"><nav aria-label="当前位置"><p>{way}</p></nav>'
        f"<h1>{escape(heading)}</h1>{body}</div></main>"
    )


def _pairs(facts: Facts) -> str:
    publication = facts.publication
    if not facts.record_id:
        return pair("原网站", escape(publication.name)) + pair(
            "归档目录", f'<a href="{publication.catalogue}">{publication.catalogue}</a>'
        )
    now = "无对应页面"
    if facts.successor_url:
        now = f'<a href="{escape(facts.successor_url)}">{escape(facts.successor_title or facts.successor_url)}</a>'
    proof = f'<a href="{publication.catalogue}">校验值与目录</a>'
    if digest := facts.payload_digest.rpartition(":")[2]:
        proof += f"　SHA-256 {escape(digest[:4])}…{escape(digest[-4:])}"
    if publication.evidence:
        proof += f'　<a href="{escape(publication.evidence)}">原始存档（WACZ）</a>'
    return (
        pair("抓取时间", moment(facts.captured_at))
        + _of_site(publication)
        + pair("原网址", escape(facts.target_uri), wide=True)
        + pair("现在的位置", now)
        + pair("存证", proof)
        + _moments(facts)
    )


def _moments(facts: Facts) -> str:
    if not facts.moments:
        return ""
    links = [
        f'<a href="{escape(moment.url)}"><time datetime="{moment.on}">{moment.on}</time></a>'
        for moment in facts.moments[-LISTED:]
    ]
    links.append(f'<a href="{facts.publication.catalogue}#captures">全部 {len(facts.moments) + 1} 次</a>')
    return pair("其他时点", "　".join(links))


@lru_cache(maxsize=64)
def _of_site(publication: Publication) -> str:
    return (
        pair("原网站", escape(publication.name))
        + pair("归档单位", escape(publication.unit))
        + pair("归档原因", escape(publication.reason))
    )


def _buttons(facts: Facts) -> str:
    first = f'<a class="gdz-first" href="{escape(facts.successor_url)}">去现在的页面</a>' if facts.successor_url else ""
    return f'{first}<a href="{facts.publication.catalogue}">返回该站归档目录</a>'


@cache
def _frame(wide: bool) -> tuple[bytes, bytes]:
    """What stands before and behind an old page."""
    note = "以下为历史页面原貌。表单、投票、搜索已停用。"
    if wide:
        note = "以下为历史页面原貌，窄屏可左右滑动；表单、投票、搜索已停用。"
    before = (
        f'<div class="gdz-frame" role="main"><div class="gdz gdz-note" lang="zh-Hans-CN"><p>{note}</p></div>'
        f'<div class="gdz-page{" gdz-wide" if wide else ""}" tabindex="0" role="region" aria-label="历史页面">'
    )
    return before.encode(), b"</div></div>\n"


def _foot(publication: Publication) -> str:
    return (
        f'<footer class="gdz gdz-foot" lang="zh-Hans-CN"><div class="gdz-in"><p>本页由{escape(publication.owner)}网站归档保存 · '
        f'<a href="{publication.catalogue}">归档说明</a></p></div></footer>'
    )


def _nonce(facts: Facts) -> str:
    return hashlib.sha256(f"{facts.payload_digest} {facts.target_uri}".encode()).hexdigest()[:12]


@cache
def _rules() -> tuple[bytes, bytes]:
    """The style sheet with !important everywhere: as it stands, before an old page's rules and in a layer that is open
    already; and with the weight of three ids, behind them, up to the body."""
    source = (resources.files("archive") / "templates" / "stamp.css").read_text(encoding="utf-8")
    plain, heavy = [], []
    for line in re.sub(r"/\*.*?\*/", "", source, flags=re.S).split("\n"):
        match = re.match(r"(.*?)\s*\{\s*(.+?)\s*\}$", line)
        if match is None or line.startswith("@"):
            plain.append(line.strip())
            heavy.append(line.strip())
            continue
        body = ";".join(f"{d.strip()}!important" for d in re.split(r";(?![^(]*\))", match[2]) if d.strip())
        plain.append(f"{match[1]}{{{body}}}")
        heavy.append(f"{_with_weight(match[1])}{{{body}}}")
    layered = f"{''.join(plain)}}}{_DEFAULTS}</style>\n"
    return layered.encode(), f"{''.join(heavy)}</style>\n</head>\n<body>\n".encode()


def _with_weight(selectors: str) -> str:
    return ",".join(re.sub(r"^([\w.-]+)", r"\1:not(#_):not(#_):not(#_)", one.strip()) for one in selectors.split(","))
