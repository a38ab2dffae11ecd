"""What an extraction did with every page: a draft and how sure it is, or why there is none."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from sitegen.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """`path` is relative to content/; `assets` are the files copied beside it; `record_id`, `payload_digest` and
    `captured_at` (ISO 8601) name the record that proves what the page said: the evidence for its old date."""

    target_uri: str
    path: str
    title: str
    assets: tuple[str, ...]
    published: str
    confidence: float
    reasons: tuple[str, ...]
    record_id: str
    payload_digest: str
    captured_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """`what`: list, error, empty, undated, untitled, other (no article); unmapped, appraised, known, deleted (not
    wanted); duplicate."""

    target_uri: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractReport:
    written: tuple[Draft, ...]
    skipped: tuple[Skipped, ...]
    problems: tuple[Problem, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "written": [
                {
                    "target_uri": d.target_uri,
                    "path": d.path,
                    "title": d.title,
                    "assets": list(d.assets),
                    "published": d.published,
                    "confidence": d.confidence,
                    "reasons": list(d.reasons),
                    "evidence": {
                        "record_id": d.record_id,
                        "payload_digest": d.payload_digest,
                        "captured_at": d.captured_at,
                    },
                }
                for d in self.written
            ],
            "skipped": [{"target_uri": s.target_uri, "what": s.what, "reason": s.reason} for s in self.skipped],
            "problems": [problem.as_json() for problem in self.problems],
        }

    def as_csv(self) -> str:
        """A row for each page, the least sure first: what operators look through in a spreadsheet."""
        rows = [
            (d.target_uri, "article", f"{d.confidence:.2f}", d.published, d.title, d.path, "; ".join(d.reasons))
            for d in sorted(self.written, key=lambda draft: (draft.confidence, draft.target_uri))
        ]
        rows += [(s.target_uri, s.what, "", "", "", "", s.reason) for s in self.skipped]
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("target_uri", "what", "confidence", "published", "title", "draft", "reasons"))
        writer.writerows([_harmless(cell) for cell in row] for row in rows)
        return out.getvalue()


def _harmless(cell: str) -> str:
    """A spreadsheet takes no cell for a formula: titles and addresses come from outside."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
