"""How the seal on pictures looks, as the decision file says it: text, place, size, opacity."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

from archive.text import _

PLACES = ("top-right", "top-left", "bottom-right", "bottom-left", "center")
SIZES = range(12, 61)
OPACITIES = range(40, 101)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`text`: on the seal, the decision's label where it is empty; `size`: its height in percent of the picture's short
    side; `opacity` in percent. The strip below the picture always stands and is never see-through."""

    text: str = ""
    place: str = "top-right"
    size: int = 22
    opacity: int = 100

    def as_json(self) -> dict[str, object]:
        return asdict(self)


class Reader(Protocol):
    """What reads the decision file and notes the line of each key."""

    def problem(self, code: str, key: str, message: str, remedy: str) -> None: ...


def read(reader: Reader, raw: dict[str, Any]) -> Look:
    """`seal: {text: …, place: top-right, size: 22, opacity: 100}`, each of them optional."""
    value = raw.get("seal")
    if value is None:
        return Look()
    if not isinstance(value, dict) or set(map(str, value)) - {"text", "place", "size", "opacity"}:
        remedy = _("write `seal: {line}`").format(line="{text: 已歸檔, place: top-right, size: 22, opacity: 100}")
        reader.problem("decision-value-invalid", "seal", _("`seal` says text, place, size and opacity"), remedy)
        return Look()
    place = str(value.get("place", "top-right"))
    if place not in PLACES:
        message = _("“{place}” is no place for the seal").format(place=place)
        reader.problem(
            "decision-value-invalid", "seal.place", message, _("write one of {places}").format(places=", ".join(PLACES))
        )
    return Look(
        text=str(value.get("text") or ""),
        place=place,
        size=_percent(reader, value, "size", SIZES),
        opacity=_percent(reader, value, "opacity", OPACITIES),
    )


def _percent(reader: Reader, value: dict[str, Any], key: str, allowed: range) -> int:
    given = value.get(key, getattr(Look(), key))
    if isinstance(given, int) and not isinstance(given, bool) and given in allowed:
        return given
    message = _("`seal.{key}` must be a whole number from {first} to {last}").format(
        key=key, first=allowed[0], last=allowed[-1]
    )
    reader.problem("decision-value-invalid", f"seal.{key}", message, _("the seal must stay legible; it is in percent"))
    return allowed[0]
