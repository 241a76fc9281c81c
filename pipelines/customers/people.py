"""Records → people, by shared identifiers, never two first names in one person.

Records that share a key (by default the e-mail, or phone and last name) are one person, unless both have first names
that differ. A record without a first name joins the person of that key whose earliest record is the oldest; such
joins are taken in that order, so the result depends on what the rows say and not on how they are sorted.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.cluster.hierarchy import DisjointSet
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipelines.identifiers.hashes import keyed_hash
from pipelines.identifiers.names import folded_name
from schemas.settings import Joining


def people(records: pl.DataFrame, joining: Joining, *, identity_key: str) -> pl.DataFrame:
    """In: the rows of `canonical_records`. Out: the same columns and those of `CustomerRecords`, earliest record first.

    A person's id is the keyed hash of their earliest record, by created_at (missing last), then customer_id.
    """
    ranked = (
        records.sort("created_at", "customer_id", nulls_last=True)
        .with_row_index("rank")
        .with_columns(name=folded_name(pl.col("first_name")))
    )
    keys = _shared_keys(ranked, joining)
    joined = ranked.with_columns(person=_person_of_each(ranked, keys))
    evidence = (
        keys.join(joined.select("rank", "person"), on="rank")
        .filter(pl.len().over("key", "person") > 1)
        .group_by("rank")
        .agg(joined_by=pl.col("rule").unique().sort().str.join(", "))
    )
    own_id = keyed_hash("person:" + joined["customer_id"], identity_key).str.head(32)
    # Rows are in order of rank, so a person's first row is their earliest record.
    return (
        joined.with_columns(own_id=own_id)
        .with_columns(
            person_id=pl.col("own_id").first().over("person"),
            position=pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over("person"),
        )
        .join(evidence, on="rank", how="left", maintain_order="left")
        .drop("rank", "name", "person")
    )


def _shared_keys(ranked: pl.DataFrame, joining: Joining) -> pl.DataFrame:
    """rank, name, key (a number), rule: each joining key of each record that some other record has too."""
    usable = ranked.select(
        "rank",
        "name",
        email=pl.when(pl.col("email_refusal").is_null()).then("email"),
        phone=pl.when(pl.col("phone_refusal").is_null()).then("phone"),
        last_name=folded_name(pl.col("last_name")),
        postal_code=folded_name(pl.col("postal_code")),
    )
    parts = [pl.DataFrame(schema={"rank": pl.UInt32, "name": pl.String, "key": pl.UInt64, "rule": pl.String})]
    for rule in joining.rules:
        label = "+".join(rule)
        complete = usable.filter(pl.all_horizontal(pl.col(*rule).is_not_null()))
        keyed = complete.select("rank", "name", key=pl.struct(pl.lit(label).alias("rule"), *rule).hash())
        parts.append(keyed.filter(pl.len().over("key") > 1).with_columns(rule=pl.lit(label)))
    return pl.concat(parts)


def _person_of_each(ranked: pl.DataFrame, keys: pl.DataFrame) -> np.ndarray:
    """A number for each record's person, in the order of `ranked`."""
    count = ranked.height
    named = keys.filter(pl.col("name").is_not_null())
    same_name = named.select("rank", other=pl.col("rank").min().over("key", "name"))
    person = _components(count, same_name)
    first = np.full(count, count, dtype=np.int64)
    np.minimum.at(first, person, np.arange(count))
    joins = _nameless_joins(keys, first[person])
    together = _components(count, pl.concat([same_name, joins.select("rank", "other")]))
    names = (
        ranked.select("name", together=pl.Series(together))
        .group_by("together")
        .agg(pl.col("name").n_unique().alias("n"), pl.col("name").null_count().alias("nulls"))
    )
    disputed = names.filter(pl.col("n") - (pl.col("nulls") > 0).cast(pl.UInt32) > 1)["together"]
    if disputed.is_empty():
        return together
    return _with_veto(ranked["name"], person, joins, together, set(disputed))


def _nameless_joins(keys: pl.DataFrame, first: np.ndarray) -> pl.DataFrame:
    """rank, other: each record without a first name and whom it would join by each key, in the order to be taken.

    `first` is the rank of the earliest record of each record's person, as far as names alone have joined them.
    """
    ordered = keys.with_columns(first=pl.Series(first)[keys["rank"].cast(pl.Int64)])
    targets = (
        ordered.sort(pl.col("name").is_null(), "first", "rank")
        .group_by("key", maintain_order=True)
        .agg(other=pl.col("rank").first(), target_first=pl.col("first").first())
    )
    nameless = (
        ordered.filter(pl.col("name").is_null()).join(targets, on="key").filter(pl.col("rank") != pl.col("other"))
    )
    return nameless.sort("target_first", "rank", "other").select("rank", "other")


def _components(count: int, edges: pl.DataFrame) -> np.ndarray:
    graph = coo_array(
        (np.ones(edges.height, dtype=np.int8), (edges["rank"].to_numpy(), edges["other"].to_numpy())),
        shape=(count, count),
    )
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _with_veto(
    names: pl.Series, person: np.ndarray, joins: pl.DataFrame, together: np.ndarray, disputed: set[int]
) -> np.ndarray:
    """Take the joins of disputed groups one by one, leaving out each that would give a person two first names."""
    members = np.flatnonzero(np.isin(together, list(disputed)))
    sets = DisjointSet(person[members].tolist())
    name_of: dict[int, str] = {}
    for record in members.tolist():
        if names[record] is not None:
            name_of[int(person[record])] = names[record]
    for record, other in joins.filter(pl.col("rank").is_in(members)).iter_rows():
        one, two = sets[int(person[record])], sets[int(person[other])]
        given = {name_of[root] for root in (one, two) if root in name_of}
        if len(given) < 2:
            sets.merge(one, two)
            if given:
                name_of[sets[one]] = given.pop()
    result = together.copy()
    offset = int(together.max()) + 1
    for record in members.tolist():
        result[record] = offset + int(sets[int(person[record])])
    return result
