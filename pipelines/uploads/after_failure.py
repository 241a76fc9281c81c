"""What a failed night still publishes: removals that the law requires, by what was known before it failed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from itertools import groupby

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.decided import refusals_but_for_silence
from pipelines.customers.refused_emails import refused_at, refused_emails
from pipelines.erasure.erasing import Erasing
from pipelines.erasure.taking_in import take_in
from pipelines.holdings.forbidden import Forbidden, forbidden_keys
from pipelines.holdings.outbox import Outbox
from pipelines.tombstones.forbidden import tombstoned
from pipelines.uploads.refused_keys.absent import Absent
from pipelines.uploads.refused_keys.former import Former
from pipelines.uploads.rows.audience_rows import ListRows
from pipelines.uploads.rows.permitted import is_among, refused_but_for_silence, unpermitted_keys
from pipelines.uploads.versions.draft import Publication
from pipelines.uploads.versions.publication import publish_unreached
from pipelines.uploads.versions.retired import publish_last
from pipelines.uploads.versions.state import taken_out_by_newest
from schemas.errors import PublicationError, RelanceError
from schemas.network import Network
from schemas.said import Said
from schemas.segment import Audience

#: What says who may not be sent; the first night that got so far has all of them.
_NEEDED = (
    "crm_erasures", "crm_suppressions", "decided_at", "identifiers", "person_aliases", "refused_keys",
)  # fmt: skip
#: Gives the rows that an audience's files had on an earlier day, list by list, as far as they are still known.
PastRows = Callable[[Audience, date], tuple[ListRows, ...]]


def publish_removals(erasing: Erasing, outbox: Outbox, *, newest: date | None, past_rows: PastRows) -> None:
    """Publish what must leave the lists of every audience that the night did not reach.

    In: the newest day whose CRM was read; a night of an older one publishes nothing.

    Tables may be of tonight or of an earlier night, whichever the night got to. So only whoever the newest statements
    and lists speak against counts as forbidden, and not, as on other nights, everybody who is not known to be
    permitted: of half a CRM that would be half of every list.

    Raises:
        RelanceError: an audience's files would be refused, or the disk is full; the other audiences are published.
    """
    config, night = erasing.config, outbox.catalog.last_night()
    if night is None or newest is None or night["as_of"] < newest or not all(map(outbox.warehouse.has, _NEEDED)):
        return
    as_of = night["as_of"]
    take_in(erasing)
    outcomes = outbox.catalog.outcomes_of_night(outbox.night)
    reached = {Audience.of(row) for row in outcomes}
    emails = refused_emails(outbox.warehouse, config)
    absent = Absent(outbox.warehouse, config, outbox.keys.identity)
    former = Former(outbox.warehouse, config, outbox.keys.identity, failed=True)
    heard = refusals_but_for_silence(outbox.warehouse, config, as_of, erasing.keys.identity)
    store_frame(outbox.warehouse.connection, "_heard_refusals", heard)
    failures: list[RelanceError] = []
    left = {audience for audience in (*config.audiences, *config.retired) if audience not in reached}
    for name, theirs in groupby(sorted(left), lambda audience: audience.network):
        network = config.networks[name]
        # A request that comes meanwhile is honoured when each version is committed.
        known_forbidden = _known_forbidden(network, erasing, emails, absent, former)
        for audience in theirs:
            forbidden = known_forbidden(audience)
            try:
                if audience in config.retired:
                    publish_last(audience, config, outbox, as_of=as_of, forbidden=forbidden)
                else:
                    segment, past = config.segments[audience.segment], partial(past_rows, audience)
                    publication = Publication(audience, segment, network, as_of, forbidden, past_rows=past)
                    publish_unreached(publication, outbox)
            except RelanceError as error:
                failures.append(error)
    if len(failures) > 1:
        raise PublicationError(Said("{reasons}", reasons=[failure.said for failure in failures]))
    if failures:
        raise failures[0]


def _known_forbidden(
    network: Network, erasing: Erasing, emails: pl.DataFrame, absent: Absent, former: Former
) -> Callable[[Audience], Forbidden]:
    warehouse, identity_key = erasing.warehouse, erasing.keys.identity
    refusing = _refusing(network, warehouse)
    refused = warehouse.read("FROM warehouse.refused_keys WHERE network = $network", network=network.name)
    heard = refused_but_for_silence(warehouse, network, refused, refusing)
    erasures = warehouse.read("FROM warehouse.crm_erasures")
    forms = pl.concat([absent.forms(network.name), former.forms(network.name, refusing)])

    def of_audience(audience: Audience) -> Forbidden:
        taken_out = taken_out_by_newest(audience, erasing.catalog, warehouse)

        def unpermitted(keys: pl.DataFrame) -> pl.DataFrame:
            of_absent = tombstoned(keys, network=network, erasures=forms, identity_key=identity_key)
            return unpermitted_keys(warehouse, network, keys, of_absent | is_among(keys, taken_out), refusing)

        return forbidden_keys(
            heard, unpermitted, erasures, network, identity_key, refused_at(emails, network.name)["email"]
        )

    return of_audience


def _refusing(network: Network, warehouse: Warehouse) -> pl.Series:
    """person_id, as identifiers have it, of people who are refused there, by whatever id either table knows them."""
    today = "SELECT coalesce(alias.person_id, known.person_id) AS today, known.person_id FROM"
    aliased = "AS known LEFT JOIN warehouse.person_aliases AS alias ON alias.alias = known.person_id"
    return warehouse.read(
        f"SELECT DISTINCT person_id FROM ({today} warehouse.identifiers {aliased}) "
        f"SEMI JOIN ({today} _heard_refusals {aliased} WHERE coalesce(network, $network) = $network) USING (today)",
        network=network.name,
    )["person_id"]
