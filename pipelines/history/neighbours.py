"""What a kept night knew of a person at a network, and of whoever has a key in common with them: what one of them is
refused may cost the other."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from catalog.duckdb_connection import registered
from pipelines.customers.subdivisions import subdivisions
from pipelines.history.nights import Night
from pipelines.identifiers.identifiers import identifiers
from pipelines.identifiers.match_keys import network_keys
from pipelines.uploads.rows.people import NetworkPeople, network_people
from pipelines.uploads.rows.permitted import worth
from schemas.network import Network, match_columns

#: Who is left out costs another a key, and who thereby is not held out costs a third none: nothing reaches further.
_STEPS = 2

#: The mailbox before its plus, phone, advertising id and the beginning of the postal code: whoever has a key in common
#: at some network, whatever its forms, has one of these in common.
_HINTS = """[
    regexp_replace(split_part(split_part(canonical_email, '@', 1), '+', 1), '[^a-z0-9]', '', 'g'),
    canonical_phone, lower(mobile_ad_id), left(regexp_replace(lower(postal_code), '[^a-z0-9]', '', 'g'), 3)
]"""

_RECORD = """
    records.*, canonical_email AS email, canonical_phone AS phone, country_code AS country, birth_date, gender, city,
    region, phone_country_source, phone_type, first_name, last_name, postal_code, mobile_ad_id, created_at, updated_at
"""


class KnownPeople(NamedTuple):
    """What a network was given. `held`: `Identifiers` of the people in question; `permitted`: those of them who may be
    sent to it, `refused`: its `RefusedKeys`, and `states`, as `network_people` takes them."""

    network: Network
    held: pl.DataFrame
    permitted: pl.DataFrame
    refused: pl.DataFrame
    states: pl.DataFrame | None = None

    def people(self, numbers: pl.Series | None = None, gone: pl.DataFrame | None = None) -> NetworkPeople:
        """Those who may be sent, or those of them with the numbers; without the keys (key, value) that are `gone`."""
        permitted, refused = self.permitted, self.refused
        if numbers is not None:
            permitted = permitted.join(numbers.to_frame("number"), on="number", how="semi")
        if gone is not None:
            named = gone.select(network=pl.lit(self.network.name), key="key", value="value")
            refused = pl.concat([refused.select(named.columns), named])
        held = self.held.join(permitted.select("person_id", "number"), on="person_id").drop("person_id")
        return network_people(permitted, held, refused, self.network, self.states)


def known_at(night: Night, network: Network, currency: str, person_id: str) -> KnownPeople:
    """What the night knew for the network. In: `_hints`, as `find_hints` makes them."""
    held = _with_neighbours(night, network, person_id)
    permitted = permitted_people(night, network.name, currency, [person_id, *held["person_id"].unique()])
    return KnownPeople(network, held, permitted.with_row_index("number"), refused_keys(night, network.name))


def permitted_people(night: Night, network: str, currency: str, people: list[str] | None = None) -> pl.DataFrame:
    """person_id, assumed, by_other_purpose, country, revenue (as `worth` gives it): who of the people, or of everybody,
    might be sent to the network."""
    every = (
        f"SELECT person_id, assumed, by_other_purpose, country, {worth(currency)} "
        f"FROM {night.table('permissions')} LEFT JOIN (FROM warehouse.features WHERE as_of = $day) USING (person_id) "
        "WHERE network = $network"
    )
    if people is None:
        return night.read(every, day=night.day, network=network)
    among = f"{every} AND list_contains($people::VARCHAR[], person_id)"
    return night.read(among, day=night.day, network=network, people=people)


def refused_keys(night: Night, network: str) -> pl.DataFrame:
    """`RefusedKeys` of the network."""
    return night.read(f"FROM {night.table('refused_keys')} WHERE network = $network", network=network)


def states_of(network: Network, records: pl.DataFrame, permitted: pl.DataFrame) -> pl.DataFrame | None:
    """number, subdivision of those who may be sent (person_id, number), by their `PersonRecords`, if the network needs
    it."""
    if not network.limits_data_use:
        return None
    return subdivisions(records.join(permitted, on="person_id").select("number", "country", "region").unique())


def find_hints(night: Night) -> None:
    """Put into `_hints` what people might have in common at any network."""
    night.warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE _hints AS SELECT person_id, unnest({_HINTS}) AS hint "
        f"FROM {night.table('customer_records')} JOIN {night.table('crm_customers')} USING (customer_id)"
    )


def _with_neighbours(night: Night, network: Network, person_id: str) -> pl.DataFrame:
    """`Identifiers` of the person and of everybody within some steps of them."""
    inside = pl.Series("person_id", [person_id])
    found = pl.DataFrame()
    for _ in range(_STEPS):
        near = night.read(
            "SELECT DISTINCT person_id FROM _hints WHERE hint <> '' AND hint IN "
            "(SELECT hint FROM _hints WHERE list_contains($inside::VARCHAR[], person_id))",
            inside=inside.to_list(),
        )
        records = person_records(night, pl.concat([pl.Series([person_id]), near["person_id"]]).unique())
        found = identifiers(records, match_columns([network]))
        keys = network_keys(found, network, by=("person_id",))
        theirs = keys.filter(pl.col("person_id").is_in(inside.implode())).select("key", "value").unique()
        sharing = keys.join(theirs, on=["key", "value"], how="semi")["person_id"]
        inside = pl.concat([inside, sharing]).unique()
    return found.filter(pl.col("person_id").is_in(inside.implode()))


def person_records(night: Night, people: pl.Series | None = None) -> pl.DataFrame:
    """`PersonRecords` of the people (person_id); of everybody without `people`."""
    every = (
        f"SELECT {_RECORD} FROM {night.table('customer_records')} AS records "
        f"JOIN {night.table('crm_customers')} USING (customer_id)"
    )
    if people is None:
        return night.read(every)
    with registered(night.warehouse.connection, people.to_frame("person_id")) as asked:
        return night.read(f"{every} SEMI JOIN {asked} USING (person_id)")
