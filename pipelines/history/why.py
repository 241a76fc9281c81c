"""Why a person is in an audience or not, as a kept night decided it: by the functions that decided it then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import partial
from typing import NamedTuple

import polars as pl

from catalog.store import Catalog
from pipelines.customers.consent_rules import ConsentRules, instant_of
from pipelines.customers.evidence import evidence
from pipelines.customers.former_addresses import refused_by_former_addresses
from pipelines.customers.heard import Records, as_meant, by_phones, refusing, sharing_with_set_aside
from pipelines.customers.merged_away import refused_by_merged_away
from pipelines.customers.refused_before import refused_before_requests
from pipelines.customers.spoken_of import deciding_records, somebodys
from pipelines.customers.statements import (
    by_canonical_address,
    holders,
    matters_of,
    named_emails,
    with_digests,
)
from pipelines.history.asked_of import asked_of
from pipelines.history.ledger import LostFor, lost_for
from pipelines.history.neighbours import KnownPeople, find_hints, known_at
from pipelines.history.nights import Night, kept_days_of
from pipelines.history.rule import parts
from pipelines.identifiers.emails.further import further_emails
from pipelines.identifiers.ids.otherwise import refusing_otherwise
from pipelines.segments.rules import condition
from pipelines.tables.intervals import last_change
from pipelines.tombstones.erased import erased_values
from schemas.choice import choice_of
from schemas.config import Config
from schemas.crm import CrmErasures
from schemas.segment import Audience
from schemas.why import AudienceAnswer, Erased, Explanation

#: What of a person may have changed, and by which column their rows are found.
_CHANGING = {
    "crm_customers": "customer_id", "crm_orders": "customer_id", "crm_consents": "customer_id",
    "crm_visits": "customer_id", "customer_records": "person_id", "permissions": "person_id",
}  # fmt: skip


def why(  # noqa: PLR0913 - what is known, and of whom it is asked
    night: Night,
    catalog: Catalog,
    config: Config,
    customer_id: str,
    *,
    audiences: Iterable[Audience],
    identity_key: str,
) -> Explanation | Erased:
    """What the night knew of the person that a CRM record stands for.

    Raises:
        RelanceError: the night knew no such record, and nobody who had it before.
    """
    erased = _erased(night, customer_id, identity_key)
    if erased is not None:
        return erased
    asked = asked_of(night, customer_id, identity_key)
    person_id = asked.person_id
    records = night.read(
        f"FROM {night.table('customer_records')} WHERE person_id = $id ORDER BY position", id=person_id
    )
    ids = records["customer_id"].to_list()
    return Explanation(
        day=night.day,
        person_id=person_id,
        by_former_id=asked.by_former_id,
        others=asked.others,
        records=records.drop("person_id", "own_id"),
        changed={
            table: last_change(
                night.warehouse, table, column, ids if column == "customer_id" else [person_id], night.day
            )
            for table, column in _CHANGING.items()
        },
        former_ids=_former_ids(night, person_id),
        evidence=_evidence(night, config, person_id, ids, identity_key),
        audiences=tuple(_answers(night, catalog, config, person_id, audiences, identity_key)),
    )


def _erased(night: Night, customer_id: str, identity_key: str) -> Erased | None:
    """The request that erased the record, unless a later consent brought it back."""
    warehouse = night.warehouse
    warehouse.ensure("crm_erasures", CrmErasures)
    now = warehouse.read("SELECT 1 FROM warehouse.crm_customers WHERE customer_id = $id", id=customer_id)
    if not now.is_empty():
        return None
    stones = warehouse.read("FROM warehouse.crm_erasures WHERE form = 'customer_id'")
    for request in stones.sort("requested_at", descending=True).partition_by("request_id", maintain_order=True):
        if erased_values(pl.Series([customer_id]), "customer_id", request, identity_key).len():
            return Erased(request["request_id"][0], request["requested_at"][0])
    return None


def _former_ids(night: Night, person_id: str) -> int:
    """How many other ids stand for the person: those of records that were a person of their own before."""
    found = night.read(
        "SELECT count(*) AS ids FROM warehouse.person_aliases "
        "WHERE person_id = $id AND alias <> person_id AND since <= $day",
        id=person_id,
        day=night.day,
    )
    return found["ids"].item()


def _evidence(night: Night, config: Config, person_id: str, ids: list[str], identity_key: str) -> pl.DataFrame:
    consents = night.table("crm_consents")
    newest = night.read(f"SELECT max(captured_at) AS newest FROM {consents}")["newest"].item()
    tables = Records(night.table("crm_customers"), night.table("customer_records"))
    otherwise = refusing_otherwise(night.warehouse.connection, f"FROM {consents}", tables.customers)
    otherwise = pl.concat([otherwise, sharing_with_set_aside(night.warehouse, night.day)], how="diagonal_relaxed")
    rules = ConsentRules(config.used_networks, config.settings, instant_of(newest, config.settings, night.day))
    if _is_last(night, rules):
        merged = refused_by_merged_away(night.warehouse, rules, identity_key).filter(person_id=person_id)
        otherwise = pl.concat([otherwise, merged.select("given", customer_id=pl.lit(ids[0])).unique()])
    otherwise = otherwise.filter(pl.col("customer_id").is_in(ids))
    # A statement by address may be anybody's; one by record is only its own.
    heard = night.read(
        f"{as_meant(consents, rules, tables)} WHERE address IS NOT NULL OR list_contains($ids::VARCHAR[], customer_id)",
        ids=[*ids, *otherwise["given"]],
    )
    theirs = night.read(
        "SELECT customer_id, person_id, canonical_email AS email, canonical_phone AS phone, country_code AS country "
        f"FROM {tables.persons} JOIN {tables.customers} USING (customer_id) WHERE person_id = $id",
        id=person_id,
    )
    # How an address is read hangs on everybody, but of few more than their countries.
    deciding = deciding_records(night.warehouse, heard["address"].drop_nulls(), tables)
    known = _Known(pl.concat([theirs, deciding], how="diagonal"), partial(somebodys, night.warehouse, records=tables))
    by_digest = by_phones(night.warehouse.connection, refusing(heard), tables.customers)
    of_records = _by_other_addresses(night, heard, known, rules, person_id, ids, identity_key)
    every = pl.concat([heard, by_digest, of_records])
    return evidence([person_id], known.records, every, rules, otherwise, known.somebodys)


class _Known(NamedTuple):
    """Of whom something may be said: a person's records, with the country and e-mail of those by which an address is
    read; and which of some numbers somebody has."""

    records: pl.DataFrame
    somebodys: Callable[[pl.Series], pl.Series]


def _by_other_addresses(  # noqa: PLR0913, PLR0917 - what was said, how it is read, and of whom
    night: Night,
    heard: pl.DataFrame,
    known: _Known,
    rules: ConsentRules,
    person_id: str,
    ids: list[str],
    identity_key: str,
) -> pl.DataFrame:
    """What of `heard` refuses by an e-mail beside the first of a record of the person, or, where the last night is
    asked about, by an address that one had before, and what was refused before a request to be forgotten: as if it
    were said of the record."""
    refusals = matters_of(refusing(heard).drop("customer_id"), rules.matters, rules.instant)
    named = refusals.with_columns(address=named_emails(refusals["address"]))
    further = further_emails(night.warehouse.connection, night.table("crm_customers"))
    further = further.filter(pl.col("customer_id").is_in(ids))
    digests = with_digests(further["address"], named["address"].drop_nulls())
    hashed = further.join(digests, left_on="address", right_on="email").select("customer_id", address="digest")
    found = [named.join(pl.concat([further, hashed]), on="address")]
    if _is_last(night, rules):
        addressed = matters_of(heard.drop("customer_id").drop_nulls("address"), rules.matters, rules.instant)
        canonical = by_canonical_address(addressed, known.records, rules.settings, known.somebodys)
        words = canonical.group_by("address", "matter").agg(pl.col("spoken").max())
        said = words.join(holders(known.records, "person_id"), on="address").select("person_id", "matter", "spoken")
        former = refused_by_former_addresses(night.warehouse, rules, words, said, identity_key)
        theirs = former.filter(person_id=person_id).select(pl.col("address").unique(), customer_id=pl.lit(ids[0]))
        found.append(canonical.filter(pl.col("refusal") > 0).join(theirs, on="address"))
        found.append(_refused_before(night, rules, said, heard, person_id).with_columns(customer_id=pl.lit(ids[0])))
    unaddressed = (each.with_columns(address=pl.lit(None, dtype=pl.String)).select(heard.columns) for each in found)
    return pl.concat(unaddressed).unique()


def _refused_before(
    night: Night, rules: ConsentRules, said: pl.DataFrame, heard: pl.DataFrame, person_id: str
) -> pl.DataFrame:
    """What the person refused before a request to be forgotten, in the columns of `heard`."""
    before = refused_before_requests(night.warehouse, rules, said).filter(person_id=person_id)
    named = before.join(rules.matters.named(), on="matter").select(
        "purpose",
        "network",
        status=pl.when(pl.col("spoken") % 4 > 1).then(pl.lit("denied")).otherwise(pl.lit("unknown")),
        captured_at=pl.from_epoch(pl.col("spoken") // 4, "us").dt.replace_time_zone("UTC"),
        source=pl.lit("before a request to be forgotten"),
    )
    return pl.concat([heard.clear(), named.cast({name: heard.schema[name] for name in named.columns})], how="diagonal")


def _is_last(night: Night, rules: ConsentRules) -> bool:
    """Whether it is the newest night that is kept, of which more is known than of those before."""
    return night.day == kept_days_of(night.warehouse, rules.settings.history_days)[-1]


def _answers(  # noqa: PLR0913, PLR0917 - what is known, of whom it is asked, and where
    night: Night,
    catalog: Catalog,
    config: Config,
    person_id: str,
    audiences: Iterable[Audience],
    identity_key: str,
) -> Iterator[AudienceAnswer]:
    find_hints(night)
    known: dict[str, KnownPeople] = {}
    for audience in audiences:
        name = audience.network
        if name not in known:
            known[name] = known_at(night, config.networks[name], config.settings.currency, person_id)
        choice = choice_of(audience, config.segments)
        lost = lost_for(night, known[name], audience.segment, choice, person_id, identity_key)
        yield _answer(night, catalog, config, person_id, audience, lost)


def _answer(  # noqa: PLR0913, PLR0917 - what is known, and of whom it is asked
    night: Night, catalog: Catalog, config: Config, person_id: str, audience: Audience, lost: LostFor
) -> AudienceAnswer:
    segment = config.segments[audience.segment]
    rule = condition(audience.segment, segment, has_order_times=config.sources.has_order_times)
    features = night.read(
        "SELECT * EXCLUDE as_of FROM warehouse.features WHERE as_of = $day AND person_id = $id",
        day=night.day,
        id=person_id,
    )
    since, left = _stay(night, person_id, audience.segment)
    outcome = catalog.outcome_on(audience, night.day)
    version = None if outcome is None else outcome["version"]
    return AudienceAnswer(
        audience=audience,
        rule=tuple(parts(segment.where, features)) if features.height else (),
        seen=features.select(sorted(set(rule.meta.root_names()))).to_dicts()[0] if features.height else {},
        member_since=since,
        left_on=left,
        **lost._asdict(),
        outcome=None if outcome is None else outcome["outcome"],
        version=version,
        state=next((row["state"] for row in catalog.versions(audience, None) if row["version"] == version), None),
        held_because=None if outcome is None else outcome["reason"],
    )


def _stay(night: Night, person_id: str, segment: str) -> tuple[date | None, date | None]:
    """Since when the person was in the segment on that day; and, if they were not, until when they last had been."""
    stays = night.read(
        "SELECT valid_from, CASE WHEN valid_to <= $day THEN valid_to END AS valid_to FROM warehouse.memberships "
        "WHERE segment = $segment AND valid_from <= $day AND person_id IN "
        "(SELECT person_id FROM warehouse.person_aliases WHERE alias = $id) "
        "ORDER BY valid_to DESC NULLS FIRST, valid_from DESC",
        segment=segment,
        day=night.day,
        id=person_id,
    )
    return stays.row(0) if stays.height else (None, None)
