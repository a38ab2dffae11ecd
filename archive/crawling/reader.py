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
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from archive.crawling import look
from archive.crawling.look import Body, Looked
from archive.discover import Found, Link

_LINE = 64 << 20
_READY = b"ready\n"


class Reader:
    """Use `look` from one event loop; `close` at the end."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._turn = asyncio.Lock()

    async def look(self, body: Body) -> Looked | None:
        """When the process dies of a body, the body counts as not looked at. None when there can be no process."""
        question = orjson.dumps([body.url, body.headers, body.whole, len(body.raw)]) + b"\n"
        async with self._turn:
            process = self._process = self._process or await _begin()
            if process is None:
                return None
            assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 (both are pipes)
            try:
                process.stdin.write(question)
                process.stdin.write(body.raw)
                await process.stdin.drain()
                line = await process.stdout.readline()
            except (OSError, ValueError):
                line = b""
            if not line.endswith(b"\n"):
                await self._end()
                return Looked(found=Found(), whole=False)
        return _parse(line)

    async def close(self) -> None:
        async with self._turn:
            await self._end()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


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
    rest: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in about.items()}
    return Looked(found=Found(links=links, text=text, **rest), whole=whole)


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
