"""Bodies are looked into by a process beside the capture: on the other core, and a page that kills the parser costs
that page alone. What that process does is `looking`.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from contextlib import suppress
from pathlib import Path

from archive.crawling import looking
from archive.crawling.look import Body, Looked
from archive.discover import Found

_LINE = 64 << 20
# Room for what the crawl has in hand: a question that does not fit is copied, and sent piece by piece.
_PIPE = 1 << 20


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
        question = looking.question(body)
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
                self._answer(looking.parse(line))
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
        sys.executable, "-P", "-m", "archive.crawling.looking", stdin=PIPE, stdout=PIPE, limit=_LINE,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert process.stdin is not None  # noqa: S101 (they are pipes)
    assert process.stdout is not None  # noqa: S101
    with suppress(OSError):  # a user has a quota of them
        fcntl.fcntl(process.stdin.get_extra_info("pipe").fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
    if await process.stdout.readline() == looking.READY:
        return process
    process.kill()
    await process.wait()
    return None
