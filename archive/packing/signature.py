"""Signing a capture with an SSH key, and telling whether a signature is true (`ssh-keygen -Y`).

What is signed is a few lines anybody can read, `capture.statement`: the capture's ID, the digest of what it wrote into
its manifest (which holds every file's digest, the Merkle root and the former capture's digest), and that root. It can be
verified without this program: `ssh-keygen -Y verify -f SIGNERS -I WHO -n archive-capture -s capture.statement.sig <
capture.statement`.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from archive import store
from archive.store import Capture
from archive.text import _
from sitegen.errors import Problem, Refused
from sitegen.files import write_atomic

NAMESPACE = "archive-capture"


def statement(capture: Capture) -> bytes:
    """What a signature of this capture must be over. Raises Refused when the manifest cannot be read."""
    root = store.read_manifest(capture).get("merkle", {}).get("root", "")
    lines = (
        f"{NAMESPACE}/1",
        f"capture: {capture.id}",
        f"manifest: {store.manifest_digest(capture)}",
        f"merkle-root: {root}",
    )
    return "".join(f"{line}\n" for line in lines).encode()


def sign(capture: Capture, key: Path) -> Path:
    """Write `capture.statement` and its signature by the private key (or, with an agent, the public one).

    Returns the signature's path. Raises Refused (`signature-failed`) when ssh-keygen refuses.
    """
    text = statement(capture)
    done = _ssh_keygen("sign", "-f", str(key), "-n", NAMESPACE, text=text)
    if done.returncode or b"BEGIN SSH SIGNATURE" not in done.stdout:
        message = _("ssh-keygen does not sign with this key: {error}").format(error=_said(done))
        remedy = _("name a private SSH key, for example one made by `ssh-keygen -t ed25519`")
        raise Refused([Problem(path=key.as_posix(), code="signature-failed", message=message, remedy=remedy)])
    write_atomic(capture.statement, text)
    write_atomic(capture.signature, done.stdout)
    return capture.signature


def verify(capture: Capture, allowed: Path) -> tuple[str, list[Problem]]:
    """(who signed, Problems) by the allowed-signers file of ssh-keygen(1); the signer is empty unless proven."""
    try:
        text, given = statement(capture), capture.statement.read_bytes()
        capture.signature.read_bytes()
    except Refused as refused:
        return "", list(refused.problems)
    except OSError:
        return "", [_problem(capture, "signature-missing", _("the capture is not signed"))]
    if given != text:
        message = _("what was signed is not this capture as it is now")
        return "", [_problem(capture, "signature-outdated", message)]
    place = ("-f", str(allowed), "-s", str(capture.signature))
    found = _ssh_keygen("find-principals", *place)
    signer = found.stdout.decode("utf-8", "replace").strip().partition("\n")[0]
    if found.returncode or not signer:
        message = _("it is signed by nobody whom {file} names: {error}").format(file=allowed.name, error=_said(found))
        return "", [_problem(capture, "signature-unknown-signer", message)]
    done = _ssh_keygen("verify", *place, "-I", signer, "-n", NAMESPACE, text=text)
    if done.returncode:
        message = _("the signature is not true: {error}").format(error=_said(done))
        return "", [_problem(capture, "signature-false", message)]
    return signer, []


def _ssh_keygen(what: str, *arguments: str, text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = ["ssh-keygen", "-Y", what, *arguments]
    try:
        return subprocess.run(command, input=text, capture_output=True, check=False)
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, b"", b"ssh-keygen is not installed")


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    return " ".join((done.stderr or done.stdout).decode("utf-8", "replace").split()) or f"exit {done.returncode}"


def _problem(capture: Capture, code: str, message: str) -> Problem:
    return Problem(
        path=capture.signature.as_posix(),
        code=code,
        message=message,
        remedy=_("verify the capture itself, then sign it: `archive sign {capture} --key FILE`").format(
            capture=capture.id
        ),
    )
