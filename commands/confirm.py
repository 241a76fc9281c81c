"""`relance confirm` and `relance unconfirm`: what was done with the files at the network."""

from __future__ import annotations

from typing import Annotated

import typer

from catalog.journal import confirmations
from catalog.store import Catalog
from commands.context import OUT, HomeOption, catalog_at, told
from pipelines.holdings.confirming import confirm as confirm_upload
from pipelines.holdings.confirming import unconfirm as unconfirm_upload
from pipelines.holdings.open_lists import open_lists
from schemas.journal import ConfirmationKind
from schemas.segment import Audience

AudienceArgument = Annotated[str, typer.Argument(help="NETWORK/AUDIENCE, or NETWORK/ACCOUNT/AUDIENCE.")]


def confirm(
    audience: AudienceArgument,
    version: Annotated[str, typer.Argument(help="The version whose files were uploaded, e.g. 2026-01-31.1.")],
    kind: Annotated[
        ConfirmationKind,
        typer.Option(
            "--as",
            help="created: a new list of its full file; replaced: a list holds its full file now; added, removed: that "
            "file was uploaded; deleted: the list that it went into is gone.",
        ),
    ],
    home: HomeOption = None,
) -> None:
    """Say what was done with a version at its network, so that the next files start from there."""
    with told(), catalog_at(home) as catalog:
        named = Audience.named(audience)
        confirmed = confirm_upload(catalog, named, version, kind)
        OUT.print(f"{named} {version} is confirmed as {confirmed.kind}. {_held(catalog, named)}", soft_wrap=True)


def unconfirm(
    audience: AudienceArgument,
    version: Annotated[
        str | None, typer.Argument(help="Whose newest confirmation to take back.", show_default="the newest")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Take back the newest confirmation of an audience, or of one of its versions."""
    with told(), catalog_at(home) as catalog:
        named = Audience.named(audience)
        undone = unconfirm_upload(catalog, named, version)
        said = f"{named} {undone.version} is no longer confirmed as {undone.kind}."
        if any((each.version, each.kind) == (undone.version, undone.kind) for each in confirmations(catalog, named)):
            said = (
                f"{named} {undone.version} was confirmed as {undone.kind} more than once: the last is taken back, an "
                "earlier one stands. Take that back too if it is not so either."
            )
        OUT.print(f"{said} {_held(catalog, named)}", soft_wrap=True)


def _held(catalog: Catalog, audience: Audience) -> str:
    lists = open_lists(confirmations(catalog, audience))
    if not lists:
        return "No list of this audience is open."
    *older, current = lists
    lists = "list" if len(older) == 1 else "lists"
    filled = ", ".join(each.newest_version for each in older)
    still = f" Still open: the {lists} last filled with {filled}." if older else ""
    last, kind = current.uploads[-1]
    without = f", and the removals of {last} were taken out" if kind == "removed" else ""
    return f"The list was last filled with {current.newest_version}{without}.{still}"
