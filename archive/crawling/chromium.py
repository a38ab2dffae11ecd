"""Chromium on this machine, and how it is started: cut off from every network. The only importer of Playwright."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from archive.text import _
from sitegen.errors import Problem, UsageError

if TYPE_CHECKING:
    from playwright.async_api import Browser

# No name resolves and every connection goes to a proxy that is not there: what is not answered here fails.
CUT_OFF = (
    "--proxy-server=http://127.0.0.1:9", "--proxy-bypass-list=<-loopback>", "--host-resolver-rules=MAP * ~NOTFOUND",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
)  # fmt: skip


def executable() -> Path:
    return Path(os.environ.get("ARCHIVE_CHROMIUM", "/usr/bin/chromium"))


def lacking() -> str | None:
    """What of the browser is not on this machine; None when it can be started."""
    if find_spec("playwright") is None:
        return _("Playwright is not installed (`pip install 'jiyuehua[browser]'`)")
    if not os.access(executable(), os.X_OK):
        return _("there is no Chromium at {path} (ARCHIVE_CHROMIUM)").format(path=executable())
    return None


def demand() -> None:
    """For `--browser always`. Raises UsageError when the browser cannot be started."""
    if cause := lacking():
        raise UsageError(
            [
                Problem(
                    path="--browser",
                    code="browser-missing",
                    message=cause,
                    remedy=_("install it, or use `--browser auto` or `--browser never`"),
                )
            ]
        )


def error() -> type[Exception]:
    """What Playwright raises."""
    from playwright.async_api import Error

    return Error


async def start(stack: AsyncExitStack) -> Browser:
    """Headless; it ends with `stack`. Chromium's own sandbox is off for root only, who cannot use it."""
    from playwright.async_api import async_playwright

    driver = await stack.enter_async_context(async_playwright())
    return await driver.chromium.launch(
        executable_path=str(executable()), args=list(CUT_OFF), chromium_sandbox=os.geteuid() != 0
    )
