"""One audience: its size over time, where people were lost, its files, what was done with them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, NamedTuple

import sqlalchemy as sa
from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from catalog.database import of_audience
from catalog.descriptions import choice_described, overlaps_of
from catalog.journal import confirmations
from catalog.reports import failed_uploads, size_reports
from catalog.store import OUTCOMES, Catalog, manifest_of
from pipelines.holdings.confirming import confirm as confirm_upload
from pipelines.holdings.confirming import fitting
from pipelines.holdings.confirming import unconfirm as unconfirm_upload
from pipelines.holdings.outstanding import holds
from portal.addresses import VERSION_PATTERN, AudienceOf, row_of
from portal.charts import Line, Waterfall, decay, line, waterfall
from portal.choices import choice_of_file, share_held_out
from portal.forms import Posted, without_query
from portal.overview import Row
from portal.rendering import language_of, page_of, redirect, render
from portal.rules import in_words, rule_of_file
from portal.state import State, StateOf, state_of
from portal.terms import ONE_COUNTRY
from portal.today import JustDone
from portal.visitors import CatalogOf
from schemas.errors import JournalError, ReportError
from schemas.journal import DELTAS, ConfirmationKind
from schemas.said import Said
from schemas.segment import Audience
from schemas.uploads import Ledger

router = APIRouter(prefix="/audiences/{network}/{account}/{segment}")


class ConfirmForm(Posted):
    """What was done with a version."""

    version: str = Field(pattern=VERSION_PATTERN)
    kind: ConfirmationKind
    next: str = Field("/", max_length=1000)


class UndoForm(Posted):
    """Which confirmation to take back."""

    number: int = Field(ge=1, le=2**31)
    next: str = Field("/", max_length=1000)


class _NightCounts(NamedTuple):
    as_of: date
    people: int
    #: None where the segment held nobody out, or where the audience was held back: those were in and out of no file.
    held_out: int | None


class _Version(NamedTuple):
    version: str
    state: str
    #: None if it has no full file.
    people: int | None
    #: Of another version than the one to be uploaded: as what it can be confirmed, by who uploaded it all the same.
    may_be_confirmed: tuple[ConfirmationKind, ...]


class _Holdout(NamedTuple):
    """Who would have been uploaded and was held out, beside who is in the file."""

    people: int
    in_file: int
    #: Percent of both.
    share: float
    over_time: Line | None


@router.get("", name="audience")
def audience(request: Request, named: AudienceOf, asked: Annotated[JustDone, Query()], state: StateOf) -> Response:
    return _page(request, state, named, asked=asked)


@router.post("/confirmations", name="confirm")
def confirm(named: AudienceOf, form: Annotated[ConfirmForm, Form()], catalog: CatalogOf, state: StateOf) -> Response:
    row_of(state, named)
    confirmation = confirm_upload(catalog, named, form.version, form.kind)
    return redirect(without_query(form.next), done=confirmation.number)


@router.post("/undo", name="unconfirm")
def unconfirm(named: AudienceOf, form: Annotated[UndoForm, Form()], catalog: CatalogOf, state: StateOf) -> Response:
    row_of(state, named)
    unconfirm_upload(catalog, named, form.number)
    return redirect(without_query(form.next), undone=1)


async def refused(request: Request, error: JournalError | ReportError) -> Response:
    """The audience's page with why a form of it was not taken, and what was typed into it."""
    state, named = state_of(request), Audience(*(request.path_params[name] for name in Audience._fields))
    typed = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    status = 409 if isinstance(error, JournalError) else 422
    response = await run_in_threadpool(_page, request, state, named, status, refusal=error.said, typed=typed)
    # What the form was sent to is no page to come back to; and it may have been sent from another page than this.
    response.headers["HX-Push-Url"] = page_of(named)
    return response


def _page(  # noqa: PLR0913 - what became of a form, beside the page itself
    request: Request,
    state: State,
    named: Audience,
    status: int = 200,
    *,
    asked: JustDone | None = None,
    refusal: Said | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    row = row_of(state, named)
    catalog, language = state.catalog, language_of(request)
    nights, before = _nights(catalog, named), rule_of_file(catalog, row)
    choice = choice_described(catalog, named)
    reports, journal = size_reports(catalog, named), list(reversed(confirmations(catalog, named)))
    titles = {each.audience.segment: each.title for each in state.overview.rows(state.today)}
    return render(
        request,
        "audience.html",
        status,
        refusal=refusal,
        address=page_of(named) if refusal is not None else None,
        row=row,
        lacks_files=state.lacks_files,
        rule=in_words(row.rule, language, state.settings.currency),
        rule_before=in_words(before, language, state.settings.currency) if before is not None else None,
        choice=choice,
        choice_before=choice_of_file(catalog, row, choice),
        titles=titles,
        sizes=_line([(each.as_of, float(each.people)) for each in nights]),
        losses=_waterfall(row) if row.declared else None,
        refused=_refused(row),
        one_country=ONE_COUNTRY,
        holdout=_holdout(row, nights),
        decay=decay(row.forecast.days, state.today) if row.forecast is not None else None,
        match_rates=_line(
            [(each.reported_at.date(), each.match_rate) for each in reports if each.match_rate is not None]
        ),
        network_sizes=_line([(each.reported_at.date(), float(each.size)) for each in reports if each.size is not None]),
        reports=list(reversed(reports[-10:])),
        failures=list(reversed(failed_uploads(catalog, named)[-5:])),
        journal=journal,
        versions=_versions(catalog, row),
        overlaps=[(titles.get(other, other), people) for other, people in overlaps_of(catalog, named.segment)],
        typed={"size": "", "match_rate": "", "said": ""} | (typed or {}),
        asked=asked or JustDone(),
        done=next((each for each in journal if asked is not None and each.number == asked.done), None),
    )


def _nights(catalog: Catalog, named: Audience) -> list[_NightCounts]:
    """The last 180 nights that reached the audience, oldest first."""
    query = (
        sa.select(OUTCOMES.c.as_of, OUTCOMES.c.ledger, OUTCOMES.c.outcome)
        # A night that finds it no longer used counts nobody.
        .where(*of_audience(OUTCOMES, named), OUTCOMES.c.outcome != "retired")
        .order_by(OUTCOMES.c.as_of.desc())
        .limit(180)
    )
    with catalog.reading() as connection:
        rows = list(connection.execute(query))
    return [
        _NightCounts(as_of, int(ledger["file_people"]), ledger["dropped"].get("holdout") if outcome != "held" else None)
        for as_of, ledger, outcome in reversed(rows)
        if ledger
    ]


def _versions(catalog: Catalog, row: Row) -> list[_Version]:
    """The newest twelve, the newest first. One that expired was not downloaded of late; one whose files were withdrawn
    may have been, and then the list holds whom they named."""
    newest = list(reversed(catalog.versions(row.audience, state=None)[-12:]))
    fits = fitting(catalog, row.audience)
    found: list[_Version] = []
    for each in newest:
        version, state, manifest = each["version"], each["state"], manifest_of(each)
        is_there = bool(row.lists) and holds(manifest, row.lists[-1])
        kinds: tuple[ConfirmationKind, ...] = tuple(kind for kind in fits[version] if kind in DELTAS or not is_there)
        is_open = version != row.version and state in {"published", "withdrawn"}
        found.append(_Version(version, state, manifest.full_people, kinds if is_open else ()))
    return found


def _line(points: list[tuple[date, float]]) -> Line | None:
    return line(points) if points else None


def _refused(row: Row) -> dict[str, int]:
    """What was no match key of the identifiers that the network takes, by `identifier: reason`."""
    taken = {column.identifier for column in row.network.columns}
    found = row.ledger.refused_identifiers if row.ledger is not None else {}
    return {reason: count for reason, count in found.items() if reason.partition(": ")[0] in taken}


def _holdout(row: Row, nights: list[_NightCounts]) -> _Holdout | None:
    share = share_held_out(row.ledger) if row.ledger is not None else None
    if row.ledger is None or share is None:
        return None
    over_time = _line([(each.as_of, float(each.held_out)) for each in nights if each.held_out is not None])
    return _Holdout(row.ledger.dropped["holdout"], row.ledger.file_people, share, over_time)


def _waterfall(row: Row) -> Waterfall | None:
    ledger: Ledger | None = row.ledger
    return waterfall(ledger.segment_people, ledger.dropped, ledger.file_people) if ledger is not None else None
