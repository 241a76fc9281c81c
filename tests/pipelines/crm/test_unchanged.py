"""Canonical forms are kept for whom nothing changed that they are made of, and made anew for all others."""

from __future__ import annotations

import dataclasses

import duckdb
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.duckdb_connection import store_frame
from pipelines.crm.contract import ROW
from pipelines.crm.unchanged import made_canonical
from schemas.crm import CanonicalCustomers
from tests.pipelines.crm.test_arrival import arrival_of

Typed = tuple[str | None, ...]

typed = st.tuples(*(st.none() | st.just("x") for _ in range(3)))
people = st.sampled_from("abc")


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    there=st.dictionaries(people, st.tuples(typed, st.sampled_from(["blank", "erased"])), min_size=2),
    changes=st.dictionaries(people, st.tuples(st.integers(0, 5), st.sampled_from([None, "x", "y"]))),
)
def test_customers_whose_addresses_and_country_are_the_same_keep_their_canonical_forms_and_no_others(
    database: duckdb.DuckDBPyConnection, there: dict[str, tuple[Typed, str]], changes: dict[str, tuple[int, str | None]]
) -> None:
    arrived: list[tuple[str, Typed]] = [("d", ("x", "x", "x"))]
    for who, (said, _) in there.items():
        place, value = changes.get(who, (3, None))
        arrived.append((who, tuple(value if number == place else each for number, each in enumerate(said))))
    names = ("customer_id", "email", "phone", "country")
    schema = pl.DataFrame(CanonicalCustomers.create_empty()).schema
    arrival = arrival_of(database, "customers")
    came = pl.DataFrame([dict(zip(names, (who, *said), strict=True)) for who, said in arrived], schema=schema)
    kept = [
        {**dict(zip(names, (who, *said), strict=True)), "country_code": "kept", "phone_type": f"type of {who}",
         **{f"{name}_refusal": why for name, value in zip(names[1:3], said, strict=False) if value is None}}
        for who, (said, why) in there.items()
    ]  # fmt: skip
    for table, rows in ((arrival.name, came), ("held", pl.DataFrame(kept, schema=schema))):
        store_frame(database, table, rows)

    def canonical(customers: pl.DataFrame) -> pl.DataFrame:
        others = [name for name in schema if name not in customers.columns]
        nothing = customers.with_columns(pl.lit(None, pl.String).alias(name) for name in others)
        return nothing.with_columns(country_code=pl.lit("anew"))

    def knows(who: str, said: Typed) -> bool:
        # What was erased is blank too, but was once there.
        before, why = there.get(who, (None, ""))
        return before == said and (why == "blank" or None not in said[:2])

    made = list(made_canonical(arrival, canonical))

    rows = pl.concat([rows for rows, _ in made], how="vertical_relaxed").sort(ROW)
    expected = [
        (who, *said, *(("kept", f"type of {who}") if knows(who, said) else ("anew", None))) for who, said in arrived
    ]
    assert rows.select(*names, "country_code", "phone_type").rows() == expected
    assert sum(anew for _, anew in made) == sum(row[4] == "anew" for row in expected)
    [(rows, anew)] = made_canonical(dataclasses.replace(arrival, held=None), canonical)
    assert rows["country_code"].to_list() == ["anew"] * anew == ["anew"] * len(arrived)
