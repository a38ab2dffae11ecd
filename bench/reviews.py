"""What `sitegen review verify` costs: `python -m bench.reviews [--articles 100000] [--columns 100]`.

Every article has three entries, each signed with an Ed25519 key and naming the one before. Prints JSON: seconds cold, seconds
again, and after one more entry.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sitegen import ledger
from sitegen.clock import SHANGHAI
from sitegen.config import Project
from sitegen.ledger import STAGES
from sitegen.records import Key, Person, Records
from sitegen.reviews import verify
from sitegen.reviews.proof import NAMESPACE
from sitegen.reviews.sshkey import string

BEGIN = datetime(2026, 1, 5, 9, tzinfo=SHANGHAI)


class Pen:
    """A key of OpenSSH's, used without ssh-keygen, which takes 10 ms a signature."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        public = self._key.public_key()
        self.line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        self._blob = string(b"ssh-ed25519") + string(public.public_bytes(Encoding.Raw, PublicFormat.Raw))

    def sign(self, message: bytes) -> str:
        head = string(NAMESPACE.encode()) + string(b"") + string(b"sha512")
        value = self._key.sign(b"SSHSIG" + head + string(hashlib.sha512(message).digest()))
        signed = string(string(b"ssh-ed25519") + string(value))
        return base64.b64encode(b"SSHSIG\0\0\0\1" + string(self._blob) + head + signed).decode()


def entries(column: str, article: str, number: int, pens: list[Pen]) -> list[str]:
    digest = "sha256:" + hashlib.sha256(article.encode()).hexdigest()
    saw: list[str] = []
    lines = []
    for place, stage in enumerate(STAGES):
        record: dict[str, object] = {
            "article": article,
            "stage": stage,
            "person": stage,
            "at": (BEGIN + timedelta(minutes=number, seconds=place)).isoformat(),
            "verdict": "pass",
            "reason": "",
            "digest": digest,
            "blob": digest[7:47],
            "column": column,
            "saw": saw,
        }
        message = ledger.canonical(record, column)
        saw = [ledger.digest_of(message)]
        lines.append(json.dumps({**record, "signature": pens[place].sign(message)}, ensure_ascii=False))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=100)
    given = parser.parse_args()
    pens = [Pen() for _stage in STAGES]
    people: dict[str, Person] = {
        stage: Person(
            id=stage, name=stage, unit="", roles=(), keys=(Key(line=pen.line, since=BEGIN.date(), until=None),)
        )
        for stage, pen in zip(STAGES, pens, strict=True)
    }
    with tempfile.TemporaryDirectory() as folder:
        project = _project(Path(folder))
        for column in range(given.columns):
            name = f"c{column:03}"
            book = project.content / name / ledger.FOLDER / "202601.jsonl"
            book.parent.mkdir(parents=True)
            numbers = range(column, given.articles, given.columns)
            lines = [line for n in numbers for line in entries(name, f"t20260105_{n}", n, pens)]
            book.write_text("\n".join(lines) + "\n", encoding="utf-8")
        records = Records(people=people, units={})
        print(json.dumps({"cpus": os.cpu_count(), **_measure(project, records, given.columns)}, indent=2))


def _project(root: Path) -> Project:
    from sitegen import config

    (root / "content").mkdir()
    (root / "themes/gov").mkdir(parents=True)
    settings = Path(__file__).parent.parent / "mkdocs.yml"
    (root / "mkdocs.yml").write_text(settings.read_text(encoding="utf-8"), encoding="utf-8")
    return config.load(root / "mkdocs.yml")


def _measure(project: Project, records: Records, columns: int) -> dict[str, object]:
    signed_from = {f"c{column:03}": BEGIN.date() for column in range(columns)}
    found: dict[str, object] = {}
    for what in ("cold", "again"):
        begun = time.monotonic()
        ledgers = ledger.files_by_column(project.content)
        result = verify.verify(project, ledgers, records, signed_from, 7)
        found |= {f"{what} seconds": round(time.monotonic() - begun, 1)}
        found |= {"entries": result.entries, "signed": result.signed, "problems": len(result.problems)}
    return found


if __name__ == "__main__":
    main()
