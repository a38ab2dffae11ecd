"""What `sitegen headers` prints, asked of real servers."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest

from sitegen import servers
from tests.archive.servers import SERVERS
from tests.cities import ROOT

HOST = "www.example.gov.cn"


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    root = tmp_path_factory.mktemp("release")
    for file in ("index", "404", "410", "503", "modes/elder/index", "modes/contrast/index", "modes/standard/index"):
        (root / f"{file}.html").parent.mkdir(parents=True, exist_ok=True)
        (root / f"{file}.html").write_text(f"<title>{file}</title>", encoding="utf-8")
    (root / "assets/mode").mkdir(parents=True)
    (root / "assets/gov.0123abcd.css").write_text("/* gov */", encoding="utf-8")
    for name in ("mode", "mode/elder", "mode/contrast"):
        (root / f"assets/{name}.css").write_bytes((ROOT / f"themes/gov/assets/{name}.css").read_bytes())
    write = getattr(servers, request.param)
    with SERVERS[request.param](tmp_path_factory.mktemp("server"), write(f"https://{HOST}/", root.as_posix())) as found:
        yield found


pytestmark = pytest.mark.needs("nginx", "caddy")


def ask(port: int, path: str, **asked: str) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"Host": f"{HOST}:{port}", **asked})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    headers: dict[str, str] = {}
    for name, value in answer.getheaders():
        headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
    return answer.status, headers, body


@pytest.mark.parametrize(
    "path", ["/", "/assets/mode.css", "/assets/gov.0123abcd.css", "/modes/elder/", "/not/there.html"]
)
def test_every_answer_carries_the_strict_policy(port: int, path: str) -> None:
    _, headers, _ = ask(port, path)
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"


def test_what_is_not_there_says_so(port: int) -> None:
    status, headers, body = ask(port, "/not/there.html")
    assert (status, body) == (404, "<title>404</title>")
    assert headers["content-type"].startswith("text/html")


def test_the_style_sheet_is_kept_for_ever(port: int) -> None:
    status, headers, _ = ask(port, "/assets/gov.0123abcd.css")
    assert status == 200
    assert "immutable" in headers["cache-control"]
    assert headers["content-type"].startswith("text/css")


def test_a_kept_mode_is_chosen_by_cookie_under_one_address(port: int) -> None:
    _, plain, nothing = ask(port, "/assets/mode.css")
    assert "{" not in nothing
    assert "cookie" in plain["vary"].lower()
    for mode in ("elder", "contrast"):
        _, _, style = ask(port, "/assets/mode.css", Cookie=f"a=1; mode={mode}")
        assert style == (ROOT / f"themes/gov/assets/mode/{mode}.css").read_text(encoding="utf-8")
    assert ask(port, "/assets/mode.css", Cookie="mode=../../../etc/passwd")[2] == nothing


def test_a_mode_is_set_and_leads_back(port: int) -> None:
    here = f"http://{HOST}:{port}/zcwj/1.html?a=b"
    status, headers, _ = ask(port, "/modes/elder/", Referer=here)
    assert (status, headers["location"]) == (303, "/zcwj/1.html?a=b")
    assert headers["set-cookie"].startswith("mode=elder; Path=/; Max-Age=31536000")
    status, headers, _ = ask(port, "/modes/standard/", Referer=here)
    assert "Max-Age=0" in headers["set-cookie"]


@pytest.mark.parametrize(
    "referer",
    [
        "",
        "https://evil.example/",
        f"https://{HOST}.evil.example/",
        f"https://evil.example/https://{HOST}/",
        f"https://{HOST}//evil.example/",
        f"https://{HOST}/\\evil.example/",
        f"https://{HOST}@evil.example/",
        f"https://{HOST}/modes/elder/",
    ],
)
def test_no_referer_leads_to_another_host(port: int, referer: str) -> None:
    """Setting a mode is no open redirect."""
    status, headers, body = ask(port, "/modes/elder/", Referer=referer)
    assert (status, headers.get("location")) == (200, None)
    assert body == "<title>modes/elder/index</title>"
