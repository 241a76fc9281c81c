"""Requests to be forgotten: what became of each, network by network, and its signed certificate."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from fastapi import APIRouter, HTTPException, Path, Request, Response

from catalog.erasures import erasure_requests, removals
from catalog.secret_keys import NAMES, find_key, open_keys
from pipelines.erasure.certificate import certificate_of
from pipelines.holdings.restored import restoration
from portal.rendering import render
from portal.state import State, StateOf
from portal.visitors import CatalogOf
from schemas.erasure import Certificate, ErasureRequest, Removal
from schemas.errors import KeyFileError

router = APIRouter()

#: How far a request has come, in order; closed ones come last.
_OPEN_FIRST = ("received", "erased", "removing", "closed")

#: How many closed requests are shown, the newest; `relance certificate` lists them all.
_CLOSED_SHOWN = 50


RequestId = Annotated[str, Path(max_length=100)]


class RequestRow(NamedTuple):
    """A request and what became of it at each audience that carried a key of the person."""

    request: ErasureRequest
    removals: list[Removal]
    #: Whether lists may hold keys that no version here carried.
    lists_unknown: bool


@router.get("/privacy", name="privacy")
def privacy(request: Request, state: StateOf) -> Response:
    by_request: dict[str, list[Removal]] = {}
    for removal in removals(state.catalog):
        by_request.setdefault(removal.request_id, []).append(removal)
    restored = restoration(state.catalog)
    requests = [
        RequestRow(each, by_request.get(each.request_id, []), lists_unknown=restored.concerns(each))
        for each in erasure_requests(state.catalog)
    ]
    # Newest first within each state.
    requests = sorted(requests[::-1], key=lambda each: _OPEN_FIRST.index(each.request.state))
    waiting = sum(each.request.state != "closed" for each in requests)
    rows = state.overview.rows(state.today)
    return render(
        request,
        "privacy.html",
        requests=requests[: waiting + _CLOSED_SHOWN],
        waiting=waiting,
        every=len(requests),
        titles={row.audience: row for row in rows},
    )


@router.get("/privacy/{request_id}", name="certificate")
def certificate(request: Request, request_id: RequestId, state: StateOf) -> Response:
    """The certificate to be read or printed. Ids of the CRM's records are in the file only: some are addresses."""
    found = _certificate(state, request_id)
    rows = state.overview.rows(state.today)
    return render(
        request,
        "certificate.html",
        asked=found.request,
        removals=found.removals,
        certificate=found,
        names_nobody=found.names_nobody(state.now),
        titles={row.audience: row for row in rows},
    )


@router.get("/privacy/{request_id}/certificate.json", name="certificate_file")
def certificate_file(request_id: RequestId, state: StateOf, catalog: CatalogOf) -> Response:
    """As `relance certificate` prints it, for `relance verify`; what was confirmed since the last run is not in it."""
    found = _certificate(state, request_id)
    catalog.record("downloaded", f"certificate/{found.request.request_id}")
    headers = {
        "Content-Disposition": f'attachment; filename="{found.request.request_id}.certificate.json"',
        "Cache-Control": "no-store",
    }
    return Response(found.model_dump_json(indent=2) + "\n", media_type="application/json", headers=headers)


def _certificate(state: State, request_id: str) -> Certificate:
    """The request's certificate, signed now.

    Raises:
        HTTPException: there is no such request (404), or the page has not the keys to sign with (503).
    """
    if request_id not in {each.request_id for each in erasure_requests(state.catalog)}:
        raise HTTPException(404)
    try:
        if any(find_key(state.home, name) is None for name in NAMES):
            raise HTTPException(503)
        return certificate_of(state.catalog, request_id, open_keys(state.home))
    except KeyFileError:
        raise HTTPException(503) from None
