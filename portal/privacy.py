"""Requests to be forgotten: what became of each, network by network."""

from __future__ import annotations

from typing import NamedTuple

from fastapi import APIRouter, Request, Response

from catalog.erasures import erasure_requests, removals
from portal.rendering import render
from portal.state import StateOf
from schemas.erasure import ErasureRequest, Removal

router = APIRouter()

#: How far a request has come, in order; closed ones come last.
_OPEN_FIRST = ("received", "erased", "removing", "closed")

#: How many closed requests are shown, the newest; `relance certificate` lists them all.
_CLOSED_SHOWN = 50


class RequestState(NamedTuple):
    """A request and what became of it at each audience that carried a key of the person."""

    request: ErasureRequest
    removals: list[Removal]


@router.get("/privacy", name="privacy")
def privacy(request: Request, state: StateOf) -> Response:
    by_request: dict[str, list[Removal]] = {}
    for removal in removals(state.catalog):
        by_request.setdefault(removal.request_id, []).append(removal)
    requests = [RequestState(each, by_request.get(each.request_id, [])) for each in erasure_requests(state.catalog)]
    # Newest first within each state.
    requests = sorted(requests[::-1], key=lambda each: _OPEN_FIRST.index(each.request.state))
    waiting = sum(each.request.state != "closed" for each in requests)
    rows = state.overview.rows(state.clock().date())
    return render(
        request,
        "privacy.html",
        requests=requests[: waiting + _CLOSED_SHOWN],
        waiting=waiting,
        every=len(requests),
        titles={row.audience: row for row in rows},
    )
