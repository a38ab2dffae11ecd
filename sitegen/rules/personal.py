"""Personal data in a text: numbers that only one person has (第二十一条(二); STANDARDS §2.11).

A number is told when it proves itself: an identity card by its check digit and its date, a bank card by Luhn's sum, a
mobile number by its form. Masked forms (`430***********1234`) are no numbers and pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from sitegen.text import _

Kind = Literal["identity-card", "bank-card", "mobile"]

_LONG_NUMBER = re.compile(r"\d[\d \-\u2003\u3000]{9,}")
"""What any of them begins with: most texts hold none, and end here."""
_SIGNS = bytes(ord("1") if chr(code).isdigit() and code < 128 else code for code in range(256))
_SIXTEEN = b"1" * 16
_WIDE_DIGITS = "\uff10\uff11\uff12\uff13\uff15"
"""No card number in full-width digits does without all of them (2⁻¹⁵)."""
_WIDE = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]")
_PLAIN = {code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
"""Full-width digits and letters as plain ones, one for one."""
_IDENTITY = re.compile(r"(?<![0-9A-Za-z])[1-8]\d{5}((?:18|19|20)\d\d)(0[1-9]|1[0-2])(\d\d)\d{3}[\dXx](?![0-9A-Za-z])")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CARD = re.compile(r"(?<![\d.])(?:62|4|5)\d{2,3}(?:[ -]?\d{4}){2,3}(?:[ -]?\d{1,4})?(?![\d.])")
_MOBILE = re.compile(r"(?<![\d.\-+])(?:\+?86[ -]?)?(1[3-9]\d[ -]?\d{4}[ -]?\d{4})(?![\d.])")
_CREDIT = re.compile(r"(?<![0-9A-Za-z])[0-9A-HJ-NPQRTUWXY]{18}(?![0-9A-Za-z])")
_CREDIT_CODE = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_CREDIT_WORD = re.compile(r"(?:信用代码|机构代码|代码)[^\n]{0,12}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`line` counts from 1; `masked` is the number as it may be printed in a message."""

    kind: Kind
    line: int
    masked: str


def kind_name(kind: Kind) -> str:
    return {
        "identity-card": _("identity card number"),
        "bank-card": _("bank card number"),
        "mobile": _("mobile number"),
    }[kind]


def find(text: str) -> list[Finding]:
    """Every number that belongs to one person, in order; full-width digits count as digits."""
    if not text.isascii() and _WIDE.search(text):
        text = text.translate(_PLAIN)
    if not _LONG_NUMBER.search(text):
        return []
    found = sorted((start, kind, number) for kind, start, number in _numbers(text))
    return [
        Finding(kind=kind, line=text.count("\n", 0, start) + 1, masked=_masked(number)) for start, kind, number in found
    ]


def redact(text: str) -> str:
    """The text without any such number."""
    plain = text.translate(_PLAIN)
    if not _LONG_NUMBER.search(plain):
        return text
    for _kind, start, number in sorted(_numbers(plain), key=lambda found: found[1], reverse=True):
        text = text[:start] + "***" + text[start + len(number) :]
    return text


def cards(text: str) -> list[Finding]:
    """Only what stops a publication: numbers of identity cards and of bank cards. 5 µs for a text of 1,000 signs without
    one: an expression that looks for digits takes 25, the codec that leaves nothing but ASCII takes 2."""
    row = text.encode("ascii", "replace").translate(_SIGNS, b" -")
    if _SIXTEEN not in row and not any(digit in text for digit in _WIDE_DIGITS):
        return []
    return [finding for finding in find(text) if finding.kind != "mobile"]


def _numbers(text: str) -> Iterator[tuple[Kind, int, str]]:
    taken = [match.span() for match in _CREDIT.finditer(text) if _is_credit_code(text, match)]
    for match in _IDENTITY.finditer(text):
        if _is_identity(match) and not _overlaps(match.span(), taken):
            taken.append(match.span())
            yield "identity-card", match.start(), match[0]
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if 16 <= len(digits) <= 19 and _luhn(digits) and not _overlaps(match.span(), taken):
            taken.append(match.span())
            yield "bank-card", match.start(), match[0]
    for match in _MOBILE.finditer(text):
        if not _overlaps(match.span(1), taken):
            yield "mobile", match.start(1), match[1]


def _is_identity(match: re.Match[str]) -> bool:
    """GB 11643: a real date, and the check digit of the 17 before it."""
    number = match[0].upper()
    try:
        date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == number[17]


def _is_credit_code(text: str, match: re.Match[str]) -> bool:
    """统一社会信用代码 (GB 32100) has 18 characters too: its own check digit, and a word before it that says so."""
    code = match[0]
    total = sum(_CREDIT_CODE.index(sign) * weight for sign, weight in zip(code, _CREDIT_WEIGHTS, strict=False))
    its_own = _CREDIT_CODE[(31 - total % 31) % 31] == code[17]
    return its_own and _CREDIT_WORD.search(text, max(0, match.start() - 40), match.start()) is not None


def _luhn(digits: str) -> bool:
    doubled = [int(d) * (2 if place % 2 else 1) for place, d in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _overlaps(span: tuple[int, int], taken: list[tuple[int, int]]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in taken)


def _masked(number: str) -> str:
    return number[:3] + "*" * (len(number) - 7) + number[-4:]
