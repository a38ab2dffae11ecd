"""Cookies, login, proxy, certificates: what a site asks for it gets, and no secret reaches the WARC."""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner

from archive.__main__ import main
from archive.net.access import Access, Login, Proxy, parse_proxy, tls_context
from archive.net.fetch import Client, ConnectTo, Exchange, FetchFailure
from archive.warcs import warc
from sitegen.errors import Refused, UsageError
from tests.archive.oldweb import OldWeb, Route, captured, decided, page, redirect, rows_of, serving

USER = Login(user="管理员", password="hunter2:x")  # noqa: S106 (nobody has it)
SECRET = USER.value


def asking(web: OldWeb, path: str) -> Route:
    """A page behind HTTP basic authentication."""

    def answer(time: int) -> bytes:
        if f"Authorization: {SECRET}\r\n".encode() in web.coming:
            return page("inside")
        return page("who?", status="401 Unauthorized", headers={"WWW-Authenticate": 'Basic realm="x"'})

    return answer


def test_a_login_is_shown_to_who_asks_and_never_recorded(tmp_path: Path) -> None:
    """The request records say that something was sent, not what; so does the warcinfo."""
    with serving({"/": page('<a href="/a"><a href="/b">')}) as web:
        web.routes |= {"/a": asking(web, "/a"), "/b": asking(web, "/b")}
        report = captured(web, tmp_path, access=Access(login=USER))
        sent = [(one.path, SECRET.encode() in one.request) for one in web.spoken if one.path in ("/", "/a", "/b")]
    assert ("/", False) in sent
    assert {row.state for path, row in rows_of(report).items() if path in ("/a", "/b")} == {"captured"}
    data = b"".join(gzip.decompress(path.read_bytes()) for path in report.capture.warcs)
    assert SECRET.encode() not in data
    assert b"hunter2" not in data
    assert b"Authorization: (not recorded)\r\n" in data
    assert b"http-header-authorization: sent where a server asked for it" in data


def test_without_a_login_the_refusal_is_the_answer(tmp_path: Path) -> None:
    with serving({"/": page('<a href="/a">')}) as web:
        web.routes["/a"] = asking(web, "/a")
        report = captured(web, tmp_path)
        assert web.asked.count("/a") == 1
    assert rows_of(report)["/a"].cause == "HTTP 401 Unauthorized"


def test_a_wrong_login_is_sent_once(tmp_path: Path) -> None:
    wrong = Access(login=Login(user="x", password="y"))  # noqa: S106 (nobody has it)
    with serving({"/": page('<a href="/a">')}) as web:
        web.routes["/a"] = asking(web, "/a")
        report = captured(web, tmp_path, access=wrong)
        assert web.asked.count("/a") == 2
    assert rows_of(report)["/a"].cause == "HTTP 401 Unauthorized"


def test_a_login_is_not_shown_in_any_text() -> None:
    assert "hunter2" not in f"{USER!r} {Access(login=USER, proxy=Proxy(host='a', port=1, login=USER))!r}"


def test_cookies_go_back_to_whom_they_came_from_and_stand_in_the_records(tmp_path: Path) -> None:
    """What was set and what was sent are both in the WARC as they went over the wire."""
    setting = page('<a href="/a"><a href="/sub/b">', headers={"Set-Cookie": "JSESSIONID=abc; Path=/; HttpOnly"})
    with serving({"/": setting, "/a": page("a"), "/sub/b": page("b")}) as web:
        report = captured(web, tmp_path)
        sent = {one.path: one.request for one in web.spoken}
    assert b"\r\nCookie: JSESSIONID=abc\r\n" in sent["/a"]
    assert b"Cookie:" not in sent["/"]
    blocks = {(r.type, r.target_uri): r.block for r in warc.iterate(report.capture.warcs[0])}
    assert blocks[("request", web.url("/a"))] == sent["/a"]
    assert blocks[("response", web.url("/"))] == setting


def test_a_cookie_of_one_host_is_not_told_to_another(tmp_path: Path) -> None:
    setting = page("x", headers={"Set-Cookie": "secret=1"})
    with serving({"/": setting}) as one, serving({"/": page("y")}) as two:
        decision = decided(
            one, hosts=("one.example", "two.example"), start=("http://one.example/", "http://two.example/")
        )
        to = [
            ConnectTo(host="one.example", port=80, address="127.0.0.1", to_port=one.port),
            ConnectTo(host="two.example", port=80, address="127.0.0.1", to_port=two.port),
        ]
        captured(one, tmp_path, decision, connect_to=to)
        assert not any(b"secret" in said.request for said in two.spoken)
        assert len(two.spoken) >= 2


def test_a_proxy_is_asked_for_the_whole_address(tmp_path: Path) -> None:
    """Its own password stays out of the WARC; the address of the site, which only the proxy knows, too."""
    with serving({"http://old.example/": page("x"), "http://old.example/robots.txt": page("")}) as proxy:
        decision = decided(proxy, hosts=("old.example",), start=("http://old.example/",))
        access = Access(proxy=Proxy(host="127.0.0.1", port=proxy.port, login=USER))
        report = captured(proxy, tmp_path, decision, access=access)
        assert {"http://old.example/robots.txt", "http://old.example/"} <= set(proxy.asked)
        assert f"Proxy-Authorization: {SECRET}\r\n".encode() in proxy.spoken[0].request
    records = list(warc.iterate(report.capture.warcs[0]))
    assert SECRET.encode() not in b"".join(record.block for record in records)
    assert f"proxy: 127.0.0.1:{proxy.port}".encode() in records[0].block
    assert not any("WARC-IP-Address" in dict(record.headers) for record in records)


@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "2130706433", "localhost", "[::1]"])
def test_a_proxy_is_no_way_to_a_private_address(host: str) -> None:
    async def run() -> Exchange | FetchFailure:
        client = Client(access=Access(proxy=Proxy(host="127.0.0.1", port=9)))
        return await client.fetch(f"http://{host}/")

    answer = asyncio.run(run())
    assert isinstance(answer, FetchFailure)
    assert answer.cause.startswith("refused: ")


@dataclass
class Tunnel:
    """A proxy that knows CONNECT, and where it leads."""

    port: int = 0
    asked: list[bytes] = field(default_factory=list)


@contextmanager
def tunnelling(to_port: int) -> Iterator[Tunnel]:
    tunnel = Tunnel()
    listener = socket.create_server(("127.0.0.1", 0))
    tunnel.port = listener.getsockname()[1]

    def relay(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def connect(client: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(65536)
        tunnel.asked.append(request)
        with client, socket.create_connection(("127.0.0.1", to_port)) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=relay, args=(server, client))
            back.start()
            relay(client, server)
            back.join()

    def serve() -> None:
        # A thread each: one after the other, the second connection would wait for its patience to end.
        with suppress(OSError):
            while True:
                threading.Thread(target=connect, args=listener.accept()[:1], daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield tunnel
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of lyj.example, signed by itself, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=lyj.example",
         "-addext", "subjectAltName=DNS:lyj.example", "-keyout", "key.pem", "-out", "cert.pem"],
        check=True, capture_output=True, cwd=folder,
    )  # fmt: skip
    both = folder / "both.pem"
    both.write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    return both


def https(certificate: Path, *, asks: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificate)
    return context


def test_https_goes_through_the_proxy_in_a_tunnel(tmp_path: Path, certificate: Path) -> None:
    """The proxy sees the host and nothing else; the certificate is still the host's."""
    with serving({"/": page("x")}, https(certificate)) as web, tunnelling(web.port) as tunnel:
        decision = decided(web, hosts=("lyj.example",), start=("https://lyj.example/",))
        access = Access(
            proxy=Proxy(host="127.0.0.1", port=tunnel.port, login=USER), tls=tls_context(certificate, None, None)
        )
        report = captured(web, tmp_path, decision, access=access)
    assert rows_of(report)["/"].state == "captured"
    assert tunnel.asked[0].startswith(b"CONNECT lyj.example:443 HTTP/1.1\r\n")
    assert SECRET.encode() in tunnel.asked[0]
    assert not any(SECRET.encode() in one.request for one in web.spoken)


def test_a_site_that_asks_for_a_certificate_gets_it(tmp_path: Path, certificate: Path) -> None:
    with serving({"/": page("x")}, https(certificate, asks=True)) as web:
        decision = decided(web, hosts=("lyj.example",), start=("https://lyj.example/",))
        to = [ConnectTo(host="lyj.example", port=443, address="127.0.0.1", to_port=web.port)]
        with pytest.raises(Refused):
            captured(
                web, tmp_path / "1", decision, connect_to=to, access=Access(tls=tls_context(certificate, None, None))
            )
        shown = Access(tls=tls_context(certificate, certificate, None))
        report = captured(web, tmp_path / "2", decision, connect_to=to, access=shown)
    assert rows_of(report)["/"].state == "captured"


def test_files_that_are_no_certificates_are_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")
    for arguments in ((bad, None, None), (None, bad, None), (tmp_path / "none.pem", None, None)):
        with pytest.raises(Refused) as refused:
            tls_context(*arguments)
        assert [problem.code for problem in refused.value.problems] == ["certificate-unusable"]
    with pytest.raises(UsageError) as usage:
        tls_context(None, None, bad)
    assert [problem.code for problem in usage.value.problems] == ["certificate-missing"]
    assert tls_context(None, None, None) is None


@pytest.mark.parametrize(
    "text", ["", "proxy:3128", "https://proxy:3128", "http://proxy", "http://u:pw@proxy:x/", "socks5://p:1"]
)
def test_any_other_proxy_is_wrong_usage_and_its_password_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_proxy(text)
    (problem,) = error.value.problems
    assert problem.code == "proxy-invalid"
    assert "pw" not in f"{problem}"


def test_a_proxy_is_written_as_a_url() -> None:
    expected = Proxy(host="proxy.example", port=3128, login=Login(user="u:1", password="p@"))  # noqa: S106 (nobody has it)
    assert parse_proxy("http://u%3A1:p%40@proxy.example:3128") == expected


def test_the_command_takes_login_and_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHIVE_USER", USER.user)
    monkeypatch.setenv("ARCHIVE_PASSWORD", USER.password)
    (tmp_path / "content/_archive").mkdir(parents=True)
    with serving({}) as web:
        web.routes["http://old.example/"] = asking(web, "/")
        (tmp_path / "content/_archive/lyj.yml").write_text("site: lyj\nhosts: [old.example]\n")
        arguments = ["capture", "--site", "lyj", "--content", str(tmp_path / "content"), "--store", str(tmp_path / "s")]
        arguments += ["--proxy", f"http://127.0.0.1:{web.port}", "--json"]
        done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["inventory"]["captured"] == 1
    assert "hunter2" not in done.output


def test_a_busy_host_is_left_alone_by_all_connections() -> None:
    """One answer of 503 with Retry-After stops the other requests to that host, too; then they come more slowly."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    async def run(web: OldWeb) -> None:
        client = Client(allow_private=["127.0.0.1"], connections=1, sleep=sleep)
        for path in ("/busy", "/a", "/b"):
            answer = await client.fetch(web.url(path))
            assert isinstance(answer, Exchange)
            answer.body.close()
        await client.close()

    busy = page("no", status="503 Busy", headers={"Retry-After": "9"})
    with serving({"/busy": busy, "/a": page("a"), "/b": page("b")}) as web:
        asyncio.run(run(web))
    # Before the second and third try of /busy, before /a and before /b: the clock of this test stands still.
    assert [round(seconds, 1) for seconds in waits[:1]] == [9.0]
    assert len(waits) == 4
    assert min(waits) > 8.9
    assert waits[3] - waits[2] > 0.5


def test_a_redirect_elsewhere_takes_no_login_along(tmp_path: Path) -> None:
    with serving({"/": page('<a href="/a">')}) as web, serving({"/": page("y")}) as other:
        web.routes["/a"] = redirect(other.url())
        hosts = (web.host, other.host)
        captured(web, tmp_path, decided(web, hosts=hosts), access=Access(login=USER))
        assert other.spoken
        assert not any(SECRET.encode() in one.request for one in other.spoken)
