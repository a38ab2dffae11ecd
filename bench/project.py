"""Our project from a corpus: identity, columns, people and units, and for every article three passing verdicts."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench import corpus as corpora
from bench.contender import Contender, Say, environment, prepare
from bench.corpus import PORTAL, Corpus
from sitegen import content, mentions
from sitegen.clock import SHANGHAI
from sitegen.content import DiskFiles, Tree
from sitegen.docket import is_article
from sitegen.ledger import FOLDER, STAGES
from sitegen.model import Article
from sitegen.scan import scan

ROOT = Path(__file__).parent.parent
TODAY = "2027-06-01"
"""Later than any article of a corpus, so that all are published."""
_SIGNED = datetime(2027, 5, 20, 9, 0, tzinfo=SHANGHAI)

_CLASSES = {
    "zwdt": "政务动态",
    "tzgg": "通知公告",
    "zcwj": "政策文件",
    "zcjd": "政策解读",
    "bmdt": "政务动态",
}  # any other: 信息公开
_FUNCTIONS = {"zcjd": "解读回应"}  # any other: 信息发布
_OF_THE_PORTAL_ALONE = (("bsfw", "办事服务", "service"), ("hdjl", "互动交流", "message"))
"""第二条 asks a portal for four functions; no column of a corpus has these two. They stay empty."""

_SITE = """---
kind: {kind}
title: {title}
short_name: {title}
description: {title}网站
keywords: {title}
unit: {unit}
sponsor: {unit}
operator: dsjzx
site_id_code: "{code:010d}"
icp: 示ICP备{code:08d}号
police: 示公网安备{code:014d}号
address: 示例市人民路{code}号
hours: 工作日 9:00—17:30
phone: 0000-{code:07d}
email: {unit}@example.gov.cn
leader: 甲
department: 办公室
person: 乙
liaison: 丙
---
{title}主要职责。
"""

_COLUMN = """---
kind: column
title: {title}
class: {class_name}
function: {function}
owner: {unit}
cadence_days: 30
content_spec: 真实、准确、及时
signer: {unit}-sign
description: {title}
keywords: {title}
holds: {holds}
order: {order}
---
"""

_PERSON = """  - id: {unit}-{stage}
    name: {title}{stage}
    unit: {unit}
    since: 2019-01-01
    roles:
      - {{stage: {stage}, columns: [{unit}], from: 2019-01-01}}
"""

_UNIT = """  - id: {unit}
    name: {title}
    short_name: {title}
    leader: 甲
    department: 办公室
    liaison: 丙
    phone: 0000-1234567
"""


def ours(corpus: Corpus, articles: Sequence[str], workdir: Path, say: Say, *, traditional: bool = False) -> Contender:
    """The prepared project. Its `content/` is a git repository, as a city's is: signed versions are found there.
    `traditional`: with the edition in Traditional characters."""
    root = workdir / f"ours-{len(articles)}"
    prepare(root, f"{corpus.fingerprint()} {_code_digest()}", lambda: _make(corpus, articles, root, say), say)
    for name in ("mkdocs.yml", "themes"):  # always those of the checkout that is measured
        _refresh(ROOT / name, root / name)
    index = root / "content" / "index.md"
    text = index.read_text(encoding="utf-8").replace("kind: portal\ntraditional: true\n", "kind: portal\n")
    both = text.replace("kind: portal\n", "kind: portal\ntraditional: true\n", 1)
    index.write_text(both if traditional else text, encoding="utf-8")
    build = root / "build"
    return Contender(
        name="ours",
        root=root,
        command=(sys.executable, "-m", "sitegen", "build", "--json", "--date", TODAY),
        content=root / "content",
        output=build / "site",
        everything=(build,),
        memory=(build / "state" / "build.sqlite",),
        template=root / "themes" / "gov" / "base.html",
        comment="{{#- {} -#}}",
        environment=environment(PYTHONPATH=str(ROOT)),
        accepted=frozenset({0, 1}),  # 1: problems in the content; `faults` looks which
        sign=lambda article, number: sign(root, article, number),
        touched=lambda article: (ledger_of(root, article),),
    )


def _code_digest() -> str:
    """Of this module. Whether sitegen still accepts what it wrote, every run looks: a page that is missing is a fault."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def _refresh(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def _make(corpus: Corpus, articles: Sequence[str], root: Path, say: Say) -> None:
    folder = root / "content"
    assets = [path for path in corpus.others() if not path.endswith(".md")]
    corpora.copy(corpus.content, [*articles, *assets], folder)
    _write_sections(corpus, folder)
    _write_records(corpus, folder)
    say(f"{root.name}: three verdicts for each of {len(articles)} articles")
    _write_ledgers(folder)
    say(f"{root.name}: committing")
    _commit(root)


# --- identity and records -------------------------------------------------------------------------------------------


def _write_sections(corpus: Corpus, folder: Path) -> None:
    for number, (site, title) in enumerate(corpus.sites.items(), start=1):
        portal = site == PORTAL
        text = _SITE.format(kind="portal" if portal else "department", title=title, unit=site, code=number)
        _write(folder / ("index.md" if portal else f"{site}/index.md"), text)
        for order, (column, name) in enumerate(corpus.columns.items(), start=1):
            function, class_name = _FUNCTIONS.get(column, "信息发布"), _CLASSES.get(column, "信息公开")
            section = _column(name, class_name, function, site, "article", order)
            _write(folder / site / column / "index.md", section)
    for order, (column, name, holds) in enumerate(_OF_THE_PORTAL_ALONE, start=len(corpus.columns) + 1):
        _write(folder / PORTAL / column / "index.md", _column(name, name, name, PORTAL, holds, order))


def _column(title: str, class_name: str, function: str, unit: str, holds: str, order: int) -> str:
    return _COLUMN.format(
        title=title, class_name=class_name, function=function, unit=unit, holds=holds, order=order * 10
    )


def _write_records(corpus: Corpus, folder: Path) -> None:
    sites = corpus.sites.items()
    people = [_PERSON.format(unit=site, title=title, stage=stage) for site, title in sites for stage in STAGES]
    units = [_UNIT.format(unit=unit, title=title) for unit, title in [*sites, ("dsjzx", "示例市数据中心")]]
    _write(folder / "_records" / "people.yml", "people:\n" + "".join(people))
    _write(folder / "_records" / "units.yml", "units:\n" + "".join(units))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


# --- reviews --------------------------------------------------------------------------------------------------------


def _write_ledgers(folder: Path) -> None:
    """Every article of the tree, each ledger written once."""
    tree = _tree(folder)
    blobs: dict[str, str] = {}
    ledgers: dict[Path, list[str]] = defaultdict(list)
    for path in sorted(path for path in scan(folder, {}).files() if is_article(path)):
        article = _article(tree, path)
        ledgers[_ledger(folder, article)] += _verdicts(tree, article, _SIGNED, blobs)
    for file, lines in ledgers.items():
        _write(file, "".join(lines))


def _tree(folder: Path) -> Tree:
    names = set(scan(folder, {}).files())
    indexes = [path for path in names if path == "index.md" or path.endswith("/index.md")]
    return content.load(folder, indexes, DiskFiles(folder, names), lambda path: ())


def _article(tree: Tree, path: str) -> Article:
    column, text = tree.column_of(path), content.read_text(tree.root, path, [])
    if column is None or text is None or not isinstance(tree.files, DiskFiles):
        raise ValueError(f"{path} cannot be published")
    article, problems = content.article(text, path, tree.columns[column], tree.files)
    if article is None:
        raise ValueError(f"{path} cannot be published: {problems}")
    return article


def _ledger(folder: Path, article: Article) -> Path:
    return folder / article.column / FOLDER / f"{article.date:%Y%m}.jsonl"


def _verdicts(tree: Tree, article: Article, at: datetime, blobs: dict[str, str]) -> list[str]:
    """Lines of docs/FORMATS.md §1.2: three people, a minute apart. `blobs` remembers those of attachments."""
    site = tree.columns[article.column].site or PORTAL
    lines: list[str] = []
    for minute, stage in enumerate(STAGES):
        record: dict[str, object] = {
            "article": article.id,
            "stage": stage,
            "person": f"{site}-{stage}",
            "at": (at + timedelta(minutes=minute)).isoformat(),
            "verdict": "pass",
            "reason": "",
            "digest": article.digest,
            "blob": article.blob,
        }
        if stage == "sign" and article.assets:
            record["assets"] = {path: _blob(tree.root, path, blobs) for path in sorted(article.assets)}
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
    return lines


def _blob(folder: Path, path: str, blobs: dict[str, str]) -> str:
    if path not in blobs:
        blobs[path] = content.git_blob((folder / path).read_bytes())
    return blobs[path]


def ledger_of(root: Path, path: str) -> Path:
    with _scene(root / "content", path) as tree:
        return _ledger(root / "content", _article(tree, path))


def sign(root: Path, path: str, number: int) -> None:
    """Three people pass the version that stands there now, later than any verdict before."""
    at = _SIGNED + timedelta(days=1, minutes=10 * number)
    with _scene(root / "content", path) as tree:
        article = _article(tree, path)
        lines = _verdicts(tree, article, at, {})
    with _ledger(root / "content", article).open("a", encoding="utf-8") as stream:
        stream.writelines(lines)


@contextmanager
def _scene(folder: Path, path: str) -> Iterator[Tree]:
    """One article with the sections above it and the files it links, alone in a tree: reading 100,000 takes long."""
    site, column = path.split("/", 1)[0], path.rsplit("/", 2)[0]
    linked = mentions.linked_files((folder / path).read_text(encoding="utf-8"), path)
    wanted = {"index.md", f"{site}/index.md", f"{column}/index.md", path}
    wanted |= {name for name in linked if not name.endswith(".md")}
    with tempfile.TemporaryDirectory() as scene:
        corpora.copy(folder, [name for name in sorted(wanted) if (folder / name).is_file()], Path(scene))
        yield _tree(Path(scene))


# --- git ------------------------------------------------------------------------------------------------------------


def _commit(root: Path) -> None:
    _write(root / ".gitignore", "/build/\n/prepared\n/stdout*\n")
    settings = (
        "user.name=bench user.email=bench@example.invalid commit.gpgsign=false core.hooksPath=/dev/null gc.auto=0"
    )
    git = ["git", *(word for setting in settings.split() for word in ("-c", setting))]
    for arguments in (
        ("init", "--quiet"),
        ("add", "."),
        ("commit", "--quiet", "--message", "The corpus"),
        ("repack", "-a", "-d", "--quiet", "--window=0"),  # one pack, as in a clone; deltas would take minutes
    ):
        subprocess.run([*git, *arguments], cwd=root, check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"})


# --- what a build said ----------------------------------------------------------------------------------------------


def faults(report: Mapping[str, Any], *, whole: bool) -> list[str]:
    """Errors of a build. In a part of a corpus links lead to articles that were left out: these are expected."""
    errors = [problem for problem in report["problems"] if problem["severity"] == "error"]
    return [f"{p['code']} {p['path']}: {p['message']}" for p in errors if whole or p["code"] != "link-broken"]
