"""The nights: what ran, how long, what was held back, what was set aside."""

from __future__ import annotations

from functools import partial

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response

from catalog.nights import NIGHTS, STAGES, config_changes, end_interrupted, night_notices
from catalog.store import OUTCOMES, Catalog
from portal.language import Language
from portal.rendering import language_of, render
from portal.rules import in_words
from portal.state import StateOf
from schemas.broken_rules import rule_said
from schemas.journal import VersionOrder
from schemas.said import Said

router = APIRouter()

_SHOWN = 30


def _nights(catalog: Catalog) -> list[sa.RowMapping]:
    with catalog.reading() as connection:
        return list(connection.execute(sa.select(NIGHTS).order_by(NIGHTS.c.night.desc()).limit(_SHOWN)).mappings())


def _outcomes(catalog: Catalog, nights: list[int]) -> dict[int, list[sa.RowMapping]]:
    """Night → what became of each audience."""
    by_audience = (OUTCOMES.c.network, OUTCOMES.c.segment, OUTCOMES.c.account)
    query = sa.select(OUTCOMES).where(OUTCOMES.c.night.in_(nights)).order_by(*by_audience)
    found: dict[int, list[sa.RowMapping]] = {night: [] for night in nights}
    with catalog.reading() as connection:
        for row in connection.execute(query).mappings():
            found[row["night"]].append(row)
    return found


def _stages(catalog: Catalog, nights: list[int]) -> dict[int, list[tuple[str, list[sa.RowMapping]]]]:
    """Night → each stage with what its assets did, in flow order."""
    query = sa.select(STAGES).where(STAGES.c.night.in_(nights)).order_by(STAGES.c.night, STAGES.c.place)
    found: dict[int, dict[str, list[sa.RowMapping]]] = {night: {} for night in nights}
    with catalog.reading() as connection:
        for row in connection.execute(query).mappings():
            found[row["night"]].setdefault(row["stage"], []).append(row)
    return {night: list(stages.items()) for night, stages in found.items()}


def _reduced_that_night(night: sa.RowMapping, held: list[sa.RowMapping]) -> list[sa.RowMapping]:
    """Those of the audiences held back that the night made a version of: of others its newest one stayed."""
    return [each for each in held if each["version"] and VersionOrder.of(each["version"]).as_of == str(night["as_of"])]


def _rule_told(rule: str, *, language: Language, currency: str) -> str:
    """A segment's rule in words, else as it is written."""
    return " · ".join(in_words(rule, language, currency).sentences) or f"`{rule}`"


@router.get("/nights", name="nights")
def nights(request: Request, state: StateOf) -> Response:
    end_interrupted(state.catalog, state.home)
    shown = _nights(state.catalog)
    rows = state.overview.rows(state.today)
    return render(
        request,
        "nights.html",
        nights=shown,
        stages=_stages(state.catalog, [night["night"] for night in shown]),
        rule_said=rule_said,
        reduced_that_night=_reduced_that_night,
        rule_told=partial(_rule_told, language=language_of(request), currency=state.settings.currency),
        messages={night["night"]: list(map(Said.of, night["messages"])) for night in shown},
        reasons=state.catalog.reasons({night["as_of"] for night in shown}),
        outcomes=_outcomes(state.catalog, [night["night"] for night in shown]),
        notices=night_notices(state.catalog, [night["night"] for night in shown]),
        changes=config_changes(state.catalog, [night["night"] for night in shown]),
        titles={tuple(row.audience): row for row in rows},
    )
