"""What an earlier capture holds of a URL: the server is then asked only whether that is still so (RFC 9110 §13)."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from io import BytesIO
from pathlib import Path

from archive import message
from archive.crawling import look
from archive.crawling.former import Former
from archive.crawling.frontier import Original, Row
from archive.net.fetch import Exchange
from archive.warcs.records import read_record
from sitegen.errors import Refused

_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,500}"')
_DATE = re.compile(r"[A-Za-z0-9 ,:+-]{10,40}")
_HEAD_AT_MOST = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """`before`: the URL's row in the capture before; `original`: the whole answer that it holds or refers to, in `path`;
    `etag`, `modified`: what that answer said of itself, empty where it cannot be asked with."""

    before: Row
    original: Original
    path: Path
    etag: str
    modified: str

    @property
    def conditions(self) -> tuple[tuple[str, str], ...]:
        """The request's header fields: either alone where there is but one."""
        said = (("If-None-Match", self.etag), ("If-Modified-Since", self.modified))
        return tuple((name, value) for name, value in said if value)

    def confirmed_by(self, answer: Exchange) -> Unchanged | None:
        """What a 304 stands for. None when it speaks of something else: some servers and caches send it for another
        answer, under its own tag. None, too, when our own answer cannot be read any more."""
        said = message.field(answer.headers, "ETag")
        if said is not None and said.removeprefix("W/") != self.etag.removeprefix("W/"):
            return None
        try:
            record = read_record(self.path, self.original.offset, self._most())
        except (Refused, OSError):
            return None
        head, body = message.split_head(record.block)
        whole = replace(answer, status=200, headers=message.parse_fields(head), head=head, body=BytesIO(body))
        return Unchanged(kept=self, answer=whole)

    def _most(self) -> int | None:
        """How much of the record is read: all of it, which proves it whole, where that is no film."""
        size = self.before.size
        if size is not None and size <= look.READ_AT_MOST:
            return None
        return look.READ_AT_MOST if look.may_have_links(self.before.mime or "") else _HEAD_AT_MOST


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """What the server says has not changed. `answer`: the original's head, and its body as far as it is looked into."""

    kept: Kept
    answer: Exchange


def of(former: Former, store: Path, row: Row) -> Kept | None:
    """None where the capture before holds no whole answer of this very URL that names itself."""
    before = former.row(row.key)
    if before is None or before.state != "captured" or before.status != 200 or before.payload_digest is None:
        return None
    original = former.original(before.payload_digest)
    if original is None or original.target_uri != row.url:
        return None
    path = _path(store, original)
    try:
        record = read_record(path, original.offset, _HEAD_AT_MOST)
        status, _reason, fields = message.parse_head(message.split_head(record.block)[0])
    except (Refused, OSError, ValueError):
        return None  # what cannot be read is fetched
    if record.type != "response" or record.target_uri != row.url or status != 200:
        return None
    etag, modified = _etag(fields), _modified(fields)
    return Kept(before=before, original=original, path=path, etag=etag, modified=modified) if etag or modified else None


def stands(store: Path, original: Original) -> bool:
    """Whether the record can still be read to its end: nothing new refers to one that is damaged or gone."""
    try:
        read_record(_path(store, original), original.offset)
    except (Refused, OSError):
        return False
    return True


def _path(store: Path, original: Original) -> Path:
    return store / original.capture / "archive" / original.warc


def _etag(fields: message.Fields) -> str:
    said = message.field(fields, "ETag") or ""
    return said if _ETAG.fullmatch(said) else ""


def _modified(fields: message.Fields) -> str:
    """`Last-Modified`, where the answer was sent a second later or more: within that second it may have changed once more
    (RFC 9110 §8.8.2.2)."""
    said, sent = message.field(fields, "Last-Modified") or "", message.field(fields, "Date") or ""
    with suppress(ValueError, TypeError):
        if _DATE.fullmatch(said) and (parsedate_to_datetime(sent) - parsedate_to_datetime(said)).total_seconds() >= 1:
            return said
    return ""
