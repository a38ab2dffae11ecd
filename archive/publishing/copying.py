"""Making the copies: each captured answer becomes the files that stand for it, in parallel, in a fixed order."""

from __future__ import annotations

import gc
import multiprocessing
import os
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from multiprocessing.context import BaseContext
from pathlib import Path
from urllib.parse import urlsplit

from lxml import etree

from archive import canon, charset
from archive.appearance import Look
from archive.crawling.frontier import Row
from archive.migration import article
from archive.migration.body import is_file, words
from archive.publishing import banner, copies, css, interstitial, moments, names, oldpage, pdf, seal, stamp
from archive.publishing.copies import Copies, Copy, CopyLinks, Known
from archive.publishing.moments import Moments
from archive.store import Capture
from archive.successor import Places
from archive.text import _
from archive.warcs import recall, warc
from sitegen import files
from sitegen.errors import Problem, Refused

BATCH = 40
IN_PROCESS = 120
"""Fewer rows than this are not worth starting processes for."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
WORKERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """What the index says about one stamped copy."""

    target_uri: str
    name: str
    title: str
    kind: str
    captured_at: str
    date: str
    record_id: str
    payload_digest: str
    removed: Mapping[str, int] = field(default_factory=dict)
    """What was left out of it, by kind."""
    stamped_copy: str = ""
    """File of the stamped copy of a PDF."""


@dataclass(slots=True, kw_only=True)
class Made:
    """What came of a batch. `files`: name → (bytes, SHA-256, whether it was written anew)."""

    pages: list[PageFacts] = field(default_factory=list)
    files: dict[str, tuple[int, str, bool]] = field(default_factory=dict)
    leaving: dict[str, str] = field(default_factory=dict)
    called: dict[str, str] = field(default_factory=dict)
    """Key of a file → what the first link to it calls it."""
    conversions: list[bytes] = field(default_factory=list)
    """Records for the companion WARC; they go to the disk as they come."""
    unsealed: list[str] = field(default_factory=list)
    removed: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    def add(self, other: Made) -> None:
        self.pages += other.pages
        self.files.update(other.files)
        self.leaving.update(other.leaving)
        self.called = {**other.called, **self.called}
        self.unsealed += other.unsealed
        self.removed += other.removed
        self.problems += other.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """All that a worker needs, sent to it once. `companion`: the id of the companion WARC's `warcinfo`."""

    capture: Capture
    folder: Path
    publication: banner.Publication
    places: Places
    copies: Copies
    written_by: Mapping[str, str]
    hosts: tuple[str, ...]
    look: Look
    companion: str
    published_at: datetime
    moments: Moments
    there: frozenset[str]
    """Files that an earlier run left in the folder."""
    called: Mapping[str, str] = field(default_factory=dict)
    """As in `Made`, of all pages."""


def written_by_scripts(capture: Capture, rows: Iterable[Row], planned: Mapping[str, Copy]) -> dict[str, str]:
    """Key of a captured script → the markup it writes into pages as it loads."""
    found = {}
    for row in rows:
        if planned[row.key].kind == "script":
            try:
                response = recall.response(capture, row)
            except Refused:
                continue
            if markup := oldpage.written(charset.decode(response.body, response.headers)[0]):
                found[row.key] = markup
    return found


def make_all(
    context: Context, rows: Sequence[Row], keep: Callable[[bytes], object], progress: Callable[[str], None]
) -> Made:
    """Pictures first: a page links to the sealed version, and not every picture can be sealed. Files last: the pages say
    what they are called. `keep` gets the records of the companion WARC, each of these in the captured ones' order."""
    made = Made()
    pictures = [row for row in rows if context.copies[row.key].kind == "image"]
    documents = [row for row in rows if context.copies[row.key].kind == "file"]
    others = [row for row in rows if context.copies[row.key].kind not in {"image", "file", "script"}]

    def add(batches: Iterable[Made]) -> None:
        for batch in batches:
            made.add(batch)
            for record in batch.conversions:
                keep(record)
            progress(_("{done} of {total} copies").format(done=len(made.pages), total=len(rows)))

    add(_run(context, pictures))
    context = replace(context, copies=copies.unsealed(context.copies, made.unsealed))
    add(_run(context, others))
    add(_run(replace(context, called=made.called), documents))
    _our_own_pages(context, made)
    made.pages.sort(key=lambda page: page.target_uri)
    return made


def _processes() -> BaseContext:
    """Workers begin as copies of this process, at once; where other threads run, which a copy would not have, they come
    from a process that must first import everything (0.4 s)."""
    if threading.active_count() == 1:
        return multiprocessing.get_context("fork")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", "archive.publishing.copying"])
    return context


def _run(context: Context, rows: Sequence[Row]) -> Iterator[Made]:
    """In batches, in the order of the records; the results come in that order."""
    ordered = sorted(rows, key=lambda row: (row.warc or "", row.offset or 0, row.key))
    starts = range(0, len(ordered), BATCH)
    if len(rows) < IN_PROCESS:
        worker = _Worker(context)
        yield from (worker.make(ordered[at : at + BATCH]) for at in starts)
        return
    # Rows go with the workers, not to them: to pack and unpack each would take the parent as long as all else it does.
    with ProcessPoolExecutor(WORKERS, _processes(), _start_worker, (context, ordered)) as pool:
        yield from pool.map(_work, starts)


_worker: list[tuple[_Worker, Sequence[Row]]] = []


def _start_worker(context: Context, rows: Sequence[Row]) -> None:
    gc.freeze()  # what is there now stays; looking through it again and again took a twentieth of the time
    gc.set_threshold(20_000, 20, 100)
    _worker[:] = [(_Worker(context), rows)]


def _work(start: int) -> Made:
    worker, rows = _worker[0]
    return worker.make(rows[start : start + BATCH])


class _Worker:
    """Makes copies of rows. What links mean is remembered from page to page."""

    def __init__(self, context: Context) -> None:
        self.context = context
        copies_of = context.copies
        self.has_files = any(copy.kind == "file" for copy in copies_of.values())
        self.known = Known(found={one.target_uri: copies.followed(copies_of, one) for one in copies_of.values()})

    def make(self, rows: Sequence[Row]) -> Made:
        made = Made()
        for row in rows:
            try:
                self._make(row, made)
            except Refused as refused:
                made.problems += refused.problems
        made.leaving, self.known.leaving = self.known.leaving, {}
        return made

    def _make(self, row: Row, made: Made) -> None:
        copy = self.context.copies[row.key]
        response = recall.response(self.context.capture, row)
        if copy.kind == "page":
            self._page(row, copy, response, made)
        elif copy.kind == "redirect":
            self._redirect(row, copy, response, made)
        elif copy.kind == "style":
            self._style(copy, response, made)
        elif copy.kind == "image":
            self._image(row, copy, response, made)
        else:
            self._file(row, copy, response, made)

    def _page(self, row: Row, copy: Copy, response: warc.StoredResponse, made: Made) -> None:
        text, code = charset.decode(response.body, response.headers)
        root = oldpage.parse(text)
        base = oldpage.base_of(root, row.url, lambda url, link: canon.resolve(url, link, code))
        links = self._links(copy.name)
        if root is not None and self.has_files:
            _note_files(root, base, code, links, made)
        found = article.heading(root, row.url)
        named = found if isinstance(found, article.Heading) else None
        facts = self._facts(row, response)
        stamped = stamp.stamp(root, text, base=base, charset=code, links=links, facts=facts)
        made.removed.update(stamped.removed)
        title = (named.title if named else "") or stamped.title or row.url
        day = named.dated.at.date().isoformat() if named else ""
        self._stamped(row, response, copy.name, stamped.data, made)
        about = self._about(row, response, copy.name, title, "page", day)
        made.pages.append(replace(about, removed=stamped.removed))

    def _redirect(self, row: Row, copy: Copy, response: warc.StoredResponse, made: Made) -> None:
        location = row.redirect_to or row.url
        target = self._links(copy.name).target(row.url, location, "utf-8", "link")
        href, leaving = (target.href, target.state == "leaving") if target else (copies.NOT_CAPTURED, False)
        rel = "external nofollow noopener" if leaving else ""
        page = interstitial.of_redirect(
            self._facts(row, response), status=response.status, location=location, href=href, rel=rel
        )
        self._stamped(row, response, copy.name, page, made)
        made.pages.append(self._about(row, response, copy.name, f"转向：{location}", "page", ""))

    def _style(self, copy: Copy, response: warc.StoredResponse, made: Made) -> None:
        text, code = charset.decode(response.body, response.headers)
        links = self._links(copy.name)

        def resolve(link: str) -> str | None:
            target = links.target(copy.target_uri, link, code, "media")
            return target.href if target is not None and target.state == "copy" else None

        rewritten, dropped = css.rewrite(text, resolve)
        made.removed["style_links"] += dropped
        self._write(copy.name, f'@charset "utf-8";\n{rewritten}\n'.encode(), made)

    def _image(self, row: Row, copy: Copy, response: warc.StoredResponse, made: Made) -> None:
        publication = self.context.publication
        svg = _is_svg(row, response.body)
        self._write(copy.name, _without_scripts(response.body) if svg else response.body, made)
        words = seal.Words(
            label=publication.label,
            archived_on=publication.archived_on,
            host=urlsplit(row.url).netloc,
            look=self.context.look,
        )
        sealed = (
            seal.Unsealable(reason=_("a vector drawing"))
            if svg
            else seal.seal(response.body, words, ending=copy.sealed)
        )
        title = copies.file_title(row.url, response.header("Content-Disposition"))
        if isinstance(sealed, seal.Sealed):
            shown = copy.shown
            self._write(shown, sealed.data, made)
        else:
            shown = f"{copy.name}.html"
            page = interstitial.of_image(
                self._facts(row, response),
                title=title,
                size=len(response.body),
                sha256=files.sha256(response.body),
                href=names.relative(copy.name, tuple(copy.name.split("/")[:-1])),
            )
            self._stamped(row, response, shown, page, made)
            made.unsealed.append(row.key)
            made.problems.append(
                Problem(
                    path=row.url,
                    code="publish-image-unsealed",
                    severity="warning",
                    message=_("no seal could be put on the picture ({reason}); a stamped page stands before it").format(
                        reason=sealed.reason
                    ),
                    remedy=_("nothing needs doing; the untouched picture is in the archive"),
                )
            )
        made.pages.append(self._about(row, response, shown, title, "image", ""))

    def _file(self, row: Row, copy: Copy, response: warc.StoredResponse, made: Made) -> None:
        self._write(copy.name, response.body, made)
        name = copies.file_title(row.url, response.header("Content-Disposition"))
        title = self.context.called.get(row.key, name)
        stamped_copy, length = self._stamped_pdf(row, copy, response.body, made)
        folder = tuple(copy.name.split("/")[:-1])
        stamped = (
            interstitial.StampedFile(href=names.relative(stamped_copy, folder), size=made.files[stamped_copy][0])
            if stamped_copy
            else None
        )
        page = interstitial.of_file(
            self._facts(row, response),
            title=title,
            file=name,
            mime=(row.mime or "").lower(),
            size=len(response.body),
            sha256=made.files[copy.name][1],
            href=names.relative(copy.name, folder),
            pages=length,
            stamped=stamped,
        )
        self._stamped(row, response, copy.shown, page, made)
        about = self._about(row, response, copy.shown, title, "file", "")
        made.pages.append(replace(about, stamped_copy=stamped_copy))

    def _stamped_pdf(self, row: Row, copy: Copy, body: bytes, made: Made) -> tuple[str, int]:
        """The file of a PDF's stamped copy, empty, and a warning, where there can be none; how many pages it has."""
        if not pdf.is_pdf(body):
            return "", 0
        publication = self.context.publication
        words = seal.Words(label=publication.label, archived_on=publication.archived_on, host=row.url)
        stamped = pdf.stamp(body, words)
        if isinstance(stamped, pdf.Stamped):
            name = copy.name + copies.STAMPED
            self._write(name, stamped.data, made)
            made.removed["scripts"] += stamped.removed
            return name, stamped.pages
        made.problems.append(
            Problem(
                path=row.url,
                code="publish-pdf-unstamped",
                severity="warning",
                message=_("no stamped copy of the PDF could be made: {reason}").format(reason=stamped.reason),
                remedy=_("nothing needs doing; the untouched file is reached through its stamped page"),
            )
        )
        return "", stamped.pages

    def _links(self, name: str) -> CopyLinks:
        context = self.context
        return CopyLinks(
            copies=context.copies,
            hosts=context.hosts,
            written_by=context.written_by,
            name=name,
            known=self.known,
        )

    def _facts(self, row: Row, response: warc.StoredResponse) -> banner.Facts:
        place = self.context.places.of(row.url)
        return banner.Facts(
            publication=self.context.publication,
            target_uri=row.url,
            captured_at=response.date,
            record_id=response.record_id,
            payload_digest=row.payload_digest or response.payload_digest,
            successor_url=place.url,
            successor_title=place.title,
            moments=self.context.moments.get(moments.address(row.url), ()) if self.context.moments else (),
        )

    def _about(self, row: Row, response: warc.StoredResponse, name: str, title: str, kind: str, day: str) -> PageFacts:
        return PageFacts(
            target_uri=row.url,
            name=name,
            title=title,
            kind=kind,
            captured_at=response.date.isoformat(),
            date=day,
            record_id=response.record_id,
            payload_digest=row.payload_digest or response.payload_digest,
        )

    def _stamped(self, row: Row, response: warc.StoredResponse, name: str, data: bytes, made: Made) -> None:
        """A stamped page: into its file, and as a `conversion` of its record into the companion WARC."""
        self._write(name, data, made)
        item = warc.Conversion(
            target_uri=row.url,
            refers_to=response.record_id,
            date=self.context.published_at,
            body=data,
            digest=made.files[name][1],
            content_type="text/html; charset=utf-8",
        )
        made.conversions.append(warc.conversion(item, self.context.companion))

    def _write(self, name: str, data: bytes, made: Made) -> None:
        new = _write(f"{self.context.folder}/{name}", data, known=name in self.context.there)
        made.files[name] = (len(data), files.sha256(data), new)


def _write(path: str, data: bytes, *, known: bool) -> bool:
    """As files.write_atomic, but without waiting for the disk at each of 100,000 copies: the index comes last, and
    the generator refuses a copy that is not what the index says. `known`: a file of that name may be there."""
    folder = os.path.dirname(path)  # noqa: PTH120 (pathlib costs as much as the writing)
    if known and files.read(path) == data:
        return False
    temporary = f"{folder}/.{os.getpid()}.open"
    try:
        descriptor = os.open(temporary, _NEW, 0o666)
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        descriptor = os.open(temporary, _NEW, 0o666)
    try:
        left = data
        while left:  # by hand: a file object takes longer than the writing
            left = left[os.write(descriptor, left) :]
    finally:
        os.close(descriptor)
    os.replace(temporary, path)  # noqa: PTH105
    return True


def _note_files(root: etree._Element, base: str, charset: str, links: CopyLinks, made: Made) -> None:
    """What this page's links call the files they lead to."""
    for link in root.iter("a"):
        href = link.get("href") or ""
        if not (is_file(href) or "?" in href):
            continue
        if copy := links.file(base, href, charset):
            name = copies.file_title(copy.target_uri)
            if title := copies.title_in_link(words(link), name) or copies.title_in_link(link.get("title") or "", name):
                made.called.setdefault(copy.key, title)


def _is_svg(row: Row, body: bytes) -> bool:
    return "svg" in (row.mime or "") or body[:1000].lstrip(b"\xef\xbb\xbf \r\n\t").startswith(
        (b"<svg", b"<?xml", b"<!DOCTYPE svg")
    )


def _without_scripts(body: bytes) -> bytes:
    """A drawing opened on its own would run its scripts; the untouched bytes are in the WARC."""
    try:
        root = etree.fromstring(
            body, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, recover=True)
        )
    except etree.XMLSyntaxError:
        root = None
    if root is None:
        return b'<svg xmlns="http://www.w3.org/2000/svg"/>'
    for element in list(root.iter()):
        local = etree.QName(element).localname.lower() if isinstance(element.tag, str) else ""
        if not local or local in {"script", "foreignobject", "animate", "set", "iframe", "handler", "use"}:
            parent = element.getparent()
            if parent is not None:
                parent.remove(element)
            continue
        for name, value in element.items():
            plain = name.rpartition("}")[2].lower()
            if plain.startswith("on") or (plain in {"href", "src"} and not value.startswith(("#", "data:image/"))):
                del element.attrib[name]
    return etree.tostring(root, encoding="utf-8")


def _our_own_pages(context: Context, made: Made) -> None:
    """What no URL of the old site stands for: the page for missing links and those before external addresses."""
    publication = context.publication
    captured_at = datetime.strptime(context.capture.timestamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)

    def facts(name: str) -> banner.Facts:
        return banner.Facts(
            publication=publication,
            target_uri=publication.folder + name,
            captured_at=captured_at,
            record_id="",
            payload_digest="",
            successor_url="",
            successor_title="",
        )

    pages = {copies.NOT_CAPTURED: interstitial.of_missing(facts(copies.NOT_CAPTURED))}
    for name, url in sorted(made.leaving.items()):
        pages[name] = interstitial.of_leaving(facts(name), url=url)
    for name, data in pages.items():
        new = _write(f"{context.folder}/{name}", data, known=name in context.there)
        made.files[name] = (len(data), files.sha256(data), new)


def carry_evidence(context: Context, made: Made) -> None:
    """The capture as one file (WACZ) goes with the copies, as a link to the same bytes where the disk allows it."""
    if not context.publication.evidence:
        return
    source = context.capture.wacz
    target = context.folder / source.name
    digest = files.sha256_file(source)
    new = not target.exists() or files.sha256_file(target) != digest
    if new:
        temporary = target.with_name(f".{os.getpid()}.open")
        temporary.unlink(missing_ok=True)
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)
        temporary.replace(target)
    made.files[target.name] = (target.stat().st_size, digest, new)


def files_below(folder: Path) -> frozenset[str]:
    """Names of regular files, relative to the folder."""
    found: set[str] = set()
    for place, _folders, names_here in os.walk(folder):
        below = place[len(str(folder)) + 1 :]
        found.update(f"{below}/{name}" if below else name for name in names_here)
    return frozenset(found)


def delete_strangers(folder: Path, known: Mapping[str, object]) -> int:
    """Files of an earlier run that no copy is any more, and folders that nothing is left in."""
    number = 0
    for place, folders, names_here in os.walk(folder, topdown=False):
        below = place[len(str(folder)) + 1 :]
        for name in [*names_here, *(one for one in folders if os.path.islink(f"{place}/{one}"))]:  # noqa: PTH114
            if (f"{below}/{name}" if below else name) not in known:
                os.unlink(f"{place}/{name}")  # noqa: PTH108
                number += 1
        if not os.listdir(place):  # noqa: PTH208
            os.rmdir(place)  # noqa: PTH106
    return number
