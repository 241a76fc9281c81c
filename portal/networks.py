"""The networks: what each takes, and how the lists there fare."""

from __future__ import annotations

from statistics import fmean

from fastapi import APIRouter, HTTPException, Request, Response

from catalog.journal import confirmations
from catalog.reports import size_reports
from portal.addresses import Slug
from portal.rendering import render
from portal.state import State, StateOf
from schemas.network import networks as known_networks

router = APIRouter()


def _match_rates(state: State) -> dict[str, float]:
    """Network → the mean of its audiences' newest match rates."""
    newest = {
        report.audience: report.match_rate for report in size_reports(state.catalog) if report.match_rate is not None
    }
    rates: dict[str, list[float]] = {}
    for audience, rate in newest.items():
        rates.setdefault(audience.network, []).append(rate)
    return {network: fmean(each) for network, each in rates.items()}


@router.get("/networks", name="networks")
def networks(request: Request, state: StateOf) -> Response:
    rows = state.overview.rows(state.today)
    used = {name: [row for row in rows if row.audience.network == name] for name in known_networks()}
    return render(
        request,
        "networks.html",
        networks=sorted(known_networks().items(), key=lambda each: (not used[each[0]], each[1].title.lower())),
        used=used,
        last={each.network: each for each in confirmations(state.catalog) if each.kind != "deleted"},
        match_rates=_match_rates(state),
    )


@router.get("/networks/{network}", name="network")
def network(request: Request, network: Slug, state: StateOf) -> Response:
    declared = known_networks().get(network)
    if declared is None:
        raise HTTPException(404)
    rows = [row for row in state.overview.rows(state.today) if row.audience.network == network]
    last = [each for each in confirmations(state.catalog) if each.network == network]
    return render(
        request,
        "network.html",
        network=declared,
        rows=rows,
        last=list(reversed(last))[:10],
        titles={row.audience: row.title for row in rows},
        match_rate=_match_rates(state).get(network),
    )
