"""Where letters go: safe on disk before anybody is told so, then into the ledger; killed at any point, nothing is lost.

A letter is first one file in `spool/`, synced. From it follow, each in one step and each the same when made again:
the letter itself in `letters/`, readable by its owner alone and never in git; for a letter that may become public, a
draft without personal data beside the ledger; the ledger's own entry (docs/FORMATS.md §1.6). Then it leaves the spool.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from sitegen import files
from sitegen.clock import SHANGHAI
from sitegen.errors import Problem, UsageError
from sitegen.interaction.letter import Letter, draft
from sitegen.interaction.seals import ID, Seals
from sitegen.rules import messages
from sitegen.text import _

WAITING = 5_000
"""Letters that may wait in the spool, when the ledger cannot be written."""


class Full(Exception):  # noqa: N818 (it is caught as what it is)
    """Nothing more is taken until what waits has been delivered, or the disk has room again."""


class Spool:
    """One folder of letters. `fault` is called at named points, for tests that end the process there."""

    def __init__(self, folder: Path, content: Path, fault: Callable[[str], None] = lambda point: None) -> None:
        self._folder = folder
        self._content = content
        self._fault = fault
        self._lock = threading.Lock()
        _make_private(folder, content)
        self.seals = Seals(_key(folder / "key"))

    def accept(self, letter: Letter, nonce: str, now: datetime) -> str:
        """The letter's id, once it is safe. Raises Full."""
        known = self._known(nonce, now)
        if known:
            return known
        letter_id = self.seals.id_for(nonce, now)
        facts = {"id": letter_id, "received": f"{now:%Y-%m-%d %H:%M}", **letter.as_fields()}
        with self._lock:
            if len(self._waiting()) >= WAITING:
                raise Full
            try:
                files.write_private(self._spooled(letter_id), json.dumps(facts, ensure_ascii=False).encode())
            except OSError as error:
                raise Full from error
        self._fault("accepted")
        self.deliver()
        return letter_id

    def deliver(self) -> int:
        """Bring what waits to where it belongs; how many letters still wait because the disk refuses."""
        with self._lock:
            for path in self._waiting():
                try:
                    self._deliver(path)
                except OSError:
                    continue
            return len(self._waiting())

    def find(self, letter_id: str) -> messages.Message | None:
        """How far a letter is. One that waits in the spool has been received, and that is all."""
        found = messages.find(self._content, letter_id)
        if found is None and self._spooled(letter_id).exists():
            facts = _facts(self._spooled(letter_id))
            return messages.parse(letter_id, {"unit": facts["unit"], "received": facts["received"]})
        return found

    def letter(self, letter_id: str) -> str | None:
        """The letter whole, with its writer's name and numbers, as YAML: for those who answer it."""
        if not ID.fullmatch(letter_id):
            return None
        try:
            return files.read(str(self._kept(letter_id))).decode()
        except OSError:
            return None

    def _deliver(self, path: Path) -> None:
        facts = _facts(path)
        letter_id = str(facts["id"])
        files.write_private(self._kept(letter_id), _yaml(facts))
        self._fault("kept")
        if facts["public"]:
            received = datetime.strptime(facts["received"], "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI)
            names = {name: facts[name] for name in ("type", "unit", "subject", "text", "name", "phone", "email")}
            text = draft(Letter(**names, public=True), received)
            self._write_once(self._content / messages.FOLDER / f"{letter_id}.md", text.encode())
            self._fault("drafted")
        entry = _yaml({"unit": facts["unit"], "received": facts["received"]})
        self._write_once(self._content / messages.FOLDER / f"{letter_id}.yml", entry)
        self._fault("entered")
        path.unlink()

    def _write_once(self, path: Path, data: bytes) -> None:
        """What people have gone on writing in is not written again."""
        if not path.exists():
            files.write_atomic(path, data)

    def _known(self, nonce: str, now: datetime) -> str:
        """The id under which this letter was taken before, today or, just before midnight, yesterday."""
        name = self.seals.id_for(nonce, now).partition("-")[2]
        for path in (*self._folder.glob(f"spool/*-{name}.json"), *self._folder.glob(f"letters/*-{name}.yml")):
            return path.stem
        return ""

    def _waiting(self) -> list[Path]:
        return sorted(self._folder.glob("spool/*.json"))

    def _spooled(self, letter_id: str) -> Path:
        return self._folder / "spool" / f"{letter_id}.json"

    def _kept(self, letter_id: str) -> Path:
        return self._folder / "letters" / f"{letter_id}.yml"


def _facts(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files.read(str(path)))
    return found


def _yaml(facts: dict[str, Any]) -> bytes:
    return yaml.safe_dump(facts, allow_unicode=True, sort_keys=False, width=10_000).encode()


def _make_private(folder: Path, content: Path) -> None:
    """Raises UsageError when the folder would lie among what is published or committed."""
    if folder.resolve().is_relative_to(content.resolve()):
        raise UsageError(
            [
                Problem(
                    path=str(folder),
                    code="letters-in-content",
                    message=_("letters with names and numbers would lie in content/, which git keeps for ever"),
                    remedy=_("give a folder outside: {option}").format(option="--private DIR"),
                )
            ]
        )
    try:
        for name in ("spool", "letters"):
            (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        files.write_atomic(folder / ".gitignore", b"*\n")
    except OSError as error:
        raise UsageError([_refused(folder, error)]) from error


def _key(path: Path) -> bytes:
    """The key of tokens and tracking numbers, made at the first start."""
    try:
        if not path.exists():
            files.write_private(path, secrets.token_bytes(32))
        return files.read(str(path))
    except OSError as error:
        raise UsageError([_refused(path, error)]) from error


def _refused(path: Path, error: OSError) -> Problem:
    return Problem(
        path=str(path),
        code="letters-not-writable",
        message=_("letters cannot be kept here: {reason}").format(
            reason=error.strerror or os.strerror(error.errno or 0)
        ),
        remedy=_("give a folder that the service may write: {option}").format(option="--private DIR"),
    )
