"""Making the copies: each captured answer becomes the files that stand for it, in parallel, in a fixed order."""

from __future__ import annotations

import gc
import multiprocessing
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing.context import BaseContext
from urllib.parse import urlsplit

from lxml import etree

from archive import canon, charset
from archive.crawling.frontier import Row
from archive.migration import article
from archive.migration.body import words
from archive.publishing import (
    banner,
    copies,
    css,
    drawing,
    folder,
    interstitial,
    moments,
    names,
    oldpage,
    pdf,
    seal,
    stamp,
)
from archive.publishing.copies import Copy, CopyLinks, Known
from archive.publishing.made import Context, Made, PageFacts
from archive.store import Capture
from archive.text import _
from archive.warcs import recall, warc
from sitegen import files
from sitegen.errors import Problem, Refused

BATCH = 40
IN_PROCESS = 120
"""Fewer rows than this are not worth starting processes for."""
WORKERS = 2
_NOTHING: Mapping[str, int] = {}
_TO_A_PAGE = re.compile(r"(?:/|\.s?html?)(?:#.*)?$|^(?:#|javascript:)")


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
        made.pages.append(self._about(row, response, copy.name, title, "page", day, removed=stamped.removed))

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
        svg = drawing.is_drawing(row.mime or "", response.body)
        self._write(copy.name, drawing.without_scripts(response.body) if svg else response.body, made)
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
        inside = tuple(copy.name.split("/")[:-1])
        stamped = (
            interstitial.StampedFile(href=names.relative(stamped_copy, inside), size=made.files[stamped_copy][0])
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
            href=names.relative(copy.name, inside),
            pages=length,
            stamped=stamped,
        )
        self._stamped(row, response, copy.shown, page, made)
        made.pages.append(self._about(row, response, copy.shown, title, "file", "", stamped_copy=stamped_copy))

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

    def _about(
        self,
        row: Row,
        response: warc.StoredResponse,
        name: str,
        title: str,
        kind: str,
        day: str,
        *,
        removed: Mapping[str, int] = _NOTHING,
        stamped_copy: str = "",
    ) -> PageFacts:
        return PageFacts(
            target_uri=row.url,
            name=name,
            title=title,
            kind=kind,
            captured_at=response.date.isoformat(),
            date=day,
            record_id=response.record_id,
            payload_digest=row.payload_digest or response.payload_digest,
            removed=removed,
            stamped_copy=stamped_copy,
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
        new = folder.write(f"{self.context.folder}/{name}", data, known=name in self.context.there)
        made.files[name] = (len(data), files.sha256(data), new)


def _note_files(root: etree._Element, base: str, charset: str, links: CopyLinks, made: Made) -> None:
    """What this page's links call the files they lead to."""
    for link in root.iter("a"):
        href = link.get("href") or ""
        if not href or _TO_A_PAGE.search(href):
            continue
        if copy := links.file(base, href, charset):
            name = copies.file_title(copy.target_uri)
            if title := copies.title_in_link(words(link), name) or copies.title_in_link(link.get("title") or "", name):
                made.called.setdefault(copy.key, title)


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
        new = folder.write(f"{context.folder}/{name}", data, known=name in context.there)
        made.files[name] = (len(data), files.sha256(data), new)
