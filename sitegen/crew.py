"""Worker processes: batches in, results out in the same order; one bad item never takes others with it.

The seam is `concurrent.futures.Executor`. Processes, not threads, because MkDocs' objects are not made for threads.
A process gets what all batches have in common once, when it starts.
"""

from __future__ import annotations

import gc
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future
    from multiprocessing.context import ForkServerContext

Batch = TypeVar("Batch")
Result = TypeVar("Result")
_PRELOAD = ["sitegen.judging", "sitegen.render.worker", "mkdocs.config", "mkdocs.structure.pages"]
_common: Any = None


def common() -> Any:
    """What `Crew` was made with, in whatever process this is."""
    return _common


def _begin(value: Any) -> None:
    """Ctrl-C is the parent's affair: a worker that dies of it leaves the parent waiting for a pipe nobody reads."""
    global _common
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _collect_less()
    _common = value


def _collect_less() -> None:
    """What is there now stays; looking through it again and again took a twentieth of the time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


def warm_up(jobs: int) -> None:
    """Let the process from which workers are forked import what they need, while this one looks at the files."""
    if jobs != 1:
        from multiprocessing import forkserver

        _context()
        forkserver.ensure_running()


def _context() -> ForkServerContext:
    import multiprocessing

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOAD)
    return context


class Crew:
    """`value`: what all batches have in common; `jobs`: processes, 0 = one per core, 1 = this process alone."""

    def __init__(self, value: Any, jobs: int) -> None:
        global _common
        _common = value
        self._value = value
        self.jobs = jobs or len(os.sched_getaffinity(0))
        self._pool: Executor | None = None

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def run(
        self,
        work: Callable[[Batch], Result],
        batches: Iterable[Batch],
        split: Callable[[Batch], Sequence[Batch]],
        deadly: Callable[[Batch], Result],
        *,
        few: bool,
    ) -> Iterator[Result]:
        """The results of `work` on each batch, in order. `few`: not worth another process.

        A batch that ends the process which works on it is split (`split` gives its parts, or nothing when it is one
        item); `deadly` stands for the result of the one item that does it.
        """
        if few or self.jobs == 1:
            yield from map(work, batches)
            return
        from concurrent.futures.process import BrokenProcessPool  # an edit has no use for it, and it takes 20 ms

        waiting: deque[tuple[Batch, Future[Result]]] = deque()
        coming = iter(batches)
        try:
            while True:
                while len(waiting) < 2 * self.jobs + 1 and (batch := next(coming, None)) is not None:
                    waiting.append((batch, self._submit(work, batch)))
                if not waiting:
                    return
                batch, future = waiting.popleft()
                try:
                    yield future.result()
                except BrokenProcessPool:
                    self.close()
                    yield from self._isolate(work, batch, split, deadly)
                    waiting = deque((other, self._submit(work, other)) for other, _ in waiting)
        except BaseException:
            self.close()
            raise

    def _submit(self, work: Callable[[Batch], Result], batch: Batch) -> Future[Result]:
        from concurrent.futures import Future
        from concurrent.futures.process import BrokenProcessPool

        if self._pool is None:
            _collect_less()  # there is much to do for this process, too
            self._pool = self._new_pool(self.jobs)
        try:
            return self._pool.submit(work, batch)
        except BrokenProcessPool as error:
            broken: Future[Result] = Future()
            broken.set_exception(error)
            return broken

    def _new_pool(self, jobs: int) -> Executor:
        import concurrent.futures

        return concurrent.futures.ProcessPoolExecutor(jobs, _context(), _begin, (self._value,))

    def _isolate(
        self,
        work: Callable[[Batch], Result],
        batch: Batch,
        split: Callable[[Batch], Sequence[Batch]],
        deadly: Callable[[Batch], Result],
    ) -> Iterator[Result]:
        """Each part in a process of its own, down to the item that ends it."""
        from concurrent.futures.process import BrokenProcessPool

        with self._new_pool(1) as pool:
            try:
                yield pool.submit(work, batch).result()
                return
            except BrokenProcessPool:
                pass
        parts = split(batch)
        if not parts:
            yield deadly(batch)
        for part in parts:
            yield from self._isolate(work, part, split, deadly)
