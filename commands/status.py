"""`relance status`: the last night, what is held, and what is to be uploaded."""

from __future__ import annotations

from rich.table import Table

from catalog.journal import confirmations
from commands.context import OUT, HomeOption, catalog_at, told
from pipelines.uploads.confirming import outstanding
from schemas.segment import Audience
from schemas.uploads import Manifest


def status(home: HomeOption = None) -> None:
    """Show how the last night went, which audiences are held and why, and what is to be done with each version."""
    with told(), catalog_at(home) as catalog:
        night = catalog.last_night()
        outcomes = catalog.outcomes_of_night(night["night"]) if night is not None else []
        newest = {Audience(row["network"], row["account"], row["segment"]): row for row in catalog.versions()}
        standing = confirmations(catalog)
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
    table = Table("audience", "public name", "version", "people", "rows", "last confirmed", "to do")
    for audience, row in newest.items():
        confirmed = [f"{each.version} {each.kind}" for each in standing if each.audience == audience]
        left = outstanding(
            Manifest.model_validate_json(row["manifest"]), [each for each in standing if each.audience == audience]
        )
        table.add_row(
            str(audience),
            row["public_name"],
            row["version"],
            f"{row['people']:,}",
            f"{row['rows']:,}",
            confirmed[-1] if confirmed else "–",
            " ".join(step.says for step in left) or "nothing",
        )
    OUT.print(table)
