"""What only this service can have written: tokens of the form and tracking numbers, each proven by a keyed digest.

Nothing is kept for a visitor: a token carries when it was made and, by its digest, for which letter; a tracking number
carries its own proof.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

LIFETIME = 2 * 3600
HASTE = 3
"""Seconds: whoever sends a letter sooner than this after being shown it has not read it."""
_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: no I, L, O, U, which are misread."""
_TOKEN = re.compile(r"([0-9]{10,11})\.([0-9a-f]{32})\.([0-9a-f]{64})")
_NUMBER = re.compile(r"([0-9]{8})([0-9A-Z]{8})([0-9A-Z]{12})")
ID = re.compile(r"[0-9]{8}-[0-9a-z]{8}")


@dataclass(frozen=True, slots=True)
class Seals:
    """`key`: 32 random bytes that are kept with the letters; another key makes all tracking numbers unknown."""

    key: bytes

    def token(self, fields: Mapping[str, str], now: int, nonce: str) -> str:
        """For one letter as it was shown to its writer. `now` in Unix seconds; `nonce`: 32 hex digits."""
        return f"{now}.{nonce}.{self._proof('token', f'{now}.{nonce}', _canonical(fields))}"

    def nonce(self, token: str, fields: Mapping[str, str], now: int) -> str | Literal["foreign", "late", "hasty"]:
        """The nonce of a token of ours for these fields, or why it does not count."""
        match = _TOKEN.fullmatch(token)
        made, nonce, proof = match.groups() if match else ("0", "", "")
        mine = self._proof("token", f"{made}.{nonce}", _canonical(fields))
        if not hmac.compare_digest(proof, mine):
            return "foreign"
        age = now - int(made)
        if age > LIFETIME:
            return "late"
        return nonce if age >= HASTE else "hasty"

    def id_for(self, nonce: str, received: datetime) -> str:
        """The letter's id: sent twice, it is the same letter."""
        return f"{received:%Y%m%d}-{self._signs('id', nonce, 8).lower()}"

    def number(self, letter_id: str) -> str:
        """The tracking number: the id, and 60 bits that prove it was told by us."""
        day, name = letter_id.split("-")
        proof = self._signs("number", letter_id, 12)
        return f"{day}-{name.upper()}-{proof[:4]}-{proof[4:8]}-{proof[8:]}"

    def id_of(self, number: str) -> str | None:
        """The id of a tracking number, however it was typed; None: it is none of ours."""
        plain = re.sub(r"[\s\-\u2010-\u2015\uff0d]", "", number[:100]).upper().translate(str.maketrans("ILO", "110"))
        match = _NUMBER.fullmatch(plain)
        day, name, proof = match.groups() if match else ("0" * 8, "0" * 8, "")
        letter_id = f"{day}-{name.lower()}"
        return letter_id if hmac.compare_digest(proof, self._signs("number", letter_id, 12)) else None

    def _signs(self, purpose: str, text: str, count: int) -> str:
        value = int(self._proof(purpose, text), 16)
        return "".join(_SIGNS[value >> 5 * place & 31] for place in range(count))

    def _proof(self, purpose: str, *parts: str) -> str:
        return hmac.new(self.key, "\0".join((purpose, *parts)).encode(), hashlib.sha256).hexdigest()


def _canonical(fields: Mapping[str, str]) -> str:
    return json.dumps(dict(fields), sort_keys=True)
