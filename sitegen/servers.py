"""What a web server is told of the portal: its headers, its error pages, and the reader's mode by cookie.

The policy allows a page nothing but what lies beside it. A mode that a reader keeps is a cookie; by it the server
chooses what it gives as /assets/mode.css, under one URL, and the cookie is set at /modes/<mode>/, which leads back to
the page one came from: a path of this host, whatever the Referer says. Without such a server the same addresses are
pages, and the mode holds on the page where it is chosen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

MODES = ("elder", "contrast")
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_TYPES = (
    "types {",
    "    text/html html; text/css css; text/xml xml; text/plain txt; text/csv csv;",
    "    application/javascript js mjs; application/json json; application/wasm wasm;",
    "    application/pdf pdf; application/zip zip; application/rtf rtf;",
    "    application/msword doc; application/vnd.ms-excel xls; application/vnd.ms-powerpoint ppt;",
    "    application/vnd.openxmlformats-officedocument.wordprocessingml.document docx;",
    "    application/vnd.openxmlformats-officedocument.spreadsheetml.sheet xlsx;",
    "    application/vnd.openxmlformats-officedocument.presentationml.presentation pptx;",
    "    image/png png; image/jpeg jpg jpeg; image/gif gif; image/webp webp; image/avif avif; image/svg+xml svg svgz;",
    "    audio/mpeg mp3; video/mp4 mp4; video/webm webm;",
    "}",
)
_FOREVER = "public, max-age=31536000, immutable"
_YEAR = 31_536_000


def nginx(site_url: str, root: str) -> str:
    """For inclusion in http { }. `root`: the folder of the live release, as the server sees it."""
    host = urlsplit(site_url).hostname or ""
    from_here = rf"~^https?://{re.escape(host)}(?::\d+)?(/(?![/\\]|modes/)\S*)$"
    lines = [
        "# The portal. Include inside http { }; where it has a server already, take the lines of this one into it.",
        "map $cookie_mode $sitegen_mode {",
        "    default /assets/mode.css;",
        *(f"    {mode} /assets/mode/{mode}.css;" for mode in MODES),
        "}",
        "map $http_referer $sitegen_back {",
        '    default "";',
        f"    {_quoted(from_here)} $1;",
        "}",
        "server {",
        "    listen 80;",
        f"    server_name {host};",
        f"    root {_quoted(root.replace('$', '%24'))};",
        *(f"    {line}" for line in _TYPES),
        "    charset utf-8;",
        "    charset_types text/html text/css text/xml text/plain application/javascript application/json;",
        "    absolute_redirect off;",
        "    gzip on;",
        "    gzip_types text/css application/javascript application/json application/xml application/atom+xml image/svg+xml;",
        "    error_page 404 /404.html;",
        "    error_page 410 /410.html;",
        "    error_page 502 503 504 /503.html;",
        *_nginx_headers("    "),
        r'    location ~ "^/assets/gov\.[0-9a-f]+\.(css|js)$" {',
        *_nginx_headers("        ", {"Cache-Control": _FOREVER}),
        "    }",
        "    location = /assets/mode.css {",
        *_nginx_headers("        ", {"Cache-Control": "private, no-cache", "Vary": "Cookie"}),
        "        try_files $sitegen_mode =404;",
        "    }",
    ]
    for mode in ("standard", *MODES):
        lines += [
            f"    location = /modes/{mode}/ {{",
            *_nginx_headers("        ", {"Set-Cookie": _cookie(mode), "Cache-Control": "no-store"}),
            "        if ($sitegen_back) {",
            "            return 303 $sitegen_back;",
            "        }",
            f"        try_files /modes/{mode}/index.html =404;",
            "    }",
        ]
    return "\n".join([*lines, "}", ""])


def caddy(site_url: str, root: str) -> str:
    """A site block; put what TLS and logging need into it."""
    host = urlsplit(site_url).hostname or ""
    here = rf"^https?://{re.escape(host)}(?::[0-9]+)?"
    lines = [
        f"http://{host} {{",
        f"\troot * {_quoted(root)}",
        "\tencode gzip",
        "\theader {",
        *(f"\t\t{name} {_quoted(value)}" for name, value in HEADERS.items()),
        "\t}",
        r"	@kept path_regexp ^/assets/gov\.[0-9a-f]+\.(css|js)$",
        f"\theader @kept Cache-Control {_quoted(_FOREVER)}",
        "\t@mode path /assets/mode.css",
        '\theader @mode Cache-Control "private, no-cache"',
        "\theader @mode Vary Cookie",
        "\t@elsewhere {",
        rf"		not header_regexp Referer `{here}/(modes/|/|\\)`",
        rf"		header_regexp back Referer `{here}(/\S*)$`",
        "\t\tpath " + " ".join(f"/modes/{mode}/" for mode in ("standard", *MODES)),
        "\t}",
        "\troute {",
    ]
    for mode in ("standard", *MODES):
        lines.append(f"\t\theader /modes/{mode}/ Set-Cookie {_quoted(_cookie(mode))}")
    lines += ['\t\theader /modes/* Cache-Control "no-store"', "\t\tredir @elsewhere {re.back.1} 303"]
    for mode in MODES:
        lines += [
            f"\t\t@{mode} {{",
            "\t\t\tpath /assets/mode.css",
            rf"			header_regexp Cookie `(^|;\s*)mode={mode}(;|$)`",
            "\t\t}",
            f"\t\trewrite @{mode} /assets/mode/{mode}.css",
        ]
    lines += ["\t\tfile_server", "\t}", "\thandle_errors 404 410 {", "\t\trewrite * /{err.status_code}.html"]
    lines += ["\t\tfile_server", "\t}", "\thandle_errors 502 503 504 {", "\t\trewrite * /503.html", "\t\tfile_server"]
    return "\n".join([*lines, "\t}", "}", ""])


def _nginx_headers(indent: str, more: Mapping[str, str] | None = None) -> list[str]:
    """nginx forgets a level's headers where a deeper one has its own: each says all of them."""
    return [
        f"{indent}add_header {name} {_quoted(value)} always;" for name, value in {**HEADERS, **(more or {})}.items()
    ]


def _cookie(mode: str) -> str:
    return f"mode={mode}; Path=/; Max-Age={0 if mode == 'standard' else _YEAR}; SameSite=Lax"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "").replace("\r", "") + '"'
