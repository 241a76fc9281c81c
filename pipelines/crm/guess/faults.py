"""Why a table that has the name of one of ours is not used."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.crm.guess.columns import Match
from pipelines.crm.guess.files import FoundTable
from pipelines.crm.guess.names import marked, rank, words
from pipelines.crm.guess.shapes import filled, is_time_or_flag, ours, translated
from schemas.source import TableName

#: Columns whose words must be ours, since relance must not put words into somebody's mouth.
_OURS = ("purpose", "status", "network")

#: How the names of columns end that tell requests apart: to be forgotten, to be told, to be corrected.
_KINDS = frozenset(
    "type types kind right rights action category request nature art recht tipo derecho diritto droit objet".split()  # noqa: SIM905
)


def fault_of(table: TableName, found: FoundTable, matched: Mapping[str, Match]) -> str | None:
    """Why a table of the right name is not used: what it lacks, or that its words are not relance's."""
    needed = {"consents": ("purpose", "status", "captured_at")}.get(table, ())
    lacking = [column for column in needed if column not in matched]
    if lacking:
        return f"no column of it is {' or '.join(lacking)}"
    for column in [each for each in _OURS if each in matched] if table == "consents" else ():
        name = matched[column].name
        if ours(column, found.columns[name]) < 0.5:
            return f"{name} has other words than {column} may have"
    limits = _limiting(found, matched) if table == "consents" else []
    if limits:
        return (
            f"{' and '.join(limits)} may say that a statement is no longer or not yet valid, and its status alone not"
        )
    if table == "visits" and "event" in matched:
        name = matched["event"].name
        if translated("event", found.columns[name]) < 0.5:
            return f"{name} has other words than event may have"
    kinds = kinds_of_requests(table, found, matched)
    if kinds is not None:
        return f"{kinds} tells several kinds of requests apart, and only those to be forgotten belong there"
    return None


def kinds_of_requests(table: TableName, found: FoundTable, matched: Mapping[str, Match]) -> str | None:
    """The column that tells requests to be forgotten from others."""
    for name in _unused(found, matched) if table == "erasures" else ():
        if _KINDS.intersection(words(name)[-1:]) and len(set(filled(found.columns[name]))) > 1:
            return name
    return None


def _limiting(found: FoundTable, matched: Mapping[str, Match]) -> list[str]:
    """The columns left over of statements that may end one: by their names, or because they hold days or flags whose
    names say nothing that is known. Another time of a statement's own is none.
    """
    unused = _unused(found, matched)
    named = marked(unused, "limits_a_statement")
    said = (name for name in unused if is_time_or_flag(found.columns[name]))
    unknown = [name for name in said if rank("consents", "captured_at", name) is None]
    return [name for name in unused if name in {*named, *unknown}]


def _unused(found: FoundTable, matched: Mapping[str, Match]) -> list[str]:
    """The columns that are taken for none of ours."""
    used = {match.name for match in matched.values()}
    return [name for name in found.columns if name not in used]
