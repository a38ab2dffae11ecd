"""What one command costs: wall clock, CPU of every process it started, and the peak of their memory together.

CPU. A worker of ours is no child of the command but of a fork server, and when the command ends that server is an
orphan: the command's own rusage misses it. So this process declares itself the *subreaper* of its descendants
(`prctl`): orphans become its children, and `wait4` on the command's process group (each command gets its own session)
returns the rusage of each, theirs included. Beside that every process of the session is sampled from /proc; the larger
of the two counts, so that neither a process nobody waited for nor one that lived between two samples is lost.

Memory. Sum of PSS (`smaps_rollup`: a page shared by four processes counts a quarter in each) over the session, sampled
every 100 ms, its maximum. Reading it costs time that grows with the process (5 ms and more for a large one), so a
sampler that needs more than a twentieth of the interval waits longer: it takes at most 5 % of a core from what it
measures.
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
    ticks: dict[str, int] = field(default_factory=dict)
    """Process → user and system time when last seen."""
    foreign: set[str] = field(default_factory=set)
    """Processes of other sessions, looked at once."""
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        pause = 0.0
        while not self.ended.wait(pause):
            begun = time.thread_time()
            self.peak = max(self.peak, sum(_proportional_size(process) for process in self._processes()))
            pause = max(INTERVAL, 20 * (time.thread_time() - begun))

    def _processes(self) -> list[str]:
        """Those of the session that live now; their time is noted."""
        living = {name for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208 (ten times as fast)
        self.foreign &= living
        found: list[str] = []
        for name in living - self.foreign:
            stat = _read(f"/proc/{name}/stat").rpartition(")")[2].split()  # from the state on: a name may hold anything
            if not stat:
                continue
            if int(stat[3]) != self.session:
                self.foreign.add(name)
                continue
            found.append(name)
            self.ticks[name] = int(stat[11]) + int(stat[12])
        return found

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


def _proportional_size(process: str) -> int:
    lines = _read(f"/proc/{process}/smaps_rollup").splitlines()
    line = next((line for line in lines if line.startswith("Pss:")), "Pss: 0 kB")
    return int(line.split()[1]) * 1024


def _read(path: str) -> str:
    """Empty when the process has ended."""
    try:
        with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 (pathlib costs as much as the reading)
            return stream.read().decode(errors="replace")
    except OSError:
        return ""
