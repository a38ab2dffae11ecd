"""Numbers that belong to one person are found, and nothing else is taken for one (第二十一条(二))."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitegen.rules import personal
from sitegen.rules.personal import Finding
from tests.cities import ROOT, SHARED, TinyCity
from tests.test_cli import run


def identity(area: str = "431102", born: str = "19900307", order: str = "123") -> str:
    """An identity card number of nobody: the check digit as GB 11643-1999 defines it (ISO 7064, MOD 11-2)."""
    body = area + born + order
    remainder = 0
    for digit in body:
        remainder = (remainder + int(digit)) * 2 % 11
    return body + "0123456789X"[(12 - remainder) % 11]


def bank_card(body: str) -> str:
    """With the digit that makes Luhn's sum a multiple of ten (ISO/IEC 7812-1)."""
    for last in "0123456789":
        number = body + last
        total = 0
        for place, digit in enumerate(number[::-1]):
            twice = int(digit) * 2
            total += sum(map(int, str(twice))) if place % 2 else int(digit)
        if total % 10 == 0:
            return number
    raise AssertionError(body)


def kinds(text: str) -> list[str]:
    return [finding.kind for finding in personal.find(text)]


@pytest.mark.parametrize(
    "text",
    [
        f"身份证号：{identity()}",
        f"（{identity(born='20000229')}）",
        f"公示：张三，{identity(order='001').lower()}，男",
        f"身份证{identity(order='997')}，",
        "身份证号：" + identity().translate(str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")),
    ],
)
def test_an_identity_card_is_found(text: str) -> None:
    assert kinds(text) == ["identity-card"]


@pytest.mark.parametrize(
    "text",
    [
        identity()[:-1] + ("0" if identity()[-1] != "0" else "1"),
        identity(born="19900230"),
        identity(born="19901301"),
        "4311021990********",
        identity()[:6] + "********" + identity()[-4:],
        "1" + identity(),
        identity() + "1",
        identity()[:17],
    ],
)
def test_what_is_no_identity_card_is_not_taken_for_one(text: str) -> None:
    assert "identity-card" not in kinds(text)


def _credit_code_of_digits() -> str:
    """A 统一社会信用代码 that would pass for an identity card as well: both check digits agree."""
    signs = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    for order in range(1000):
        number = identity(born="19900307", order=f"{order:03d}")
        total = sum(signs.index(sign) * 3**place % 31 for place, sign in enumerate(number[:17]) if sign in signs)
        if number[17] in signs and signs[(31 - total % 31) % 31] == number[17]:
            return number
    raise AssertionError("none")


def test_a_credit_code_is_none() -> None:
    assert kinds(f"统一社会信用代码：{_credit_code_of_digits()}") == []
    assert kinds(f"身份证：{_credit_code_of_digits()}") == ["identity-card"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"账号：{bank_card('622202123456789012')}", ["bank-card"]),
        (f"账号：{bank_card('622202123456789')}", ["bank-card"]),
        (f"{bank_card('411111111111111')}", ["bank-card"]),
        ("账号：" + re.sub(r"(\d{4})(?=\d)", r"\1 ", bank_card("622202123456789012")), ["bank-card"]),
        (str(int(bank_card("622202123456789012")) + 1), []),
        (bank_card("722202123456789012"), []),
        ("账号：6222 **** **** 1234", []),
    ],
)
def test_a_bank_card_is_found_by_its_sum(text: str, found: list[str]) -> None:
    assert kinds(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("电话13912345678。", ["mobile"]),
        ("手机：139-1234-5678", ["mobile"]),
        ("+86 139 1234 5678", ["mobile"]),
        ("电话：0746-8381234", []),
        ("12912345678", []),
        ("139****5678", []),
        ("编号2139123456789", []),
        ("3.13912345678", []),
        ("000014349/2017-00110", []),
    ],
)
def test_a_mobile_number_is_found_by_its_form(text: str, found: list[str]) -> None:
    assert kinds(text) == found


def test_a_finding_says_where_and_does_not_repeat_the_number() -> None:
    number = identity()
    [finding] = personal.find(f"名单\n\n张三 {number}\n")
    assert finding == Finding(kind="identity-card", line=3, masked=number[:3] + "*" * 11 + number[-4:])


@given(st.text(alphabet="0123456789 -Xx*一\n０９", max_size=60))
def test_no_text_makes_it_fail_and_no_finding_shows_a_whole_number(text: str) -> None:
    for finding in personal.find(text):
        assert "*" in finding.masked


def test_no_law_and_no_text_of_the_sample_is_accused() -> None:
    """Legal texts are full of numbers, and hold no personal data."""
    laws = [path for path in sorted((SHARED / "real/regulations").rglob("*")) if path.is_file()]
    for path in [*laws, *sorted((ROOT / "content").rglob("*.md"))]:
        assert personal.find(path.read_text(encoding="utf-8")) == [], path


def test_check_tells_the_line_and_what_to_do(city: TinyCity) -> None:
    city.article("xwdt/202611/t20261120_1.md", "公示", f"名单\n\n张三，{identity()}\n", sign=False)
    said = json.loads(run(city, "check", "--json").stdout)["problems"]
    [problem] = [one for one in said if one["code"] == "personal-data"]
    lines = (city.content / "xwdt/202611/t20261120_1.md").read_text(encoding="utf-8").splitlines()
    assert identity() in lines[problem["line"] - 1]
    assert identity() not in problem["message"]
    assert problem["severity"] == "error"
