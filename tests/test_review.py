"""三审: three different entitled people, in order, on one version; anything else does not publish."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sitegen import clock, records
from sitegen.ledger import Entry, Stage
from sitegen.records import Person, Records, Role
from sitegen.review import Open, Responsible, Rules, Signed

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


RULES = Rules(where=WHERE, records=PEOPLE)
FULL = [entry("bianji", "edit", 0), entry("shenhe", "review", 1), entry("qianfa", "sign", 2)]


def standing(entries: list[Entry], digest: str = DIGEST) -> Signed | Open:
    return RULES.status(entries, digest)


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
    found = Rules(where=WHERE, records=people).status([FULL[0], entry("bianji", "review", 1)], DIGEST)
    assert isinstance(found, Open)
    assert {why for _, why in found.ignored} == {"two-roles"}
    second = replace(both, roles=PEOPLE.people["shenhe"].roles)
    moved = Role(stage="edit", columns=("jyj",), since=None, until=START.date(), deputy=False)
    since = replace(second.roles[0], since=START.date() + timedelta(days=1))
    changed = records.Records(people={**PEOPLE.people, "bianji": replace(both, roles=(moved, since))}, units={})
    later = Rules(where=WHERE, records=changed).status([FULL[0], entry("bianji", "review", 24)], DIGEST)
    assert isinstance(later, Open)
    assert [why for _, why in later.ignored] == ["same-person"]


def test_a_rejection_begins_the_flow_again() -> None:
    found = standing([FULL[0], entry("shenhe", "review", 1, verdict="reject")])
    assert isinstance(found, Open)
    assert found.next_stage == "edit"
    assert found.rejected is not None
    again = [entry("bianji", "edit", 3), entry("shenhe", "review", 4), entry("qianfa", "sign", 5)]
    unchanged = standing([FULL[0], entry("shenhe", "review", 1, verdict="reject"), *again])
    assert isinstance(unchanged, Open)
    assert {why for _, why in unchanged.ignored} == {"rejected-version"}
    corrected = [replace(one, digest=OTHER) for one in again]
    assert isinstance(standing([FULL[0], entry("shenhe", "review", 1, verdict="reject"), *corrected], OTHER), Signed)


def test_what_a_later_signature_replaced_passes_all_stages_again_before_it_comes_back() -> None:
    newer = [replace(e, digest=OTHER, at=e.at + timedelta(days=1)) for e in FULL]
    back = standing([*FULL, *newer])
    assert isinstance(back, Open)
    assert back.superseded == newer[2]
    again = [replace(e, at=e.at + timedelta(days=2)) for e in FULL]
    assert isinstance(standing([*FULL, *newer, *again[:2]]), Open)
    assert isinstance(standing([*FULL, *newer, *again]), Signed)
    assert isinstance(standing([*FULL, *newer, *again], OTHER), Open)


def test_a_withdrawn_version_leaves_the_one_before_it() -> None:
    newer = [replace(e, digest=OTHER, at=e.at + timedelta(days=1)) for e in FULL]
    withdrawn = replace(newer[2], verdict="reject", at=newer[2].at + timedelta(hours=1))
    assert isinstance(standing([*FULL, *newer, withdrawn]), Signed)


def test_the_signer_can_withdraw_a_signed_version() -> None:
    found = standing([*FULL, entry("qianfa", "sign", 3, verdict="reject")])
    assert isinstance(found, Open)


def test_the_newest_signed_version_is_the_last_good_one() -> None:
    newer = [replace(e, digest=OTHER, at=e.at + timedelta(days=1)) for e in FULL]
    last = RULES.last_signed([*FULL, *newer])
    assert last is not None
    assert last.entry.digest == OTHER
    half = RULES.last_signed([*FULL, *newer[:2]])
    assert half is not None
    assert half.entry.digest == DIGEST
