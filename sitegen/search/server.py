"""The service with its database, behind the server that also takes letters; a thread follows the releases."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sitegen.config import Project
from sitegen.interaction import server
from sitegen.interaction.desk import Desks
from sitegen.search.database import Writer
from sitegen.search.refresh import database, refresh
from sitegen.search.service import Service
from sitegen.text import _

PAUSE = 2.0
"""Seconds between two looks at which release is live."""


def build(project: Project) -> int:
    """Bring the database up to the live release; how many documents were indexed. Raises Refused."""
    desks = Desks(project)
    writer = Writer(database(project))
    try:
        return refresh(project, desks.now().frame.city, writer)
    finally:
        writer.close()


def serve(
    project: Project, port: int, *, asks: int, trusted_proxy: str | None, progress: Callable[[str], None]
) -> None:
    """Serve until interrupted. Raises Refused."""
    desks = Desks(project)
    running = server.server(project, Service(desks.now, database(project), asks), port, trusted_proxy=trusted_proxy)
    ended = threading.Event()
    follower = threading.Thread(target=_follow, args=(project, desks, ended, progress), daemon=True)
    follower.start()
    bound = next(s for s in running.socket.getsockname() if isinstance(s, int)) if port == 0 else port
    progress(_("{address} (Ctrl-C ends it)").format(address=f"http://127.0.0.1:{bound}/search"))
    try:
        running.run()
    finally:
        ended.set()
        running.close()
        follower.join(5)
        progress(_("ended"))


def _follow(project: Project, desks: Desks, ended: threading.Event, progress: Callable[[str], None]) -> None:
    writer = Writer(database(project))
    try:
        while True:
            try:
                if count := refresh(project, desks.now().frame.city, writer):
                    progress(_("{count} pages indexed").format(count=count))
            except Exception as error:  # the service goes on with what it knows, and looks again
                progress(_("the search index could not be brought up to date: {error}").format(error=error))
            if ended.wait(PAUSE):
                return
    finally:
        writer.close()
