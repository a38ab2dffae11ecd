"""A citizen's letter: what the form asks for, what is refused, and the part of it that may become public."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from sitegen.rules import personal

TYPES = ("咨询", "建议", "投诉", "求助")
SUBJECT = (2, 60)
TEXT = (10, 2000)
"""Least and most characters."""
NAME = 30
EMAIL = 100
LINKS = 2
"""More addresses in a letter than this are an advertisement."""
FIELDS = ("type", "unit", "subject", "text", "name", "phone", "email", "public")
TRAP = "website"
"""A field that no person sees; what fills it in is a program."""

_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Also what turns the direction of writing round: it makes a text read otherwise than it is."""
_LINK = re.compile(r"https?:|www\.", re.IGNORECASE)
_PHONE = re.compile(r"\+?[0-9][0-9\- ]{5,18}[0-9]")
_EMAIL = re.compile(
    r"[^\s@<>\"',;:\\()\[\]]{1,64}@[0-9A-Za-z\u4e00-\u9fff][0-9A-Za-z.\-\u4e00-\u9fff]{1,60}\.[A-Za-z\u4e00-\u9fff]{2,20}"
)
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!<>|~&:=\"^$])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What was written, as it was checked. `public`: the writer allows that letter and answer are shown."""

    type: str
    unit: str
    subject: str
    text: str
    name: str
    phone: str
    email: str
    public: bool

    def as_fields(self) -> dict[str, str]:
        """The form's fields again: `read(letter.as_fields(), …)` gives the same letter."""
        return {**asdict(self), "public": "yes" if self.public else ""}


class Complaint(NamedTuple):
    """What is wrong with one field; the page has the words for it."""

    field: str
    what: str


def tidy(fields: Mapping[str, str]) -> dict[str, str]:
    """The form's fields without what no letter needs: control signs, blanks at the ends, foreign line ends."""
    clean = {name: fields.get(name, "") for name in FIELDS}
    for name, value in clean.items():
        form: Literal["NFC", "NFKC"] = (
            "NFKC" if name in {"phone", "email"} else "NFC"
        )  # full-width digits are typed, too
        value = unicodedata.normalize(form, _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n")))
        clean[name] = value.strip() if name == "text" else " ".join(value.split())
    return clean


def read(fields: Mapping[str, str], units: Collection[str]) -> Letter | list[Complaint]:
    """The letter that `tidy` fields make, or all that is wrong with them. `units`: ids of those that answer letters."""
    wrong = list(_wrong(fields, units))
    if wrong:
        return wrong
    return Letter(**{name: fields[name] for name in FIELDS if name != "public"}, public=fields["public"] == "yes")


def _wrong(fields: Mapping[str, str], units: Collection[str]) -> list[Complaint]:
    found = [
        Complaint(name, "missing" if len(fields[name]) < least else "long")
        for name, least, most in (("subject", *SUBJECT), ("text", *TEXT), ("name", 1, NAME))
        if not least <= len(fields[name]) <= most
    ]
    if fields["type"] not in TYPES:
        found.append(Complaint("type", "missing"))
    if fields["unit"] not in units:
        found.append(Complaint("unit", "missing"))
    if not fields["phone"] and not fields["email"]:
        found.append(Complaint("phone", "missing"))
    if fields["phone"] and not _PHONE.fullmatch(fields["phone"]):
        found.append(Complaint("phone", "unreadable"))
    if fields["email"] and (len(fields["email"]) > EMAIL or not _EMAIL.fullmatch(fields["email"])):
        found.append(Complaint("email", "unreadable"))
    if len(_LINK.findall(fields["subject"] + "\n" + fields["text"])) > LINKS:
        found.append(Complaint("text", "links"))
    return found


# --- the public part -----------------------------------------------------------------------------------------------


def redacted(text: str, letter: Letter) -> str:
    """A text of the letter without what points to its writer: name, numbers, addresses, and whatever
    `personal` recognises. A person still reads it before it goes anywhere (第二十一条(二))."""
    for own in (letter.email, letter.phone, re.sub(r"\D", "", letter.phone)):
        if own:
            text = text.replace(own, "***")
    if len(letter.name) > 1:
        text = text.replace(letter.name, masked_name(letter.name))
    return personal.redact(_EMAIL.sub("***", text))


def masked_name(name: str) -> str:
    """`周小明` → `周**`: as the published letters name their writers."""
    return name[:1] + "**"


def draft(letter: Letter, received: datetime) -> str:
    """An article of kind `message` to which the answer is still to be written. What a citizen wrote stands in it as
    words alone: no sign of it means anything in Markdown."""
    subject, text = redacted(letter.subject, letter), redacted(letter.text, letter)
    lines = ["---", f"title: {_quoted(subject)}", f"message_type: {letter.type}"]
    lines += [f"from: {_quoted(masked_name(letter.name))}", f"received_on: {received:%Y-%m-%d}", "---", ""]
    lines += ["## 来信内容", "", *_as_words(text), "", "## 答复内容", "", ""]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _as_words(text: str) -> list[str]:
    """Paragraphs whose signs are all escaped."""
    return [_MARKDOWN.sub(r"\\\1", line.strip()) for line in text.split("\n")]
