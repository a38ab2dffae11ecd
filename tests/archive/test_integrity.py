"""Who says so, and is it still so: Merkle root, chain, signature and proofs of single pages."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archive import store
from archive.__main__ import main
from archive.packing import inclusion, merkle, signature
from archive.proving.verify import verify
from archive.store import Capture
from archive.warcs import cdxj
from sitegen.errors import Refused
from tests.archive.oldweb import captured, page, serving
from tests.archive.test_verify import reseal


@pytest.fixture
def capture(tmp_path: Path) -> Capture:
    with serving({"/": page('<a href="a.html">'), "/a.html": page("<title>甲</title>")}) as web:
        return captured(web, tmp_path / "store").capture


def key(folder: Path, name: str) -> Path:
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)], check=True)
    return path


@pytest.fixture
def signers(tmp_path: Path) -> Path:
    """A key `archivist`, and the file that allows it to sign captures."""
    public = key(tmp_path, "archivist").with_suffix(".pub").read_text(encoding="utf-8")
    file = tmp_path / "signers"
    file.write_text(f'dangan@example.gov.cn namespaces="archive-capture" {public}', encoding="utf-8")
    return file


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_manifest_holds_the_root_of_the_index_and_is_chained(capture: Capture, tmp_path: Path) -> None:
    manifest = store.read_manifest(capture)
    lines = capture.index.read_bytes().splitlines()
    expected = merkle.root([merkle.leaf(line) for line in lines]).hex()
    assert manifest["merkle"] == {"tree": "rfc6962-sha256", "leaves": len(lines), "root": f"sha256:{expected}"}
    before = store.manifest_digest(capture)
    store.write_manifest(capture, {**manifest, "merkle": {**manifest["merkle"], "root": "sha256:0"}})
    assert store.manifest_digest(capture) != before


@pytest.mark.parametrize("said", [None, {"tree": "rfc6962-sha256", "leaves": 0, "root": "sha256:0"}])
def test_a_false_or_missing_root_is_found(said: object, capture: Capture) -> None:
    assert verify(capture).problems == ()
    store.write_manifest(capture, {**store.read_manifest(capture), "merkle": said})
    assert [problem.code for problem in verify(capture).problems] == ["verify-merkle-false"]


def test_a_signed_capture_names_its_signer(capture: Capture, signers: Path, tmp_path: Path) -> None:
    place = ("--store", capture.store)
    assert run("sign", capture.id, "--key", tmp_path / "archivist", *place).exit_code == 0
    done = run("verify", capture.id, "--allowed-signers", signers, "--json", *place)
    assert (done.exit_code, json.loads(done.stdout)["signer"]) == (0, "dangan@example.gov.cn")
    done = run("verify", capture.id, "--allowed-signers", signers, *place)
    assert "signed by dangan@example.gov.cn" in done.stdout
    command = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", "dangan@example.gov.cn", "-n", "archive-capture"]
    with capture.statement.open("rb") as text:
        subprocess.run([*command, "-s", str(capture.signature)], stdin=text, check=True, capture_output=True)
    assert store.read_manifest(capture)["merkle"]["root"] in capture.statement.read_text(encoding="utf-8")


def test_publication_does_not_break_a_signature(capture: Capture, signers: Path, tmp_path: Path) -> None:
    signature.sign(capture, tmp_path / "archivist")
    manifest = store.read_manifest(capture)
    store.write_manifest(capture, {**manifest, "archived_on": "2026-11-22", "published_at": "2026-11-22T10:00:00Z"})
    assert signature.verify(capture, signers) == ("dangan@example.gov.cn", [])


def by_another(capture: Capture, tmp_path: Path) -> None:
    signature.sign(capture, key(tmp_path, "stranger"))


def garbled(capture: Capture, tmp_path: Path) -> None:
    capture.signature.write_text("x", encoding="utf-8")


def over_something_else(capture: Capture, tmp_path: Path) -> None:
    """A true signature of the archivist, over another text, laid beside this capture."""
    command = ["ssh-keygen", "-Y", "sign", "-f", str(tmp_path / "archivist"), "-n", "archive-capture"]
    done = subprocess.run(command, input=b"another text\n", capture_output=True, check=True)
    capture.signature.write_bytes(done.stdout)


def for_another_purpose(capture: Capture, tmp_path: Path) -> None:
    command = ["ssh-keygen", "-Y", "sign", "-f", str(tmp_path / "archivist"), "-n", "git"]
    done = subprocess.run(command, input=capture.statement.read_bytes(), capture_output=True, check=True)
    capture.signature.write_bytes(done.stdout)


def forged(capture: Capture, tmp_path: Path) -> None:
    """The index changed, all digests and the root made to fit."""
    capture.index.write_bytes(capture.index.read_bytes().replace(b'"200"', b'"404"'))
    reseal(capture)


def statement_rewritten(capture: Capture, tmp_path: Path) -> None:
    forged(capture, tmp_path)
    capture.statement.write_bytes(signature.statement(capture))


WRONG: dict[str, tuple[Callable[[Capture, Path], None], str]] = {
    "taken away": (lambda capture, _: capture.signature.unlink(), "signature-missing"),
    "by a stranger": (by_another, "signature-unknown-signer"),
    "no signature": (garbled, "signature-unknown-signer"),
    "over another text": (over_something_else, "signature-false"),
    "in another namespace": (for_another_purpose, "signature-false"),
    "of what was then changed": (forged, "signature-outdated"),
    "with its statement rewritten": (statement_rewritten, "signature-false"),
    "of no manifest": (lambda capture, _: capture.manifest.unlink(), "capture-unfinished"),
}


@pytest.mark.parametrize(("change", "code"), WRONG.values(), ids=WRONG)
def test_a_signature_that_proves_nothing_is_named(
    change: Callable[[Capture, Path], None], code: str, capture: Capture, signers: Path, tmp_path: Path
) -> None:
    signature.sign(capture, tmp_path / "archivist")
    assert signature.verify(capture, signers) == ("dangan@example.gov.cn", [])
    change(capture, tmp_path)
    signer, problems = signature.verify(capture, signers)
    assert (signer, [problem.code for problem in problems]) == ("", [code])


def test_what_is_no_key_does_not_sign(capture: Capture, tmp_path: Path) -> None:
    (tmp_path / "none").write_text("no key", encoding="utf-8")
    done = run("sign", capture.id, "--key", tmp_path / "none", "--store", capture.store)
    assert done.exit_code == 1
    assert "signature-failed" in done.stderr
    assert not capture.statement.exists()
    with pytest.raises(Refused) as refused:
        signature.sign(capture, tmp_path / "none")
    assert [problem.code for problem in refused.value.problems] == ["signature-failed"]


def test_a_page_is_proven_to_have_been_in_the_capture(capture: Capture, tmp_path: Path) -> None:
    """By its line, a few hashes and the root, without the capture."""
    (entry,) = [entry for entry in cdxj.read(capture.index) if entry.url.endswith("/a.html")]
    done = run("prove", capture.id, entry.url, "--store", capture.store)
    file = tmp_path / "proof.json"
    file.write_text(done.stdout, encoding="utf-8")
    root = store.read_manifest(capture)["merkle"]["root"]
    checked = run("verify", file, "--json")
    assert (checked.exit_code, json.loads(checked.stdout)["root"]) == (0, root)
    said = json.loads(done.stdout)
    assert entry.digest in said["line"]
    for change in (
        {"line": said["line"].replace(entry.digest, "sha256:" + "0" * 64)},
        {"leaf": (said["leaf"] + 1) % said["merkle"]["leaves"]},
        {"path": said["path"][:-1]},
        {"path": ["zz"]},
        {"format": "another/1"},
        {"merkle": {**said["merkle"], "root": "sha256:0"}},
    ):
        file.write_text(json.dumps({**said, **change}), encoding="utf-8")
        root, problems = inclusion.check(file)
        assert [problem.code for problem in problems] == ["proof-false"], change
    assert run("verify", file).exit_code == 1


def test_what_was_not_captured_is_not_proven(capture: Capture) -> None:
    done = run("prove", capture.id, "http://another.example/", "--store", capture.store)
    assert done.exit_code == 1
    assert [problem["code"] for problem in json.loads(done.stdout)["problems"]] == ["proof-url-missing"]
