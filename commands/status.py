"""`relance status`: the last night, and what is held."""

from __future__ import annotations

from rich.table import Table

from commands.context import OUT, HomeOption, catalog_at, told
from schemas.segment import Audience


def status(home: HomeOption = None) -> None:
    """Show how the last night went, the current version of each audience, and which are held and why."""
    with told(), catalog_at(home) as catalog:
        night = catalog.last_night()
        outcomes = catalog.outcomes_of_night(night["night"]) if night is not None else []
        versions = catalog.versions()
    if night is None:
        OUT.print("No night was run yet.")
        return
    ended = f"{night['ended_at']:%Y-%m-%d %H:%M} UTC" if night["ended_at"] else "not yet"
    OUT.print(f"Last night: {night['as_of']}, {night['outcome']}, ended {ended}.")
    for message in night["messages"]:
        OUT.print(f"failed: {message}", markup=False, soft_wrap=True)
    held = [row for row in outcomes if row["outcome"] == "held"]
    for row in held:
        OUT.print(f"held: {Audience(row['network'], row['account'], row['segment'])}: {row['reason']}.", soft_wrap=True)
    if not held:
        OUT.print("No audience is held.")
    table = Table("audience", "public name", "version", "people", "rows")
    newest = {(row["network"], row["account"], row["segment"]): row for row in versions}
    for identity, row in newest.items():
        audience = Audience(*identity)
        table.add_row(str(audience), row["public_name"], row["version"], f"{row['people']:,}", f"{row['rows']:,}")
    OUT.print(table)
