"""How many of the people in a file carry each of the network's keys, and why the others do not."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.match_keys import key_forms, key_value
from pipelines.uploads.rows.row_keys import key_values
from schemas.network import Network, UploadList
from schemas.network_file import Key, country_codes_of
from schemas.uploads import IdentifierLedger

#: Why somebody in the file does not carry a key, in the order in which it is asked. After `not_taken_there` comes what
#: made their identifiers of that kind no match keys.
_BELOW, _REFUSED, _NOT_GIVEN = "list_below_minimum", "key_refused", "not_given"
_NOT_TAKEN, _NO_FORM = "not_taken_there", "no_form_there"

_LOST = {"number": pl.UInt32, "reason": pl.String}


def lost_by_key(
    network: Network,
    removed: dict[str, list[pl.Series]],
    unfit: list[tuple[str, str, pl.Series]],
    unusable: pl.DataFrame | None,
) -> dict[str, pl.DataFrame]:
    """number, reason for each of the network's keys: who gave an identifier of that kind that is in no row, by the
    first reason. Who carries another one all the same is among them.

    In: removed (numbers by header); what `unfit_for` gives of every kind; unusable (number, identifier, refusal).
    """
    found: dict[str, pl.DataFrame] = {}
    for key in network.keys:
        column = network.column(key.headers[0])
        parts = [pl.DataFrame(schema=_LOST)]
        if len(key.headers) == 1:
            parts += [_because(numbers, _REFUSED) for numbers in removed[column.header]]
        parts += [_because(numbers, reason) for name, reason, numbers in unfit if name == key.name]
        if unusable is not None:
            of_key = [network.column(header).identifier for header in key.headers]
            theirs = unusable.filter(pl.col("identifier").is_in(of_key)).sort("refusal")
            parts.append(theirs.select("number", reason="refusal"))
        found[key.name] = pl.concat(parts).unique("number", keep="first", maintain_order=True)
    return found


def unfit_for(network: Network, kind: str, held: pl.DataFrame) -> list[tuple[str, str, pl.Series]]:
    """Key of the network, reason, numbers: people who hold one where a column does not take it from, and who hold what
    has none of the forms that a column takes, such as a phone from where the network takes none.

    In: `Identifiers` of a kind by number, and country where the network asks for it.
    """
    found: list[tuple[str, str, pl.Series]] = []
    for key in network.keys:
        column = network.column(key.headers[0])
        forms = [columns for columns in key_forms(network, key) if all(match.kind == kind for match in columns)]
        # Of an address, a part may not be given.
        is_whole = len(key.headers) == 1
        some = pl.any_horizontal(pl.lit(False), *(key_value(columns).is_not_null() for columns in forms))
        if column.not_in and forms:
            codes, unknown = country_codes_of(column.not_in)
            elsewhere = pl.col("country").is_in(list(codes)).fill_null(unknown)
            found.append((key.name, _NOT_TAKEN, held.filter(elsewhere & (some | is_whole))["number"]))
        if forms and is_whole:
            found.append((key.name, _NO_FORM, held.filter(~some)["number"]))
    return found


def refused_first(numbers: pl.Series, lost: pl.DataFrame) -> pl.DataFrame:
    """The same with people added whose key is refused, whatever else is wrong with theirs."""
    return pl.concat([_because(numbers, _REFUSED), lost]).unique("number", keep="first", maintain_order=True)


def _because(numbers: pl.Series, reason: str) -> pl.DataFrame:
    return numbers.to_frame("number").select("number", reason=pl.lit(reason))


def coverage(
    inside: pl.DataFrame,
    lists: tuple[UploadList, ...],
    values: dict[str, pl.DataFrame],
    lost: dict[str, pl.DataFrame],
    network: Network,
) -> dict[str, IdentifierLedger]:
    """For each of the network's keys, how many of the file's people carry it in one of the lists, and why others don't.

    In: the people who are in a list (number, and slots where a row is a person), those too who look the same; what
    `NetworkPeople` knows of them.
    """
    counted = {key.name for upload_list in lists for key in network.keys_of(upload_list)}
    found: dict[str, IdentifierLedger] = {}
    for key in network.keys:
        carries = _carries(inside, key, values, network)
        without = inside.filter(~carries).select("number").join(lost[key.name], on="number", how="left")
        reasons = without["reason"].fill_null(_NOT_GIVEN).value_counts().sort("reason")
        people = int(carries.sum())
        below = {} if key.name in counted or not people else {_BELOW: people}
        found[key.name] = IdentifierLedger(people=0 if below else people, lost={**below, **dict(reasons.iter_rows())})
    return found


def _carries(inside: pl.DataFrame, key: Key, values: dict[str, pl.DataFrame], network: Network) -> pl.Series:
    if network.file.rows == "identifiers":
        return inside["number"].is_in(values[key.headers[0]]["number"].implode())
    return inside.select(pl.any_horizontal(value.is_not_null() for value in key_values(key, network))).to_series()
