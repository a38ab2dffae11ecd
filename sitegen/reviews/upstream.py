"""The reviews that a text passed in the system that pushed it here (第十九条(三); docs/FORMATS.md §1.2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sitegen.ledger import STAGES


def is_complete(reviews: Mapping[str, object], before: datetime) -> bool:
    """`system`, `record`, and `reviews` of the three stages in order by three people, none later than `before`."""
    listed = reviews.get("reviews")
    if not (reviews.get("system") and reviews.get("record") and isinstance(listed, list)):
        return False
    moments: list[datetime] = []
    people: set[str] = set()
    for stage, review in zip(STAGES, listed, strict=False):
        if not isinstance(review, dict) or review.get("stage") != stage or not review.get("person"):
            return False
        try:
            moments.append(datetime.fromisoformat(str(review.get("at"))))
        except ValueError:
            return False
        people.add(str(review["person"]))
    if len(listed) != len(STAGES) or len(people) != len(STAGES) or any(moment.tzinfo is None for moment in moments):
        return False
    return moments == sorted(moments) and moments[-1] <= before
