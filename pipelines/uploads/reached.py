"""What a night publishes of the audiences that it reaches; `after_failure` is for the others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import polars as pl

from pipelines.holdings.audience_keys import since_newest
from pipelines.holdings.forbidden import Forbidden
from pipelines.holdings.outbox import Outbox
from pipelines.uploads.brake import settle_leave, silence_forbids, since_last_night, verdict_on
from pipelines.uploads.rows.audience_rows import AudienceRows, ListRows, audience_rows
from pipelines.uploads.rows.leaving_out import leaving_out
from pipelines.uploads.tonight import Tonight
from pipelines.uploads.versions.changes import listed_keys
from pipelines.uploads.versions.draft import Publication
from pipelines.uploads.versions.publication import Published, publish
from pipelines.uploads.versions.retired import publish_last, retired_table, withdraw_of_gone
from pipelines.uploads.versions.state import taken_out_by_newest
from schemas.choice import choice_of
from schemas.config import Config
from schemas.segment import Audience


def publish_audience(  # noqa: PLR0913 - the audience, the night, and where its files lie
    audience: Audience,
    tonight: Tonight,
    config: Config,
    outbox: Outbox,
    *,
    as_of: date,
    past_rows: Callable[[date], tuple[ListRows, ...]],
) -> tuple[AudienceRows, Published]:
    """The audience's rows of tonight, and what became of them: published unless the brake holds them back. `past_rows`
    gives those of an earlier day, list by list, as far as they are still known.

    Raises:
        PublicationError: a file would be refused, or the ledger does not close; nothing of the audience is published.
    """
    segment, network = config.segments[audience.segment], config.networks[audience.network]
    identity_key = outbox.keys.identity
    leaving = leaving_out(choice_of(audience, config.segments), network, tonight.readers(network.name), identity_key)
    rows = audience_rows(
        tonight.members(audience.segment),
        tonight.people(network.name),
        network,
        tonight.lost(audience),
        tonight.sources,
        leaving,
    )
    since = since_newest(outbox.warehouse, audience, listed_keys(rows.lists))
    verdict = verdict_on(audience, network, rows, config.settings.brake.overridden(segment.brake), outbox, since)
    forbidden = _forbidden(audience, tonight, outbox, silent_too=verdict.silence_forbids)
    publication = Publication(audience, segment, network, as_of, forbidden, rows, past_rows, since)
    published = publish(publication, outbox, held_back=verdict.held_back)
    settle_leave(audience, verdict, outbox, published.outcome)
    return rows, published


def publish_retired(tonight: Tonight, config: Config, outbox: Outbox, *, as_of: date) -> pl.DataFrame:
    """`RetiredAudiences`, after what must leave their lists was published; versions of audiences whose network is gone
    are withdrawn where they hold what is forbidden."""
    silent_too = silence_forbids(since_last_night(tonight.sources, config.settings.brake, outbox))
    published = [
        publish_last(
            audience,
            config,
            outbox,
            as_of=as_of,
            forbidden=_forbidden(audience, tonight, outbox, silent_too=silent_too),
        )
        for audience in config.retired
    ]
    withdraw_of_gone(config, outbox, tonight.forbidden)
    return retired_table(config.retired, published)


def _forbidden(audience: Audience, tonight: Tonight, outbox: Outbox, *, silent_too: bool) -> Forbidden:
    taken_out = None if silent_too else taken_out_by_newest(audience, outbox.catalog, outbox.warehouse)
    return tonight.forbidden(audience.network, taken_out=taken_out)
