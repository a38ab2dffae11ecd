"""What people read, in their language: English in the sources, other languages in `locale/` (gettext)."""

from __future__ import annotations

from pathlib import Path

from sitegen.text import translator

_ = translator("archive", Path(__file__).parent / "locale")
