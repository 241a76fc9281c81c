"""The parts of addresses that name something: checked before anything is looked up by them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, HTTPException, Path

from portal.overview import Row
from portal.state import State
from schemas.segment import Audience

Slug = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]

#: What a version is called.
VERSION_PATTERN = r"^\d{4}-\d\d-\d\d\.\d{1,6}$"

Version = Annotated[str, Path(pattern=VERSION_PATTERN)]


async def _audience(network: Slug, account: Slug, segment: Slug) -> Audience:
    return Audience(network, account, segment)


AudienceOf = Annotated[Audience, Depends(_audience)]


def row_of(state: State, audience: Audience) -> Row:
    """The audience's row.

    Raises:
        HTTPException: there is no such audience.
    """
    row = state.overview.row(audience, state.today)
    if row is None:
        raise HTTPException(404)
    return row
