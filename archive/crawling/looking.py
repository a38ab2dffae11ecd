"""The process that looks into bodies for a capture: `python -m archive.crawling.looking`.

On its input a line of JSON (URL, header fields, whole, length of the body) and the body; on its output a line of JSON, in the
same order. It ends when its input does, so none outlives a killed capture. It begins for each capture: what takes long to
load has no place here.
"""

from __future__ import annotations

import gc
import signal
import sys
from contextlib import suppress
from typing import Any, BinaryIO

import orjson

from archive.crawling import look
from archive.crawling.look import Body, Looked
from archive.discover import Form, Found, Link

READY = b"ready\n"


def question(body: Body) -> bytes:
    return b"".join((orjson.dumps([body.url, body.headers, body.whole, len(body.raw)]), b"\n", body.raw))


def parse(answer: bytes) -> Looked:
    links, title, code, text, scripts, suspicious, forms, whole = orjson.loads(answer)
    found = Found(
        links=tuple([Link(url=url, kind=kind, source=source) for url, kind, source in links]),
        title=title,
        charset=code,
        text=text.encode(),
        scripts=scripts,
        suspicious=suspicious,
        forms=tuple(Form(action=action, charset=said, fields=tuple(fields)) for action, said, fields in forms),
    )
    return Looked(found=found, whole=whole)


def serve(given: BinaryIO, out: BinaryIO) -> None:
    out.write(READY)
    out.flush()
    while line := given.readline():
        url, headers, whole, size = orjson.loads(line)
        fields = tuple((name, value) for name, value in headers)
        out.write(_answer(look.into(Body(url=url, headers=fields, raw=given.read(size), whole=whole))))
        out.flush()


def _answer(looked: Looked) -> bytes:
    found = looked.found
    links = [(link.url, link.kind, link.source) for link in found.links]
    forms = [(form.action, form.charset, form.fields) for form in found.forms]
    answer: list[Any] = [links, found.title, found.charset, found.text.decode()]
    return orjson.dumps([*answer, found.scripts, found.suspicious, forms, looked.whole]) + b"\n"


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the capture's to answer; this ends with its input
    with suppress(BrokenPipeError):
        serve(sys.stdin.buffer, sys.stdout.buffer)
    gc.freeze()  # the capture waits for the end of this process: 5 ms instead of 14
