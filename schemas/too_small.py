"""Why an audience was held that has fewer rows than its network takes: the sentences, and how they are known again."""

from __future__ import annotations

from schemas.said import Said

EMPTY = Said("nobody is left to upload: the segment is empty")
NOBODY = "nobody is left to upload: {lost}"
ONE_ROW = "it has {rows} row, {short} short of {network}'s minimum of {minimum}"
ROWS = "it has {rows} rows, {short} short of {network}'s minimum of {minimum}"
ONE_ROW_OF_LIST = "its largest list, {name}, has {rows} row, {short} short of {network}'s minimum of {minimum}"
ROWS_OF_LIST = "its largest list, {name}, has {rows} rows, {short} short of {network}'s minimum of {minimum}"
COST = "{short}; most people were lost to {cost}"
#: Too small, and the brake has something to say too.
SHORT_AND_CHANGED = "{short}; {changes}"

_EVERY = {EMPTY.sentence, NOBODY, ONE_ROW, ROWS, ONE_ROW_OF_LIST, ROWS_OF_LIST, COST, SHORT_AND_CHANGED}


def is_too_small(reason: Said) -> bool:
    """Whether an audience was held for that reason because it is too small, whatever else was found."""
    return reason.sentence in _EVERY
