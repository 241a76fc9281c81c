"""`relance segments`: what is declared."""

from __future__ import annotations

from rich.table import Table

from commands.context import OUT, ConfigOption, config_folder, told


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
