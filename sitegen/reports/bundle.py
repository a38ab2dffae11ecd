"""The evidence of an annual assessment (第二十二条): records, ledgers and reports in one file, each with its digest.

Letters and what is kept of people are no evidence for third parties, and stay out.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path

from sitegen import files

_FOLDERS = ("_records/inspections", "_records/annual", "_records/sites", "_records/topics", "_records/assessment")
_FILES = ("_records/units.yml", "_records/rules.yml", "_records/inspection.yml")


def pack(content: Path, target: Path, year: int) -> dict[str, str]:
    """Write `target`; path → digest of what it holds. The same records give the same bytes."""
    digests: dict[str, str] = {}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for path in _evidence(content):
            data = path.read_bytes()
            name = path.relative_to(content).as_posix()
            digests[name] = files.sha256(data)
            _put(package, name, data)
        manifest = {"year": year, "files": digests}
        _put(package, "manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True).encode())
    files.write_atomic(target, out.getvalue())
    return digests


def _evidence(content: Path) -> list[Path]:
    found = [path for folder in _FOLDERS for path in (content / folder).rglob("*")]
    found += [content / name for name in _FILES]
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def _put(package: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    package.writestr(entry, data)


def check(target: Path) -> list[str]:
    """Names whose bytes are not those of the manifest; empty: all are."""
    with zipfile.ZipFile(target) as package:
        digests: dict[str, str] = json.loads(package.read("manifest.json"))["files"]
        return [
            name
            for name in sorted({*digests, *package.namelist()} - {"manifest.json"})
            if name not in package.namelist()
            or digests.get(name) != "sha256:" + hashlib.sha256(package.read(name)).hexdigest()
        ]
