"""三审: three different entitled people, in order, on one version; anything else does not publish."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sitegen import clock, records, review
from sitegen.ledger import Entry, Stage
from sitegen.records import Person, Records, Role
from sitegen.review import Open, Responsible, Signed

START = clock.parse_moment("2026-11-20 08:00")
DIGEST, OTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64
WHERE = Responsible(column="jyj/tzgg", site="jyj", signer="qianfa")


def person(name: str, stage: Stage, *, deputy: bool = False, columns: tuple[str, ...] = ("jyj",)) -> Person:
    role = Role(stage=stage, columns=columns, since=None, until=None, deputy=deputy)
    return Person(id=name, name=name, unit="jyj", roles=(role,))


PEOPLE = Records(
    people={
        p.id: p
        for p in (
            person("bianji", "edit"),
            person("shenhe", "review"),
            person("qianfa", "sign"),
            person("fuqianfa", "sign", deputy=True),
            person("biecun", "sign"),
            person("waidi", "review", columns=("mzj",)),
        )
    },
    units={},
)


def entry(who: str, stage: Stage, hours: int, *, digest: str = DIGEST, verdict: str = "pass") -> Entry:
    return Entry(
        article="t20261120_1",
        stage=stage,
        person=who,
        at=START + timedelta(hours=hours),
        verdict="pass" if verdict == "pass" else "reject",
        reason="" if verdict == "pass" else "有误",
        digest=digest,
        blob="0" * 40,
        assets={},
        place="jyj/tzgg/_reviews/202611.jsonl:1",
    )


FULL = [entry("bianji", "edit", 0), entry("shenhe", "review", 1), entry("qianfa", "sign", 2)]


def standing(entries: list[Entry], digest: str = DIGEST) -> Signed | Open:
    return review.status(entries, digest, WHERE, PEOPLE)


def test_three_passes_in_order_sign_a_version() -> None:
    found = standing(FULL)
    assert isinstance(found, Signed)
    assert found.entry.person == "qianfa"


def test_the_order_of_lines_in_the_file_does_not_matter() -> None:
    assert isinstance(standing(FULL[::-1]), Signed)


def test_an_edit_reopens_the_review() -> None:
    found = standing(FULL, OTHER)
    assert isinstance(found, Open)
    assert found.next_stage == "edit"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (replace(FULL[1], person="nobody"), "unknown-person"),
        (replace(FULL[1], person="waidi"), "not-entitled"),
        (replace(FULL[1], at=START - timedelta(hours=1)), "order"),
    ],
)
def test_a_verdict_that_does_not_count_says_why(changed: Entry, reason: str) -> None:
    found = standing([FULL[0], changed])
    assert isinstance(found, Open)
    assert found.next_stage == "review"
    assert [why for _, why in found.ignored] == [reason]


def test_only_the_columns_signer_or_a_deputy_signs_off() -> None:
    stranger = standing([*FULL[:2], entry("biecun", "sign", 2)])
    assert isinstance(stranger, Open)
    assert stranger.ignored[0][1] == "not-the-signer"
    assert isinstance(standing([*FULL[:2], entry("fuqianfa", "sign", 2)]), Signed)


def test_nobody_holds_two_stages_of_one_version() -> None:
    both = Person(
        id="bianji", name="x", unit="jyj", roles=PEOPLE.people["bianji"].roles + PEOPLE.people["shenhe"].roles
    )
    people = records.Records(people={**PEOPLE.people, "bianji": both}, units={})
    found = review.status([FULL[0], entry("bianji", "review", 1)], DIGEST, WHERE, people)
    assert isinstance(found, Open)
    assert found.ignored[0][1] == "same-person"


def test_a_rejection_begins_the_flow_again() -> None:
    found = standing([FULL[0], entry("shenhe", "review", 1, verdict="reject")])
    assert isinstance(found, Open)
    assert found.next_stage == "edit"
    assert found.rejected is not None
    again = [entry("bianji", "edit", 3), entry("shenhe", "review", 4), entry("qianfa", "sign", 5)]
    assert isinstance(standing([FULL[0], entry("shenhe", "review", 1, verdict="reject"), *again]), Signed)


def test_the_signer_can_withdraw_a_signed_version() -> None:
    found = standing([*FULL, entry("qianfa", "sign", 3, verdict="reject")])
    assert isinstance(found, Open)


def test_the_newest_signed_version_is_the_last_good_one() -> None:
    newer = [replace(e, digest=OTHER, at=e.at + timedelta(days=1)) for e in FULL]
    last = review.last_signed([*FULL, *newer], WHERE, PEOPLE)
    assert last is not None
    assert last.entry.digest == OTHER
    half = review.last_signed([*FULL, *newer[:2]], WHERE, PEOPLE)
    assert half is not None
    assert half.entry.digest == DIGEST
