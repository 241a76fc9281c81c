"""`relance normalise`: what one network gets of one value."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, cast

import typer

from commands.context import OUT, told
from schemas.errors import ConfigError

if TYPE_CHECKING:
    from pipelines.identifiers.persons.birth_dates import Order


def normalise(
    network: Annotated[str, typer.Argument(help="A network: meta, google, uid2 …")],
    field: Annotated[str, typer.Argument(help="A field: email, phone, fn, ln, city, zip …")],
    value: Annotated[str, typer.Argument(help="The value as typed.")],
    country: Annotated[str | None, typer.Option("--country", help="The person's country, by code or name.")] = None,
    order: Annotated[str | None, typer.Option("--order", help="Of a date of birth: DMY, MDY or YMD.")] = None,
) -> None:
    """Show a value in each form that a network's files hold, its hash, and what may be wrong; exit 1 if refused."""
    from pipelines.conformance.rules import RULES, columns_of, network_name
    from pipelines.identifiers.normalise import Typed, flags, normalised

    with told():
        fields = RULES.get(network_name(network))
        if fields is None:
            msg = f"There is no network {network!r} here. Known are {', '.join(sorted(RULES))}."
            raise ConfigError(msg)
        columns = columns_of(network, field)
        if not columns:
            msg = f"{network} takes no field {field!r} here. Known are {', '.join(fields)}."
            raise ConfigError(msg)
        if order is not None and order.upper() not in {"DMY", "MDY", "YMD"}:
            msg = f"--order is DMY, MDY or YMD, not {order!r}."
            raise ConfigError(msg)
        typed = Typed(value, country, cast("Order | None", order.upper() if order else None))
        found = [(column, *normalised([typed], column, today=date.today())) for column in columns]
    for place, (column, shown) in enumerate(found):
        if place:
            OUT.print()
        lines = {
            "canonical": shown.canonical,
            "form": f"{column.identifier} {column.form}",
            "value": None if shown.refusal else shown.value,
            "hash": f"{column.hash} {shown.digest or ''}".strip(),
            "refused": shown.refusal,
            "flags": ", ".join(flags(shown.canonical, column)) or "none",
        }
        for name, line in lines.items():
            if line is not None:
                OUT.print(f"{name + ':':<11}{line}", soft_wrap=True)
    raise typer.Exit(1 if all(shown.refusal for _, shown in found) else 0)
