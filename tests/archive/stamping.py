"""What the tests of publishing share: a whole small old site stamped in memory, or captured and published for real."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from lxml import html as lxml_html

from archive import canon, charset
from archive.decision import Approval, Decision, Successor
from archive.publishing import banner, oldpage, stamp
from archive.publishing.disarm import Role, Target
from archive.publishing.publish import PublishReport, publish
from archive.publishing.stamp import Stamped
from tests.archive.oldweb import OldWeb, captured, decided

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
PAGE = "http://old.example/a/page.htm"
PUBLICATION = banner.Publication(
    site="old",
    timestamp="20261122103000",
    name="示例市旧局网站",
    owner="示例市人民政府",
    label="已歸檔",
    archived_on=date(2026, 11, 22),
    unit="示例市旧局",
    reason="整合迁移",
    successor_url="/new/",
    successor_title="示例市新局",
)


def facts(target_uri: str = PAGE) -> banner.Facts:
    return banner.Facts(
        publication=PUBLICATION,
        target_uri=target_uri,
        captured_at=NOW,
        record_id="<urn:uuid:0>",
        payload_digest="sha256:" + "ab" * 32,
        successor_url="/new/",
        successor_title="示例市新局",
    )


@dataclass
class KnownLinks:
    """A folder of old.example is archived as it is (`copy:/path`); everything else is outside or missing."""

    archived: frozenset[str] = frozenset({"/a/next.htm", "/a/pic.jpg", "/style.css", "/a/frame.htm", "/a/x.pdf"})
    scripts: dict[str, str] = field(default_factory=dict)

    def target(self, base: str, link: str, charset: str, role: Role) -> Target | None:
        url = canon.resolve(base, link, charset)
        if url is None:
            return None
        path = url.removeprefix("http://old.example")
        if path in self.archived:
            return Target(f"copy:{path}", "copy")
        if role != "link":
            return None
        return Target("missing", "missing") if path != url else Target(f"leaving:{url}", "leaving")

    def written(self, base: str, link: str) -> str:
        return self.scripts.get(link, "")


def stamped(
    markup: str | bytes, *, links: KnownLinks | None = None, headers: tuple[tuple[str, str], ...] = ()
) -> Stamped:
    text, code = charset.decode(markup.encode() if isinstance(markup, str) else markup, headers)
    root = oldpage.parse(text)
    base = oldpage.base_of(root, PAGE, canon.resolve)
    return stamp.stamp(root, text, base=base, charset=code, links=links or KnownLinks(), facts=facts())


def old_part(html: str) -> str:
    """Markup of the old page inside a stamped one."""
    return html.partition("<archived-html")[2].partition("</archived-html>")[0].partition(">")[2]


def tree(html: str) -> Any:
    return lxml_html.document_fromstring(html)


def complete(web: OldWeb, **more: Any) -> Decision:
    """A decision that allows publication."""
    about: dict[str, Any] = {
        "name": "示例市旅游局网站",
        "unit": "whlyj",
        "reason": "整合迁移",
        "approval": Approval(document="示政办函〔2026〕61号", date=date(2026, 8, 20)),
        "successor": Successor(site="whlyj", url="/whlyj/", title="示例市文化和旅游局", columns={}),
        "retention": "永久",
        "path": "content/_archive/lyj.yml",
    }
    return decided(web, **(about | more))


def put_online(web: OldWeb, tmp_path: Path, **more: Any) -> tuple[PublishReport, Path]:
    """Captured and published; the folder of the copies."""
    decision = complete(web, **more)
    capture = captured(web, tmp_path / "build" / "archive", decision).capture
    report = publish(capture, decision, public=tmp_path / "build" / "public", content=tmp_path / "content", now=NOW)
    return report, tmp_path / "build" / "public" / capture.site / capture.timestamp
