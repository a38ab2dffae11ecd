"""Every form of the hard site, page by page: what reading alone finds."""

from __future__ import annotations

import pytest

from archive.discover import discover
from tests.sites.hard.forms import STATIC, Form

HOST = "www.example.gov.cn"
KINDS = {".css": "text/css", ".js": "text/javascript", ".json": "application/json", ".xml": "text/xml",
         ".atom": "application/atom+xml", ".svg": "image/svg+xml"}  # fmt: skip


def found(path: str, body: str, kind: str) -> set[str]:
    links = discover(f"http://{HOST}{path}", [("Content-Type", kind)], body.replace("HOST", HOST).encode()).links
    return {link.url.removeprefix(f"http://{HOST}") for link in links}


@pytest.mark.parametrize("form", STATIC, ids=lambda form: form.name)
def test_the_form_is_found_by_reading(form: Form) -> None:
    links = found(form.page, form.html, "text/html; charset=utf-8")
    for path, body in form.bodies.items():
        ending = path.partition("?")[0].rpartition("/")[2].rpartition(".")
        links |= found(path, body, KINDS[f".{ending[2]}"] if ending[1] else "application/json")
    assert set(form.targets) - links == set()
