"""Hand-over to the archives: a capture, its copies and metadata as a bag (BagIt 1.0, RFC 8493)."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from archive import charset, decision, discover, store, successor
from archive.crawling.frontier import Row
from archive.decision import Decision
from archive.migration import article as articles
from archive.proving import fidelity, natures
from archive.proving.evidence import Published, unit_name
from archive.proving.proof import Proof
from archive.publishing import copies
from archive.redirection import old_urls
from archive.text import _
from archive.warcs import recall
from sitegen.clock import SHANGHAI
from sitegen.errors import Problem, Refused
from sitegen.files import sha256_file

COLUMNS = (
    "标题", "原URL", "新URL", "站点名称", "标识码", "栏目", "发布机构", "来源", "发布时间", "采集时间", "归档时间", "归档原因",
    "采集工具及版本", "HTTP状态", "MIME", "字节数", "摘要算法", "摘要值", "WARC文件名", "WARC偏移", "附件清单", "保管期限",
    "公开属性", "责任者", "关联", "校验记录",
)  # fmt: skip
"""A record for each page: the safe superset of DA/T 80-2019, GB/T 42147-2022 and what captures know (unverified: the
standards' own lists could not be read)."""

_COMPUTED = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bag:
    folder: Path
    files: int
    bytes: int
    pages: int


def export(known: Published, proof: Proof, folder: Path, *, now: datetime) -> Bag:
    """Write the bag at `folder`, which must not exist; under another name until it is whole.

    Raises Refused when something is there already, when a source is a symbolic link, or when the disk is full.
    """
    if folder.exists() or folder.is_symlink():
        raise _refused(folder, "export-exists", _("something is there already"), _("name a folder that does not exist"))
    opened = folder.with_name(f"{folder.name}.open")
    shutil.rmtree(opened, ignore_errors=True)
    try:
        pages = _payload(known, proof, opened / "data", now)
        _tags(known, opened, now)
        os.rename(opened, folder)  # noqa: PTH104 (never over something that came in between)
    except OSError as error:
        shutil.rmtree(opened, ignore_errors=True)
        message = _("the bag could not be written: {error}").format(error=error)
        raise _refused(folder, "export-failed", message, _("make room or name another folder")) from None
    except Refused:
        shutil.rmtree(opened, ignore_errors=True)
        raise
    written = [path for path in (folder / "data").rglob("*") if path.is_file()]
    return Bag(folder=folder, files=len(written), bytes=sum(path.stat().st_size for path in written), pages=pages)


def _payload(known: Published, proof: Proof, data: Path, now: datetime) -> int:
    """Everything below data/; the number of pages with metadata."""
    where, decided, site = known.where, known.decision, known.where.capture.site
    _copy(where.capture.folder, data / "capture")
    _copy(where.copies, data / "copies")
    _take(where.index, data / "copies" / where.index.name)
    for path in (
        where.content / "_archive" / f"{site}.yml",
        old_urls.decision_file(where.content, site),
        where.content / "_records" / "sites" / f"{site}.yml",
        where.beside / "redirects.csv",
    ):
        if path.exists():
            _take(path, data / "decision" / (f"record-{path.name}" if "_records" in path.parts else path.name))
    for uri, source in successor.drafts(where.content).items():
        if decision.allows(decided.hosts, uri):
            _take(where.content / source, data / "markdown" / source)
    pages = metadata(known, proof)
    _write(data / "metadata" / "pages.csv", _as_csv(pages))
    _write(data / "metadata" / "pages.json", json.dumps(pages, ensure_ascii=False, indent=1) + "\n")
    name, unit = decided.name or site, unit_name(where, decided)
    approval = decided.approval.document if decided.approval else ""
    _write(data / "report" / "four-natures.html", natures.html(proof, name=name, unit=unit, approval=approval, now=now))
    report = natures.as_json(proof, name=name, now=now)
    _write(data / "report" / "four-natures.json", json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    return len(pages)


def _copy(source: Path, target: Path) -> None:
    """A folder's files, those being written left out. Raises Refused for a link: it may lead anywhere."""
    for path in sorted(source.rglob("*")):
        if path.is_symlink() or not (path.is_dir() or path.name.endswith(".open")):
            _take(path, target / path.relative_to(source))


def _take(source: Path, target: Path) -> None:
    if source.is_symlink() or not source.is_file():
        message = _("{path} is no ordinary file").format(path=source.as_posix())
        raise _refused(source, "export-link", message, _("put the file itself there"))
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target, follow_symlinks=False)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")


# --- tag files


def _tags(known: Published, folder: Path, now: datetime) -> None:
    """RFC 8493 §2.1 and §2.2: the declaration, the manifests of payload and tags, and about whom and when."""
    payload = sorted(_files(folder / "data"))
    size = sum((folder / name).stat().st_size for name in payload_names(folder, payload))
    _write(folder / "bagit.txt", "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    decided, capture = known.decision, known.where.capture
    approval = decided.approval
    facts = {
        "Source-Organization": unit_name(known.where, decided),
        "External-Description": f"{decided.name or decided.site}（{decided.reason or ''}）",
        "External-Identifier": capture.id,
        "Bagging-Date": now.astimezone(SHANGHAI).date().isoformat(),
        "Payload-Oxum": f"{size}.{len(payload)}",
        "Internal-Sender-Description": f"{approval.document} {approval.date}" if approval else "",
        "Bag-Software-Agent": "archive export",
    }
    lines = [f"{key}: {' '.join(value.split())}\n" for key, value in facts.items() if value]
    _write(folder / "bag-info.txt", "".join(lines))
    _manifest(folder, "manifest-sha256.txt", payload_names(folder, payload))
    _manifest(folder, "tagmanifest-sha256.txt", ["bag-info.txt", "bagit.txt", "manifest-sha256.txt"])


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def payload_names(folder: Path, payload: list[Path]) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in payload]


def _manifest(folder: Path, name: str, paths: list[str]) -> None:
    lines = [f"{sha256_file(folder / path).removeprefix('sha256:')}  {encoded(path)}\n" for path in paths]
    _write(folder / name, "".join(lines))


def encoded(path: str) -> str:
    """A path in a manifest: `%`, CR and LF by their number (RFC 8493 §2.1.3). Raises ValueError for one that would
    leave the bag."""
    if path.startswith(("/", "~")) or ".." in PurePosixPath(path).parts:
        raise ValueError(f"{path} leaves the bag")
    return path.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


# --- metadata


def metadata(known: Published, proof: Proof) -> list[dict[str, str]]:
    """A record for each stamped page, picture and file of the publication, by old URL."""
    rows = {row.url: row for row in known.rows}
    tools = store.read_manifest(known.where.capture).get("tools", {})
    agent = ", ".join(f"{tool} {version}" for tool, version in sorted(tools.items()))
    attached = frozenset(copy.target_uri for copy in known.copies.values() if copy.kind == "file")
    unproven = {problem.key or problem.path for problem in proof.problems if problem.severity == "error"}
    found = []
    for page in sorted(known.index["pages"], key=lambda one: str(one["target_uri"])):
        row = rows.get(str(page["target_uri"]))
        if row is not None:
            found.append(_record(known, page, row, agent, attached, unproven))
    return found


def _record(
    known: Published, page: Mapping[str, Any], row: Row, agent: str, attached: frozenset[str], unproven: set[str]
) -> dict[str, str]:
    decided = known.decision
    source, files_of_it, size = _of_the_page(known, row, attached)
    successor_url = str(page.get("successor") or "")
    values = (
        str(page["title"]), row.url, known.where.site_url.rstrip("/") + str(page["url"]), decided.name or decided.site, "", _column(decided, row.url),
        decided.unit or "", source, str(page["date"] or ""), str(page["captured_at"]), str(known.index["archived_on"]),
        decided.reason or "", agent, str(row.status or ""), row.mime or "", str(size), "SHA-256",
        str(row.payload_digest or "").removeprefix("sha256:"), row.warc or "", str(row.offset), "; ".join(files_of_it),
        decided.retention or "", "公开", decided.unit or "", f"迁移至 {successor_url}" if successor_url else "",
        "未证明" if row.url in unproven else "已证明",
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _of_the_page(known: Published, row: Row, attached: frozenset[str]) -> tuple[str, list[str], int]:
    """(source, attachments, bytes of the body) as the record has them; empty where it cannot be read."""
    try:
        response = recall.response(known.where.capture, row)
    except (Refused, OSError):
        return "", [], 0
    if copies.kind_of(row) != "page":
        return "", [], len(response.body)
    links = discover.discover(row.url, response.headers, response.body).links
    article = articles.recognise(fidelity.parse(charset.decode(response.body, response.headers)[0]), row.url)
    named = sorted({link.url for link in links if link.url in attached})
    return (article.source if article else ""), named, len(response.body)


def _column(decided: Decision, url: str) -> str:
    prefixes = decided.successor.columns if decided.successor else {}
    path = url.split("/", 3)[3] if url.count("/") > 2 else ""
    return next((prefix for prefix in prefixes if path.startswith(f"{prefix.strip('/')}/")), path.partition("/")[0])


def _as_csv(pages: list[dict[str, str]]) -> str:
    """With a BOM, for spreadsheets; a value that a spreadsheet would compute begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for page in pages:
        writer.writerow({key: f"'{value}" if value.startswith(_COMPUTED) else value for key, value in page.items()})
    return "\ufeff" + out.getvalue()


def _refused(path: Path, code: str, message: str, remedy: str) -> Refused:
    return Refused([Problem(path=path.as_posix(), code=code, message=message, remedy=remedy)])
