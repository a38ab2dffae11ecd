"""「扫一扫在手机打开当前页」: a page's address as a QR symbol, drawn by segno or put together from symbols that it drew.

With version, error level and mask fixed, a QR symbol (ISO/IEC 18004) is linear over GF(2) in the bits of its data and
in a sign for their number: whatever is a sum of addresses already drawn has the sum of their symbols. So segno draws
the addresses that say something new (some 200 of a site's 100,000), at 2 ms each; all others cost 0.05 ms.
"""

from __future__ import annotations

import functools
import operator

import segno

BORDER = 2
_MASK = 0
_LONGEST = 300
"""Bytes; a longer address is drawn by segno each time, so that nothing grows without bound."""
_LENGTHS = 128
"""No version takes more different numbers of bytes than this, so n % 128 tells them apart."""


def svg(url: str) -> str:
    """Inline SVG of the symbol: no external service. Raises ValueError when the address is too long for one."""
    data = url.encode()
    if len(data) > _LONGEST:
        code = _drawn(data)
        return _Symbols(code).svg(_bits(code))
    symbols = _known_lengths.get(len(data))
    return symbols.of(data) if symbols else _first_of_length(data)


_known_lengths: dict[int, _Symbols] = {}
_known_versions: dict[str, _Symbols] = {}


def _first_of_length(data: bytes) -> str:
    """Which version takes so many bytes is known when segno has drawn one."""
    code = _drawn(data)
    symbols = _known_versions.setdefault(str(code.version), _Symbols(code))
    _known_lengths[len(data)] = symbols
    symbols.learn(data, _bits(code))
    return symbols.svg(_bits(code))


def _drawn(data: bytes) -> segno.QRCode:
    return segno.make(data, mode="byte", error="m", boost_error=False, micro=False, mask=_MASK)


def _bits(code: segno.QRCode) -> int:
    """The modules row by row, the first one highest."""
    return int(b"".join(code.matrix).translate(b"01" + bytes(254)), 2)


class _Symbols:
    """What was drawn in one version: rows `address << area | symbol`, reduced so that each has a bit of its own."""

    def __init__(self, code: segno.QRCode) -> None:
        self.width = len(code.matrix)
        self.area = self.width**2
        self.rows: dict[int, int] = {}
        """The row's own bit of an address → row. Every row is true by itself, whatever another thread does."""
        self.own_bits = 0
        self.part = functools.lru_cache(maxsize=1 << 14)(self._part)
        self.folder = functools.lru_cache(maxsize=1 << 10)(self._folder)
        self.strokes = _Strokes(self.width)

    def of(self, data: bytes) -> str:
        rest = self._without_known(data)
        if rest >> self.area:
            bits = _bits(_drawn(data))
            self.learn(data, bits)
            return self.svg(bits)
        return self.svg(rest)

    def learn(self, data: bytes, bits: int) -> None:
        row = self._without_known(data) ^ bits
        new = row >> self.area
        if not new:
            return
        own = new & -new
        for known, other in list(self.rows.items()):
            if other >> self.area & own:
                self.rows[known] = other ^ row
        self.rows[own] = row
        self.own_bits |= own
        self.part.cache_clear()
        self.folder.cache_clear()

    def _without_known(self, data: bytes) -> int:
        """What no drawn symbol explains, above the sum of those that explain the rest."""
        name = data.rfind(b"/") + 1
        start = self.folder(data[:name]) ^ self.part(-1, len(data))
        return functools.reduce(operator.xor, map(self.part, range(name, len(data)), data[name:]), start)

    def _folder(self, path: bytes) -> int:
        """The share of all that stands before the page's own name."""
        return functools.reduce(operator.xor, map(self.part, range(len(path)), path), 0)

    def _part(self, place: int, byte: int) -> int:
        """The share of one byte of an address; at -1, of their number."""
        address = byte << _LENGTHS + 8 * place if place >= 0 else 1 << byte % _LENGTHS
        part, known = address << self.area, address & self.own_bits
        while known:
            own = known & -known
            part ^= self.rows[own]
            known ^= own
        return part

    def svg(self, bits: int) -> str:
        """As segno writes it: a line for each run of dark modules, each from the end of the line before."""
        text = format(bits, f"0{self.area}b")
        rows = "\n0".join([text[start : start + self.width] for start in range(0, self.area, self.width)])
        first, *runs, last = f"0{rows}".split("01")  # before every run stands a light module: the border's, in a row
        side = self.width + 2 * BORDER
        return (
            f'<svg viewBox="0 0 {side} {side}" class="gov-qr"><path stroke="#000" d="M{BORDER + len(first)} {BORDER}.5'
            f'{"".join(map(self.strokes.__getitem__, runs))}h{len(last.rstrip("0")) + 1}"/></svg>'
        )


class _Strokes(dict[str, str]):
    """A run without its first module, and the light modules up to the next one: `110` + `0` → `h3m2 0`. Some 300."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def __missing__(self, run: str) -> str:
        dark, *lines = run.split("\n")
        length = len(dark.rstrip("0")) + 1
        light = len(dark) - length + 1
        across = light + len(lines[-1]) - self.width if lines else light + 1
        return self.setdefault(run, f"h{length}m{across} {len(lines)}")
