"""What is the same for every audience that a night publishes: read once, whatever audiences there are."""

from __future__ import annotations

from datetime import date
from functools import cached_property

import polars as pl

from catalog.duckdb_connection import literal, registered
from catalog.warehouse import Warehouse
from pipelines.crm.notices.orphans import named_percent
from pipelines.crm.suppressions import rows_by_list
from pipelines.customers.decided import refusals_but_for_silence
from pipelines.customers.refused_emails import refused_at, refused_emails
from pipelines.holdings.forbidden import Forbidden, forbidden_keys
from pipelines.tombstones.forbidden import tombstoned
from pipelines.uploads.refused_keys.absent import Absent
from pipelines.uploads.refused_keys.former import Former
from pipelines.uploads.rows.leaving_out import Readers
from pipelines.uploads.rows.lost import Lost
from pipelines.uploads.rows.people import NetworkPeople
from pipelines.uploads.rows.permitted import (
    PERMITTED,
    gather_members,
    is_among,
    number_people,
    people_of,
    refused_but_for_silence,
    shown_to,
    unpermitted_keys,
)
from schemas.brake import SourceCounts
from schemas.config import Config
from schemas.segment import Audience

#: SQL: person_id, segment of who is in one now.
_CURRENT = "(SELECT person_id, segment FROM warehouse.memberships WHERE valid_to IS NULL)"


def _members_of(segments: set[str]) -> str:
    names = ", ".join(map(literal, sorted(segments)))
    return f"SELECT person_id FROM {_CURRENT} WHERE segment IN ({names})"


#: SQL: table, of a hundred of its rows how many were set aside; guests' orders, say, name nobody and are no fault.
_SET_ASIDE = """
    SELECT "table", 100 * count(*) // any_value("read") AS percent
    FROM warehouse.quarantine JOIN warehouse.pulls USING ("table", as_of)
    WHERE as_of = $day AND "table" <> 'erasures' AND rule <> 'names somebody not so'
    AND ("table" = 'customers' OR rule <> 'customer_id missing')
    GROUP BY ALL HAVING percent > 0 ORDER BY ALL
"""


class Tonight:
    """It holds as long as memberships, refused keys and requests to be forgotten are not written again."""

    def __init__(self, warehouse: Warehouse, config: Config, identity_key: str, as_of: date) -> None:
        self._warehouse, self._config, self._identity_key, self._as_of = warehouse, config, identity_key, as_of
        self._refused: dict[str, pl.DataFrame] = {}
        self._heard: dict[str, tuple[pl.Series, pl.DataFrame]] = {}
        #: The people worked out last, and of which network: those of two need not fit into memory together.
        self._people: tuple[str, NetworkPeople] | None = None

    def members(self, segment: str) -> pl.DataFrame:
        """person_id: who is in the segment now."""
        return self._warehouse.read(f"SELECT person_id FROM {_CURRENT} WHERE segment = $segment", segment=segment)

    def lost(self, audience: Audience) -> Lost:
        """What of the audience's people was lost before its network's rows are made."""
        people = self._refusals.filter(pl.col("network").fill_null(audience.network) == audience.network)
        people = people.filter(segment=audience.segment).group_by("reason").agg(pl.col("people").sum())
        identifiers = self._refused_identifiers.filter(segment=audience.segment)
        return Lost(dict(people.iter_rows()), dict(identifiers.select("reason", "refused").iter_rows()))

    @cached_property
    def sources(self) -> SourceCounts:
        """What the CRM gave."""
        pulled = self._warehouse.read(
            'SELECT "table", "read" - quarantined - erased AS rows FROM warehouse.pulls '
            """WHERE as_of = $day AND "table" <> 'erasures' ORDER BY "table" """,
            day=self._as_of,
        )
        set_aside = self._warehouse.read(_SET_ASIDE, day=self._as_of)
        return SourceCounts(
            rows=dict(pulled.iter_rows()),
            set_aside_percent=dict(set_aside.iter_rows()),
            named_percent=named_percent(self._warehouse, self._identity_key),
            listed=rows_by_list(self._warehouse, self._config.suppressions),
        )

    def people(self, network: str) -> NetworkPeople:
        """Those of the network's audiences who may be sent to it. Audiences of one network run one after the other:
        their people are worked out for the first, and again only if another network came between.
        """
        if self._people is None or self._people[0] != network:
            self._people = None
            theirs = self._segments(network)
            number_people(self._warehouse, network, None if theirs == self._gathered else _members_of(theirs))
            declared = self._config.networks[network]
            self._people = (network, people_of(self._warehouse, declared, self._refused_keys(network)))
        # All of them are held while rows are made of some.
        self._warehouse.give_back_memory()
        return self._people[1]

    @cached_property
    def _gathered(self) -> set[str]:
        """The segments of all audiences, whose members are gathered."""
        every = self._segments()
        gather_members(self._warehouse, self._as_of, self._config.settings.currency, _members_of(every))
        return every

    def _segments(self, network: str | None = None) -> set[str]:
        return {each.segment for each in self._config.audiences if network in {None, each.network}}

    def readers(self, network: str) -> Readers:
        """What leaving people out of the network's audiences asks for."""
        declared = self._config.networks[network]

        def stays(segments: tuple[str, ...]) -> pl.DataFrame:
            inside = f"FROM {_CURRENT} WHERE list_contains($segments::VARCHAR[], segment)"
            return self._warehouse.read(inside, segments=list(segments))

        def identifiers(people: pl.Series) -> pl.DataFrame:
            with registered(self._warehouse.connection, people.to_frame("person_id")) as asked:
                return shown_to(self._warehouse, declared, f"SEMI JOIN {asked} USING (person_id)")

        def without(numbers: pl.Series, keys: pl.DataFrame) -> NetworkPeople:
            gone = keys.select(network=pl.lit(network), key="key", value="value")
            refused = pl.concat([self._refused_keys(network), gone])
            with registered(self._warehouse.connection, numbers.to_frame("number")) as asked:
                numbered = f"{PERMITTED} SEMI JOIN {asked} USING (number)"
                return people_of(self._warehouse, declared, refused, numbered)

        return Readers(stays, identifiers, without)

    def forbidden(self, network: str, *, taken_out: pl.DataFrame | None = None) -> Forbidden:
        """Which keys the network may not hold.

        Of silent people too, unless what they said may be lacking: then it is known which keys (key, value) are
        `taken_out` already, and those are still, unless tonight somebody has them who may be sent.
        """
        declared = self._config.networks[network]
        refusing, refused = None, self._refused_keys(network)
        # A CRM that is declared to have no consents lacks none.
        if taken_out is not None and self._config.sources.tables.consents.select is not None:
            refusing, refused = self._but_for_silence(network)
        earlier = pl.concat([self._absent.forms(network), self._former.forms(network, refusing)])

        def unpermitted(keys: pl.DataFrame) -> pl.DataFrame:
            was_refused = tombstoned(keys, network=declared, erasures=earlier, identity_key=self._identity_key)
            if refusing is not None and taken_out is not None:
                was_refused |= is_among(keys, taken_out)
            return unpermitted_keys(self._warehouse, declared, keys, was_refused, refusing)

        return forbidden_keys(
            refused,
            unpermitted,
            self._erasures,
            declared,
            self._identity_key,
            refused_at(self._refused_emails, network)["email"],
        )

    def _but_for_silence(self, network: str) -> tuple[pl.Series, pl.DataFrame]:
        """person_id of who is refused there whatever silence means; `RefusedKeys` without those of silent people."""
        if network not in self._heard:
            refusing = refused_at(self._refusals_but_for_silence, network)["person_id"]
            refused, declared = self._refused_keys(network), self._config.networks[network]
            self._heard[network] = refusing, refused_but_for_silence(self._warehouse, declared, refused, refusing)
        return self._heard[network]

    def _refused_keys(self, network: str) -> pl.DataFrame:
        if network not in self._refused:
            self._refused[network] = self._warehouse.read(
                "FROM warehouse.refused_keys WHERE network = $network", network=network
            )
        return self._refused[network]

    @cached_property
    def _absent(self) -> Absent:
        return Absent(self._warehouse, self._config, self._identity_key)

    @cached_property
    def _former(self) -> Former:
        return Former(self._warehouse, self._config, self._identity_key)

    @cached_property
    def _erasures(self) -> pl.DataFrame:
        return self._warehouse.read("FROM warehouse.crm_erasures")

    @cached_property
    def _refused_emails(self) -> pl.DataFrame:
        return refused_emails(self._warehouse, self._config)

    @cached_property
    def _refusals_but_for_silence(self) -> pl.DataFrame:
        return refusals_but_for_silence(self._warehouse, self._config, self._as_of, self._identity_key)

    @cached_property
    def _refusals(self) -> pl.DataFrame:
        return self._warehouse.read(
            f"SELECT segment, network, reason, count(*) AS people FROM {_CURRENT} "
            "JOIN warehouse.refusals USING (person_id) GROUP BY ALL"
        )

    @cached_property
    def _refused_identifiers(self) -> pl.DataFrame:
        return self._warehouse.read(
            f"SELECT segment, identifier || ': ' || refusal AS reason, sum(records)::BIGINT AS refused FROM {_CURRENT} "
            "JOIN warehouse.identifier_refusals USING (person_id) GROUP BY ALL ORDER BY ALL"
        )
