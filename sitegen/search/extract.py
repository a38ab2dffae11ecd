"""The text of a published page, as a browser's `textContent` gives it."""

from __future__ import annotations

import html
import re

_tag = re.compile(r"""<!--.*?-->|<[^<>"']*(?:(?:"[^"]*"|'[^']*')[^<>"']*)*>""", re.DOTALL)
_unseen = re.compile(r"<(script|style|template|noscript)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_OLD_PAGE = '<div class="gdz-page'
_FOOT = '<footer class="gdz gdz-foot"'


def text_of(markup: str) -> str:
    """Markup without its tags; where a tag stood nothing stands."""
    return html.unescape(_tag.sub("", markup))


def old_page(markup: str) -> str:
    """The text of the page that a stamped copy shows; empty when it shows none (a file behind an interstitial)."""
    start = markup.find(_OLD_PAGE)
    if start < 0:
        return ""
    inner = markup[markup.index(">", start) + 1 :]
    return text_of(_unseen.sub("", inner.rpartition(_FOOT)[0] or inner))
