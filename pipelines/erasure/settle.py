"""Bringing requests forward: rows out of the warehouse, versions withdrawn, removals watched until all are confirmed.

Every step can be killed and repeated: a request's state changes only when what it says is done.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from catalog.erasures import (
    adopt_requests,
    catalog_tombstones,
    erasure_requests,
    forget_records,
    mark_closed,
    mark_erased,
    mark_rewritten,
    note_records,
    noted_records,
    receive_again,
    removals,
    reopen,
    write_removals,
)
from catalog.home import Home
from catalog.journal import confirmations
from catalog.rewrite import rewrite_warehouse
from catalog.sealed import sealed
from catalog.secret_keys import SecretKeys
from catalog.store import Catalog
from catalog.warehouse import Warehouse
from pipelines.crm.erased import erased_marks, own_tombstones
from pipelines.erasure.carried import drop_erased_keys, erased_keys, note_erased_keys, traces
from pipelines.erasure.covered import covered_by
from pipelines.erasure.forbidden import keys_by_request
from pipelines.erasure.purge import purge
from pipelines.erasure.removals import Carrier, removals_of
from pipelines.identifiers.hashes import keyed_hash
from pipelines.uploads.audience_keys import key_versions
from pipelines.uploads.holdings import possible_lists
from pipelines.uploads.withdrawal import withdraw
from schemas.config import Config
from schemas.crm import CrmErasures
from schemas.erasure import RequestKind, RequestState
from schemas.network import match_columns
from schemas.segment import Audience

#: How long hashed keys and sealed record ids of a request are kept if removals are never confirmed.
KEPT_DAYS = 400


@dataclass(frozen=True)
class Erasing:
    """The open home of whoever applies erasures."""

    home: Home
    keys: SecretKeys
    warehouse: Warehouse
    catalog: Catalog
    config: Config
    #: UTC.
    now: datetime

    @property
    def kept_since(self) -> datetime:
        """What was received earlier has been kept long enough."""
        return self.now - timedelta(days=KEPT_DAYS)


def known_erasures(erasing: Erasing) -> pl.DataFrame:
    """`CrmErasures` of every request so far: the warehouse's, and those that came to the catalog since."""
    erasing.warehouse.ensure("crm_erasures", CrmErasures)
    kept = erasing.warehouse.read("FROM warehouse.crm_erasures")
    names = ["request_id", "form", "tombstone"]
    return pl.concat([kept, catalog_tombstones(erasing.catalog).join(kept, on=names, how="anti")])


def take_in(erasing: Erasing, changed: Iterable[str] = ()) -> None:
    """Let the two stores know the same requests, and note every record and tombstone that new ones cover.

    `changed` are requests of the CRM that name more than they did: they count as new.

    It comes before the customers are read anew: what the CRM no longer has is only known from the last night.
    """
    catalog, warehouse = erasing.catalog, erasing.warehouse
    known = known_erasures(erasing)
    warehouse.replace("crm_erasures", known)
    _adopt(catalog, known)
    receive_again(catalog, changed)
    received = _in_state(catalog, "received")
    if not warehouse.has("crm_customers"):
        # No customer was ever read, so nothing of theirs is anywhere, and the first reading leaves them out.
        mark_erased(catalog, received)
        mark_rewritten(catalog, received)
        return
    fresh = known.filter(pl.col("request_id").is_in(received))
    if fresh.is_empty():
        return
    customers = warehouse.read(
        "SELECT customer_id, email, phone, country, canonical_email, email_refusal, canonical_phone, phone_refusal "
        "FROM warehouse.crm_customers"
    )
    settings, identity_key = erasing.config.settings, erasing.keys.identity

    def whole(ids: pl.Series) -> pl.DataFrame:
        every = "SELECT * FROM warehouse.crm_customers WHERE list_contains($ids::VARCHAR[], customer_id)"
        return warehouse.read(every, ids=ids.to_list())

    own = own_tombstones(customers, identity_key)
    marks = erased_marks(customers, own, fresh, identity_key=identity_key, default_country=settings.default_country)
    covered = covered_by(
        customers,
        marks,
        fresh,
        settings=settings,
        networks=erasing.config.networks,
        identity_key=identity_key,
        whole=whole,
    )
    note_covered(erasing, covered.records)
    warehouse.append("crm_erasures", covered.tombstones)


def note_covered(erasing: Erasing, covered: pl.DataFrame) -> None:
    """Keep the ids of the records (request_id, customer_id) that requests cover, sealed, for their certificates."""
    catalog, identity_key = erasing.catalog, erasing.keys.identity
    marked = covered.with_columns(mark=keyed_hash("record:" + covered["customer_id"], identity_key))
    known = noted_records(catalog)
    recent = {each.request_id for each in erasure_requests(catalog) if each.received_at >= erasing.kept_since}
    note_records(
        catalog,
        [
            (request_id, mark, sealed(customer_id, identity_key))
            for request_id, mark, customer_id in marked.select("request_id", "mark", "customer_id").iter_rows()
            if request_id in recent and (request_id, mark) not in known
        ],
    )


def settle(erasing: Erasing) -> None:
    """Apply what is new, bring every request's state up to date, and write the warehouse anew if rows or keys went.

    It comes last: afterwards the warehouse is closed for good if it was written anew.
    """
    catalog, warehouse = erasing.catalog, erasing.warehouse
    take_in(erasing)
    received = _in_state(catalog, "received")
    known = warehouse.read("FROM warehouse.crm_erasures")
    fresh = known.filter(pl.col("request_id").is_in(received))
    networks = erasing.config.networks
    if received:
        # Rebuilt nights may hold them; whoever wants one rebuilds it again.
        if erasing.home.replay.exists():
            shutil.rmtree(erasing.home.replay)
        note_erased_keys(warehouse, fresh, networks, erasing.keys.identity)
        _withdraw_carriers(erasing, received)
        purge(
            warehouse,
            fresh,
            match_columns(networks),
            identity_key=erasing.keys.identity,
            default_country=erasing.config.settings.default_country,
            rules=erasing.config.suppressions,
        )
    mark_erased(catalog, received)
    erased = _in_state(catalog, "erased")
    # A request may be open again: its consent is gone, or what closed it was taken back.
    update_removals(erasing)
    dropped = _drop_finished_keys(erasing)
    if erased or dropped:
        rewrite_warehouse(erasing.home, warehouse)
    mark_rewritten(catalog, erased)


def update_removals(erasing: Erasing) -> None:
    """Write what became of each request's keys at each audience, and close the requests that are done."""
    catalog, warehouse = erasing.catalog, erasing.warehouse
    requests = {request.request_id: request for request in erasure_requests(catalog)}
    before = removals(catalog)
    unchanged = set(before)
    standing, lifted = _keys_by_standing(erasing)
    found = traces(warehouse).join(standing, on=["request_id", "network", "key", "value"], how="semi")
    consented = set(lifted["request_id"]) - set(standing["request_id"])
    there = {Audience(*row) for row in found.select(Audience._fields).unique().iter_rows()}
    written = []
    for audience in sorted(there | {removal.audience for removal in before}):
        known = {removal.request_id: removal for removal in before if removal.audience == audience}
        written += removals_of(_carrier(erasing, audience, found), requests, known, consented)
    write_removals(catalog, [removal for removal in written if removal not in unchanged])
    unfinished = {removal.request_id for removal in written if removal.state in {"due", "published"}}
    removing = [each.request_id for each in requests.values() if each.state == "removing"]
    mark_closed(catalog, [request_id for request_id in removing if request_id not in unfinished])
    for request in requests.values():
        if request.state == "closed" and request.request_id in unfinished:
            reopen(catalog, request.request_id)


def _carrier(erasing: Erasing, audience: Audience, found: pl.DataFrame) -> Carrier:
    published_at = {row["version"]: row["published_at"] for row in erasing.catalog.versions(audience, None)}
    files = key_versions(erasing.warehouse, audience)
    return Carrier(
        audience,
        found.filter(**audience._asdict()),
        confirmations(erasing.catalog, audience),
        {version: at.replace(tzinfo=UTC) for version, at in published_at.items()},
        lambda said: possible_lists(said, files, published_at),
    )


def _keys_by_standing(erasing: Erasing) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`ErasedKeys` that are still forbidden, and those that a later consent allows."""
    kept = erased_keys(erasing.warehouse)
    erasures = erasing.warehouse.read("FROM warehouse.crm_erasures")
    standing = erasures.filter(pl.col("lifted_at").is_null())
    found = [
        keys_by_request(
            kept.filter(network=name).select("key", "value").unique(),
            network=erasing.config.networks[name],
            erasures=standing,
            identity_key=erasing.keys.identity,
        ).with_columns(network=pl.lit(name))
        for name in kept["network"].unique()
    ]
    forbidden = pl.concat(found) if found else kept
    names = ["request_id", "network", "key", "value"]
    return kept.join(forbidden, on=names, how="semi"), kept.join(forbidden, on=names, how="anti")


def _drop_finished_keys(erasing: Erasing) -> bool:
    """Forget the keys of requests that are closed, or too old; whether there were any."""
    forget_records(erasing.catalog, erasing.kept_since)
    requests = erasure_requests(erasing.catalog)
    closed = [request.request_id for request in requests if request.state == "closed"]
    too_old = [request.request_id for request in requests if request.received_at < erasing.kept_since]
    # Whoever consented again is uploaded again, so only forbidden keys go.
    standing, _ = _keys_by_standing(erasing)
    return drop_erased_keys(erasing.warehouse, {*closed, *too_old}, standing, too_old)


def _withdraw_carriers(erasing: Erasing, received: list[str]) -> None:
    """Withdraw every published version of which a file, removals aside, holds a key that the requests forbid."""
    standing, _ = _keys_by_standing(erasing)
    found = (
        traces(erasing.warehouse)
        .filter(pl.col("kind") != "remove", pl.col("request_id").is_in(received))
        .join(standing, on=["request_id", "network", "key", "value"], how="semi")
    )
    for *audience, version in found.select(*Audience._fields, "version").unique().sort(pl.all()).iter_rows():
        published = {row["version"] for row in erasing.catalog.versions(Audience(*audience))}
        if version in published:
            withdraw(erasing.home.outbox, erasing.catalog, Audience(*audience), version)


def _adopt(catalog: Catalog, known: pl.DataFrame) -> None:
    """Write the CRM's own requests into the catalog, where the page and certificates find them."""
    there = {request.request_id for request in erasure_requests(catalog)}
    forms = known.group_by("request_id", maintain_order=True).agg("form", pl.col("requested_at").min())
    adopt_requests(
        catalog,
        [
            (request_id, _kind(names), requested_at)
            for request_id, names, requested_at in forms.iter_rows()
            if request_id not in there
        ],
    )


def _kind(forms: list[str]) -> RequestKind:
    """What a request of the CRM names, by the forms of its tombstones."""
    return "customer_id" if "person" in forms else "email" if "email" in forms else "phone"


def _in_state(catalog: Catalog, state: RequestState) -> list[str]:
    return [request.request_id for request in erasure_requests(catalog) if request.state == state]
