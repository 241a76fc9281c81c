"""The rows that an audience's files had on a kept night, made anew where the files are gone."""

from __future__ import annotations

from datetime import date

from catalog.warehouse import Warehouse
from pipelines.customers.subdivisions import subdivisions
from pipelines.history.declared import config_of
from pipelines.history.members import members_on
from pipelines.history.neighbours import permitted_people, person_records, refused_keys
from pipelines.history.nights import kept_night
from pipelines.identifiers.identifiers import identifiers
from pipelines.uploads.people import network_people
from pipelines.uploads.rows import ListRows, audience_rows
from schemas.errors import ConfigError, DayError
from schemas.network import Network, match_columns
from schemas.segment import Audience


def past_rows(
    audience: Audience, network: Network, day: date, warehouse: Warehouse, kept_days: int
) -> tuple[ListRows, ...]:
    """The rows of each list by what the night of that day knew; without whoever was erased since, and with whom the
    segment left out itself. None if the night or its config is not kept.
    """
    try:
        night = kept_night(warehouse, day, kept_days)
        declared = config_of(night)
    except (DayError, ConfigError):
        return ()
    if audience.segment not in declared.segments:
        return ()
    inside = members_on(night, declared, audience.segment).select("person_id")
    permitted = permitted_people(night, audience.network).join(inside, on="person_id", how="semi")
    numbered = permitted.with_row_index("number")
    records = person_records(night, numbered["person_id"])
    numbers = numbered.select("person_id", "number")
    held = identifiers(records, match_columns({audience.network: network})).join(numbers, on="person_id")
    states = None
    if network.limits_data_use:
        states = subdivisions(records.join(numbers, on="person_id").select("number", "country", "region").unique())
    refused = refused_keys(night, audience.network)
    people = network_people(numbered, held.drop("person_id"), refused, network, states)
    return audience_rows(inside, people, network).lists
