"""`relance adopt`: home and catalog belong together from now on, where one of them is lost for good."""

from __future__ import annotations

from typing import Annotated

import typer

from catalog import belonging
from catalog.secret_keys import accepted_keys, present_keys
from commands.context import OUT, HomeOption, home_at, kept_reason, told
from schemas.errors import ConfigError, KeyFileError


def adopt(
    reason: Annotated[str, typer.Option("--reason", help="What was lost, and why it cannot be restored; kept.")],
    home: HomeOption = None,
) -> None:
    """Let this home and this catalog belong together from now on, if a backup can bring nothing back."""
    with told():
        why, place = kept_reason(reason), home_at(home)
        keys = present_keys(place)
        if keys is None:
            msg = f"Not all three secret keys are in {place.keys}. Restore them from your backup first."
            raise KeyFileError(msg)
        with place.locked():
            joined = belonging.adopt(place, keys.identity, accepted_keys(place, keys), keys.public_key, why)
        if not joined:
            msg = f"{place.root} and its catalog belong together. Nothing was changed."
            raise ConfigError(msg)
    catalog = "the catalog that RELANCE_CATALOG names" if place.catalog_url else place.catalog
    OUT.print(
        f"From now on {place.root} and {catalog} belong together. Nobody knows what lists hold: the next run plans to "
        'fill every list anew. "What is lost for good" in docs/operations.md says what else is to be done.',
        soft_wrap=True,
    )
