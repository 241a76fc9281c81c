"""When the CRM's requests to be forgotten were asked, and which are others than the known ones of their name."""

from __future__ import annotations

from datetime import date, timedelta, tzinfo

import polars as pl

from pipelines.local_days import midnight_after
from pipelines.tombstones.tombstones import Compared, tombstones
from schemas.crm import CrmCustomers

#: The forms of what a request names.
_NAMING = ["customer_id", "email", "phone"]
#: What stands behind the name of a request in that of a later one.
_OF_A_DAY = r"_of_\d{4}-\d{2}-\d{2}$"


def asked_first(
    requests: pl.DataFrame,
    known: pl.DataFrame,
    compared: Compared,
    *,
    countries: pl.Series | None,
    night: tuple[date, tzinfo],
) -> pl.DataFrame:
    """Requests; one whose time cannot be read (null) is of the day on which it is known, or else of tonight: of the end
    of that day, so that no yes of it comes after the request.

    In: the `known` ones (`CrmErasures`); `countries` (as typed) that customers live in. It is known where all that it
    names is known under its name: what else has that name may be somebody else's.
    """
    rows = requests.with_row_index("row")
    undated = rows.filter(pl.col("requested_at").is_null())
    if undated.is_empty():
        return requests
    as_of, zone = night
    end = pl.lit(midnight_after(as_of, zone) - timedelta(microseconds=1)).cast(requests.schema["requested_at"])
    each = undated.with_columns(request_id=pl.col("row").cast(pl.String), requested_at=end)
    nobody = pl.DataFrame(CrmCustomers.create_empty())
    stones = tombstones(each, nobody, compared, networks={}, countries=countries).filter(pl.col("form").is_in(_NAMING))
    named = stones.select("form", "tombstone", row=pl.col("request_id").cast(rows.schema["row"]))
    name = pl.col("request_id").str.replace(_OF_A_DAY, "").alias("name")
    read = known.select(name, "form", "tombstone", last="requested_at")
    found = named.join(undated.select("row", name), on="row").join(read, on=["name", "form", "tombstone"], how="left")
    # A phone is read as one of each country that customers live in: not all of these were there on other nights.
    one = pl.when(pl.col("form") != "phone").then("tombstone").alias("one")
    latest = found.group_by("row", "form", one).agg(pl.col("last").max())
    whole = pl.col("last").null_count() == 0
    first = latest.group_by("row").agg(first=pl.when(whole).then(pl.col("last").max()))
    dated = rows.join(first, on="row", how="left", maintain_order="left")
    return dated.with_columns(requested_at=pl.coalesce("requested_at", "first", end)).select(requests.columns)


def asked_again(requests: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Requests; one that came after a consent had lifted the `known` one of its name has a name of its own: some CRMs
    have one row a customer, with the day on which they asked last."""
    lifted = known.group_by("request_id").agg(pl.col("lifted_at").max()).drop_nulls()
    again = pl.concat_str("request_id", pl.lit("_of_"), pl.col("requested_at").dt.strftime("%Y-%m-%d"))
    dated = requests.join(lifted, on="request_id", how="left", maintain_order="left")
    is_later = pl.col("requested_at") >= pl.col("lifted_at")
    return dated.with_columns(request_id=pl.when(is_later).then(again).otherwise("request_id")).drop("lifted_at")


def asked_last(known: pl.DataFrame, tonight: pl.DataFrame) -> pl.DataFrame:
    """The `known` tombstones, of the latest day that their request has or had: no consent before it lifts them."""
    days = tonight.group_by("request_id").agg(last=pl.col("requested_at").max())
    dated = known.join(days, on="request_id", how="left", maintain_order="left")
    return dated.with_columns(requested_at=pl.max_horizontal("requested_at", "last")).drop("last")
