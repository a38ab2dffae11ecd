"""The cookies of one capture: kept in memory, sent back to whom they came from, gone when the process ends."""

from __future__ import annotations

from collections import defaultdict
from email.message import Message
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from types import SimpleNamespace
from urllib.request import Request

from archive.message import Fields

# RFC 6265 §6.1 asks for at least this much; a hostile server gets no more.
_COOKIES_A_DOMAIN = 50
_LONGEST = 4096


class Jar:
    """Only hosts within the scope are ever asked, so only they set cookies and get them back."""

    def __init__(self) -> None:
        self._policy = _Policy()
        self._jar = CookieJar(self._policy)

    def header(self, url: str) -> str:
        """The value of `Cookie` for a request; empty when there is none."""
        if not self._policy.names:
            return ""
        request = Request(url)  # noqa: S310 (it is never opened)
        self._jar.add_cookie_header(request)
        return request.get_header("Cookie") or ""

    def take(self, url: str, fields: Fields) -> None:
        """What an answer sets."""
        said = [value for name, value in fields if name.lower() == "set-cookie" and len(value) <= _LONGEST]
        if said:
            head = Message()
            for value in said[:_COOKIES_A_DOMAIN]:
                head["Set-Cookie"] = "".join(c for c in value if c.isprintable())
            answer = SimpleNamespace(info=lambda: head)
            self._jar.extract_cookies(answer, Request(url))  # type: ignore[arg-type]  # noqa: S310


class _Policy(DefaultCookiePolicy):
    """The library's rules, and a bound on how many cookies a domain may set."""

    def __init__(self) -> None:
        super().__init__(strict_domain=True, hide_cookie2=True)
        self.names: defaultdict[str, set[str]] = defaultdict(set)

    def set_ok(self, cookie: Cookie, request: Request) -> bool:
        if not super().set_ok(cookie, request):
            return False
        names = self.names[cookie.domain]
        if cookie.name not in names and len(names) >= _COOKIES_A_DOMAIN:
            return False
        names.add(cookie.name)
        return True
