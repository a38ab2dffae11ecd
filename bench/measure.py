"""What one command costs: wall clock, CPU of every process it started, and the peak of their memory together.

CPU. A worker of ours is no child of the command but of a fork server, and when the command ends that server is an
orphan: the command's own rusage misses it. So this process declares itself the *subreaper* of its descendants
(`prctl`): orphans become its children, and `wait4` on the command's process group (each command gets its own session)
returns the rusage of each, theirs included. Beside that every process of the session is sampled from /proc; the larger
of the two counts, so that neither a process nobody waited for nor one that lived between two samples is lost.

Memory. Sum of PSS (`smaps_rollup`: a page shared by four processes counts a quarter in each) over the session, sampled
every 100 ms, its maximum. Reading it costs time that grows with the process, so a sampler that needs more than a
twentieth of the interval waits longer: it never takes more than 5 % of a core from what it measures.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

INTERVAL = 0.1
PATIENCE = 10.0
"""Seconds that orphans may live on after their command."""
_SUBREAPER = 36
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds, seconds, bytes; `code` is the exit code."""

    wall: float
    cpu: float
    memory: int
    code: int


@dataclass(slots=True, kw_only=True)
class _Sampler:
    session: int
    peak: int = 0
    ticks: dict[int, int] = field(default_factory=dict)
    """Process → user and system time when last seen."""
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        pause = 0.0
        while not self.ended.wait(pause):
            begun = time.perf_counter()
            self._sample()
            pause = max(INTERVAL, 20 * (time.perf_counter() - begun))

    def _sample(self) -> None:
        total = 0
        for process in _processes(self.session, self.ticks):
            total += _proportional_size(process)
        self.peak = max(self.peak, total)

    @property
    def cpu(self) -> float:
        return sum(self.ticks.values()) / _TICK


def run(command: Sequence[str], *, folder: Path, environment: Mapping[str, str], output: Path) -> Cost:
    """Run to the end. `output` receives stdout; stderr goes beside it, `.err`."""
    with _subreaper(), output.open("wb") as out, output.with_suffix(".err").open("wb") as err:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=dict(environment), stdout=out, stderr=err, start_new_session=True
        )
        sampler = _Sampler(session=process.pid)
        thread = threading.Thread(target=sampler.run, daemon=True)
        thread.start()
        try:
            _pid, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - begun
            process.returncode = os.waitstatus_to_exitcode(status)
            reaped = usage.ru_utime + usage.ru_stime + _orphans(process.pid)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            sampler.ended.set()
            thread.join()
    return Cost(wall=wall, cpu=max(reaped, sampler.cpu), memory=sampler.peak, code=process.returncode)


def _orphans(group: int) -> float:
    """CPU seconds of what the command left behind, once it has ended; what does not end is killed."""
    deadline, total = time.monotonic() + PATIENCE, 0.0
    while True:
        try:
            pid, _status, usage = os.wait4(-group, os.WNOHANG)
        except ChildProcessError:
            return total
        if pid:
            total += usage.ru_utime + usage.ru_stime
        elif time.monotonic() > deadline:
            os.killpg(group, signal.SIGKILL)
        else:
            time.sleep(0.005)


@contextlib.contextmanager
def _subreaper() -> Iterator[None]:
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    try:
        yield
    finally:
        library.prctl(_SUBREAPER, 0, 0, 0, 0)


def _processes(session: int, ticks: dict[int, int]) -> list[int]:
    """Processes of the session that live now; their time is noted."""
    found: list[int] = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            stat = (place / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        fields = stat.rsplit(")", 1)[1].split()  # from the state on: the name may hold anything
        if int(fields[3]) == session:
            found.append(int(place.name))
            ticks[int(place.name)] = int(fields[11]) + int(fields[12])
    return found


def _proportional_size(process: int) -> int:
    try:
        text = Path("/proc", str(process), "smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    line = next((line for line in text.splitlines() if line.startswith("Pss:")), "Pss: 0 kB")
    return int(line.split()[1]) * 1024
