"""The rows that an audience's files had on a kept night, made anew where the files are gone."""

from __future__ import annotations

from datetime import date

from catalog.warehouse import Warehouse
from pipelines.history.declared import config_of
from pipelines.history.neighbours import KnownPeople, permitted_people, person_records, refused_keys, states_of
from pipelines.history.nights import kept_night
from pipelines.identifiers.identifiers import identifiers
from pipelines.segments.rules import members_on
from pipelines.uploads.rows.audience_rows import ListRows, audience_rows
from schemas.errors import ConfigError, DayError
from schemas.network import Network, match_columns
from schemas.segment import Audience


def past_rows(
    audience: Audience, network: Network, day: date, warehouse: Warehouse, kept_days: int
) -> tuple[ListRows, ...]:
    """The rows of each list by what the night of that day knew: without whoever was erased since, and with whom the
    segment left out itself; no list where the night or its config is not kept, or this release reads the config or its
    rule no longer.
    """
    try:
        night = kept_night(warehouse, day, kept_days)
        declared = config_of(night)
        if audience.segment not in declared.segments:
            return ()
        inside = members_on(warehouse, declared, audience.segment, as_of=day)
    except (DayError, ConfigError):
        return ()
    permitted = permitted_people(night, audience.network, declared.settings.currency).join(
        inside, on="person_id", how="semi"
    )
    permitted = permitted.with_row_index("number")
    records = person_records(night, permitted["person_id"])
    known = KnownPeople(
        network,
        identifiers(records, match_columns([network])),
        permitted,
        refused_keys(night, audience.network),
        states_of(network, records, permitted),
    )
    return audience_rows(inside, known.people(), network).lists
