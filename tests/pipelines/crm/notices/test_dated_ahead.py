"""Rows dated after today are told, by the day of the place where the business is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.crm.notices.dated_ahead import dated_ahead
from portal.language import Language
from schemas.source import TableName

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2025, 7, 1, 12, tzinfo=UTC)


def test_rows_are_dated_ahead_from_the_first_instant_of_tomorrow_where_the_business_is(warehouse: Warehouse) -> None:
    ahead = [datetime(2025, 7, 1, 22, tzinfo=UTC), datetime(2025, 7, 3, 22, tzinfo=UTC)]
    columns: dict[TableName, str] = {"orders": "ordered_at", "visits": "occurred_at", "consents": "captured_at"}
    for name, column in columns.items():
        table = f"crm_{name}"
        warehouse.replace(table, pl.DataFrame({column: [ahead[0] - timedelta(microseconds=1), *ahead]}))
        [said] = dated_ahead(warehouse, name, NOW.astimezone(PARIS))
        told, in_french = str(said), {"orders": "commandes", "visits": "visites", "consents": "consentements"}[name]
        assert Language("fr", PARIS).said(said).startswith(f"Lignes de {in_french} datées d’après aujourd’hui")
        assert told.startswith(f"Rows of {name} dated after today, up to 2025-07-04: 2. ")
        assert ("Consents are judged as of that day" in told, f"their {column} at" in told) == (
            name == "consents",
            True,
        )
        warehouse.replace(table, pl.DataFrame({column: ahead[:1]}))
        assert len(dated_ahead(warehouse, name, NOW.astimezone(PARIS))) == 1
        assert dated_ahead(warehouse, name, ahead[0].astimezone(PARIS)) == ()
    assert dated_ahead(warehouse, "customers", NOW.astimezone(PARIS)) == ()
