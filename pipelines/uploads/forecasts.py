"""How each list would decay if nobody uploaded: what the page draws."""

from __future__ import annotations

from datetime import date

from catalog.forecasts import Forecast, forecasts, record_forecast
from catalog.journal import confirmations
from catalog.store import Catalog
from catalog.warehouse import Warehouse
from pipelines.holdings.expiry import Expiry, expiry_of, forecast_base
from pipelines.holdings.holdings import Holdings, held_by_upload
from pipelines.uploads.versions.state import state_of
from schemas.network import networks
from schemas.settings import Settings


def update_forecasts(catalog: Catalog, warehouse: Warehouse, settings: Settings) -> None:
    """Write the forecast of every audience whose list, or the days it is counted from, changed since the last time."""
    known = forecasts(catalog)
    for audience in sorted({each.audience for each in confirmations(catalog)}):
        network = networks().get(audience.network)
        state = state_of(audience, catalog, warehouse)
        expiry = expiry_of(network, state.lists, settings) if network is not None else None
        if expiry is None:
            continue
        base = forecast_base(state.lists, expiry)
        if audience in known and known[audience].base == base:
            continue
        record_forecast(catalog, audience, Forecast(base, forecast(warehouse, state.holdings, expiry)))


def forecast(warehouse: Warehouse, held: Holdings, expiry: Expiry) -> list[tuple[date, int]]:
    """The days on which the network forgets keys of the newest list if nobody uploads, and how many on each; none if it
    is not known what the list holds."""
    if not held.held or held.unknown:
        return []
    found: dict[date, int] = {}
    for upload, keys in held_by_upload(warehouse, held).items():
        day = expiry.forgotten_on[upload]
        found[day] = found.get(day, 0) + keys
    return sorted(found.items())
