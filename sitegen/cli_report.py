"""The commands `sitegen report …`: what the records and the texts add up to, as text, JSON or CSV."""

from __future__ import annotations

import click

from sitegen import report


@click.group("report", cls=report.Group)
def reports() -> None:
    """What the records and the texts add up to.

    \b
    sitegen report messages             how long letters waited, by unit
    sitegen report duties --format csv  who keeps which column, and what is overdue
    """
