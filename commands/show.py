"""`relance networks` and `relance segments`: what is known and what is declared."""

from __future__ import annotations

from rich.table import Table

from commands.context import OUT, ConfigOption, config_folder, told


def networks() -> None:
    """List the networks: what they take, from how many rows on, and how sure that is."""
    from schemas.network import networks as known

    table = Table("network", "shown on", "identifiers", "minimum", "updates", "unconfirmed")
    for name, network in known().items():
        identifiers = ", ".join(dict.fromkeys(column.identifier.replace("_", " ") for column in network.columns))
        doubts = f"{len(network.unconfirmed)} of {len(network.facts)} facts"
        minimum = f"{network.file.minimum_rows:,}"
        table.add_row(name, ", ".join(network.covers), identifiers, minimum, ", ".join(network.update_modes), doubts)
    OUT.print(table)


def segments(config: ConfigOption = None) -> None:
    """List the declared segments, their rules and their networks."""
    from pipelines.declared import checked_config

    with told():
        declared = checked_config(config_folder(config)).segments
    table = Table("segment", "title", "public name", "where", "networks", "owner")
    for name, segment in declared.items():
        table.add_row(
            name, segment.title, segment.public_name, segment.where, ", ".join(segment.networks), segment.owner
        )
    OUT.print(table)
