"""Configuration of nginx: a retired host that answers as the ledger says, and the archive under its headers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from archive.redirection import lookup
from archive.redirection.lookup import Table
from archive.redirection.old_urls import Ledger
from sitegen import reader

_TYPES = {
    "text/html": "html", "text/css": "css", "application/javascript": "js", "application/json": "json",
    "application/xml": "xml", "text/plain": "txt", "image/png": "png", "image/jpeg": "jpg jpeg", "image/gif": "gif",
    "image/webp": "webp", "image/avif": "avif", "image/svg+xml": "svg", "image/x-icon": "ico", "application/pdf": "pdf",
    "font/woff2": "woff2",
}  # fmt: skip


_CONTENT_TYPES = (
    "types {",
    *(f"    {mime} {endings};" for mime, endings in _TYPES.items()),
    "}",
    "default_type application/octet-stream;",
    "charset utf-8;",
    "charset_types text/css;",
)


def redirects(ledger: Ledger, gone: str) -> str:
    """For inclusion in http { }: maps for each old host, and a server. Every address answers 301 or 410."""
    prefix = "archived_" + lookup.identifier(ledger.site)
    number = sum(bool(one.target) for one in ledger.addresses)
    out = [
        f"# {lookup.one_line(ledger.name)}: capture {ledger.capture}, {number} redirects. Include inside http {{ }}.",
        "# Long addresses need: map_hash_bucket_size 1024; map_hash_max_size 262144;",
    ]
    for place, (host, table) in enumerate(lookup.tables(ledger).items(), start=1):
        out += _host(f"{prefix}_{place}", host, table, gone, ledger.session_ids)
    return "\n".join(out) + "\n"


def _host(name: str, host: str, table: Table, gone: str, session_ids: frozenset[str]) -> list[str]:
    """`<name>_asked` is the address without a session id, `<name>_plain` what the table of decoded addresses says,
    `<name>_to` the answer."""
    hostname, _, port = host.partition(":")
    sessions = [f'    {quoted(f"~*{pattern}")} "$1$2";' for pattern in lookup.sessions(session_ids)]
    return [
        "",
        f'map "$uri?$args" ${name}_asked {{\n    default "$uri?$args";',
        *sessions,
        f'}}\nmap ${name}_asked ${name}_plain {{\n    default "";',
        *_rows(table.plain),
        f"}}\nmap $request_uri ${name}_to {{\n    default ${name}_plain;",
        *_rows(table.raw),
        "}",
        "server {",
        f"    listen {port or 80};",
        f"    server_name {lookup.bare_host(hostname)};",
        "    default_type text/html;",
        "    add_header X-Content-Type-Options nosniff always;",
        "    location / {",
        f"        if (${name}_to) {{ return 301 ${name}_to; }}",
        f"        return 410 {quoted(gone)};",
        "    }",
        "}",
    ]


def _rows(table: Mapping[str, str]) -> list[str]:
    """Strings are looked up without regard to case; where only case tells two addresses apart, patterns do it."""
    folded: dict[str, set[str]] = {}
    for asked, to in table.items():
        folded.setdefault(asked.lower(), set()).add(to)
    lines, written = [], set()
    for asked, to in sorted(table.items()):
        if len(folded[asked.lower()]) > 1:
            lines.append(f"    {quoted('~^' + re.escape(asked) + '$')} {_value(to)};")
        elif asked.lower() not in written:
            written.add(asked.lower())
            lines.append(f"    {quoted(asked)} {_value(to)};")
    return lines


def quoted(text: str) -> str:
    """Nothing in it ends the string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "").replace("\r", "") + '"'


def _value(text: str) -> str:
    """`$` would begin a variable."""
    return quoted(text.replace("$", "%24"))


def archive(indexes: Sequence[Mapping[str, Any]], *, site_url: str, root: str, replay_host: str = "") -> str:
    """A server of the release in folder `root`, in which archived pages carry the sandboxing policy and say what
    they are copies of. For inclusion in http { }. `replay_host`: a host of its own for opening whole captures."""
    parts = urlsplit(site_url)
    rows = [f"    {quoted(one.path)} {_value(f'{one.at} {one.original}')};" for one in lookup.mementos(indexes)]
    memento = ["add_header Memento-Datetime $archived_at;", "add_header Link $archived_link;"]
    replayed = [f"{line} always;" for line in _headers(lookup.READER)]
    if replay_host:
        replayed = [f"return 302 $scheme://{lookup.bare_host(replay_host)}$request_uri;"]
    return "\n".join(
        [
            f"# Archived pages: {len(rows)}. Include inside http {{ }}; where the portal has a server already, take the",
            "# lines of this one into it. Needs: map_hash_bucket_size 1024; map_hash_max_size 262144;",
            'map $uri $archived {\n    default "";',
            *rows,
            "}",
            'map $archived $archived_at {\n    default "";\n    "~^(.{29}) " $1;\n}',
            """map $archived $archived_link {\n    default "";\n    "~^.{29} (.+)$" '<$1>; rel="original"';\n}""",
            "server {",
            "    listen 80;",
            f"    server_name {lookup.bare_host(parts.hostname or '')};",
            f"    root {_value(root)};",
            *(f"    {line}" for line in _CONTENT_TYPES),
            "    error_page 404 /404.html;",
            "    add_header X-Content-Type-Options nosniff always;",
            *(f"    {line}" for line in memento),
            f"    location ~ {quoted(lookup.COPIES)} {{",
            *(f"        {line}" for line in [*(f"{line} always;" for line in _headers(lookup.HEADERS)), *memento]),
            "    }",
            f"    location ^~ {reader.PAGES} {{",
            *(f"        {line}" for line in replayed),
            "    }",
            "}",
            *(_replay_server(replay_host, site_url, root) if replay_host else ()),
            "",
        ]
    )


def _headers(headers: Mapping[str, str]) -> list[str]:
    return [f"add_header {name} {quoted(value)}" for name, value in headers.items()]


def _replay_server(host: str, site_url: str, root: str) -> list[str]:
    """Old scripts run on this host only; whatever else is asked of it is the portal's."""
    return [
        "server {",
        "    listen 80;",
        f"    server_name {lookup.bare_host(host)};",
        f"    root {_value(root)};",
        *(f"    {line}" for line in _CONTENT_TYPES),
        *(f"    {line} always;" for line in _headers(lookup.READER)),
        f"    location / {{ return 302 {lookup.bare_origin(site_url)}$request_uri; }}",
        f"    location ~ {quoted(lookup.REPLAYED)} {{ }}",
        "}",
    ]
