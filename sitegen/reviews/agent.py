"""Making a signature: `ssh-keygen -Y sign`, which also speaks to ssh-agent."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from sitegen.errors import Problem, UsageError
from sitegen.reviews import sshkey, sshsig
from sitegen.reviews.proof import NAMESPACE
from sitegen.text import _


class Signer:
    """Signs for one person with one key. `key`: a private key, or the public half of one that ssh-agent holds."""

    def __init__(self, key: Path) -> None:
        self._key = key

    def sign(self, message: bytes) -> str:
        """One line of base64. Raises UsageError when ssh-keygen cannot."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "verdict"
            file.write_bytes(message)
            command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(self._key), "-n", NAMESPACE, str(file)]
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode == 0:
                    return sshsig.unarmoured(file.with_name("verdict.sig").read_text(encoding="ascii"))
                said = done.stderr.strip().splitlines()[-1:] or [""]
                raise UsageError([_cannot_sign(self._key, said[0])])
            except (OSError, ValueError) as error:
                raise UsageError([_cannot_sign(self._key, str(error))]) from error


def of_agent(lines: Iterable[str], folder: Path) -> Signer | None:
    """A signer with the first of a person's keys that ssh-agent holds; its public half is put into `folder`."""
    try:
        done = subprocess.run(["ssh-add", "-L"], capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    held = {tuple(line.split()[:2]) for line in done.stdout.splitlines()} if done.returncode == 0 else set()
    for line in lines:
        if tuple(line.split()[:2]) in held:
            file = folder / "key.pub"
            file.write_text(sshkey.line_of(sshkey.blob_of(line)) + "\n", encoding="ascii")
            return Signer(file)
    return None


def _cannot_sign(key: Path, said: str) -> Problem:
    return Problem(
        path=str(key),
        code="review-key-unusable",
        message=_("the key cannot sign: {reason}").format(reason=said),
        remedy=_("name a private key of OpenSSH, or the .pub of one that ssh-agent holds: --key ~/.ssh/id_ed25519"),
    )
