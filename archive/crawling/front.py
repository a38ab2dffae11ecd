"""The page that an old site's visitors took for its home: behind a splash page, a redirect, a choice of languages."""

from __future__ import annotations

from archive import canon
from archive.crawling.frontier import Frontier

_SPLASH = 4
"""A page that leads to so few others, one of which more pages name than it, only leads to that one."""
_HOPS = 3


def home(frontier: Frontier, start: str) -> str:
    """The URL of that page, as it is in the frontier; `start` where nothing else is known."""
    url, seen = start, {start}
    for _hop in range(_HOPS):
        row = frontier.get(canon.key(url))
        if row is None:
            return url
        url = row.url
        led_to = [(number, one) for one, number in frontier.led_to(url) if one != url]
        if row.redirect_to:
            following = row.redirect_to
        elif 0 < len(led_to) <= _SPLASH and max(led_to)[0] > frontier.named(url):
            following = max(led_to)[1]
        else:
            return url
        if following in seen:
            return url
        url = following
        seen.add(url)
    return url
