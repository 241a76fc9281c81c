"""What identifies a member to a network: which values of its keys are refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

from pipelines.at_once import at_once
from pipelines.customers.refused_emails import refused_at
from pipelines.identifiers.match_keys import key_forms, key_value, tombstone_form
from pipelines.identifiers.matching import refused_address
from pipelines.tombstones.erased import erased_values
from schemas.identifiers import MatchColumn
from schemas.network import Network
from schemas.uploads import RefusedKeys


def key_columns(networks: Iterable[Network]) -> list[MatchColumn]:
    """The match columns that some key of the networks is made of, each once, in a fixed order."""
    headers = [(network, header) for network in networks for key in network.keys for header in key.headers]
    return sorted({match for network, header in headers for match in network.column(header).matches})


def key_uses(networks: Iterable[Network]) -> list[tuple[str, str, tuple[MatchColumn, ...]]]:
    """Every network, key of it, and match columns that it is made of, once for each form in which it is taken."""
    return [
        (network.name, key.name, tuple(columns))
        for network in networks
        for key in network.keys
        for columns in key_forms(network, key)
    ]


def refused_keys(  # noqa: PLR0913, PLR0917 - who holds what, and all that forbids it
    identifiers: pl.DataFrame,
    permissions: pl.DataFrame,
    erasures: pl.DataFrame,
    networks: dict[str, Network],
    identity_key: str,
    emails: pl.DataFrame,
) -> pl.DataFrame:
    """Keys that a permitted person shares with somebody who is refused on that network, who was erased, or with one of
    the `refused_emails` there, whether anybody has it or not.

    In: `Identifiers`, `Permissions`, `CrmErasures`, what `refused_emails` gives. Out: `RefusedKeys`. A key that only
    refused people hold is in no row anyway and is left out.
    """
    uses = key_uses(networks.values())
    if not uses:
        return pl.DataFrame(RefusedKeys.create_empty())
    # Many networks ask for the same form: who shares a value of it is looked up once.
    keys = sorted({use[2] for use in uses})
    found = at_once(lambda columns: _doubtful(identifiers, list(columns), erasures, identity_key, emails), keys)
    doubtful = dict(zip(keys, found, strict=True))
    people = pl.concat([each.held["person_id"] for each in found]).unique()
    permitted = permissions.filter(pl.col("person_id").is_in(people.implode()))
    parts = [
        _refused(doubtful[columns], permitted.filter(network=name)["person_id"], name).select(
            network=pl.lit(name), key=pl.lit(key), value="value"
        )
        for name, key, columns in uses
    ]
    empty = pl.DataFrame(RefusedKeys.create_empty())
    return pl.concat([empty, *parts]).unique().sort(empty.columns)


class _Doubtful(NamedTuple):
    """Who holds (person_id, value) a value that others hold too, that was erased, or of an e-mail refused somewhere;
    which values were erased, and where those of e-mails are refused (network, value)."""

    held: pl.DataFrame
    erased: pl.Series
    listed: pl.DataFrame


def _doubtful(
    identifiers: pl.DataFrame,
    columns: list[MatchColumn],
    erasures: pl.DataFrame,
    identity_key: str,
    emails: pl.DataFrame,
) -> _Doubtful:
    held = identifiers.select("person_id", value=key_value(columns)).filter(pl.col("value").is_not_null())
    # By hash, sharing is quickly seen.
    shared = held.filter(held["value"].hash().is_duplicated())
    if all(column.is_reversible for column in columns):
        # An address that is erased or refused takes its person out, and nobody else has one of the same form.
        return _Doubtful(shared.unique(), held["value"].clear(), keys_of_emails(columns, emails.clear()))
    erased = erased_values(held["value"], tombstone_form(columns), erasures, identity_key)
    listed = keys_of_emails(columns, emails)
    named = held.filter(pl.col("value").is_in(pl.concat([erased, listed["value"]]).implode()))
    return _Doubtful(pl.concat([shared, named]).unique(), erased, listed)


def keys_of_emails(columns: list[MatchColumn], emails: pl.DataFrame) -> pl.DataFrame:
    """network, value: the keys of these columns that the `refused_emails` have."""
    if [column.identifier for column in columns] != ["email"]:
        return emails.clear().rename({"email": "value"})
    return emails.select("network", value=refused_address(emails["email"], columns[0])).drop_nulls("value")


def _refused(doubtful: _Doubtful, permitted: pl.Series, network: str) -> pl.DataFrame:
    """value: those that somebody permitted holds, and that are forbidden or that somebody else, refused, holds too."""
    may = pl.col("person_id").is_in(permitted.implode())
    theirs, others = doubtful.held.filter(may), doubtful.held.filter(~may)
    forbidden = pl.concat([doubtful.erased, refused_at(doubtful.listed, network)["value"], others["value"]])
    return theirs.filter(pl.col("value").is_in(forbidden.implode())).select("value").unique()
