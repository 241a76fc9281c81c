"""Which names of columns may be told: where an export lost its header, its first row stands in their place."""

from __future__ import annotations

import re
from collections.abc import Iterable

from schemas.said import Said

_NAME = re.compile(r"\w[\w ]*")
_QUOTED = re.compile(r'"([^"]*)"')
#: What an address has, and no name of a column: an @, or the digits of a phone, a date or a postcode.
_VALUE = re.compile(r"[^\s\"'(),]*(?:@|\d{3})[^\s\"'(),]*")

#: What DuckDB says where a select names a column that its sources do not have.
_NO_COLUMN = re.compile(r'Referenced column "|does not have a column named "')
#: What it says instead where the select gives the same name, in another case perhaps: `EMAIL AS email`.
_OWN_NAME = re.compile(r'Column ("[^"]*") referenced that exists in the SELECT clause.*')


def looks_like_name(text: str) -> bool:
    """Whether a text is a name that somebody gave to a column: letters first of all, few digits, no other signs."""
    letters, digits = sum(map(str.isalpha, text)), sum(map(str.isdigit, text))
    return _NAME.fullmatch(text) is not None and letters > 1 and digits <= 2 and letters > digits


def told_names(names: Iterable[str]) -> str:
    """The names that look like names; how many others there are."""
    every = list(names)
    shown = ", ".join(name for name in every if looks_like_name(name))
    hidden = sum(not looks_like_name(name) for name in every)
    if not hidden:
        return shown
    more = (
        Said("one column whose name looks like a value")
        if hidden == 1
        else Said("{hidden} columns whose names look like values", hidden=hidden)
    )
    return Said("{shown} and {more}", shown=shown, more=more) if shown else more


def told_error(error: Exception, select: str) -> str:
    """The first line of what DuckDB says of a select, without names that neither stand in it nor look like names."""
    line = str(error).split("\n")[0].strip().rstrip(".!")

    def told(quoted: re.Match[str]) -> str:
        # It quotes signatures of functions too, `lower(INTEGER)`.
        words, is_plain = re.findall(r"\w+", quoted[1]), not {"@", "["} & set(quoted[1])
        known = all(word in select or looks_like_name(word) for word in words)
        return quoted[0] if quoted[1] in select or (is_plain and known) else '"…"'

    says = _QUOTED.sub(told, _OWN_NAME.sub(r"Referenced column \1 not found in FROM clause", line))
    return _VALUE.sub(lambda value: value[0] if value[0] in select else "…", says)


def told_refusal(error: Exception, select: str, place: str, places: str | Said) -> Said:
    """What DuckDB has against a select that stands at `place` and reads `places`; and what to do where they have no
    column of a name.
    """
    says = "{place}: {says}. It reads {places}."
    if any(sign.search(str(error)) is not None for sign in (_NO_COLUMN, _OWN_NAME)):
        says = (
            "{place}: {says}. It reads {places}. Write the name that the column has there now into the select; if it "
            "is gone, export it again with that column."
        )
    return Said(says, place=place, says=told_error(error, select), places=places)
