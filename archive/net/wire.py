"""An HTTP/1.1 answer as it is framed on the wire: where its head and its body end, every byte kept."""

from __future__ import annotations

import asyncio
import re
from types import TracebackType
from typing import BinaryIO, Self

from archive import message

HEAD_AT_MOST = 1 << 20
LINES_AT_MOST = 2000
SLOWEST = 64.0
"""Bytes per second below which a server is left: a page sent letter by letter would hold a connection for days."""
_PIECE = 1 << 18
_LINE = 1 << 16
# 101 is an answer: what follows it is no HTTP any more.
_INTERIM = frozenset(range(100, 200)) - {101}
_END = re.compile(rb"\n\r?\n")
_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\n]*)?\r?\n")


class StaleError(Exception):
    """The connection ended before the first byte of an answer."""


class CutError(Exception):
    """The connection ended within a body."""


class FramingError(Exception):
    """A body's chunks break their own rules: where it ends cannot be known."""


class TooLongError(Exception):
    """The body is longer than what may be stored."""


class StorageError(Exception):
    """The disk cannot take a body; `error` says why."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


class Patience:
    """When to give a server up: `idle` seconds without a byte, fewer than `SLOWEST` bytes a second, `longest` in
    all. `async with` raises TimeoutError then."""

    def __init__(self, idle: float, longest: float) -> None:
        self._timer, self._idle = asyncio.timeout(idle), idle
        self._now = asyncio.get_running_loop().time
        now = self._now()
        self._end = now + longest
        self._deadline = self._rings = now + idle

    async def __aenter__(self) -> Self:
        await self._timer.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._timer.__aexit__(kind, error, trace)

    def got(self, count: int) -> None:
        """Each byte buys time, up to `idle` seconds from now."""
        self._wait_until(min(self._now() + self._idle, self._deadline + count / SLOWEST))

    def begin_again(self) -> None:
        self._wait_until(self._now() + self._idle)

    def _wait_until(self, moment: float) -> None:
        self._deadline = min(moment, self._end)
        # To set the timer anew costs more than to read a small body: a hundredth of its time is let go.
        if abs(self._deadline - self._rings) >= self._idle / 100:
            self._rings = self._deadline
            self._timer.reschedule(self._rings)


class _Copy:
    """Takes a body down, up to a bound."""

    def __init__(self, into: BinaryIO, at_most: int) -> None:
        self._into, self._left = into, at_most

    def keep(self, piece: bytes) -> None:
        try:
            self._into.write(piece[: self._left])
        except OSError as error:
            raise StorageError(error) from error
        if len(piece) > self._left:
            raise TooLongError
        self._left -= len(piece)


class Wire:
    """What arrives on one connection, in order."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._held = bytearray()

    @property
    def quiet(self) -> bool:
        """Nothing was sent that was not asked for, and the connection stands."""
        return not self._held and not self._reader.at_eof()

    async def head(self) -> tuple[bytes, bytes]:
        """(interim 1xx heads, the final answer's head), byte for byte, each with its empty line.

        Raises StaleError, and ValueError when it is no head of HTTP or beyond all measure.
        """
        interim = b""
        while True:
            head = await self._one_head(HEAD_AT_MOST - len(interim))
            if message.status_of(head) not in _INTERIM:
                return interim, head
            interim += head

    async def _one_head(self, most: int) -> bytes:
        searched = 0
        while not (end := _END.search(self._held, max(searched - 2, 0))):
            searched = len(self._held)
            if searched > most:
                raise ValueError("the head is longer than a megabyte")
            piece = await self._reader.read(_PIECE)
            if not piece:
                if self._held:
                    raise ValueError("the answer ends within its head")
                raise StaleError
            self._held += piece
            if not b"HTTP/".startswith(bytes(self._held[:5])):
                raise ValueError(message.NO_STATUS_LINE)
        head = bytes(self._held[: end.end()])
        del self._held[: end.end()]
        if head.count(b"\n") > LINES_AT_MOST:
            raise ValueError(f"the head has more than {LINES_AT_MOST} lines")
        return head

    async def body(self, status: int, fields: message.Fields, into: BinaryIO, at_most: int, patience: Patience) -> bool:
        """Copy the body, framing included, into `into`; whether the connection can be used again.

        Raises CutError, FramingError and TooLongError; what came until then is in `into`.
        """
        copy = _Copy(into, at_most)
        try:
            return await self._body(status, fields, copy, patience)
        except TimeoutError:
            raise
        except OSError:
            raise CutError from None

    async def _body(self, status: int, fields: message.Fields, copy: _Copy, patience: Patience) -> bool:
        if status in (204, 304):
            return True
        lengths = message.content_lengths(fields)
        if message.is_chunked(fields):
            # With a length beside the chunks nobody knows what the next answer begins with (RFC 9112 §6.3).
            return await self._chunks(copy, patience) and not lengths
        if len(lengths) == 1 and (length := lengths.pop()) is not None:
            await self._exactly(length, copy, patience)
            return True
        await self._to_the_end(copy, patience)
        return False

    async def _chunks(self, copy: _Copy, patience: Patience) -> bool:
        line = await self._line(patience)
        if not _SIZE.fullmatch(line):
            # Announced as chunked and sent as it is: the end of the connection is the end of the body.
            copy.keep(line)
            await self._to_the_end(copy, patience)
            return False
        while True:
            copy.keep(line)
            found = _SIZE.fullmatch(line)
            if found is None:
                raise FramingError if line.endswith(b"\n") else CutError
            size = int(found[1], 16)
            if size == 0:
                break
            await self._exactly(size, copy, patience)
            copy.keep(line := await self._line(patience))
            if line not in (b"\r\n", b"\n"):
                raise FramingError if line.endswith(b"\n") or len(line) > 2 else CutError
            line = await self._line(patience)
        trailers = 0
        while True:
            copy.keep(line := await self._line(patience))
            trailers += len(line)
            if not line.endswith(b"\n"):
                raise CutError
            if not line.strip():
                return True
            if trailers > HEAD_AT_MOST:
                raise FramingError

    async def _line(self, patience: Patience) -> bytes:
        """Up to the next line end; less at the connection's end, or after 64 kB without one."""
        searched = 0
        while (end := self._held.find(b"\n", searched, _LINE)) < 0:
            searched = len(self._held)
            if searched >= _LINE:
                end = _LINE - 1
                break
            piece = await self._reader.read(_PIECE)
            if not piece:
                end = searched - 1
                break
            patience.got(len(piece))
            self._held += piece
        line = bytes(self._held[: end + 1])
        del self._held[: end + 1]
        return line

    async def _exactly(self, size: int, copy: _Copy, patience: Patience) -> None:
        if taken := min(len(self._held), size):
            piece = bytes(self._held[:taken])
            del self._held[:taken]
            copy.keep(piece)
            size -= taken
        while size > 0:
            piece = await self._reader.read(min(size, _PIECE))
            if not piece:
                raise CutError
            copy.keep(piece)
            size -= len(piece)
            patience.got(len(piece))

    async def _to_the_end(self, copy: _Copy, patience: Patience) -> None:
        held, self._held = bytes(self._held), bytearray()
        copy.keep(held)
        while piece := await self._reader.read(_PIECE):
            copy.keep(piece)
            patience.got(len(piece))
