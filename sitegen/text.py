"""What people read, in their language: English in the sources, other languages in `locale/` (gettext)."""

from __future__ import annotations

import functools
import gettext
import os
from collections.abc import Callable, Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "locale"
_known: list[dict[str, str]] = []
"""What each translator has translated."""
_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


def language(environment: Mapping[str, str]) -> str:
    """`zh_CN` or `en`: the first language we have among those of the first variable that is set."""
    given = next((environment[name] for name in _VARIABLES if environment.get(name)), "")
    for wanted in given.split(":"):
        if wanted.lower().startswith("zh"):
            return "zh_CN"
        if wanted.lower().startswith("en") or wanted.split(".")[0] in {"C", "POSIX"}:
            break
    return "en"


def language_now() -> str:
    """The language in which this process speaks."""
    return language(os.environ)


@functools.cache
def _catalogue(domain: str, folder: Path) -> gettext.NullTranslations:
    return gettext.translation(domain, folder, languages=[language(os.environ)], fallback=True)


def translator(domain: str, folder: Path) -> Callable[[str], str]:
    """A `_` for one package; its catalogue is read when the first message is asked for, once a process."""

    def translate(message: str) -> str:
        try:
            return known[message]
        except KeyError:
            return known.setdefault(message, _catalogue(domain, folder).gettext(message))

    known: dict[str, str] = {}  # a lookup in the catalogue costs more than most of what asks for one
    _known.append(known)
    return translate


def reset() -> None:
    """Ask the environment again (tests change it)."""
    _catalogue.cache_clear()
    for known in _known:
        known.clear()


_ = translator("sitegen", FOLDER)


def click_too() -> None:
    """Let click say its own words (“Usage:”, “No such option”) from our catalogue of them."""
    gettext.bindtextdomain("click", FOLDER)
    gettext.textdomain("click")
