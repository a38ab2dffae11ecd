"""The directions of import, and that every Problem has a test which makes it appear."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from archive.cli import COMMANDS
from sitegen.cli import ELSEWHERE

ROOT = Path(__file__).parent.parent
MODULES = sorted([*(ROOT / "sitegen").rglob("*.py"), *(ROOT / "archive").rglob("*.py")])

ONLY_IN = {
    "mkdocs": {"sitegen/render"},
    "markdown": {"sitegen/render"},
    "jinja2": {"sitegen/render"},
    "warcio": {"archive/warcs/warc.py"},
    "fastwarc": {"archive/warcs/warc.py", "archive/warcs/recall.py", "archive/proving/verify.py"},
    "socket": {"sitegen/addresses.py"},
    "asyncio": {
        "sitegen/addresses.py",
        "sitegen/inspection/probe.py",
        "archive/net/dial.py",
        "archive/net/wire.py",
        "archive/net/fetch.py",
        "archive/crawling/crawl.py",
        "archive/crawling/capture.py",
        "archive/crawling/reader.py",
        "archive/crawling/browser.py",
    },
    "playwright": {"archive/crawling/browser.py", "archive/crawling/chromium.py"},
    "PIL": {"sitegen/pictures.py", "archive/publishing/seal.py", "sitegen/inspection/look.py"},
    "pypdf": {"archive", "sitegen/inspection/look.py"},
    "docx": {"sitegen/inspection/look.py"},
    "openpyxl": {"sitegen/inspection/look.py"},
    "pikepdf": {"archive/publishing/pdf.py"},
    "opencc": {"sitegen/render/traditional.py", "sitegen/rules/writing.py"},
    "cryptography": {"sitegen/reviews/sshsig.py"},
    "waitress": {"sitegen/interaction/server.py"},
    "icalendar": {"sitegen/rules/calendar.py"},
    "datasketch": {"archive/migration/likeness.py"},
    "numpy": {"sitegen/likeness.py", "sitegen/search/segment.py", "sitegen/search/units.py"},
    "click": {
        "sitegen/cli.py",
        "sitegen/cli_build.py",
        "sitegen/cli_annual.py",
        "sitegen/cli_inspect.py",
        "sitegen/cli_messages.py",
        "sitegen/cli_options.py",
        "sitegen/cli_report.py",
        "sitegen/cli_headers.py",
        "sitegen/cli_review.py",
        "sitegen/cli_rules.py",
        "sitegen/cli_site.py",
        "sitegen/cli_search.py",
        "sitegen/report.py",
        "archive/cli",
    },
}
SQLITE = {
    "sitegen/search/database.py",
    "sitegen/search/service.py",
    "sitegen/state/store.py",
    "sitegen/state/shelf.py",
    "archive/crawling/frontier.py",
}
EDGES_OF_SITEGEN = {"build", "state", "output", "serve", "cli", "report", "render", "signing", "good", "plan", "pages"}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_each_library_enters_through_one_door(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    for library, doors in ONLY_IN.items():
        if library in roots:
            assert any(name_of(path) == door or name_of(path).startswith(door + "/") for door in doors), library
    if "sqlite3" in roots:
        assert name_of(path) in SQLITE


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_sitegen_never_imports_archive_and_archive_only_its_leaves(path: Path) -> None:
    if name_of(path).startswith("sitegen/"):
        assert not any(name.split(".")[0] == "archive" for name in imports(path))
        return
    used = {name.split(".")[1] for name in imports(path) if name.startswith("sitegen.")}
    allowed = {"report"} if "archive/cli/" in name_of(path) else set()
    assert used & EDGES_OF_SITEGEN - allowed - {"serve"} == set()


def test_pure_modules_touch_no_clock_disk_or_network() -> None:
    forbidden = {"os", "sqlite3", "subprocess", "socket", "time", "click", "urllib.request", "shutil"}
    pure = ("model", "errors", "review", "plan", "city", "checks", "urls", "frontmatter")
    paths = [ROOT / "sitegen" / f"{name}.py" for name in pure] + sorted((ROOT / "sitegen/pages").glob("*.py"))
    paths += [
        ROOT / "sitegen/rules/duties.py",
        ROOT / "sitegen/rules/lives.py",
        ROOT / "sitegen/rules/facts.py",
        ROOT / "sitegen/rules/tables.py",
        ROOT / "sitegen/inspection/measures.py",
        ROOT / "sitegen/inspection/facts.py",
    ]
    paths += [ROOT / "sitegen/sites" / f"{name}.py" for name in ("stages", "filing", "server")]
    for path in paths:
        name = path.name
        assert imports(path) & forbidden == set(), name
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"datetime\.now|date\.today|\.read_text|\.read_bytes|open\(", text), name


def codes_in(folder: str) -> set[str]:
    """Every Problem code: given as `code=`, as first argument of a function that reports, or returned with a message."""
    found: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            values: list[ast.expr] = []
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                values = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
                if called.strip("_") in {"add", "report", "refuse"} and path.parent.name != "pages":
                    values += node.args[:1]
                elif called == "_refused":
                    values += node.args[:2]
            elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
                values = node.value.elts[:1]
            texts = [value.value for value in values if isinstance(value, ast.Constant)]
            found |= {text for text in texts if isinstance(text, str) and re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", text)}
    return found


@pytest.mark.parametrize("folder", ["sitegen", "archive"])
def test_every_problem_code_is_made_to_appear_by_a_test(folder: str) -> None:
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    codes = codes_in(folder)
    assert len(codes) > 20
    assert sorted(code for code in codes if f'"{code}"' not in tests) == []


def test_a_command_loads_its_own_module_and_the_table_names_every_command() -> None:
    """`archive index` must not wait for what `archive extract` needs."""
    for module in sorted(set(COMMANDS.values())):
        group = click.Group()
        importlib.import_module(f"archive.cli.{module}").register(group)
        assert sorted(group.commands) == sorted(name for name, place in COMMANDS.items() if place == module)
    program = "import sys; from archive.cli import main; main(['index', '--help'], standalone_mode=False)"
    program += "; print(sorted({'lxml', 'numpy', 'rich', 'yaml', 'warcio', 'asyncio'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert said.stdout.splitlines()[-1] == "[]"


def test_a_build_waits_for_no_other_command() -> None:
    for name, module in ELSEWHERE.items():
        group = click.Group()
        importlib.import_module(f"sitegen.{module}").register(group)
        assert sorted(group.commands) == sorted(name for name, place in ELSEWHERE.items() if place == module), name
    program = "import sys; from sitegen.cli import main; main(['build', '--help'], standalone_mode=False)"
    heavy = "{'sitegen.build', 'sitegen.content', 'cryptography', 'numpy', 'PIL', 'mkdocs', 'lxml', 'pypdf', 'docx', 'openpyxl', 'icalendar', 'asyncio'}"
    program += f"; print(sorted({heavy} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert said.stdout.splitlines()[-1] == "[]"
