"""Names of URLs: what a link means in a browser, the one key of a resource, and its SURT."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote_from_bytes, unquote_to_bytes, urlsplit

SESSION_IDS = frozenset({"jsessionid", "phpsessid", "aspsessionid", "cfid", "cftoken", "sessionid", "sid"})
DEFAULT_PORTS = {"http": 80, "https": 443}

# The characters each part keeps as they are (WHATWG URL: path and special-query percent-encode sets); `%`
# stays, so that what is encoded already is not encoded again.
_IN_PATH = "!$&'()*+,-./:;=@[\\]_~%"
_IN_QUERY = "!$&()*+,-./:;=?@[\\]^_`{|}~%"
_IN_SURT = "!\"$&'()*+,-./:;<=>?@[\\]^_`{|}~"
_PLAIN = re.compile(r"/?[A-Za-z0-9_~-][A-Za-z0-9_~./-]*(?:\?[A-Za-z0-9_~.=&-]+)?", re.A)
_PLAIN_URL = re.compile(
    r"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)*+(?::(?!(?:80|443)/)(?:[1-5]\d{4}|[1-9]\d{0,3}))?(?=/)"
    r"(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*+/?(?:\?[A-Za-z0-9_~.=&-]+)?",
    re.A,
)
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_BLANKS = "".join(map(chr, range(0x21)))
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_LONG_ID = re.compile(r"[0-9A-Za-z]{16,}")
_ASP_SEGMENT = re.compile(r"/\([A-Za-z]\([0-9A-Za-z]{16,}\)\)(?=/)")
_PLAIN_SURT = re.compile(
    r"https?://(?:www\d*\.)?+([a-z0-9-]+(?:\.[a-z0-9-]+)+)(:(?!(?:80|443)/)[1-9]\d{0,4})?((?:/[a-z0-9_-][a-z0-9_.-]*)+(?:\?[a-z0-9_]+=[a-z0-9]{0,16})?)",
    re.A,
)
_SURT_SESSION = (
    re.compile(rb"^(.*)jsessionid=[0-9a-z]{32}(?:&(.*))?$", re.I | re.S),
    re.compile(rb"^(.*)phpsessid=[0-9a-z]{32}(?:&(.*))?$", re.I | re.S),
    re.compile(rb"^(.*)sid=[0-9a-z]{32}(?:&(.*))?$", re.I | re.S),
    re.compile(rb"^(.*)aspsessionid[a-z]{8}=[a-z]{24}(?:&(.*))?$", re.I | re.S),
    re.compile(rb"^(.*)cfid=[^&]+&cftoken=[^&]+(?:&(.*))?$", re.I | re.S),
)
_SURT_ASPX = (
    re.compile(rb"^(.*/)(?:\((?:[a-z]\([0-9a-z]{24}\))+\)/)([^?]+\.aspx.*)$", re.I),
    re.compile(rb"^(.*/)(?:\([0-9a-z]{24}\)/)([^?]+\.aspx.*)$", re.I),
)


def resolve(base: str, link: str, charset: str = "utf-8") -> str | None:
    """The absolute http(s) URL that a browser would ask for, without its fragment; None for anything else.

    Path in UTF-8, query in the page's `charset`; `javascript:`, `mailto:`, `data:` and the like give None.
    """
    up = 0
    plain = link
    while plain[:3] == "../" and plain[3:4] != "/":
        up, plain = up + 1, plain[3:]
    if (_PLAIN.fullmatch(plain) and "/." not in plain and "//" not in plain) if plain else up:
        # Nine links of ten: what follows would give the same at ten times the cost (a test compares).
        origin, folder = _origin_and_folder(base, up)
        return f"{origin}{plain}" if plain[:1] == "/" else f"{origin}{folder}{plain}"
    return _resolve(base, link, charset)


def _resolve(base: str, link: str, charset: str) -> str | None:
    link = link.strip(_BLANKS).replace("\t", "").replace("\n", "").replace("\r", "")
    scheme = _SCHEME.match(link)
    if scheme and scheme[0].lower() not in ("http:", "https:"):
        return None
    before, mark, rest = link.partition("?")
    link = before.partition("#")[0].replace("\\", "/") + (mark + rest if "#" not in before else "")
    try:
        parts = urlsplit(_join(base, link))
        host = _host(parts.hostname or "")
        port = parts.port
    except ValueError:
        return None
    if not host or parts.scheme not in DEFAULT_PORTS:
        return None
    netloc = host if port is None or port == DEFAULT_PORTS[parts.scheme] else f"{host}:{port}"
    path = without_dots(quote_from_bytes(parts.path.encode("utf-8", "replace"), _IN_PATH) or "/")
    query = f"?{_quote_query(parts.query, charset)}" if parts.query else ""
    return f"{parts.scheme}://{netloc}{path}{query}"


@lru_cache(maxsize=1 << 16)
def key(url: str, session_ids: frozenset[str] = SESSION_IDS) -> str:
    """The canonical key under which the inventory knows an absolute http(s) URL; idempotent.

    Host in lower case, no default port, no fragment, no dot segments, no session ids (`sid` only with a
    value of 16 letters and digits or more: a short one is a section's number), every percent-encoding in one
    form. Raises ValueError for what is not an http(s) URL.
    """
    if _PLAIN_URL.fullmatch(url) and ("?" not in url or strip_session(url, session_ids) == url):
        # Most URLs; what follows would give the same at ten times the cost (a test compares).
        return url
    return _key(url, session_ids)


def _key(url: str, session_ids: frozenset[str]) -> str:
    stripped = strip_session(url, session_ids)
    parts = urlsplit(stripped)
    host = _host(parts.hostname or "")
    if not host or parts.scheme not in DEFAULT_PORTS:
        raise ValueError(f"not an http(s) URL: {url}")
    port = parts.port
    netloc = host if port is None or port == DEFAULT_PORTS[parts.scheme] else f"{host}:{port}"
    path = _normal_escapes(quote_from_bytes(parts.path.encode("utf-8", "replace"), _IN_PATH))
    query = _normal_escapes(_quote_query(parts.query, "utf-8"))
    again = f"{parts.scheme}://{netloc}{without_dots(path or '/')}{'?' + query if query else ''}"
    # Decoding may have brought a session id to light.
    return again if again == url else key(again, session_ids)


def is_web(url: str) -> bool:
    """Whether this is an http(s) URL, with a key."""
    try:
        key(url)
    except ValueError:
        return False
    return True


def strip_session(url: str, session_ids: frozenset[str] = SESSION_IDS) -> str:
    """The URL without session ids in path (`;jsessionid=…`, `/(S(…))/`) and query, and without fragment."""
    url, _, _ = url.partition("#")
    path, mark, query = url.partition("?")
    if ";" in path:
        first, *rest = re.split(r"(?=[;/])", path)
        path = first + "".join(s for s in rest if not (s[0] == ";" and _is_session(s[1:], session_ids)))
    if "(" in path:
        path = _ASP_SEGMENT.sub("", path)
    if not mark:
        return path
    kept = [part for part in query.split("&") if not _is_session(part, session_ids)]
    return f"{path}?{'&'.join(kept)}" if kept and kept != [""] else path


@lru_cache(maxsize=4096)
def surt(url: str) -> str:
    """Sort-friendly URL as cdxj-indexer writes it: `cn,gov,example)/path?query`."""
    if plain := _PLAIN_SURT.fullmatch(url):
        # Most links; what follows would give the same at ten times the cost (a test compares).
        return f"{','.join(reversed(plain[1].split('.')))}{plain[2] or ''}){plain[3]}"
    return _surt(url)


def _surt(url: str) -> str:
    match = re.match(r"(?is)[a-z][a-z0-9+.-]*://([^/?#]+)([^?#]*)(?:\?([^#]*))?", re.sub(r"[\r\n\t]", "", url.strip()))
    if match is None:
        return url
    scheme = "https" if url[:5].lower() == "https" else "http"
    host, _, port = match[1].rpartition("@")[2].partition(":")
    host = re.sub(r"^www\d*\.", "", _host(host).replace("..", ".").strip("."))
    port = "" if port in ("", str(DEFAULT_PORTS[scheme])) else f":{port}"
    path = _escape_once(_surt_segments(_unescape(match[2].encode()))).lower()
    for pattern in _SURT_ASPX:
        path = pattern.sub(rb"\1\2", path)
    path = path[:-1] if len(path) > 1 and path.endswith(b"/") else path
    query = _surt_query(match[3].encode()) if match[3] else b""
    tail = path + (b"?" + query if query else b"")
    return f"{','.join(reversed(host.split('.')))}{port}){tail.decode('ascii')}"


def without_dots(path: str) -> str:
    """RFC 3986 §5.2.4, with `%2e` read as a dot, as browsers do. The result begins with `/`."""
    if "/." not in path and "/%2" not in path:
        return path if path.startswith("/") else f"/{path}"
    kept: list[str] = []
    segments = path.removeprefix("/").split("/")
    for number, segment in enumerate(segments):
        plain = segment.replace("%2e", ".").replace("%2E", ".")
        if plain == "..":
            kept = kept[:-1]
        if plain not in (".", ".."):
            kept.append(segment)
        elif number == len(segments) - 1:
            kept.append("")
    return "/" + "/".join(kept)


def _join(base: str, link: str) -> str:
    """The URL that a link names from `base` (an absolute URL), dot segments not taken out yet.

    Unlike `urljoin` it keeps empty segments (`a//b.htm`), which servers may tell apart, as browsers do (WHATWG URL
    §4.4): `http:b.htm` is relative to an http page, `http:///host/` is `http://host/`.
    """
    scheme, colon, rest = base.partition(":")
    if found := _SCHEME.match(link):
        after = link[found.end() :]
        if after[:2] != "//" and found[0][:-1].lower() == scheme:
            link = after
        else:
            return f"{found[0].lower()}//{after.lstrip('/')}"
    if link[:2] == "//":
        return f"{scheme}://{link.lstrip('/')}"
    origin_end = rest.find("/", 2)
    origin, path = (rest, "/") if origin_end < 0 else (rest[:origin_end], rest[origin_end:])
    path = path.partition("#")[0]
    if not link:
        return f"{scheme}{colon}{origin}{path}"
    path = path.partition("?")[0]
    if link[0] == "/":
        return f"{scheme}{colon}{origin}{link}"
    folder = path if link[0] == "?" else path[: path.rfind("/") + 1]
    return f"{scheme}{colon}{origin}{folder}{link}"


def origin(url: str) -> str:
    """`http://host:port`, as `resolve` writes it."""
    return _origin_and_folder(url[: url.find("/", 8) + 1] or url, 0)[0]


@lru_cache(maxsize=1024)
def _origin_and_folder(base: str, up: int) -> tuple[str, str]:
    """`http://host` and the folder of the base's path, or one `up` steps above it, as `_resolve` writes them."""
    folder = _resolve(base, "../" * up or ".", "utf-8") or base
    origin = folder[: folder.find("/", 8)]
    return origin, folder[len(origin) :]


@lru_cache(maxsize=1024)
def _host(host: str) -> str:
    host = host.rstrip(".").lower()
    if ":" in host:
        return f"[{host}]"
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def _quote_query(query: str, charset: str) -> str:
    if query.isascii():
        return quote_from_bytes(query.encode(), _IN_QUERY)
    # Browsers read Big5 with Hong Kong's letters and write it without them (WHATWG Encoding §11.1).
    encoding = "utf-8" if charset.startswith("utf-16") else "cp950" if charset == "big5hkscs" else charset
    quoted = []
    for character in query:
        try:
            quoted.append(quote_from_bytes(character.encode(encoding), _IN_QUERY))
        except UnicodeEncodeError:
            quoted.append(f"%26%23{ord(character)}%3B")
    return "".join(quoted)


def _normal_escapes(text: str) -> str:
    """Escapes in upper case, unreserved characters plain, a `%` that begins no escape as `%25`."""

    def one(match: re.Match[str]) -> str:
        if match[1] is None:
            return "%25"
        character = chr(int(match[1], 16))
        return character if character in _UNRESERVED else match[0].upper()

    return _ESCAPE.sub(one, text) if "%" in text else text


def _is_session(parameter: str, session_ids: frozenset[str]) -> bool:
    name, _, value = parameter.partition("=")
    name = name.lower()
    if name.startswith("aspsessionid"):
        name = "aspsessionid"
    return name in session_ids and (name not in ("sid", "cfid") or _LONG_ID.fullmatch(value) is not None)


def _unescape(data: bytes) -> bytes:
    while (plain := unquote_to_bytes(data)) != data:
        data = plain
    return data


def _escape_once(data: bytes) -> bytes:
    return quote_from_bytes(data, _IN_SURT).encode()


def _surt_segments(path: bytes) -> bytes:
    kept: list[bytes] = []
    for segment in path.split(b"/")[1:]:
        if segment == b".." and kept:
            kept.pop()
        elif segment != b".":
            kept.append(segment)
    return b"/" + b"".join(part + b"/" for part in kept[:-1] if part) + (kept[-1] if kept else b"")


def _surt_query(query: bytes) -> bytes:
    query = _escape_once(_unescape(query))
    for pattern in _SURT_SESSION:
        if match := pattern.match(query):
            query = match[1] + (match[2] or b"")
    parts = query.lower().split(b"&")
    return b"&".join(sorted(parts, key=lambda part: bytes(part).split(b"=", 1)))
