"""`relance quarantine`: which rows of the CRM a night set aside, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from commands.context import OUT, ConfigOption, HomeOption, config_folder, told, warehouse_at
from schemas.config import read_config
from schemas.source import TableName


def quarantine(
    table: Annotated[
        TableName | None, typer.Argument(help="Of one table of the CRM only.", show_default="all tables")
    ] = None,
    on: Annotated[
        datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="A day.", show_default="the newest")
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=1, help="How many to show.")] = 50,
    config: ConfigOption = None,
    home: HomeOption = None,
) -> None:
    """Show which source rows a night set aside: file, row, rule, and the shape of what broke it, never a value."""
    from pipelines.history.set_aside import set_aside

    with told(), warehouse_at(home, read_config(config_folder(config)).settings) as (warehouse, _):
        day, found = set_aside(warehouse, on.date() if on else None, table)
    of = f" of {table}" if table else ""
    if found.is_empty():
        OUT.print(f"No row{of} was set aside on {day}.")
        return
    shown = Table("table", "file", "row", "rule", "shape", title=f"Set aside on {day}", title_justify="left")
    for name, source, row, rule, shape in found.head(rows).rows():
        shown.add_row(name, source, "–" if row is None else str(row), rule, shape or "–")
    OUT.print(shown)
    OUT.print("Row 1 is the first after the header. A shape has A and a for letters, 9 for digits.")
    if found.height > rows:
        OUT.print(f"{found.height - rows:,} more: `--rows {found.height}` shows all.")
