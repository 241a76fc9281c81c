"""What people read at a network: how large a list is there, and why a file was not taken."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Form, Response
from pydantic import Field

from catalog.reports import report_failed_upload, report_size, take_back_size
from portal.addresses import VERSION_PATTERN, AudienceOf, row_of
from portal.forms import Posted, without_query
from portal.rendering import page_of, redirect
from portal.state import StateOf
from portal.visitors import CatalogOf
from schemas.errors import ReportError
from schemas.free_text import may_name_somebody
from schemas.said import Said

router = APIRouter(prefix="/audiences/{network}/{account}/{segment}")

_MOST_PEOPLE = 10**10


class SizeForm(Posted):
    """What the network shows, as it was typed."""

    size: str = Field("", max_length=30)
    match_rate: str = Field("", max_length=20)


class SizeUndoForm(Posted):
    """Which report to take back."""

    number: int = Field(ge=1, le=2**31)


class FailureForm(Posted):
    """What the network said."""

    version: str = Field(pattern=VERSION_PATTERN)
    said: str = Field(max_length=500)
    next: str = Field("/", max_length=1000)


@router.post("/size", name="report")
def report(named: AudienceOf, form: Annotated[SizeForm, Form()], catalog: CatalogOf, state: StateOf) -> Response:
    row_of(state, named)
    size, match_rate = size_of(form.size), percent_of(form.match_rate)
    if size is None and match_rate is None:
        raise ReportError(Said("Write the size of the list, the match rate, or both."))
    report_size(catalog, named, size, match_rate)
    return redirect(page_of(named), noted=1)


@router.post("/size/undo", name="unreport")
def unreport(named: AudienceOf, form: Annotated[SizeUndoForm, Form()], catalog: CatalogOf, state: StateOf) -> Response:
    row_of(state, named)
    take_back_size(catalog, named, form.number)
    return redirect(page_of(named), undone=1)


@router.post("/failure", name="report_failure")
def report_failure(
    named: AudienceOf, form: Annotated[FailureForm, Form()], catalog: CatalogOf, state: StateOf
) -> Response:
    row_of(state, named)
    report_failed_upload(catalog, named, form.version, _names_nobody(form.said))
    return redirect(without_query(form.next), noted=1)


def size_of(text: str) -> int | None:
    """People, as a network's page writes them: 12000, 12,000, 12.000 or 12 000; None if nothing is written.

    Raises:
        ReportError: the text is no whole number.
    """
    plain = text.strip()
    if not plain:
        return None
    digits = re.sub(r"\D", "", plain)
    if not re.fullmatch(r"[0-9]+|[0-9]{1,3}([.,'’\s])[0-9]{3}(?:\1[0-9]{3})*", plain) or int(digits) > _MOST_PEOPLE:
        raise ReportError(Said("The size of the list cannot be read. Write a whole number, such as 12000."))
    return int(digits)


def percent_of(text: str) -> float | None:
    """A share in percent: 61.5, 61,5 or 61 %; None if nothing is written.

    Raises:
        ReportError: the text is no number from 0 to 100.
    """
    plain = text.strip()
    if not plain:
        return None
    number = re.fullmatch(r"([0-9]{1,3})(?:[.,]([0-9]+))?\s*%?", plain)
    share = float(f"{number[1]}.{number[2] or 0}") if number else None
    if share is None or share > 100:
        raise ReportError(Said("The match rate cannot be read. Write a number from 0 to 100, such as 61.5."))
    return share


def _names_nobody(said: str) -> str:
    """What the network said, if it is not about a person.

    Raises:
        ReportError: it may be, or says nothing.
    """
    if len(said.strip()) < 3:
        raise ReportError(Said("Write what the network said."))
    if may_name_somebody(said):
        raise ReportError(
            Said("This was not noted: it holds an address, or digits that may be a phone number. Leave them out.")
        )
    return said.strip()
