"""The part of the proof that reads the copies: each is there, unaltered, stamped, true to its record, its links lead on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lxml import etree

from archive import charset
from archive.crawling.frontier import Row
from archive.proving import fidelity
from archive.proving.evidence import Findings, Published, republish
from archive.publishing.copies import Copy
from archive.text import _
from archive.warcs import recall
from archive.warcs.warc import StoredResponse
from sitegen import model
from sitegen.errors import Refused
from sitegen.files import sha256, sha256_file


def check(known: Published, findings: Findings) -> None:
    """Every file of the index, then every URL that must have a copy; a page of our own where it stands."""
    if known.in_place:
        _check_in_place(known, findings)
        return
    work = _Copies(known=known, findings=findings)
    work.files()
    work.strangers()
    for row in known.rows:
        copy = known.copies.get(row.key)
        if copy is not None and copy.kind != "script":
            work.copy(row, copy)


class _Copies:
    """The copies of one publication. `urls`: file → URL that it stands for."""

    def __init__(self, *, known: Published, findings: Findings) -> None:
        self.known = known
        self.findings = findings
        self.folder = known.where.copies
        prefix = f"/archive/{known.where.capture.site}/{known.where.capture.timestamp}/"
        self.pages: dict[str, Mapping[str, Any]] = {str(page["target_uri"]): page for page in known.index["pages"]}
        self.shown = {uri: str(page["url"]).removeprefix(prefix) for uri, page in self.pages.items()}
        self.urls = {copy.name: copy.target_uri for copy in known.copies.values() if copy.name}
        self.urls |= {name: uri for uri, name in self.shown.items()}
        self.scripts = self._scripts()

    def _scripts(self) -> str:
        """The captured scripts: what they write into pages belongs to what pages show."""
        texts = []
        for row in self.known.rows:
            copy = self.known.copies.get(row.key)
            if copy is not None and copy.kind == "script" and (response := self._response(row)):
                texts.append(charset.decode(response.body, response.headers)[0])
        return "\n".join(texts)

    def _response(self, row: Row) -> StoredResponse | None:
        """None where the record cannot be read, which `verify` has said."""
        try:
            return recall.response(self.known.where.capture, row)
        except (Refused, OSError):
            return None

    def fail(self, url: str | None, path: str | Path, code: str, message: str, key: str | None = None) -> None:
        self.findings.add(path, code, message, republish(self.known.where), key)
        if url is not None:
            self.findings.fail("stamped", [url])

    def files(self) -> None:
        """The index's digests hold, in the public folder and in the live release."""
        for name, about in self.known.files.items():
            self.findings.looked_at["files"] += 1
            public, live = self.folder / name, self.known.where.live / name
            self._file(name, public, about)
            # The generator links copies into the release; then they are one file.
            if self.known.built and not (public.exists() and live.exists() and public.samefile(live)):
                self._file(name, live, about)

    def _file(self, name: str, path: Path, about: Mapping[str, Any]) -> None:
        if not path.is_file() or path.is_symlink():
            self.fail(self.urls.get(name), path, "proof-copy-missing", _("a file of the publication is missing"))
        elif sha256_file(path) != about.get("sha256"):
            self.fail(self.urls.get(name), path, "proof-copy-changed", _("the file's SHA-256 is not the index's"))

    def strangers(self) -> None:
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and path.relative_to(self.folder).as_posix() not in self.known.files:
                self.fail(None, path, "proof-copy-unknown", _("the index does not know this file"))

    def copy(self, row: Row, copy: Copy) -> None:
        """One URL. A file that is missing was told of already; one that no index names is told of here."""
        if copy.kind == "style":
            if copy.name not in self.known.files:
                self.fail(row.url, row.url, "proof-copy-missing", _("no copy of it is in the index"))
            self._style(row, copy)
            return
        page = self.pages.get(row.url)
        if page is None:
            self.fail(row.url, row.url, "proof-copy-missing", _("no stamped page of it is in the index"))
            return
        response = self._response(row)
        if response is None:
            self.findings.fail("stamped", [row.url])
            return
        if copy.kind in {"image", "file"}:
            self._original(row, copy, response)
        name = self.shown[row.url]
        if name.endswith(".html"):
            self._page(row, copy, response, name)
        elif copy.kind != "image":
            self.fail(row.url, row.url, "proof-copy-unstamped", _("what stands for it cannot carry a stamp"))

    def _page(self, row: Row, copy: Copy, response: StoredResponse, name: str) -> None:
        try:
            root = fidelity.parse((self.folder / name).read_text(encoding="utf-8", errors="replace"))
        except OSError:
            return  # told of as missing
        self.findings.looked_at["stamps"] += 1
        self._stamp(row, response, name, root)
        if copy.kind == "page":
            self._words(row, response, name, root)
        self._links(row.url, name, fidelity.links(root))
        self._harmless(row.url, name, root)

    def _harmless(self, url: str, name: str, root: etree._Element | None) -> None:
        """Nothing of the page runs, sends, or fetches from elsewhere; no link leaves without a warning."""
        self.findings.looked_at["harmless"] += 1
        outside = [link for link in fidelity.links(root) if fidelity.leads_outside(link)]
        if found := [*fidelity.active(root), *outside]:
            message = _("the copy has what it must not have: {what}").format(what=found[0])
            self.fail(url, self.folder / name, "proof-copy-active", message, url)

    def _stamp(self, row: Row, response: StoredResponse, name: str, root: etree._Element | None) -> None:
        """第十五条: 醒目、清晰. First in the body, in the title, and for machines."""
        found, index, path = fidelity.marks(root), self.known.index, self.folder / name
        label, day = str(index["label"]), str(index["archived_on"])
        if not _is_stamped(found, label, day):
            message = _("the stamp with label and archive date is not the first thing on the page")
            self.fail(row.url, path, "proof-copy-unstamped", message, row.url)
        if not found.title.startswith(f"【{label}】"):
            message = _("the title does not begin with the label")
            self.fail(row.url, path, "proof-title-unmarked", message, row.url)
        facts = {
            "target_uri": row.url,
            "record_id": response.record_id,
            "payload_digest": row.payload_digest,
            "archived_on": day,
            "label": label,
        }
        if wrong := [key for key, value in facts.items() if found.facts.get(key) != value]:
            message = _("the machine-readable mark is not true: {keys}").format(keys=", ".join(wrong))
            self.fail(row.url, path, "proof-facts-false", message, row.url)

    def _words(self, row: Row, response: StoredResponse, name: str, root: etree._Element | None) -> None:
        """Visible text, stamp aside, is that of the record."""
        text, _code = charset.decode(response.body, response.headers)
        record, copy = fidelity.seen(fidelity.parse(text)), fidelity.seen(fidelity.old_part(root))
        self.findings.looked_at["texts"] += 1
        self.findings.looked_at["replaced"] += "\N{REPLACEMENT CHARACTER}" in copy
        if other := fidelity.difference(record, copy, f"{text}\n{self.scripts}"):
            message = _("the copy says otherwise than the record: “{words}”").format(words=other)
            self.fail(row.url, self.folder / name, "proof-text-differs", message, row.url)

    def _original(self, row: Row, copy: Copy, response: StoredResponse) -> None:
        """Pictures and files stay as they were (a drawing loses its scripts; its bytes are in the record)."""
        path = self.folder / copy.name
        drawing = "svg" in (row.mime or "") or b"<svg" in response.body[:1000]
        if not path.is_file() or drawing:
            return
        self.findings.looked_at["originals"] += 1
        if sha256_file(path) != sha256(response.body):
            message = _("the file is not what the record holds")
            self.fail(row.url, path, "proof-original-differs", message, row.url)

    def _style(self, row: Row, copy: Copy) -> None:
        path = self.folder / copy.name
        if path.is_file():
            self._links(row.url, copy.name, fidelity.links_of_style(path.read_text(encoding="utf-8", errors="replace")))

    def _links(self, url: str, name: str, links: list[str]) -> None:
        for link in dict.fromkeys(links):
            target = fidelity.resolved(name, link)
            if target is None:
                continue
            self.findings.looked_at["links"] += 1
            if not self._leads_on(target):
                message = _("the link {link} leads nowhere").format(link=link)
                self.findings.add(self.folder / name, "proof-link-broken", message, republish(self.known.where), url)
                self.findings.fail("links", [url])

    def _leads_on(self, target: str) -> bool:
        if not target.startswith("/"):
            return target in self.known.files and (self.folder / target).is_file()
        site = self.known.where.build / "site"
        return not self.known.built or (site / model.file_of(target)).is_file()


def _is_stamped(found: fidelity.Marks, label: str, day: str) -> bool:
    return found.first and found.on == day and label in found.words and day in found.words


def _check_in_place(known: Published, findings: Findings) -> None:
    """Pages of our own: at their address, stamped, with the words that were captured."""
    rows = {row.url: row for row in known.rows}
    label, day = str(known.index["label"]), str(known.index["archived_on"])
    for page in known.index["pages"]:
        path = known.where.build / "site" / model.file_of(str(page["url"]))
        url = str(page["target_uri"])
        findings.looked_at["stamps"] += 1
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            findings.add(path, "proof-copy-missing", _("the page is not in the live release"), _run_build(), url)
            findings.fail("stamped", [url])
            continue
        root = fidelity.parse(text)
        found = fidelity.marks(root)
        if not _is_stamped(found, label, day):
            message = _("the stamp with label and archive date is not the first thing on the page")
            findings.add(path, "proof-copy-unstamped", message, _run_build(), url)
            findings.fail("stamped", [url])
        elif label not in found.title:
            findings.add(path, "proof-title-unmarked", _("the title does not name the label"), _run_build(), url)
            findings.fail("stamped", [url])
        if other := _says_otherwise(known, rows.get(url), root):
            message = _("the page says otherwise than the record: “{words}”").format(words=other)
            findings.add(path, "proof-text-differs", message, _run_build(), url)
            findings.fail("stamped", [url])
        findings.looked_at["texts"] += 1


def _says_otherwise(known: Published, row: Row | None, page: etree._Element | None) -> str:
    """What the page says that its record does not; empty where the record cannot be read, which `verify` has said."""
    try:
        response = recall.response(known.where.capture, row) if row else None
    except (Refused, OSError):
        return ""
    if response is None:
        return ""
    text = charset.decode(response.body, response.headers)[0]
    return fidelity.difference(fidelity.own_words(fidelity.parse(text)), fidelity.own_words(page), "")


def _run_build() -> str:
    return _("run `sitegen build`, then look again")
