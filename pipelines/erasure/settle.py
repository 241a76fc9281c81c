"""Bringing requests forward: rows out of the warehouse, versions withdrawn, removals watched until all are confirmed.

Every step can be killed and repeated: a request's state changes only when what it says is done.
"""

from __future__ import annotations

import shutil

import polars as pl

from catalog.consented_requests import note_consented
from catalog.erasures import (
    erasure_requests,
    forget_on,
    forget_records,
    forgotten_on,
    mark_closed,
    mark_erased,
    mark_rewritten,
    note_forgotten,
    removals,
    reopen,
    requests_in,
    write_removals,
)
from catalog.home import Home
from catalog.journal import confirmations
from catalog.rewrite import rewrite_is_due, rewrite_warehouse
from catalog.store import manifest_of
from pipelines.erasure.applied import not_applied
from pipelines.erasure.carried import drop_erased_keys, erased_keys, note_erased_keys, traces, watched_by_no_other
from pipelines.erasure.consented import consented_since
from pipelines.erasure.erasing import Erasing
from pipelines.erasure.removals import Carrier, gone_anew, removals_of
from pipelines.erasure.taking_in import take_in
from pipelines.erasure.until_read import keep_some_days
from pipelines.holdings.audience_keys import key_versions
from pipelines.holdings.holdings import possible_lists
from pipelines.holdings.restored import restoration
from pipelines.holdings.withdrawal import withdraw
from pipelines.tombstones.forbidden import keys_by_request
from schemas.segment import Audience


def settle(erasing: Erasing) -> None:
    """Apply what is new, bring every request's state up to date, and write the warehouse anew if rows or keys went.

    It comes last: afterwards the warehouse is closed for good if it was written anew.
    """
    catalog, warehouse = erasing.catalog, erasing.warehouse
    # Of a run that was killed before it wrote the warehouse anew.
    due = bool(requests_in(catalog, "erased"))
    take_in(erasing)
    received = requests_in(catalog, "received")
    fresh = not_applied(warehouse, "keys")
    if not fresh.is_empty():
        note_erased_keys(warehouse, fresh, erasing.config.networks, erasing.keys.identity)
    if received:
        _clear_rebuilt_nights(erasing.home)
        _withdraw_carriers(erasing, received)
    due |= bool(requests_in(catalog, "received", new=True))
    mark_erased(catalog, received)
    # A request may be open again: its consent is gone, or what closed it was taken back.
    update_removals(erasing)
    erased = requests_in(catalog, "erased")
    keep_some_days(warehouse, erasing.now.date())
    if due or rewrite_is_due(warehouse, erasing.now.date()):
        rewrite_warehouse(erasing.home, warehouse)
    mark_rewritten(catalog, erased)


def update_removals(erasing: Erasing) -> None:
    """Write what became of each request's keys at each audience, and close the requests that are done: their keys are
    forgotten, and versions withdrawn whose remove files still hold them.
    """
    catalog, warehouse = erasing.catalog, erasing.warehouse
    requests = {request.request_id: request for request in erasure_requests(catalog)}
    before = removals(catalog)
    unchanged = set(before)
    standing, lifted = _keys_by_standing(erasing)
    consented = set(lifted["request_id"]) - set(standing["request_id"])
    # Of a request of which some key is still forbidden, only such keys keep it open.
    watched = pl.concat([standing, lifted.filter(pl.col("request_id").is_in(consented))])
    found = traces(warehouse).join(watched, on=["request_id", "network", "key", "value"], how="semi")
    there = {Audience(*row) for row in found.select(Audience._fields).unique().iter_rows()}
    written = []
    for audience in sorted(there | {removal.audience for removal in before}):
        known = {removal.request_id: removal for removal in before if removal.audience == audience}
        carrier = _carrier(erasing, audience, found)
        theirs = removals_of(carrier, requests, known, consented)
        forget_on(catalog, audience, gone_anew(carrier, theirs))
        written += theirs
    note_consented(catalog, consented_since(warehouse))
    write_removals(catalog, [removal for removal in written if removal not in unchanged])
    unfinished = {removal.request_id for removal in written if removal.state in {"due", "published"}}
    restored = restoration(catalog)
    unfinished |= {request_id for request_id, request in requests.items() if restored.concerns(request)}
    removing = [each.request_id for each in requests.values() if each.state == "removing"]
    mark_closed(catalog, [request_id for request_id in removing if request_id not in unfinished])
    for request in requests.values():
        if request.state == "closed" and request.request_id in unfinished:
            reopen(catalog, request.request_id)
    _drop_finished_keys(erasing)


def _carrier(erasing: Erasing, audience: Audience, found: pl.DataFrame) -> Carrier:
    versions = {row["version"]: row for row in erasing.catalog.versions(audience, None)}
    published_at = {version: row["published_at"] for version, row in versions.items()}
    files = key_versions(erasing.warehouse, audience)
    return Carrier(
        audience,
        found.filter(**audience._asdict()),
        confirmations(erasing.catalog, audience),
        published_at,
        lambda version: manifest_of(versions[version]).plan,
        lambda said: possible_lists(said, files, published_at),
        forgotten_on(erasing.catalog, audience),
    )


def _keys_by_standing(erasing: Erasing) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`ErasedKeys` that are still forbidden, and those that a later consent allows."""
    kept = erased_keys(erasing.warehouse)
    standing = erasing.warehouse.read(
        "FROM warehouse.crm_erasures SEMI JOIN warehouse.erased_keys USING (request_id) WHERE lifted_at IS NULL"
    )
    found = [
        keys_by_request(
            kept.filter(network=name).select("key", "value").unique(),
            network=erasing.config.networks[name],
            erasures=standing,
            identity_key=erasing.keys.identity,
        ).with_columns(network=pl.lit(name))
        for name in kept["network"].unique()
        if name in erasing.config.networks
    ]
    # Of a network that relance no longer knows, nothing says what lifts a key.
    unknown = kept.filter(~pl.col("network").is_in(list(erasing.config.networks)))
    forbidden = pl.concat([*found, unknown], how="diagonal")
    names = ["request_id", "network", "key", "value"]
    return kept.join(forbidden, on=names, how="semi"), kept.join(forbidden, on=names, how="anti")


def _drop_finished_keys(erasing: Erasing) -> None:
    """Forget the keys of requests that are closed, or too old, and withdraw the versions whose files hold them."""
    forget_records(erasing.catalog, erasing.kept_since)
    if not erasing.warehouse.height("erased_keys"):
        return
    requests = erasure_requests(erasing.catalog)
    closed = [request.request_id for request in requests if request.state == "closed"]
    too_old = [request.request_id for request in requests if request.received_at < erasing.kept_since]
    # Whoever consented again is uploaded again, so only forbidden keys go.
    standing, _ = _keys_by_standing(erasing)
    going = watched_by_no_other([*closed, *too_old], standing)
    if not going.is_empty():
        # Files first: nobody finds them without the keys.
        found = traces(erasing.warehouse)
        _withdraw(erasing, found.join(going, on=["network", "key", "value"], how="semi"))
    # Noted first: a run that is killed in between forgets too little.
    note_forgotten(erasing.catalog, {*closed} & {*standing["request_id"]})
    drop_erased_keys(erasing.warehouse, {*closed, *too_old}, standing, too_old)


def _clear_rebuilt_nights(home: Home) -> None:
    """Empty `replay/`: rebuilt nights may hold whom requests name, and whoever wants one rebuilds it again."""
    if not home.replay.exists():
        return
    # What lies in it goes and not the folder, which may be a link to another disk.
    for rebuilt in home.replay.iterdir():
        if rebuilt.is_dir() and not rebuilt.is_symlink():
            shutil.rmtree(rebuilt)
        else:
            rebuilt.unlink()


def _withdraw_carriers(erasing: Erasing, received: list[str]) -> None:
    """Withdraw every published version of which a file, removals aside, holds a key that the requests forbid."""
    standing, _ = _keys_by_standing(erasing)
    found = (
        traces(erasing.warehouse)
        .filter(pl.col("kind") != "remove", pl.col("request_id").is_in(received))
        .join(standing, on=["request_id", "network", "key", "value"], how="semi")
    )
    _withdraw(erasing, found)


def _withdraw(erasing: Erasing, found: pl.DataFrame) -> None:
    """Withdraw the published ones of the versions that are in the `traces`."""
    for *audience, version in found.select(*Audience._fields, "version").unique().sort(pl.all()).iter_rows():
        published = {row["version"] for row in erasing.catalog.versions(Audience(*audience))}
        if version in published:
            withdraw(erasing.home, erasing.catalog, Audience(*audience), version)
