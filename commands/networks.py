"""`relance networks`: which networks are known, what they take, and how sure that is."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, get_args

import typer
from rich.table import Table

from commands.context import OUT

if TYPE_CHECKING:
    from schemas.network import Network


def networks(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print docs/networks.md, everything that the TOML files say.")
    ] = False,
) -> None:
    """List the networks: what they take, from how many rows on, and how sure that is."""
    from schemas.network import networks as known

    if markdown:
        from commands.networks_page import networks_page

        typer.echo(networks_page(known()), nl=False)
        return
    table = Table("network", "shown on", "identifiers", "minimum", "updates", "confidence")
    for network in known().values():
        minimum = f"{network.file.minimum_rows.full:,}"
        identifiers, modes = ", ".join(identifiers_of(network)), ", ".join(network.update_modes)
        table.add_row(network.name, ", ".join(network.covers), identifiers, minimum, modes, confidence_of(network))
    OUT.print(table)


def identifiers_of(network: Network) -> list[str]:
    """The identifiers that the network takes, each once; in brackets those that a company must allow."""
    found: dict[str, bool] = {}
    for column in network.columns:
        if column.identifier is not None:
            words = column.identifier.replace("_", " ")
            found[words] = found.get(words, True) and column.needs_permission
    return [f"({words})" if off else words for words, off in found.items()]


def confidence_of(network: Network) -> str:
    """How many of the network's facts are how sure: `5 documented, 1 unconfirmed`."""
    from schemas.network_file import Confidence

    counted = Counter(fact.confidence for fact in network.facts)
    return ", ".join(f"{counted[level]} {level}" for level in get_args(Confidence) if counted[level])
