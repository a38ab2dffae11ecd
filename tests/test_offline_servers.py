"""第十三条, 第十四条: what `sitegen site suspend` and `domain` write for web servers, in real nginx and Caddy."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sitegen.sites import server
from sitegen.sites.server import Server
from tests.archive.servers import SERVERS, ask

HOST = "www.example.gov.cn"
UNTIL = date(2026, 12, 5)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    root = tmp_path / "release"
    for name in ("index.html", "jyj/index.html", "jyj2/index.html", "assets/gov.css"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name, "utf-8")
    for site in ("jyj", "portal"):
        (root / server.page_of(site)).write_text(f"offline {site}", "utf-8")
    return root


def whole(name: Server, snippet: str, release: Path) -> str:
    """The portal's own configuration with the snippet in it, as an operator includes it."""
    if name == "nginx":
        return f"server {{\n listen 80;\n server_name {HOST};\n root {release};\n index index.html;\n{snippet}}}\n"
    return f"http://{HOST} {{\n\troot * {release}\n{snippet}\tfile_server\n}}\n"


@pytest.mark.parametrize("name", server.SERVERS)
@pytest.mark.parametrize(
    ("site", "folder", "offline", "open_"),
    [
        ("jyj", "jyj", ("/jyj/", "/jyj/tzgg/a.html"), ("/", "/jyj2/", "/assets/gov.css")),
        ("portal", "", ("/", "/jyj/", "/nothing.html"), ("/assets/gov.css",)),
    ],
)
def test_a_suspended_site_answers_503_with_its_page_and_the_others_as_ever(
    name: Server,
    site: str,
    folder: str,
    offline: tuple[str, ...],
    open_: tuple[str, ...],
    release: Path,
    tmp_path: Path,
) -> None:
    snippet = server.configuration(name, site, folder, UNTIL)
    with SERVERS[name](tmp_path / "server", whole(name, snippet, release)) as port:
        for target in offline:
            status, headers, body = ask(port, HOST, target)
            assert (status, body) == (503, f"offline {site}".encode()), target
            assert headers["retry-after"] == "Sat, 05 Dec 2026 16:00:00 GMT"
            assert headers["cache-control"] == "no-store"
        for target in open_:
            status, headers, _body = ask(port, HOST, target)
            assert (status, "retry-after" in headers) == (200, False), target


@pytest.mark.parametrize("name", server.SERVERS)
def test_a_former_domain_leads_page_by_page_to_the_new_one(name: Server, tmp_path: Path) -> None:
    with SERVERS[name](
        tmp_path / "server", server.moved(name, "old.example.gov.cn", "https://new.example.gov.cn/")
    ) as port:
        for target in ("/", "/a/b.html?x=1&y=%E4%B8%AD"):
            status, headers, _body = ask(port, "old.example.gov.cn", target)
            assert (status, headers["location"]) == (301, f"https://new.example.gov.cn{target}")
