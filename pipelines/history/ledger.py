"""The ledger's word for one person on a kept night, by the functions that write the ledger."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from pipelines.history.nights import Night
from pipelines.identifiers.identifiers import identifiers
from pipelines.identifiers.match_keys import columns_of, key_value
from pipelines.uploads.people import network_people
from pipelines.uploads.rows import lost_here
from schemas.network import Network, match_columns


class LostFor(NamedTuple):
    """Why the person is in no row of the network, null if they are; and which of their keys others' refusals cost."""

    reason: str | None
    refused_keys: tuple[str, ...]
    on_assumption: bool
    by_other_purpose: bool


def lost_for(night: Night, network: Network, name: str, person_id: str) -> LostFor:
    """What the network called `name` is given of the person, whatever segments they are in."""
    refused = night.read(f"FROM {night.table('refused_keys')} WHERE network = $network", network=name)
    held = identifiers(_records(night, person_id), match_columns({name: network})).with_columns(
        number=pl.lit(0, dtype=pl.UInt32)
    )
    keys = _refused_keys(held, refused, network)
    refusals = night.read(
        f"SELECT reason FROM {night.table('refusals')} "
        "WHERE person_id = $id AND coalesce(network, $network) = $network",
        id=person_id,
        network=name,
    )
    permitted = night.read(
        "SELECT 0::UINTEGER AS number, person_id, assumed, by_other_purpose, country, revenue "
        f"FROM {night.table('permissions')} LEFT JOIN (FROM warehouse.features WHERE as_of = $day) USING (person_id) "
        "WHERE network = $network AND person_id = $id",
        day=night.day,
        network=name,
        id=person_id,
    )
    if permitted.is_empty():
        reason = refusals["reason"][0] if refusals.height else None
        return LostFor(reason, keys, on_assumption=False, by_other_purpose=False)
    people = network_people(permitted, held, refused, network).people.with_columns(lost_here(network))
    person = people.row(0, named=True)
    return LostFor(person["reason"], keys, person["assumed"], person["by_other_purpose"])


def _refused_keys(held: pl.DataFrame, refused: pl.DataFrame, network: Network) -> tuple[str, ...]:
    """The network's keys of which a value of the person's is refused."""
    found = []
    for key in network.keys:
        gone = refused.filter(pl.col("key") == key.name)["value"].implode()
        values = [held.select(key_value(columns)).to_series() for columns in columns_of(network, key)]
        if any(series.is_in(gone).any() for series in values):
            found.append(key.name)
    return tuple(found)


def _records(night: Night, person_id: str) -> pl.DataFrame:
    """`PersonRecords` of the person."""
    return night.read(
        "SELECT records.*, canonical_email AS email, canonical_phone AS phone, country_code AS country, birth_date, "
        "gender, city, region, phone_country_source, phone_type, first_name, last_name, postal_code, mobile_ad_id, "
        f"created_at, updated_at FROM {night.table('customer_records')} AS records "
        f"JOIN {night.table('crm_customers')} USING (customer_id) WHERE person_id = $id",
        id=person_id,
    )
