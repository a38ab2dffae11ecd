"""What the last build knew, made and read, in SQLite: a cache that may be deleted at any time, never a source.

Nothing here is ever loaded whole: a build asks for what it needs, so that one edit costs the same among a thousand
articles and among a hundred thousand. Rows of sources and their *dirty* marks are committed together before anything
is rendered; the marks are taken back in the transaction that remembers the pages made because of them. A build that
was killed in between finds its marks and goes on.
"""

from sitegen.state.rows import Book, Changes, Line, Made, Row, counted, problems_of, problems_to_json
from sitegen.state.shelf import Shelf
from sitegen.state.store import Damaged, State

__all__ = [
    "Book",
    "Changes",
    "Damaged",
    "Line",
    "Made",
    "Row",
    "Shelf",
    "State",
    "counted",
    "problems_of",
    "problems_to_json",
]
