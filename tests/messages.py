"""The message catalogues: `python -m tests.messages` (make messages) brings them up to date with the sources.

Babel reads and writes them. Our own walk over the sources finds the messages, because click's help stands in docstrings
and `help=`, and because nothing but a literal may stand in `_()`. No dates and no line numbers are written, so that a
catalogue changes only when a message does.
"""

from __future__ import annotations

import ast
import io
import sys
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from sitegen.report import translated_help

ROOT = Path(__file__).parent.parent
LOCALE = "zh_CN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """One catalogue. `package`: the folder whose sources hold its messages; None: it is kept by hand."""

    name: str
    home: str
    package: str | None

    @property
    def po(self) -> Path:
        return ROOT / self.home / "locale" / LOCALE / "LC_MESSAGES" / f"{self.name}.po"

    @property
    def mo(self) -> Path:
        return self.po.with_suffix(".mo")


DOMAINS = (
    Domain(name="sitegen", home="sitegen", package="sitegen"),
    Domain(name="archive", home="archive", package="archive"),
    Domain(name="click", home="sitegen", package=None),  # the words of the library that reads our command lines
)


class _Undated(Catalog):
    """Its header says what gettext needs and nothing else."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        return [
            ("Language", LOCALE),
            ("Plural-Forms", self.plural_forms),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]


def messages(package: str) -> set[str]:
    """Every message in a package's sources. Raises ValueError where `_()` holds anything but a text."""
    found: set[str] = set()

    def note(message: str) -> str:
        found.add(message)
        return message

    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                if isinstance(node.func, ast.Name) and node.func.id == "_":
                    note(_literal(node, path))
                for keyword in node.keywords:
                    if keyword.arg == "help" and isinstance(keyword.value, ast.Constant):
                        note(str(keyword.value.value))
            elif isinstance(node, ast.FunctionDef) and any(map(_makes_command, node.decorator_list)):
                translated_help(ast.get_docstring(node) or "", note)
    return found


def _makes_command(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Attribute) and called.attr in {"command", "group"}


def _literal(node: ast.Call, path: Path) -> str:
    match node.args:
        case [ast.Constant(value=str(text))] if not node.keywords:
            return text
    raise ValueError(f"{path}:{node.lineno}: `_()` takes one text and nothing else")


def load(domain: Domain) -> Catalog:
    """As the .po file stands; an empty one where there is none."""
    read = read_po(io.BytesIO(domain.po.read_bytes()), locale=LOCALE) if domain.po.exists() else Catalog()
    catalog = _Undated(locale=LOCALE, fuzzy=False)
    for message in read:
        if message.id:
            catalog.add(message.id, message.string)
    return catalog


def updated(domain: Domain) -> Catalog:
    """With every message of the sources and no other; new ones have no translation yet."""
    catalog = load(domain)
    if domain.package is not None:
        wanted = messages(domain.package)
        for gone in [message.id for message in catalog if message.id and message.id not in wanted]:
            catalog.delete(gone)
        for message in wanted:
            if message not in catalog:
                catalog.add(message)
    return catalog


def po_bytes(catalog: Catalog) -> bytes:
    stream = io.BytesIO()
    catalog.header_comment = ""
    write_po(stream, catalog, width=0, no_location=True, sort_output=True)
    return stream.getvalue().strip() + b"\n"


def mo_bytes(catalog: Catalog) -> bytes:
    stream = io.BytesIO()
    write_mo(stream, catalog)
    return stream.getvalue()


def main() -> int:
    untranslated = 0
    for domain in DOMAINS:
        catalog = updated(domain)
        domain.po.parent.mkdir(parents=True, exist_ok=True)
        domain.po.write_bytes(po_bytes(catalog))
        domain.mo.write_bytes(mo_bytes(catalog))
        missing = [message.id for message in catalog if message.id and not message.string]
        untranslated += len(missing)
        print(f"{domain.name}: {len(catalog)} messages, {len(missing)} without translation")
    return 1 if untranslated else 0


if __name__ == "__main__":
    sys.exit(main())
