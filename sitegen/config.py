"""Where a project's files are, and the few settings of mkdocs.yml that the parent process needs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from sitegen import reader
from sitegen.errors import Problem, UsageError
from sitegen.text import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """`root` holds mkdocs.yml; every other path is absolute."""

    root: Path
    config_file: Path
    content: Path
    theme: Path
    site_url: str
    dialect: str
    """The settings that decide what Markdown becomes, as JSON."""
    replay: str = ""
    """The folder of ReplayWeb.page as the settings name it (`extra.archive.replay`)."""
    search_url: str = "/search/"
    """Where the search box leads: the page that asks the shards, or the service (`extra.search: service`)."""

    @property
    def build(self) -> Path:
        return self.root / "build"

    @property
    def live(self) -> Path:
        """The symbolic link to the live release."""
        return self.build / "site"

    @property
    def releases(self) -> Path:
        return self.build / "releases"

    @property
    def state(self) -> Path:
        return self.build / "state"

    @property
    def undo(self) -> Path:
        """What each release replaced."""
        return self.state / "undo"

    @property
    def public(self) -> Path:
        """Stamped copies and their indexes, written by `archive publish`."""
        return self.build / "public"

    @property
    def reader(self) -> Path:
        """Where ReplayWeb.page is to be found, if it is."""
        return self.root / (self.replay or reader.FOLDER)

    @property
    def host(self) -> str:
        return urlsplit(self.site_url).netloc


_DIALECT = ("markdown_extensions", "use_directory_urls", "validation", "hooks", "plugins")


class _TolerantLoader(yaml.CSafeLoader):
    """mkdocs.yml may hold tags (`!ENV`, `!!python/name:`) that only MkDocs understands; we need none of them."""


_TolerantLoader.add_multi_constructor("", lambda loader, suffix, node: None)


def load(config_file: Path) -> Project:
    """Raises UsageError when the file is missing or lacks what a build needs."""
    path = config_file.resolve()

    def refuse(code: str, message: str, remedy: str, key: str | None = None) -> UsageError:
        return UsageError([Problem(path=config_file.name, code=code, key=key, message=message, remedy=remedy)])

    try:
        settings = yaml.load(path.read_text(encoding="utf-8"), _TolerantLoader)  # noqa: S506 (a safe loader)
    except FileNotFoundError:
        raise refuse(
            "config-missing",
            _("there is no {file}").format(file=config_file),
            _("run the command in the project's folder, or give --config"),
        ) from None
    except yaml.YAMLError as error:
        message = _("not YAML: {error}").format(error=error)
        raise refuse("config-unreadable", message, _("correct the file")) from None
    settings = settings if isinstance(settings, dict) else {}
    theme = settings.get("theme")
    custom_dir = theme.get("custom_dir") if isinstance(theme, dict) else None
    if not custom_dir:
        remedy = _("add {line}").format(line="`custom_dir: themes/gov`")
        raise refuse("config-theme", _("{key} is missing").format(key="theme.custom_dir"), remedy, "theme.custom_dir")
    site_url = str(settings.get("site_url") or "")
    if urlsplit(site_url).scheme not in {"http", "https"}:
        remedy = _("add {line}").format(line="`site_url: https://www.….gov.cn/`")
        raise refuse("config-site-url", _("{key} is missing").format(key="site_url"), remedy, "site_url")
    return Project(
        root=path.parent,
        config_file=path,
        content=(path.parent / str(settings.get("docs_dir") or "docs")).resolve(),
        theme=(path.parent / str(custom_dir)).resolve(),
        site_url=site_url.rstrip("/") + "/",
        dialect=json.dumps({key: settings.get(key) for key in _DIALECT}, sort_keys=True, default=str),
        replay=_replay(settings.get("extra")),
        search_url="/search" if _extra(settings, "search") == "service" else "/search/",
    )


def _extra(settings: dict[str, Any], key: str) -> Any:
    extra = settings.get("extra")
    return extra.get(key) if isinstance(extra, dict) else None


def _replay(extra: Any) -> str:
    archive = extra.get("archive") if isinstance(extra, dict) else None
    return str(archive.get("replay") or "") if isinstance(archive, dict) else ""
