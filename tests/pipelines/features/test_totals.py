"""Sums that the warehouse makes: they must be what the orders and visits say one by one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.warehouse import Warehouse
from pipelines.features.measures import end_of, measured
from pipelines.features.totals import totals
from schemas.customers import Customers
from schemas.settings import Settings
from tests.pipelines.features.test_measures import ORDERS, RATES, SOME_RATES, VISITS, order, some_orders

COMPANY = Settings(currency="EUR", time_zone="Europe/Paris")
AS_OF = date(2024, 6, 30)
#: Two records of Ann's, one of Bob's; nobody is the person of `p3` and `p4`.
PERSON_OF = {"p0": "ann", "p1": "bob", "p2": "ann"}

records = st.sampled_from(["p0", "p1", "p2", "p3", "p4"])
some_visits = st.lists(
    st.tuples(records, st.datetimes(datetime(2024, 6, 1), datetime(2024, 7, 5), timezones=st.just(UTC)))
)


@given(some_orders, some_visits)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_features_of_sums_are_those_of_the_rows(
    warehouse: Warehouse, orders: list[dict[str, object]], visits: list[tuple[str, datetime]]
) -> None:
    untimed = [order(500, None, "p0"), order(70, None, "p0", currency="USD"), order(-30, None, "p1")]
    # The first instant of the next day, and an order that costs nothing.
    end = end_of(AS_OF, COMPANY)
    others = [order(11, end, "p1"), order(12, end, "p1", currency="USD"), order(0, end - timedelta(seconds=1), "p2")]
    bought = pl.DataFrame([*orders, *untimed, *others], schema=ORDERS).rename({"person_id": "customer_id"})
    seen = pl.DataFrame([*visits, ("p1", end)], schema=VISITS, orient="row").rename({"person_id": "customer_id"})
    whose = pl.DataFrame({"customer_id": list(PERSON_OF), "person_id": list(PERSON_OF.values())})
    for table, rows in {"crm_orders": bought, "crm_visits": seen, "customer_records": whose}.items():
        warehouse.replace(table, rows)
    people = pl.DataFrame(
        {"person_id": ["ann", "bob"], "records": [2, 1]}, schema_overrides=dict(Customers.create_empty().schema)
    ).with_columns(country=pl.lit(None, pl.String), created_at=pl.lit(None, pl.Datetime("us", "UTC")))
    known = {"rates": pl.DataFrame(SOME_RATES, schema=RATES, orient="row"), "settings": COMPANY, "as_of": AS_OF}

    found = totals(warehouse, currency="EUR", end=end)
    of_sums = measured(people, found.foreign, found.visits, summed=found.orders, **known)
    of_rows = measured(people, *(rows.join(whose, on="customer_id") for rows in (bought, seen)), **known)

    assert of_sums.collect().sort("person_id").equals(of_rows.collect().sort("person_id"))
    assert found.orders.height <= len(PERSON_OF), "no row a record"
