"""Three people with keys of their own, and every way to get past them: each is called by its name, and the honest path
passes (第十九条(三))."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sitegen import ledger, records, signing
from sitegen.examine import examine
from sitegen.ledger import STAGES, Entry, Proof
from sitegen.review import Signed
from sitegen.reviews import proof, sshkey, sshsig, verify
from sitegen.reviews.agent import Signer
from sitegen.signing import Desk
from tests.cities import NOW, TinyCity

pytestmark = pytest.mark.needs("ssh-keygen", "git")
NEWS = "xwdt/202611/t20261120_1.md"
OTHER = "xwdt/202611/t20261120_2.md"
BOOK = "xwdt/_reviews/202611.jsonl"
PEOPLE = ("portal-bianji", "portal-shenhe", "portal-qianfa")
BODY = "正文。\n\n![图](p.png)\n\n[附件](a.pdf)\n\n[清单][1]\n\n[1]: b.xlsx\n"
START = NOW - timedelta(days=2)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key for each, of the three kinds, and one that nobody knows."""
    folder = tmp_path_factory.mktemp("keys")
    kinds = [("ed25519", "256"), ("ecdsa", "256"), ("rsa", "2048"), ("ed25519", "256")]
    for name, (kind, bits) in zip([*PEOPLE, "stranger"], kinds, strict=True):
        command = ["ssh-keygen", "-q", "-t", kind, "-b", bits, "-N", "", "-C", name, "-f", str(folder / name)]
        subprocess.run(command, check=True)
    return folder


def write_people(city: TinyCity, keys: Path, *, until: str = "2027-01-01", roles: str = "") -> None:
    lines = ["people:"]
    for site, columns in (("portal", "portal"), ("jyj", "jyj")):
        for name, stage in zip(("bianji", "shenhe", "qianfa"), STAGES, strict=True):
            public = (keys / f"portal-{name}.pub").read_text(encoding="ascii").strip()
            lines += [f"  - id: {site}-{name}", f"    name: {site}{name}", "    unit: zfb"]
            lines += ["    keys:", f"      - {{key: {public}, from: 2026-01-01, until: {until}}}"]
            lines += ["    roles:", f"      - {{stage: {stage}, columns: [{columns}], from: 2020-01-01}}"]
            lines += [f"      - {roles}"] if roles and name == "shenhe" else []
    city.put("_records/people.yml", "\n".join(lines) + "\n")


def verdict(city: TinyCity, keys: Path, path: str, number: int, at: datetime, **more: Any) -> None:
    given, problems = signing.decide(
        Desk.open(city.project),
        [city.content / path],
        person=PEOPLE[number],
        at=at,
        signer=Signer(keys / PEOPLE[number]),
        **more,
    )
    assert given, problems


def pass_all(city: TinyCity, keys: Path, path: str, begin: datetime) -> None:
    for number in range(3):
        verdict(city, keys, path, number, begin + timedelta(minutes=number))


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> TinyCity:
    """A site that requires signatures, with two texts that passed, in git."""
    city = TinyCity(tmp_path_factory.mktemp("honest") / "city")
    write_people(city, keys)
    index = city.content / "index.md"
    text = index.read_text(encoding="utf-8")
    index.write_text(text.replace("kind: portal\n", "kind: portal\nrequire_signatures: true\n"), encoding="utf-8")
    for name, data in (("p.png", b"\x89PNG"), ("a.pdf", b"%PDF-1.4"), ("b.xlsx", b"PK")):
        (city.content / "xwdt/202611").mkdir(exist_ok=True)
        (city.content / "xwdt/202611" / name).write_bytes(data)
    city.article(NEWS, body=BODY, sign=False)
    city.article(OTHER, "另一篇", sign=False)
    city.put(".gitattributes", "*.jsonl merge=union\n")
    pass_all(city, keys, NEWS, START)
    pass_all(city, keys, OTHER, START)
    git(city, "init", "-q", "-b", "main")
    commit(city, START + timedelta(hours=1))
    return city


def git(city: TinyCity, *arguments: str, at: datetime = NOW) -> None:
    who = ["-c", "user.name=x", "-c", "user.email=x@example.gov.cn", "-c", "core.hooksPath=/dev/null"]
    moment = {"GIT_AUTHOR_DATE": at.isoformat(), "GIT_COMMITTER_DATE": at.isoformat(), "PATH": "/usr/bin:/bin"}
    subprocess.run(
        ["git", "-C", str(city.root), *who, *arguments], check=True, capture_output=True, env={**moment, "HOME": "/"}
    )


def commit(city: TinyCity, at: datetime = NOW) -> None:
    git(city, "add", "-A")
    git(city, "commit", "-q", "-m", "x", at=at)


@pytest.fixture
def victim(honest: TinyCity, tmp_path: Path) -> TinyCity:
    other = TinyCity.__new__(TinyCity)
    other.root, other.content = tmp_path / "city", tmp_path / "city/content"
    shutil.copytree(honest.root, other.root)
    return other


def told(city: TinyCity) -> set[str]:
    """What the build's judgement and `review verify` say."""
    desk = Desk.open(city.project)
    signed_from = {column: desk.signed_from[c.site] for column, c in desk.tree.columns.items()}
    result = verify.verify(city.project, ledger.files_by_column(city.content), desk.records, signed_from, 7, jobs=1)
    return {problem.code for problem in (*examine(city.project, NOW, jobs=1), *result.problems)}


def is_signed(city: TinyCity, path: str = NEWS) -> bool:
    [standing] = Desk.open(city.project).standings([city.content / path])
    return isinstance(standing.status, Signed)


# --- the ways to cheat -----------------------------------------------------------------------------------------------


def lines_of(city: TinyCity, book: str = BOOK) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (city.content / book).read_text(encoding="utf-8").splitlines()]


def write_lines(city: TinyCity, lines: list[dict[str, Any]], book: str = BOOK) -> None:
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    city.put(book, text)


def change(city: TinyCity, number: int, **values: object) -> None:
    lines = lines_of(city)
    lines[number] |= values
    write_lines(city, lines)


def edit(city: TinyCity, old: str = "正文。", new: str = "改过的正文。") -> None:
    file = city.content / NEWS
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def write_entry(city: TinyCity, keys: Path, number: int, at: datetime, *, key: str = "", **values: Any) -> None:
    """A well-made entry, signed with a real key, put into the ledger by hand."""
    desk = Desk.open(city.project)
    [standing] = desk.standings([city.content / NEWS])
    article = standing.article
    assert article is not None
    entry = Entry(
        article=article.id,
        stage=STAGES[number],
        person=PEOPLE[number],
        at=at,
        verdict="pass",
        reason="",
        digest=article.digest,
        blob=article.blob,
        assets={},
        place="",
        proof=Proof(column="xwdt", saw=proof.heads(standing.entries)),
    )
    saw = values.pop("saw", None)
    entry = replace(entry, **values)
    assert entry.proof is not None
    entry = replace(entry, proof=replace(entry.proof, saw=entry.proof.saw if saw is None else saw))
    assert entry.proof is not None
    message = ledger.canonical(ledger.record(entry), "xwdt")
    signature = Signer(keys / (key or PEOPLE[number])).sign(message)
    ledger.append(city.content, "xwdt", "202611", replace(entry, proof=replace(entry.proof, signature=signature)))


def edited_after_sign_off(city: TinyCity, keys: Path) -> None:
    edit(city)


def one_person_with_two_roles(city: TinyCity, keys: Path) -> None:
    write_people(city, keys, roles="{stage: sign, columns: [xwdt], from: 2020-01-01}")


def key_that_had_expired(city: TinyCity, keys: Path) -> None:
    write_people(city, keys, until="2026-11-01")


def copied_signature(city: TinyCity, keys: Path) -> None:
    change(city, 2, signature=lines_of(city)[5]["signature"])


def key_of_another_person(city: TinyCity, keys: Path) -> None:
    write_lines(city, lines_of(city)[:2] + lines_of(city)[3:])
    write_entry(city, keys, 2, START + timedelta(minutes=5), key=PEOPLE[1])


def key_that_nobody_knows(city: TinyCity, keys: Path) -> None:
    edit(city)
    write_entry(city, keys, 0, NOW - timedelta(hours=2), key="stranger")


def made_for_another_purpose(city: TinyCity, keys: Path) -> None:
    message = ledger.canonical(lines_of(city)[2], "xwdt")
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(keys / PEOPLE[2]), "-n", "git"]
    done = subprocess.run(command, input=message, capture_output=True, check=True)
    change(city, 2, signature=sshsig.unarmoured(done.stdout.decode()))


def unsigned_verdict(city: TinyCity, keys: Path) -> None:
    lines = lines_of(city)
    del lines[2]["signature"]
    write_lines(city, lines)


def garbled_signature(city: TinyCity, keys: Path) -> None:
    change(city, 2, signature="AAAA")


def rejection_deleted_before_the_next_version(city: TinyCity, keys: Path) -> None:
    edit(city)
    verdict(city, keys, NEWS, 0, NOW - timedelta(hours=9))
    verdict(city, keys, NEWS, 1, NOW - timedelta(hours=8), verdict="reject", reason="日期有误")
    rejected = lines_of(city)[-1]
    edit(city, "改过的", "再改的")
    pass_all(city, keys, NEWS, NOW - timedelta(hours=7))
    write_lines(city, [line for line in lines_of(city) if line != rejected])


def last_rejection_deleted(city: TinyCity, keys: Path) -> None:
    verdict(city, keys, NEWS, 2, NOW - timedelta(hours=8), verdict="reject", reason="撤回")
    commit(city)
    write_lines(city, lines_of(city)[:-1])
    commit(city)


def last_rejection_deleted_before_it_was_committed_again(city: TinyCity, keys: Path) -> None:
    verdict(city, keys, NEWS, 2, NOW - timedelta(hours=8), verdict="reject", reason="撤回")
    commit(city)
    write_lines(city, lines_of(city)[:-1])


def rejection_turned_into_a_pass(city: TinyCity, keys: Path) -> None:
    edit(city)
    verdict(city, keys, NEWS, 0, NOW - timedelta(hours=9))
    verdict(city, keys, NEWS, 1, NOW - timedelta(hours=8), verdict="reject", reason="日期有误")
    change(city, -1, verdict="pass", reason="")


def rejected_version_passed_again(city: TinyCity, keys: Path) -> None:
    edit(city)
    verdict(city, keys, NEWS, 0, NOW - timedelta(hours=9))
    verdict(city, keys, NEWS, 1, NOW - timedelta(hours=8), verdict="reject", reason="日期有误")
    for number in range(3):
        write_entry(city, keys, number, NOW - timedelta(hours=7 - number))


def entry_dated_anew(city: TinyCity, keys: Path) -> None:
    change(city, 0, at=(START - timedelta(days=9)).isoformat())


def entry_dated_before_what_it_follows(city: TinyCity, keys: Path) -> None:
    edit(city)
    verdict(city, keys, NEWS, 0, NOW - timedelta(hours=9))
    write_entry(city, keys, 1, NOW - timedelta(hours=10))


def entry_that_claims_to_have_seen_nothing(city: TinyCity, keys: Path) -> None:
    edit(city)
    verdict(city, keys, NEWS, 0, NOW - timedelta(hours=9))
    write_entry(city, keys, 1, NOW - timedelta(hours=8), saw=())


def entry_outside_the_chain(city: TinyCity, keys: Path) -> None:
    line = {key: value for key, value in lines_of(city)[0].items() if key not in {"saw", "column", "signature"}}
    write_lines(city, [*lines_of(city), line])


def entry_committed_long_after_its_date(city: TinyCity, keys: Path) -> None:
    edit(city)
    write_entry(city, keys, 0, START + timedelta(hours=3))
    commit(city, START + timedelta(days=9))


def file_moved_with_its_ledger(city: TinyCity, keys: Path) -> None:
    """Into a column of the same people; the lines come along."""
    for name in (Path(NEWS).name, "p.png", "a.pdf", "b.xlsx"):
        (city.content / "hygq/202611").mkdir(parents=True, exist_ok=True)
        (city.content / "xwdt/202611" / name).rename(city.content / "hygq/202611" / name)
    write_lines(
        city, [line for line in lines_of(city) if line["article"] == "t20261120_1"], "hygq/_reviews/202611.jsonl"
    )


def ledger_of_another_column(city: TinyCity, keys: Path) -> None:
    """As before, with the column's name written anew."""
    file_moved_with_its_ledger(city, keys)
    lines = [line | {"column": "hygq"} for line in lines_of(city, "hygq/_reviews/202611.jsonl")]
    write_lines(city, lines, "hygq/_reviews/202611.jsonl")


def lines_in_another_order(city: TinyCity, keys: Path) -> None:
    write_lines(city, lines_of(city)[::-1])


def swapped_image(city: TinyCity, keys: Path) -> None:
    (city.content / "xwdt/202611/p.png").write_bytes(b"\x89PNG another")


def swapped_attachment(city: TinyCity, keys: Path) -> None:
    (city.content / "xwdt/202611/a.pdf").write_bytes(b"%PDF-1.4 another")


def changed_include(city: TinyCity, keys: Path) -> None:
    (city.content / "xwdt/202611/b.xlsx").write_bytes(b"PK another")


def attachment_written_into_the_text(city: TinyCity, keys: Path) -> None:
    """The digest of the version is the same: its text goes on where the list of its attachments was."""
    file = city.content / NEWS
    [standing] = Desk.open(city.project).standings([file])
    assert standing.article is not None
    listed = "".join(f"{path}\n{digest[7:]}\n" for path, digest in sorted(standing.article.assets.items()))
    file.write_text(file.read_text(encoding="utf-8") + listed, encoding="utf-8")
    for path in standing.article.assets:
        (city.content / path).unlink()


def older_version_brought_back(city: TinyCity, keys: Path) -> None:
    edit(city)
    pass_all(city, keys, NEWS, NOW - timedelta(hours=7))
    edit(city, "改过的", "")


def text_reviewed_by_its_author(city: TinyCity, keys: Path) -> None:
    edit(city, "source:", "author: portalshenhe\nsource:")
    verdict(city, keys, NEWS, 0, NOW - timedelta(hours=9))
    write_entry(city, keys, 1, NOW - timedelta(hours=8))


def reprint_without_secrecy_review(city: TinyCity, keys: Path) -> None:
    edit(city, "source:", "reprint_of: https://www.province.example/1.html\nsource:")
    verdict(city, keys, NEWS, 0, NOW - timedelta(hours=9))
    write_entry(city, keys, 1, NOW - timedelta(hours=8))


def pushed_text_without_its_reviews(city: TinyCity, keys: Path) -> None:
    edit(city, "source:", "pushed_from: 公文系统\nsource:")
    write_entry(city, keys, 0, NOW - timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Attack:
    """`decides`: whether the article of the attack must not count as signed afterwards."""

    way: Callable[[TinyCity, Path], None]
    code: str
    decides: bool = True
    path: str = NEWS


ATTACKS = [
    Attack(edited_after_sign_off, "review-pending"),
    Attack(one_person_with_two_roles, "review-entry-ignored"),
    Attack(key_that_had_expired, "review-key-expired"),
    Attack(copied_signature, "review-signature-bad"),
    Attack(key_of_another_person, "review-signature-stranger"),
    Attack(key_that_nobody_knows, "review-signature-stranger"),
    Attack(made_for_another_purpose, "review-signature-namespace"),
    Attack(unsigned_verdict, "review-signature-missing"),
    Attack(garbled_signature, "review-signature-bad"),
    Attack(rejection_deleted_before_the_next_version, "review-entry-removed"),
    Attack(last_rejection_deleted, "review-entry-removed", decides=False),
    Attack(last_rejection_deleted_before_it_was_committed_again, "review-entry-removed", decides=False),
    Attack(rejection_turned_into_a_pass, "review-signature-bad"),
    Attack(rejected_version_passed_again, "review-entry-ignored"),
    Attack(entry_dated_anew, "review-entry-removed"),
    Attack(entry_dated_before_what_it_follows, "review-entry-redated"),
    Attack(entry_that_claims_to_have_seen_nothing, "review-entry-unseen"),
    Attack(entry_outside_the_chain, "review-entry-unchained", decides=False),
    Attack(entry_committed_long_after_its_date, "review-entry-backdated"),
    Attack(file_moved_with_its_ledger, "review-entry-foreign", path="hygq/202611/t20261120_1.md"),
    Attack(ledger_of_another_column, "review-signature-bad", path="hygq/202611/t20261120_1.md"),
    Attack(lines_in_another_order, "review-ledger-reordered", decides=False),
    Attack(swapped_image, "review-pending"),
    Attack(swapped_attachment, "review-pending"),
    Attack(changed_include, "review-pending"),
    Attack(attachment_written_into_the_text, "digest-ambiguous"),
    Attack(older_version_brought_back, "review-superseded"),
    Attack(text_reviewed_by_its_author, "review-entry-ignored"),
    Attack(reprint_without_secrecy_review, "review-entry-ignored"),
    Attack(pushed_text_without_its_reviews, "review-entry-ignored"),
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.way.__name__)
def test_every_way_to_cheat_is_called_by_its_name(attack: Attack, victim: TinyCity, keys: Path) -> None:
    victim.column("hygq", "回应关切", "回应关切", "解读回应", 35)
    attack.way(victim, keys)
    assert attack.code in told(victim)
    assert not (attack.decides and is_signed(victim, attack.path))


def reviewing(codes: set[str]) -> set[str]:
    return {code for code in codes if code.startswith(("review", "ledger", "digest", "date"))}


def test_the_honest_path_passes_also_after_a_union_of_two_branches(victim: TinyCity, keys: Path) -> None:
    """Two editors correct two texts at the same time; the lines of both come together, and the reviews go on."""
    assert is_signed(victim)
    assert reviewing(told(victim)) == set()
    git(victim, "checkout", "-q", "-b", "theirs")
    edit(victim)
    verdict(victim, keys, NEWS, 0, NOW - timedelta(hours=9))
    commit(victim)
    git(victim, "checkout", "-q", "main")
    file = victim.content / OTHER
    file.write_text(file.read_text(encoding="utf-8") + "更正。\n", encoding="utf-8")
    pass_all(victim, keys, OTHER, NOW - timedelta(hours=10))
    commit(victim)
    git(victim, "merge", "-q", "--no-edit", "theirs")
    verdict(victim, keys, NEWS, 1, NOW - timedelta(hours=8))
    verdict(victim, keys, NEWS, 2, NOW - timedelta(hours=7))
    commit(victim)
    assert reviewing(told(victim)) == set()
    assert is_signed(victim)
    assert is_signed(victim, OTHER)


def test_two_branches_that_go_on_from_one_entry_are_both_named_by_the_next(victim: TinyCity, keys: Path) -> None:
    git(victim, "checkout", "-q", "-b", "theirs")
    edit(victim)
    verdict(victim, keys, NEWS, 0, NOW - timedelta(hours=9))
    commit(victim)
    git(victim, "checkout", "-q", "main")
    verdict(victim, keys, NEWS, 2, NOW - timedelta(hours=8), verdict="reject", reason="撤回", stage="sign")
    commit(victim)
    git(victim, "merge", "-q", "--no-edit", "theirs")
    edit(victim, "改过的", "再改的")
    pass_all(victim, keys, NEWS, NOW - timedelta(hours=7))
    commit(victim)
    assert is_signed(victim)
    assert reviewing(told(victim)) == set()
    assert sorted(len(line["saw"]) for line in lines_of(victim))[-1] == 2


def test_ssh_keygen_agrees_with_us_on_every_signature(honest: TinyCity, keys: Path, tmp_path: Path) -> None:
    """Ed25519, ECDSA and RSA; and on none when one byte is another."""
    people = records.load(honest.content)[0].people
    signers = tmp_path / "allowed_signers"
    signers.write_text(proof.allowed_signers(people.values()), encoding="utf-8")
    kinds = set()
    for entry in honest.entries("xwdt"):
        assert entry.proof is not None
        message = ledger.message_of(entry)
        signature = sshsig.parse(entry.proof.signature)
        kinds.add(signature.algorithm)
        (tmp_path / "sig").write_text(sshsig.armoured(entry.proof.signature), encoding="ascii")
        for data in (message, message.replace(b"202611", b"202612"), message + b"\n"):
            command = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", entry.person, "-n", "sitegen-review"]
            command += ["-O", f"verify-time={entry.at:%Y%m%d}", "-s", str(tmp_path / "sig")]
            theirs = subprocess.run(command, input=data, capture_output=True, check=False).returncode == 0
            assert theirs == (data == message) == sshsig.verifies(signature, data)
    assert kinds == {b"ssh-ed25519", b"ecdsa-sha2-nistp256", b"rsa-sha2-512"}


@pytest.mark.parametrize(
    "broken",
    [
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: b"SSHSIX" + data[6:],
        lambda data: data[:9] + b"\2" + data[10:],
        lambda data: data[:10] + b"\xff\xff\xff\xff" + data[14:],
        lambda data: data.replace(b"sha512", b"sha999", 1),
        lambda data: b"",
    ],
)
def test_what_is_not_exactly_a_signature_is_none(broken: Callable[[bytes], bytes], honest: TinyCity) -> None:
    import base64

    first = honest.entries("xwdt")[0]
    assert first.proof is not None
    data = base64.b64decode(first.proof.signature)
    with pytest.raises(ValueError, match=r"."):
        sshsig.parse(base64.b64encode(broken(data)).decode())


def test_a_key_is_written_as_it_was_read(keys: Path) -> None:
    line = (keys / PEOPLE[0]).with_suffix(".pub").read_text(encoding="ascii")
    blob = sshkey.blob_of(line)
    assert sshkey.line_of(blob) == " ".join(line.split()[:2])
    said = subprocess.run(["ssh-keygen", "-l", "-f", str(keys / PEOPLE[0])], capture_output=True, text=True, check=True)
    assert sshkey.fingerprint(blob) == said.stdout.split()[1]


def test_a_key_that_cannot_be_read_is_told_and_the_person_stays(city: TinyCity) -> None:
    people = city.content / "_records/people.yml"
    text = people.read_text(encoding="utf-8")
    people.write_text(text.replace("    unit: zfb\n", "    unit: zfb\n    keys: [{key: ssh-dss}]\n", 1), "utf-8")
    found, problems = records.load(city.content)
    assert [(problem.code, problem.key) for problem in problems] == [("record-key", "portal-bianji")]
    assert found.people["portal-bianji"].roles


def test_what_was_verified_is_remembered_and_a_torn_memory_costs_only_time(victim: TinyCity, keys: Path) -> None:
    told(victim)
    memory = victim.root / "build/state/verified"
    assert memory.stat().st_size == 6 * 16
    told(victim)
    assert memory.stat().st_size == 6 * 16
    memory.write_bytes(memory.read_bytes()[:40])
    copied_signature(victim, keys)
    assert "review-signature-bad" in told(victim)


def test_a_history_that_git_cannot_tell_is_told(victim: TinyCity) -> None:
    shutil.rmtree(victim.root / ".git/objects/pack", ignore_errors=True)
    for folder in (victim.root / ".git/objects").glob("??"):
        shutil.rmtree(folder)
    assert reviewing(told(victim)) == {"review-history-unreadable"}


def test_ledgers_that_end_a_process_are_told_and_the_others_are_verified() -> None:
    part = verify.Part(column="xwdt", files=(BOOK,), number=0, parts=1)
    assert [problem.code for problem in verify._deadly(part).problems] == ["ledger-crashed"]
