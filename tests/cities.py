"""A whole small city for tests: one portal, one department, written inline, edited, signed and built for real."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

from sitegen import build as building
from sitegen import clock, config, content, ledger, signing
from sitegen.config import Project
from sitegen.ledger import STAGES
from sitegen.outcome import Report

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("SITEGEN_SHARED", ROOT.parent / "shared"))
"""Real texts and the corpus generator, where a developer has them beside the repository."""
NOW = clock.parse_moment("2026-11-22 12:00")

_CONFIG = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")

_IDENTITY = """title: {title}
short_name: {title}
description: 说明
keywords: 示例
unit: {unit}
sponsor: {unit}
operator: xzspj
site_id_code: "0000000001"
icp: 示ICP备00000001号
police: 示公网安备 00000000000001号
address: 示例市人民路1号
hours: 工作日 9:00—17:30
phone: 0000-1234567
email: web@example.gov.cn
leader: 甲
department: 办公室
person: 乙
liaison: 丙
"""

_COLUMN = """---
kind: column
title: {title}
class: {class_name}
function: {function}
owner: zfb
cadence_days: 30
content_spec: 真实、准确、及时
signer: {site}-qianfa
description: {title}
keywords: {title}
holds: {holds}
order: {order}
---
"""

_PEOPLE = """people:
""" + "".join(
    f"""  - id: {site}-{name}
    name: {site}{name}
    unit: zfb
    roles:
      - {{stage: {stage}, columns: [{columns}], from: 2020-01-01}}
"""
    for site, columns in (("portal", "portal"), ("jyj", "jyj"))
    for name, stage in (("bianji", "edit"), ("shenhe", "review"), ("qianfa", "sign"))
)

_UNITS = """units:
  - {id: zfb, name: 示例市人民政府办公室}
  - {id: jyj, name: 示例市教育局}
  - {id: xzspj, name: 示例市行政审批服务局}
"""


def copy_sample(root: Path) -> Path:
    """The sample as git knows it, with the theme and the settings, in one edition: the other follows from it
    (tests/test_traditional.py) and would double every test's pages. Returns the project's folder."""
    listed = subprocess.run(["git", "ls-files", "-z", "content"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in listed.decode().split("\0")[:-1]:
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    shutil.copytree(ROOT / "themes", root / "themes")
    shutil.copyfile(ROOT / "mkdocs.yml", root / "mkdocs.yml")
    index = root / "content" / "index.md"
    index.write_text(index.read_text(encoding="utf-8").replace("traditional: true\n", ""), encoding="utf-8")
    return root


class TinyCity:
    """Folders and files on disk; `write`, `sign` and `build` do what an editor, the reviewers and the operator do."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.content = root / "content"
        (root / "themes").mkdir(parents=True)
        shutil.copytree(ROOT / "themes" / "gov", root / "themes" / "gov")
        (root / "mkdocs.yml").write_text(_CONFIG, encoding="utf-8")
        self.put("_records/people.yml", _PEOPLE)
        self.put("_records/units.yml", _UNITS)
        self.put("index.md", "---\nkind: portal\n" + _IDENTITY.format(title="示例市人民政府", unit="zfb") + "---\n")
        self.put(
            "jyj/index.md",
            "---\nkind: department\n" + _IDENTITY.format(title="示例市教育局", unit="jyj") + "---\n主要职责。\n",
        )
        self.column("xwdt", "要闻动态", "政务动态", "信息发布", 10)
        self.column("zcwj", "政策文件", "政策文件", "信息发布", 20, holds="policy")
        self.column("zcjd", "政策解读", "政策解读", "解读回应", 30, holds="interpretation")
        self.column("bsfw", "办事服务", "办事服务", "办事服务", 40, holds="service")
        self.column("hdjl", "互动交流", "互动交流", "互动交流", 50, holds="message")
        self.column("jyj/tzgg", "通知公告", "通知公告", "信息发布", 10, site="jyj")

    @property
    def project(self) -> Project:
        return config.load(self.root / "mkdocs.yml")

    @property
    def site(self) -> Path:
        return self.root / "build" / "site"

    def put(self, path: str, text: str | bytes) -> Path:
        file = self.content / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    def column(
        self,
        path: str,
        title: str,
        class_name: str,
        function: str,
        order: int,
        *,
        site: str = "portal",
        holds: str = "article",
    ) -> None:
        self.put(
            f"{path}/index.md",
            _COLUMN.format(title=title, class_name=class_name, function=function, order=order, site=site, holds=holds),
        )

    def article(
        self,
        path: str,
        title: str = "标题",
        body: str = "正文。",
        *,
        date: str = "2026-11-20 09:30",
        extra: str = "",
        sign: bool = True,
    ) -> Path:
        """Write an article and, unless told not to, have it reviewed."""
        file = self.put(path, f"---\ntitle: {title}\ndate: {date}\nsource: 市政府办公室\n{extra}---\n\n{body}\n")
        if sign:
            self.sign(path)
        return file

    def sign(self, path: str, *, at: datetime = NOW - timedelta(hours=3), stages: int = 3) -> None:
        """Three different people pass the present version, an hour apart."""
        desk = signing.Desk.open(self.project)
        column = desk.sources[path].column
        site = desk.tree.columns[column].site or "portal"
        earlier = [entry.at for entry in self.entries(column) if entry.article == Path(path).stem]
        at = max([at, *(moment + timedelta(minutes=1) for moment in earlier)])
        people = (f"{site}-bianji", f"{site}-shenhe", f"{site}-qianfa")
        for number, (person, stage) in enumerate(list(zip(people, STAGES, strict=True))[:stages]):
            given, problems = signing.decide(
                desk, [self.content / path], person=person, at=at + timedelta(minutes=number), stage=stage
            )
            assert given, problems

    def entries(self, column: str) -> list[ledger.Entry]:
        return ledger.read(self.content, column)[0]

    def build(self, *, now: datetime = NOW, jobs: int = 1, clean: bool = False) -> Report:
        return building.build(self.project, now=now, jobs=jobs, clean=clean)

    def page(self, url: str) -> str:
        return (self.site / url.lstrip("/")).read_text(encoding="utf-8")

    def released(self) -> dict[str, bytes]:
        """Every file of the live release."""
        return {
            path.relative_to(self.site).as_posix(): path.read_bytes()
            for path in sorted(self.site.rglob("*"))
            if path.is_file()
        }

    def copy_sources(self, to: Path) -> TinyCity:
        """The same sources in another folder, nothing built (the good versions are kept, as `--clean` keeps them)."""
        other = TinyCity.__new__(TinyCity)
        other.root, other.content = to, to / "content"
        shutil.copytree(self.root, to, ignore=shutil.ignore_patterns("build"))
        for kept in ("public", "state/good"):
            if (self.root / "build" / kept).exists():
                shutil.copytree(self.root / "build" / kept, to / "build" / kept)
        return other


def codes(report: Report) -> list[str]:
    return [problem.code for problem in report.problems]


def digest_of(city: TinyCity, path: str) -> str:
    desk = signing.Desk.open(city.project)
    article, _ = content.article(
        (city.content / path).read_text(encoding="utf-8"),
        path,
        desk.tree.columns[desk.sources[path].column],
        desk.files,
    )
    assert article is not None
    return article.digest
