"""`relance sample`: a CRM to try things on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.context import OUT, told


def sample(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write the tables.")],
    customers: Annotated[int, typer.Option(min=100, help="How many CRM records.")] = 50_000,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 1,
) -> None:
    """Write the CRM of an invented French retailer, dirty on purpose, as CSV and Parquet."""
    from commands.sample_crm import write_sample

    with told():
        rows = write_sample(directory, customers, seed)
    counts = ", ".join(f"{count:,} {table}" for table, count in rows.items())
    OUT.print(f"Wrote {counts} to {directory}.", soft_wrap=True)
