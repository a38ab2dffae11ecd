"""What a web server needs while a site is offline for the time being (第十三条): 503 with Retry-After and the page that says why."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Literal

from sitegen.clock import midnight

Server = Literal["nginx", "caddy"]
SERVERS: tuple[Server, ...] = ("nginx", "caddy")


def page_of(site: str) -> str:
    """The file of the release that says why the site is offline."""
    return f"offline-{site}.html"


def retry_after(until: date) -> str:
    """The beginning of the day after the last one in Asia/Shanghai, as HTTP writes dates (RFC 9110 §10.2.3)."""
    back: datetime = midnight(until + timedelta(days=1))
    return format_datetime(back.astimezone(UTC), usegmt=True)


def configuration(server: Server, site: str, folder: str, until: date) -> str:
    """To be included in the portal's `server` (nginx) or site block (Caddy). `folder`: below the release; empty: all of it.

    What the page itself shows (/assets/) stays reachable.
    """
    page, when = page_of(site), retry_after(until)
    if server == "nginx":
        place = f"^~ /{folder}/" if folder else "/"
        assets = "" if folder else "location ^~ /assets/ { }\n"
        return (
            f"{assets}location {place} {{\n    error_page 503 /{page};\n    return 503;\n}}\n"
            f'location = /{page} {{\n    internal;\n    add_header Retry-After "{when}" always;\n'
            '    add_header Cache-Control "no-store" always;\n}\n'
        )
    matcher = f"path /{folder} /{folder}/*" if folder else f"not path /assets/* /{page}"
    return (
        f"@offline {matcher}\nhandle @offline {{\n    error 503\n}}\n"
        f"handle_errors 503 {{\n    rewrite * /{page}\n"
        f'    header Retry-After "{when}"\n    header Cache-Control "no-store"\n'
        "    file_server {\n        status 503\n    }\n}\n"
    )


def moved(server: Server, old_host: str, new: str) -> str:
    """A changed domain (第十四条): each page of the old host leads to the same page of the new one."""
    target = new.rstrip("/")
    if server == "nginx":
        return f"server {{\n    listen 80;\n    server_name {old_host};\n    return 301 {target}$request_uri;\n}}\n"
    return f"http://{old_host} {{\n    redir {target}{{uri}} permanent\n}}\n"
