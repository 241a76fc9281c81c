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
from pipelines.identifiers.persons.names import folded_name
from schemas.errors import StageError
from schemas.said import Said
from schemas.settings import Joining


def one_id_twice() -> StageError:
    """What is said, once in a hundred million CRMs of ten million records, of ids that are one."""
    msg = Said(
        "Two records got the same person id by chance. Give one of the CRM's newest records another customer_id."
    )
    return StageError(msg)


def people(records: pl.DataFrame, joining: Joining, *, identity_key: str) -> pl.DataFrame:
    """In: the rows of `canonical_records`. Out: the same columns and those of `CustomerRecords`, earliest record first.

    A person's id is the keyed hash of their earliest record, by created_at (missing last), then customer_id.

    Raises:
        StageError: two records got the same id (of ten million, once in a hundred million CRMs).
    """
    ranked = records.sort("created_at", "customer_id", nulls_last=True).with_row_index("rank")
    keys = _shared_keys(ranked, joining)
    person = _person_of_each(ranked.height, keys)
    # Rows are in order of rank, so a person's first row is their earliest record.
    _, first, of_person = np.unique(person, return_index=True, return_inverse=True)
    own_id = person_ids(ranked["customer_id"], identity_key)
    if own_id.hash().is_duplicated().any() and own_id.is_duplicated().any():
        raise one_id_twice()
    return (
        ranked.with_columns(
            own_id=own_id, person_id=own_id.gather(first[of_person]), position=_positions(person, first[of_person])
        )
        .join(_evidence(keys, person), on="rank", how="left", maintain_order="left")
        .drop("rank")
    )


def _positions(person: np.ndarray, first: np.ndarray) -> pl.Series:
    """1 for each person's first row, then 2, 3 …; most people have one row, so only the others are counted."""
    position = np.ones(len(person), dtype=np.uint32)
    later = np.flatnonzero(first != np.arange(len(person)))
    nth = pl.select(pl.Series(person[later]).alias("person")).select(pl.int_range(2, pl.len() + 2).over("person"))
    position[later] = nth.to_series().to_numpy()
    return pl.Series(position)


def _evidence(keys: pl.DataFrame, person: np.ndarray) -> pl.DataFrame:
    """rank, joined_by: the rules by which a record shares a key with another of its person."""
    return (
        keys.with_columns(person=pl.Series(person)[keys["rank"].cast(pl.Int64)])
        .filter(pl.len().over("key", "person") > 1)
        .group_by("rank")
        .agg(joined_by=pl.col("rule").unique().sort().str.join(", "))
    )


def person_ids(customer_id: pl.Series, identity_key: str) -> pl.Series:
    """The id of a person whose earliest record each is."""
    return short_ids(keyed_hash("person:" + customer_id, identity_key))


def short_ids(digests: pl.Series) -> pl.Series:
    """What is used of keyed hashes of records, as of the tombstones in form `person`, for ids of people.

    Twelve letters, 72 bits of the hash: both engines keep a text of that length beside its row, not apart.
    """
    digest = digests.str.head(18)
    return digest.str.decode("hex").bin.encode("base64").str.replace_many(["+", "/"], ["-", "_"])


def _shared_keys(ranked: pl.DataFrame, joining: Joining) -> pl.DataFrame:
    """rank, name, key (a number), rule: each joining key of each record that some other record has too."""
    usable = ranked.select(
        "rank",
        "first_name",
        "last_name",
        "postal_code",
        email=pl.when(pl.col("email_refusal").is_null()).then("email"),
        phone=pl.when(pl.col("phone_refusal").is_null()).then("phone"),
    )
    parts = [pl.DataFrame(schema={"rank": pl.UInt32, "first_name": pl.String, "key": pl.UInt64, "rule": pl.String})]
    for rule in joining.rules:
        label = "+".join(rule)
        complete = usable
        # Few records share an address, and names are slow to fold: so addresses first.
        for address in sorted({"email", "phone"} & set(rule)):
            complete = complete.filter(pl.col(address).is_not_null())
            complete = complete.filter(pl.len().over(pl.col(address).hash()) > 1)
        complete = complete.with_columns(
            folded_name(pl.col(part)) for part in ("last_name", "postal_code") if part in rule
        ).filter(pl.all_horizontal(pl.col(*rule).is_not_null()))
        keyed = complete.select("rank", "first_name", key=pl.struct(pl.lit(label).alias("rule"), *rule).hash())
        parts.append(keyed.filter(pl.len().over("key") > 1).with_columns(rule=pl.lit(label)))
    return pl.concat(parts).select("rank", "key", "rule", name=folded_name(pl.col("first_name")))


def _person_of_each(count: int, keys: pl.DataFrame) -> np.ndarray:
    """A number for each record's person, in the order of rank."""
    named = keys.filter(pl.col("name").is_not_null())
    same_name = named.select("rank", other=pl.col("rank").min().over("key", "name"))
    person = _components(count, same_name)
    first = np.full(count, count, dtype=np.int64)
    np.minimum.at(first, person, np.arange(count))
    joins = _nameless_joins(keys, first[person])
    together = _components(count, pl.concat([same_name, joins.select("rank", "other")]))
    names = keys.select("rank", "name").unique()
    named_people = names.drop_nulls().with_columns(together=pl.Series(together)[names.drop_nulls()["rank"]])
    disputed = named_people.group_by("together").agg(pl.col("name").n_unique()).filter(pl.col("name") > 1)["together"]
    if disputed.is_empty():
        return together
    return _with_veto(dict(names.iter_rows()), person, joins, together, disputed)


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
    names: dict[int, str | None], person: np.ndarray, joins: pl.DataFrame, together: np.ndarray, disputed: pl.Series
) -> np.ndarray:
    """Take the joins of disputed groups one by one, leaving out each that would give a person two first names.

    `names` are the folded first names of the records that share a key, by rank.
    """
    members = np.flatnonzero(np.isin(together, disputed.to_numpy()))
    sets = DisjointSet(person[members].tolist())
    name_of: dict[int, str] = {}
    for record in members.tolist():
        name = names.get(record)
        if name is not None:
            name_of[int(person[record])] = name
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
