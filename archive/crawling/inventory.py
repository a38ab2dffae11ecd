"""URLs that a site must account for whatever its pages say: lists, CSV exports and access logs, read line by line."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

from archive import canon
from archive.text import _
from sitegen.errors import Problem, UsageError

COLUMNS = ("url", "网址", "链接", "address", "loc", "page")
_BAD_LINES_NAMED = 20
_LONGEST_LINE = 1 << 16
_LONGEST_URL = 4096
_TABLES = (".csv", ".tsv")
_TARGETS_A_LOG = 1_000_000
_HOST = re.compile(r"(?:https?://)?(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
_ADDRESS = re.compile(r"https?://[^/]|/", re.I)
_METHODS_ASKED = (b"GET", b"HEAD")
# What the server could not even read as a request names nothing of the site.
_NO_REQUEST = frozenset({b"400", b"405", b"408", b"414", b"431", b"501", b"505"})
_LOGGED = re.compile(
    rb'\S+ \S+ [^\[]*\[[^\]]*\] "(?:([A-Z]+) (\S+(?: \S+)*?)(?: HTTP/[\d.]+)?|[^"\\]*(?:\\.[^"\\]*)*)" (\d{3}) (?:\d+|-)'
)
_LOG_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A URL that something else than a captured page names. `kind` is list, log or former; `where` `file:line`, the
    log file with the answers' status (`access.log: HTTP 200`) or a capture ID; `hits` how many requests a log counts; `depth` and `page_kind` as a former capture knew them."""

    url: str
    kind: str
    where: str
    hits: int = 0
    depth: int = 0
    page_kind: str = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """An access log and the origin (`http://host`) whose requests it counts; None: the site's first host."""

    path: Path
    origin: str | None = None

    def absolute(self) -> Log:
        return replace(self, path=self.path.absolute())

    @property
    def name(self) -> str:
        return f"{self.origin}={self.path.as_posix()}" if self.origin else self.path.as_posix()


def parse_log(text: str) -> Log:
    """`FILE` or `HOST=FILE` (`https://HOST=FILE`)."""
    host, equals, path = text.partition("=")
    if equals and not Path(text).exists() and _HOST.fullmatch(host):
        return Log(path=Path(path), origin=host.lower() if "://" in host else f"http://{host.lower()}")
    return Log(path=Path(text))


def refuse_missing(option: str, paths: Iterable[Path]) -> None:
    """Raises UsageError when a file named on the command line is not there."""
    missing = [path for path in paths if not path.is_file()]
    if missing:
        remedy = _("name a file that exists")
        raise UsageError(
            Problem(path=option, code="inventory-file-missing", message=_("there is no file {path}").format(path=path),
                    remedy=remedy)
            for path in missing
        )  # fmt: skip


def read_list(path: Path, origin: str, problems: list[Problem]) -> Iterator[Named]:
    """Every URL of a text file (one a line, `#` begins a comment; a path is below `origin`) or of the `url` column of
    a `.csv` or `.tsv` (COLUMNS gives its other names). A bad line is a Problem, at most twenty of a file; so is a file
    that cannot be read.
    """
    bad = _BadLines(path)
    table = path.suffix.lower() in _TABLES
    with _opened(path, bad) as stream:
        for line, text in _column(stream, bad) if table else _texts(stream, bad):
            text = text.strip()
            if not text or (not table and text.startswith("#")):
                continue
            url = _absolute(origin, text)
            if url is None:
                bad.add(line, _("this is no http(s) URL: {text}").format(text=text[:100]))
            else:
                yield Named(url=url, kind="list", where=f"{path.as_posix()}:{line}")
    problems += bad.problems()


def read_log(log: Log, origin: str, problems: list[Problem]) -> Iterator[Named]:
    """Each path that GET or HEAD asked for, with the number of requests answered alike, the largest first: Common or
    Combined Log Format, gzip too. Lines of other methods are passed over; what is no line of such a log is a Problem.
    """
    bad = _BadLines(log.path)
    counts: dict[tuple[bytes, bytes], int] = {}
    with _opened(log.path, bad) as stream:
        for line, data in _lines(stream, bad):
            found = _LOGGED.match(data)
            if found is None:
                if data.strip():
                    bad.add(line, _("this is no line of an access log in Common or Combined Log Format"))
            elif found[1] in _METHODS_ASKED and found[3] not in _NO_REQUEST:
                asked = (found[2], found[3])
                if asked in counts or len(counts) < _TARGETS_A_LOG:
                    counts[asked] = counts.get(asked, 0) + 1
                else:
                    bad.add(line, _("the log names more than {most} addresses").format(most=_TARGETS_A_LOG))
    for (target, status), hits in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if url := _asked(log.origin or origin, target):
            yield Named(url=url, kind="log", where=f"{log.path.as_posix()}: HTTP {status.decode()}", hits=hits)
    problems += bad.problems()


class _BadLines:
    """Names the first bad lines of a file and counts the rest."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._whole: list[Problem] = []
        self._named: list[Problem] = []
        self._more = 0

    def add(self, line: int, text: str) -> None:
        if len(self._named) < _BAD_LINES_NAMED:
            self._named.append(self._problem("inventory-line-invalid", text, line))
        else:
            self._more += 1

    def unreadable(self, error: Exception) -> None:
        text = _("the file cannot be read to its end: {error}").format(error=error)
        self._whole.append(replace(self._problem("inventory-unreadable", text), severity="error"))

    def without_column(self) -> None:
        text = _("no column is named `url` (or {others})").format(others=", ".join(COLUMNS[1:]))
        self._whole.append(replace(self._problem("inventory-column-missing", text, 1), severity="error"))

    def _problem(self, code: str, text: str, line: int | None = None) -> Problem:
        remedy = _("correct it and give the file again; the other lines were read")
        path = self._path.as_posix()
        return Problem(path=path, line=line, code=code, severity="warning", message=text, remedy=remedy)

    def problems(self) -> list[Problem]:
        found = [*self._whole, *self._named]
        if self._more:
            text = _("{number} more lines could not be read").format(number=self._more)
            found.append(self._problem("inventory-lines-invalid", text))
        return found


@contextmanager
def _opened(path: Path, bad: _BadLines) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked when it is gzip; what cannot be read (any more) is a Problem."""
    try:
        plain: BinaryIO = path.open("rb")
    except OSError as error:
        bad.unreadable(error)
        yield io.BytesIO()
        return
    with plain:
        try:
            packed = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            yield cast(BinaryIO, gzip.GzipFile(fileobj=plain)) if packed else plain
        except (OSError, EOFError, zlib.error) as error:
            bad.unreadable(error)


def _lines(stream: BinaryIO, bad: _BadLines) -> Iterator[tuple[int, bytes]]:
    """Numbered lines; one that is longer than anything sensible is a Problem and never in memory."""
    number = 0
    while line := stream.readline(_LONGEST_LINE):
        number += 1
        if len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
            while (rest := stream.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            bad.add(number, _("the line is longer than {most} bytes").format(most=_LONGEST_LINE))
            continue
        yield number, line


def _texts(stream: BinaryIO, bad: _BadLines) -> Iterator[tuple[int, str]]:
    """Numbered lines as text: UTF-16 with its mark, UTF-8, else GB18030, as Excel saves in China."""
    head = stream.read(2)
    if head in (b"\xff\xfe", b"\xfe\xff"):
        code = "utf-16-le" if head == b"\xff\xfe" else "utf-16-be"
        text = io.TextIOWrapper(stream, code, errors="replace")
        try:
            for number, line in enumerate(iter(lambda: text.readline(_LONGEST_LINE), ""), 1):
                yield number, line.rstrip("\r\n")
        finally:
            text.detach()
        return
    begun = cast(BinaryIO, io.BufferedReader(_After(head, stream)))
    for number, data in _lines(begun, bad):
        data = data.removeprefix(b"\xef\xbb\xbf") if number == 1 else data
        try:
            yield number, data.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            yield number, data.decode("gb18030", "replace").rstrip("\r\n")


class _After(io.RawIOBase):
    """A stream of which the first bytes were read already."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        data = self._head[: len(view)] or self._rest.read(len(view))
        self._head = self._head[len(data) :] if self._head else b""
        view[: len(data)] = data
        return len(data)


def _column(stream: BinaryIO, bad: _BadLines) -> Iterator[tuple[int, str]]:
    """The cells of the URL column, with their line."""
    texts = (text for _line, text in _texts(stream, bad))
    header = next(texts, "")
    delimiter = max(",;\t", key=header.count)
    names = [name.strip(' "').lower() for name in header.split(delimiter)]
    at = next((names.index(name) for name in COLUMNS if name in names), None)
    if at is None:
        bad.without_column()
        return
    rows = csv.reader(texts, delimiter=delimiter)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            bad.add(rows.line_num + 1, str(error))
            continue
        yield rows.line_num + 1, row[at] if at < len(row) else ""


def _absolute(origin: str, text: str) -> str | None:
    if len(text) > _LONGEST_URL or not _ADDRESS.match(text):
        return None
    return canon.resolve(f"{origin}/", text)


def _asked(origin: str, target: bytes) -> str | None:
    """The URL of a logged request target; bytes beyond ASCII stay the bytes that were sent."""
    plain = _LOG_ESCAPE.sub(lambda m: bytes([int(m[1], 16)]) if m[1] else m[2], target)
    if len(plain) > _LONGEST_URL or not plain.startswith((b"/", b"http://", b"https://")):
        return None
    text = "".join(chr(byte) if 0x20 < byte < 0x7F else f"%{byte:02X}" for byte in plain)
    # `//x/y` asks this server for a path, whatever it would mean in a link.
    return canon.resolve(origin, f"{origin}{text}" if text.startswith("/") else text)
