"""Bodies are looked into by a process beside the capture: on the other core, and a page that kills the parser costs
that page alone.

The process is `python -m archive.crawling.reader`: on its input a line of JSON (URL, header fields, whole, length of the body)
and the body; on its output a line of JSON. It ends when its input does, so none outlives a killed capture.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from archive.crawling import look
from archive.crawling.look import Body, Looked
from archive.discover import Form, Found, Link

_LINE = 64 << 20
_READY = b"ready\n"


class Reader:
    """Use `look` from one event loop; `close` at the end.

    Questions go ahead of the answers, which come in their order: the process never waits for this one.
    """

    def __init__(self) -> None:
        self._process: Process | None = None
        self._asked: deque[tuple[bytes, asyncio.Future[Looked | None]]] = deque()
        self._hearing: asyncio.Task[None] | None = None
        self._impossible = self._closing = False

    def begin(self) -> None:
        """Start the process, without waiting for it."""
        if (self._hearing is None or self._hearing.done()) and not self._impossible:
            self._hearing = asyncio.create_task(self._hear())

    async def look(self, body: Body) -> Looked | None:
        """When the process dies of a body, the body counts as not looked at. None when there can be no process."""
        self.begin()
        if self._impossible:
            return None
        head = orjson.dumps([body.url, body.headers, body.whole, len(body.raw)])
        question = b"".join((head, b"\n", body.raw))
        answer: asyncio.Future[Looked | None] = asyncio.get_running_loop().create_future()
        self._asked.append((question, answer))
        if self._process is not None:
            _write(self._process, question)
        return await answer

    async def close(self) -> None:
        self._closing = True
        if self._hearing is None:
            return
        process = self._process
        if process is not None and process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(self._hearing, 5)
        except TimeoutError:
            if process is not None:
                process.kill()
                await process.wait()

    async def _hear(self) -> None:
        """Pass the answers on, until the process has ended and nobody waits for one."""
        while True:
            process = await _begin()
            if process is None:
                self._impossible = True
                while self._asked:
                    self._answer(None)
                return
            if self._closing and process.stdin is not None:
                process.stdin.close()
            self._process = process
            for question, _waits in self._asked:
                _write(process, question)
            while line := await _line(process):
                self._answer(_parse(line))
            self._process = None
            if process.returncode is None and not self._closing:
                with suppress(ProcessLookupError):
                    process.kill()
            await process.wait()
            if not self._asked or self._closing:
                return
            # It died of the body that it had in hand; those behind it are asked about again.
            self._answer(Looked(found=Found(), whole=False))

    def _answer(self, looked: Looked | None) -> None:
        if self._asked:
            _question, answer = self._asked.popleft()
            if not answer.done():  # whoever waited may have been cancelled
                answer.set_result(looked)


def _write(process: Process, question: bytes) -> None:
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.write(question)


async def _line(process: Process) -> bytes:
    """The next answer; empty when there will be none."""
    assert process.stdout is not None  # noqa: S101 (it is a pipe)
    try:
        line = await process.stdout.readline()
    except (OSError, ValueError):
        return b""
    return line if line.endswith(b"\n") else b""


async def _begin() -> Process | None:
    # Of this process's path only the folder of our own packages: a script's folder may hold anything.
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "archive.crawling.reader", stdin=PIPE, stdout=PIPE, limit=_LINE,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert process.stdout is not None  # noqa: S101 (it is a pipe)
    if await process.stdout.readline() == _READY:
        return process
    process.kill()
    await process.wait()
    return None


def _parse(line: bytes) -> Looked:
    about: dict[str, Any]
    about, whole = orjson.loads(line)
    links = tuple(Link(**link) for link in about.pop("links"))
    text = about.pop("text").encode()
    forms = tuple(Form(**{**form, "fields": tuple(form["fields"])}) for form in about.pop("forms"))
    rest: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in about.items()}
    return Looked(found=Found(links=links, text=text, forms=forms, **rest), whole=whole)


def serve(given: BinaryIO, out: BinaryIO) -> None:
    out.write(_READY)
    out.flush()
    while line := given.readline():
        url, headers, whole, size = orjson.loads(line)
        fields = tuple((name, value) for name, value in headers)
        looked = look.into(Body(url=url, headers=fields, raw=given.read(size), whole=whole))
        out.write(orjson.dumps([looked.found, looked.whole], default=bytes.decode) + b"\n")
        out.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the capture's to answer; this ends with its input
    with suppress(BrokenPipeError):
        serve(sys.stdin.buffer, sys.stdout.buffer)
