"""Letters from citizens: taken once and for good, told to nobody else, whatever is sent to the service."""

from __future__ import annotations

import contextlib
import io
import json
import re
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from sitegen import cli, errors
from sitegen.clock import SHANGHAI
from sitegen.interaction import letter as letters
from sitegen.interaction import server, spool
from sitegen.interaction.desk import Desks
from sitegen.interaction.letter import Complaint, Letter
from sitegen.interaction.seals import Seals
from sitegen.interaction.service import Limits, Service
from sitegen.interaction.spool import Spool
from sitegen.rules import messages, personal
from tests.cities import TinyCity

ORIGIN = "https://www.example.gov.cn"
FIELDS = {
    "type": "咨询",
    "unit": "jyj",
    "subject": "转学要哪些材料",
    "text": "我叫周小明，孩子要转学。\r\n请打 13800138000，或写信到 zhou@example.com。# <b>[x](http://x.example)</b>",
    "name": "周小明",
    "phone": "0000-1234567",
    "email": "zhou@example.com",
    "public": "yes",
}
NO_LIMITS = Limits(asks=0, letters=0, looks=0)


class Clock:
    """Unix seconds that only move when told to."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


class Post:
    """A service, asked as a web server asks it."""

    def __init__(self, city: TinyCity, limits: Limits = NO_LIMITS) -> None:
        self.clock = Clock()
        self.folder = city.root / "private" / "messages"
        self.content = city.content
        self.spool = Spool(self.folder, city.content)
        desks = Desks(city.project)
        self.service = Service(desks.now, self.spool, [ORIGIN], limits, seconds=self.clock)

    def ask(
        self, path: str, fields: Mapping[str, str] | bytes | None = None, **environ: str
    ) -> tuple[int, dict[str, str], str]:
        """Status, headers, body. `fields` None: a GET."""
        data = fields if isinstance(fields, bytes) else urlencode(fields or {}).encode()
        given: dict[str, Any] = {
            "REQUEST_METHOD": "GET" if fields is None else "POST",
            "PATH_INFO": f"/messages/{path}",
            "REMOTE_ADDR": "203.0.113.7",
            "HTTP_ORIGIN": ORIGIN,
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "CONTENT_LENGTH": str(len(data)),
            "wsgi.input": io.BytesIO(data),
            **environ,
        }
        told: list[Any] = []
        body = b"".join(self.service(given, lambda status, headers: told.extend((status, dict(headers)))))
        return int(told[0].split()[0]), told[1], body.decode()

    def json(self, path: str, fields: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        status, headers, body = self.ask(path, fields, HTTP_ACCEPT="application/json")
        assert headers["Content-Type"] == "application/json"
        return status, json.loads(body)

    def send(self, fields: Mapping[str, str] = FIELDS) -> tuple[int, dict[str, Any]]:
        """Check, read for a while, send."""
        _status, checked = self.json("check", fields)
        self.clock.now += 10
        return self.json("send", {**checked["values"], "token": checked["token"]})


@pytest.fixture
def post(city: TinyCity) -> Post:
    with (city.content / "index.md").open("r+", encoding="utf-8") as stream:
        text = stream.read()
        stream.seek(0)
        stream.write(text.replace("kind: portal\n", "kind: portal\nmessages_url: /messages/\n", 1))
    return Post(city)


# --- what happens to a letter --------------------------------------------------------------------------------------


def test_a_letter_reaches_the_ledger_and_names_and_numbers_stay_with_those_who_answer(post: Post) -> None:
    """第十九条(五): the ledger has the moment and the unit; 第二十一条(二): nothing personal lies in what git keeps."""
    status, told = post.send()
    assert (status, told["unit"]) == (200, "示例市教育局")
    found, problems = messages.load(post.content)
    assert problems == []
    assert [message.unit for message in found] == ["jyj"]
    kept = post.folder / "letters" / f"{found[0].id}.yml"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(post.folder.stat().st_mode) == 0o700
    assert all(word in kept.read_text(encoding="utf-8") for word in ("周小明", "13800138000", "zhou@example.com"))
    in_git = "\n".join(path.read_text(encoding="utf-8") for path in (post.content / messages.FOLDER).iterdir())
    personal_words = ("周小明", "13800138000", "zhou@example.com", "0000-1234567", "<b>", "[x]")
    assert [word for word in personal_words if word in in_git] == []
    draft = (post.content / messages.FOLDER / f"{found[0].id}.md").read_text(encoding="utf-8")
    assert "我叫周\\*\\*，孩子要转学。" in draft
    assert "from: '周**'" in draft
    assert list(post.folder.glob("spool/*")) == []


def test_a_letter_that_is_not_to_be_public_leaves_no_draft(post: Post) -> None:
    post.send({**FIELDS, "public": ""})
    assert list((post.content / messages.FOLDER).glob("*.md")) == []
    assert len(list((post.content / messages.FOLDER).glob("*.yml"))) == 1


def test_sending_the_same_page_twice_sends_one_letter(post: Post) -> None:
    """Whoever presses the button again gets the same tracking number, even after midnight."""
    post.clock.now = datetime(2026, 11, 22, 23, 50, tzinfo=SHANGHAI).timestamp()
    _status, checked = post.json("check", FIELDS)
    post.clock.now += 10
    first = post.json("send", {**checked["values"], "token": checked["token"]})
    post.clock.now += 3000
    again = post.json("send", {**checked["values"], "token": checked["token"]})
    assert first[1]["number"] == again[1]["number"]
    assert len(list((post.content / messages.FOLDER).glob("*.yml"))) == 1


def test_the_tracking_number_tells_how_far_a_letter_is_and_no_other_number_does(post: Post) -> None:
    number = post.send()[1]["number"]
    entry = next((post.content / messages.FOLDER).glob("*.yml"))
    entry.write_text(entry.read_text(encoding="utf-8") + "forwarded: 2026-12-30 09:00\n", encoding="utf-8")
    typed = f" {number.lower().replace('0', 'o')} ".replace("-", " ")
    status, told = post.json("status", {"number": typed})
    assert (200, number) == (status, told["number"])
    assert {"step": "forwarded", "at": "2026-12-30 09:00"} in told["steps"]
    other = number[:-1] + ("0" if number[-1] != "0" else "1")
    for wrong in (other, entry.stem, "", "x" * 5000, "../../index", f"{entry.stem}-0000-0000-0000", "' or 1=1 --"):
        assert post.json("status", {"number": wrong}) == (404, {"state": "status", "steps": None})


@settings(max_examples=40)
@given(st.binary(min_size=32, max_size=32), st.from_regex(r"[0-9]{8}-[0-9a-hjkmnp-tv-z]{8}", fullmatch=True))
def test_a_tracking_number_belongs_to_one_letter_and_one_key(key: bytes, letter_id: str) -> None:
    seals = Seals(key)
    assert letter_id == seals.id_of(seals.number(letter_id))
    assert None is Seals(bytes(32 * [1])).id_of(seals.number(letter_id)) or key == bytes(32 * [1])


POINTS = ("accepted", "kept", "drafted", "entered")
CHILD = """
import os, sys
from datetime import datetime
from pathlib import Path
from sitegen.interaction.letter import Letter
from sitegen.interaction.spool import Spool
folder, content, point = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
seen = []
def fault(name):
    seen.append(name)
    if name == point and seen.count(name) == 3:
        os.kill(os.getpid(), 9)
spool = Spool(folder, content, fault)
for number in range(9):
    letter = Letter(type="咨询", unit="jyj", subject="标题", text="内容内容内容内容内容", name="甲", phone="12345678", email="", public=True)
    print(spool.accept(letter, f"{number:032x}", datetime(2026, 11, 22, 12, 0)), flush=True)
"""


@pytest.mark.parametrize("point", POINTS)
def test_no_letter_is_lost_when_the_service_is_killed(post: Post, point: str) -> None:
    """Killed at any step of the third letter, the next start brings all that were safe to the ledger, whole."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(post.folder), str(post.content), point], capture_output=True, text=True
    )
    assert done.returncode == -9, done.stderr
    told = done.stdout.split()
    assert len(told) == 2
    assert Spool(post.folder, post.content).deliver() == 0
    found, problems = messages.load(post.content)
    assert (problems, len(found)) == ([], 3)
    assert set(told) <= {message.id for message in found}
    for message in found:
        assert f"id: {message.id}\n" in (post.spool.letter(message.id) or "")
    assert len(list((post.content / messages.FOLDER).glob("*.md"))) == 3


def test_a_letter_waits_when_the_ledger_cannot_be_written(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    (post.content / messages.FOLDER).write_text("in the way", encoding="utf-8")
    number = post.send()[1]["number"]
    assert post.json("status", {"number": number})[0] == 200
    assert post.spool.deliver() == 1
    monkeypatch.setattr(spool, "WAITING", 1)
    status, told = post.send()
    assert (status, told["why"]) == (503, "full")
    (post.content / messages.FOLDER).unlink()
    assert post.spool.deliver() == 0
    assert len(messages.load(post.content)[0]) == 1


# --- who may send --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_ORIGIN": "https://evil.example"},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_ORIGIN": ""},
        {"HTTP_ORIGIN": ORIGIN + ".evil.example"},
        {"HTTP_ORIGIN": "", "HTTP_REFERER": "https://evil.example/?https://www.example.gov.cn/"},
        {"HTTP_ORIGIN": "", "HTTP_REFERER": "https://[evil"},
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
    ],
)
def test_another_sites_page_cannot_send_in_a_visitors_name(post: Post, environ: dict[str, str]) -> None:
    for path in ("", "check", "send", "status"):
        assert post.ask(path, FIELDS, **environ)[0] == 403
    assert post.ask("check", FIELDS, HTTP_ORIGIN="", HTTP_REFERER=ORIGIN + "/hdjl/")[0] == 200


def test_what_is_sent_is_what_was_shown_not_too_soon_and_not_too_late(post: Post) -> None:
    _status, checked = post.json("check", FIELDS)
    values, token = checked["values"], checked["token"]

    def outcome(after: float, **changed: str) -> list[dict[str, str]]:
        post.clock.now += after
        return list(post.json("send", {**values, "token": token, **changed})[1].get("errors", []))

    assert outcome(1) == [{"field": "token", "what": "hasty"}]
    assert outcome(60, text=values["text"] + "！") == [{"field": "token", "what": "foreign"}]
    assert outcome(0, token=token[:-1] + ("0" if token[-1] != "0" else "1")) == [{"field": "token", "what": "foreign"}]
    assert outcome(0, token="9" * 4000) == [{"field": "token", "what": "foreign"}]
    assert outcome(8000) == [{"field": "token", "what": "late"}]
    assert messages.load(post.content)[0] == []


def test_a_client_that_asks_too_often_waits_and_others_do_not(city: TinyCity, post: Post) -> None:
    post = Post(city, Limits(asks=5, letters=1, looks=2))
    ours = {"REMOTE_ADDR": "2001:db8:1:2::1"}
    statuses = [post.ask("", None, **ours)[0] for _ in range(7)]
    assert statuses == [200] * 5 + [429] * 2
    status, headers, _body = post.ask("", None, REMOTE_ADDR="2001:db8:1:2:ffff::2")
    assert (status, int(headers["Retry-After"]) >= 1) == (429, True)
    assert post.ask("", None, REMOTE_ADDR="2001:db8:1:3::1")[0] == 200
    looks = [post.ask("status", {"number": "x"}, REMOTE_ADDR="203.0.113.9")[0] for _ in range(3)]
    assert looks == [404, 404, 429]


# --- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"subject": "转"}, ("subject", "missing")),
        ({"subject": "转" * 61}, ("subject", "long")),
        ({"text": "\u202e\0\ufeff  短"}, ("text", "missing")),
        ({"text": "字" * 2001}, ("text", "long")),
        ({"text": "请看 http://a.example http://b.example www.c.example"}, ("text", "links")),
        ({"type": "广告"}, ("type", "missing")),
        ({"unit": "../jyj"}, ("unit", "missing")),
        ({"name": " "}, ("name", "missing")),
        ({"phone": "", "email": ""}, ("phone", "missing")),
        ({"phone": "12'; drop table letters"}, ("phone", "unreadable")),
        ({"email": "a@b\r\nBcc: c@d.example"}, ("email", "unreadable")),
    ],
)
def test_a_letter_with_a_mistake_is_shown_again_with_what_is_wrong(
    post: Post, changed: dict[str, str], complaint: tuple[str, str]
) -> None:
    status, _headers, page = post.ask("check", {**FIELDS, **changed})
    assert (status, f'id="gov-{complaint[0]}-wrong"' in page) == (422, True)
    assert 'value="周小明"' in page or "name" in changed
    assert [Complaint(*complaint)] == letters.read(letters.tidy({**FIELDS, **changed}), {"jyj"})


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(letters.FIELDS), st.text(max_size=80)))
def test_a_letter_says_the_same_when_it_is_read_again(fields: dict[str, str]) -> None:
    clean = letters.tidy({**FIELDS, **fields})
    assert clean == letters.tidy(clean)
    found = letters.read(clean, {"jyj"})
    if isinstance(found, Letter):
        assert found == letters.read(letters.tidy(found.as_fields()), {"jyj"})


@given(st.text(alphabet="0123456789 -x１３８\n甲", max_size=60))
def test_no_number_of_a_person_stays_in_a_redacted_text(text: str) -> None:
    full = f"{text}13800138000，身份证 11010519491231002X {text}"
    assert personal.find(personal.redact(full)) == []


@pytest.fixture
def running(post: Post, city: TinyCity, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The service behind waitress, which gives up on a request after two seconds."""
    monkeypatch.setattr(server, "PATIENCE", 2)
    made = server.server(city.project, post.service, 0)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    yield made.effective_port
    made.close()
    thread.join(5)


def _raw(port: int, request: bytes) -> bytes:
    """The whole answer to raw bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=15) as sock:
        answer = b""
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            sock.sendall(request)
            while piece := sock.recv(65536):
                answer += piece
        return answer


def _dripped(port: int, request: bytes, count: int) -> int:
    """How many bytes of a body, sent one by one, are taken before the service hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=15) as sock:
        sock.sendall(request)
        for sent in range(count):
            time.sleep(0.25)
            try:
                sock.sendall(b"a")
            except (ConnectionResetError, BrokenPipeError):
                return sent
    return count


def _request(path: str, body: bytes, *headers: str, kind: str = "application/x-www-form-urlencoded") -> bytes:
    lines = [f"POST /messages/{path} HTTP/1.1", "Host: x", f"Origin: {ORIGIN}", f"Content-Type: {kind}"]
    lines += [f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def test_hostile_requests_are_answered_cleanly(running: int, post: Post) -> None:
    """Each gets a refusal of its own, none a traceback, and the service goes on."""
    good = urlencode(FIELDS).encode()
    many = "&".join(f"f{number}=1" for number in range(500)).encode()
    bomb = b'--b\r\nContent-Disposition: form-data; name="text"; filename="x"\r\n\r\n' * 200
    cases = {
        b"413": [_request("check", b"text=" + b"x" * 1_000_000), _request("check", b"x" * 40_000)],
        b"415": [
            _request("check", bomb, kind="multipart/form-data; boundary=b"),
            _request("check", b"{}", kind="application/json"),
            _request("check", good, kind="application/x-www-form-urlencoded; charset=gbk"),
            _request("check", b"", kind=""),
        ],
        b"400": [
            _request("check", "text=转学".encode("gb18030")),
            _request("check", b"text=%D6%D0%CE%C4"),
            _request("check", many),
            b"POST /messages/check HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
            b"GET /messages/ HTTP/1.1\r\nHost: x\r\nX: a\r\n b: c\0\r\n\r\n\x80\xff",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        ],
        b"404": [_request("../etc/passwd", good), _request("send/..%2f..", good), _request("status", b"number=1%27--")],
        b"405": [b"DELETE /messages/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"],
        b"422": [
            _request("check", urlencode({**FIELDS, "website": "http://spam.example"}).encode()),
            _request("send", good + b"&token=" + b"9" * 9000),
            _request("check", urlencode({**FIELDS, "subject": "<script>alert(1)</script>" * 9}).encode()),
        ],
        b"431": [b"GET /messages/ HTTP/1.1\r\nX: " + b"y" * 40_000 + b"\r\n\r\n"],
    }
    for status, requests in cases.items():
        for request in requests:
            answer = _raw(running, request)
            assert answer.split(b" ")[1:2] == [status], (request[:120], answer[:200])
            assert b"Traceback" not in answer
            assert b"<script>alert" not in answer
    smuggled = _raw(running, _request("check", good, "Transfer-Encoding: chunked"))
    assert b"200 OK" not in smuggled
    slow = _request("check", good).replace(b"Connection: close\r\n", b"")[: -len(good)]
    assert _dripped(running, slow, 40) < 20
    with urllib.request.urlopen(f"http://127.0.0.1:{running}/messages/") as answer:
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
    assert messages.load(post.content)[0] == []


# --- the pages -----------------------------------------------------------------------------------------------------


@pytest.mark.needs("chromium")
def test_a_citizen_without_scripts_writes_from_the_static_page_and_looks_the_letter_up(
    city: TinyCity, post: Post
) -> None:
    from playwright.sync_api import sync_playwright
    from waitress import create_server

    city.build()
    service = server.with_assets(city.project, post.service)

    def whole(environ: Any, start: Any) -> Any:
        name = environ["PATH_INFO"]
        if name.startswith(("/messages/", "/assets/")):
            return service(environ, start)
        path = city.site / name.lstrip("/") / "index.html"
        start("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [path.read_bytes()]

    made = create_server(whole, host="127.0.0.1", port=0)
    post.service._origins = frozenset({f"http://127.0.0.1:{made.effective_port}"})
    threading.Thread(target=made.run, daemon=True).start()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844}).new_page()
        page.goto(f"http://127.0.0.1:{made.effective_port}/hdjl/")
        page.click("summary:has-text('我要写信')")
        form = page.locator("details form.letter").first
        for name in ("subject", "text", "name", "phone"):
            form.locator(f"[name={name}]").fill(FIELDS[name])
        for name in ("type", "unit"):
            form.locator(f"[name={name}]").select_option(FIELDS[name])
        form.locator("button").click()
        assert "我叫周小明" in page.inner_text("dl")
        page.click("button:has-text('返回修改')")
        page.fill("[name=subject]", "转学")
        page.click("button:has-text('下一步')")
        post.clock.now += 10
        page.click("button:has-text('确认提交')")
        number = page.inner_text("dd.nb")
        page.fill("[name=number]", number)
        page.click("button:has-text('查询办理进度')")
        assert re.search(r"已收到\s+\d{4}-\d\d-\d\d", page.inner_text("dl"))
        browser.close()
    made.close()
    assert [message.unit for message in messages.load(post.content)[0]] == ["jyj"]


# --- Problems ------------------------------------------------------------------------------------------------------


def _codes(refused: pytest.ExceptionInfo[errors.PlatformError]) -> list[str]:
    return [problem.code for problem in refused.value.problems]


def test_letters_are_not_kept_among_what_git_keeps(city: TinyCity) -> None:
    with pytest.raises(errors.UsageError) as refused:
        Spool(city.content / "_records" / "letters", city.content)
    assert _codes(refused) == ["letters-in-content"]
    (city.root / "file").write_text("", encoding="utf-8")
    with pytest.raises(errors.UsageError) as refused:
        Spool(city.root / "file", city.content)
    assert _codes(refused) == ["letters-not-writable"]


def test_the_command_says_what_is_missing(city: TinyCity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(city.root)
    done = CliRunner().invoke(cli.main, ["messages", "serve"])
    assert (done.exit_code, "messages-url-missing" in done.output) == (1, True)
    done = CliRunner().invoke(cli.main, ["messages", "show", "../../x"])
    assert (done.exit_code, "letter-unknown" in done.output) == (2, True)
    assert (city.root / "private/messages/.gitignore").read_text(encoding="utf-8").strip() == "*"


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example/", "/messages", "/../", "/a b/"])
def test_a_form_posts_to_this_host_alone(city: TinyCity, path: str) -> None:
    city.put(
        "index.md",
        (city.content / "index.md").read_text(encoding="utf-8").replace("title:", f"messages_url: {path}\ntitle:", 1),
    )
    assert [p.code for p in city.build().problems if p.code == "service-path"] == ["service-path"]
