"""What identifies a member to a network: which values of its keys are refused."""

from __future__ import annotations

import polars as pl

from pipelines.at_once import at_once
from pipelines.identifiers.match_keys import columns_of, form_of, key_value
from pipelines.identifiers.matching import hashed_address
from pipelines.tombstones.erased import refused_hashes
from schemas.identifiers import MatchColumn
from schemas.network import Network
from schemas.uploads import RefusedKeys


def key_columns(networks: dict[str, Network]) -> list[MatchColumn]:
    """The match columns that some key of the networks is made of, each once, in a fixed order."""
    headers = [(network, header) for network in networks.values() for key in network.keys for header in key.headers]
    return sorted({match for network, header in headers for match in network.column(header).matches})


def key_uses(networks: dict[str, Network]) -> list[tuple[str, str, tuple[MatchColumn, ...]]]:
    """Every network, key of it, and match columns that it is made of, once for each form in which it is taken."""
    return [
        (name, key.name, tuple(columns))
        for name, network in networks.items()
        for key in network.keys
        for columns in columns_of(network, key)
    ]


def refused_keys(  # noqa: PLR0913, PLR0917 - who holds what, and all that forbids it
    identifiers: pl.DataFrame,
    permissions: pl.DataFrame,
    erasures: pl.DataFrame,
    networks: dict[str, Network],
    identity_key: str,
    suppressed: pl.Series | None = None,
) -> pl.DataFrame:
    """Keys that a permitted person shares with somebody who is refused on that network, who was erased, or with an
    e-mail that is `suppressed` (canonical), whether anybody has it or not.

    In: `Identifiers`, `Permissions`, `CrmErasures`. Out: `RefusedKeys`. A key that only refused people hold is in no
    row anyway and is left out.
    """
    uses = key_uses(networks)
    if not uses:
        return pl.DataFrame(RefusedKeys.create_empty())
    listed = pl.Series("email", [], dtype=pl.String) if suppressed is None else suppressed
    # Many networks ask for the same form: who shares a value of it is looked up once.
    keys = sorted({use[2] for use in uses})
    found = at_once(lambda columns: _doubtful(identifiers, list(columns), erasures, identity_key, listed), keys)
    doubtful = dict(zip(keys, found, strict=True))
    people = pl.concat([frame.select("person_id") for frame in found]).unique()
    permitted = permissions.join(people, on="person_id", how="semi")
    parts = [
        _refused(doubtful[columns], permitted.filter(network=name)).select(
            network=pl.lit(name), key=pl.lit(key), value="value"
        )
        for name, key, columns in uses
    ]
    empty = pl.DataFrame(RefusedKeys.create_empty())
    return pl.concat([empty, *parts]).unique().sort(empty.columns)


def _doubtful(
    identifiers: pl.DataFrame,
    columns: list[MatchColumn],
    erasures: pl.DataFrame,
    identity_key: str,
    suppressed: pl.Series,
) -> pl.DataFrame:
    """person_id, value, forbidden: who holds a value that others hold too, that was erased, or that a list names."""
    held = identifiers.select("person_id", value=key_value(columns)).filter(pl.col("value").is_not_null())
    # By hash, sharing is quickly seen.
    shared = held.filter(held["value"].hash().is_duplicated())
    gone = forbidden_values(held["value"], columns, erasures, identity_key, listed_values(columns, suppressed))
    forbidden = pl.col("value").is_in(gone.implode())
    return pl.concat([shared, held.filter(forbidden)]).unique().with_columns(forbidden=forbidden)


def listed_values(columns: list[MatchColumn], suppressed: pl.Series) -> pl.Series:
    """Keys of these columns that an e-mail on a list has, canonical as `suppressed` has it."""
    if [column.identifier for column in columns] != ["email"]:
        return suppressed.clear()
    return hashed_address(suppressed, columns[0]).drop_nulls()


def forbidden_values(
    values: pl.Series, columns: list[MatchColumn], erasures: pl.DataFrame, identity_key: str, listed: pl.Series
) -> pl.Series:
    """Those of the keys of these columns that were erased or are `listed`."""
    if all(column.is_reversible for column in columns):
        # An address that is erased or on a list takes its person out, and nobody else has one of the same form.
        return values.clear()
    erased = refused_hashes(values, form_of(columns), erasures, identity_key)
    return pl.concat([erased, values.filter(values.is_in(listed.implode()))])


def _refused(doubtful: pl.DataFrame, permitted: pl.DataFrame) -> pl.DataFrame:
    """value: those that somebody permitted holds, and that are forbidden or that somebody else, refused, holds too."""
    theirs = doubtful.join(permitted, on="person_id", how="semi")
    others = doubtful.join(permitted, on="person_id", how="anti").select("value")
    forbidden = theirs.filter("forbidden").select("value")
    return pl.concat([forbidden, theirs.select("value").join(others, on="value", how="semi")]).unique()
