"""Configuration of Caddy: a retired host that answers as the ledger says, and the archive under its headers.

Caddy looks a table up row by row; beyond some ten thousand addresses nginx is the better server for an old host.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from archive.redirection import lookup
from archive.redirection.lookup import Table
from archive.redirection.old_urls import Ledger
from sitegen import reader

# Braces would be taken for a placeholder or a variable of the environment, and Caddy has no way to write a backslash
# before a quotation mark: a pattern says them by their number.
_SPECIAL = {character: rf"\x{ord(character):02x}" for character in '{}"\\'}


def redirects(ledger: Ledger, gone: str) -> str:
    """A site block for each old host. Every address answers 301 or 410."""
    prefix = "archived_" + lookup.identifier(ledger.site)
    number = sum(bool(one.target) for one in ledger.addresses)
    out = [f"# {_comment(ledger.name)}: capture {ledger.capture}, {number} redirects."]
    for host, table in lookup.tables(ledger).items():
        out += _host(prefix, host, table, gone, ledger.session_ids)
    return "\n".join(out) + "\n"


def _host(name: str, host: str, table: Table, gone: str, session_ids: frozenset[str]) -> list[str]:
    """The same four questions as nginx': without session id? as written? decoded? in other capitals?"""
    asked, folded, plain, to = (f"{{{name}_{part}}}" for part in ("asked", "folded", "plain", "to"))
    sessions = [f'{quoted(f"~(?i){pattern}")} "$1$2"' for pattern in lookup.sessions(session_ids)]
    return [
        "",
        f"http://{lookup.bare_host(host)} {{",
        *_map('"{path}?{query}"', asked, sessions, '"{path}?{query}"'),
        *_map(asked, folded, [_pattern(old, new, "(?i)") for old, new in sorted(table.plain.items())], '""'),
        *_map(asked, plain, [_exact(old, new) for old, new in sorted(table.plain.items())], folded),
        *_map("{uri}", to, [_pattern(old, new, "(?i)") for old, new in sorted(table.raw.items())], plain),
        f'\t@known expression `{to} != ""`',
        "\theader X-Content-Type-Options nosniff",
        '\theader Content-Type "text/html; charset=utf-8"',
        f"\tredir @known {to} 301",
        f"\trespond {quoted(gone)} 410",
        "}",
    ]


def _map(source: str, to: str, rows: Sequence[str], default: str) -> list[str]:
    return [f"\tmap {source} {to} {{", *(f"\t\t{row}" for row in rows), f"\t\tdefault {default}", "\t}"]


def _exact(old: str, new: str) -> str:
    if any(character in old for character in _SPECIAL):
        return _pattern(old, new, "")
    return f"{quoted(old)} {_value(new)}"


def _pattern(old: str, new: str, flags: str) -> str:
    plain = "".join(_SPECIAL.get(character) or re.escape(character) for character in old)
    return f"{quoted(f'~{flags}^{plain}$')} {_value(new)}"


def quoted(text: str) -> str:
    """Inside quotation marks a backslash is one, but before a quotation mark; raises ValueError where that would let
    the text end its string."""
    if re.search(r'\\(?:"|$)', text):
        raise ValueError(f"no Caddyfile can say {text}")
    return '"' + text.replace('"', '\\"').replace("\n", "").replace("\r", "") + '"'


def _value(text: str) -> str:
    return quoted(text.replace("$", "%24").replace("{", "%7B").replace("}", "%7D"))


def _comment(text: str) -> str:
    return re.sub(r"[{}]", "", lookup.one_line(text))


def archive(indexes: Sequence[Mapping[str, Any]], *, site_url: str, root: str, replay_host: str = "") -> str:
    """A site block for the release in folder `root`, in which archived pages carry the sandboxing policy and say
    what they are copies of. `replay_host`: a host of its own for opening whole captures."""
    parts = urlsplit(site_url)
    rows = []
    for one in lookup.mementos(indexes):
        link = f'<{one.original}>; rel="original"'
        paths = [one.path, one.path.removesuffix("index.html")] if one.path.endswith("/index.html") else [one.path]
        rows += [f"{quoted(path)} {quoted(one.at)} {_value(link)}" for path in paths]
    replayed = [f"\theader @reader {name} {quoted(value)}" for name, value in lookup.READER.items()]
    if replay_host:
        replayed = [f"\tredir @reader {{scheme}}://{lookup.bare_host(replay_host)}{{uri}} 302"]
    return "\n".join(
        [
            f"# Archived pages: {len(rows)}. Where the portal has a site block already, take these lines into it.",
            f"http://{lookup.bare_host(parts.hostname or '')} {{",
            f"\troot * {_value(root)}",
            *_map("{path}", "{archived_at} {archived_link}", rows, '"" ""'),
            '\t@archived expression `{archived_at} != ""`',
            "\theader @archived Memento-Datetime {archived_at}",
            "\theader @archived Link {archived_link}",
            "\theader X-Content-Type-Options nosniff",
            f"\t@copies path_regexp `{lookup.COPIES}`",
            *(f"\theader @copies {name} {quoted(value)}" for name, value in lookup.HEADERS.items()),
            f"\t@reader path {reader.PAGES}*",
            *replayed,
            "\tfile_server",
            "\thandle_errors 404 {",
            "\t\trewrite * /404.html",
            "\t\tfile_server",
            "\t}",
            "}",
            *(_replay_block(replay_host, site_url, root) if replay_host else ()),
            "",
        ]
    )


def _replay_block(host: str, site_url: str, root: str) -> list[str]:
    """Old scripts run on this host only; whatever else is asked of it is the portal's."""
    return [
        f"http://{lookup.bare_host(host)} {{",
        f"\troot * {_value(root)}",
        *(f"\theader {name} {quoted(value)}" for name, value in lookup.READER.items()),
        f"\t@replayed path_regexp `{lookup.REPLAYED}`",
        "\thandle @replayed {",
        "\t\tfile_server",
        "\t}",
        "\thandle {",
        f"\t\tredir {lookup.bare_origin(site_url)}{{uri}} 302",
        "\t}",
        "}",
    ]
