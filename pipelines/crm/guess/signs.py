"""What stands beside amounts: a currency's sign, its word or its code."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from pipelines.crm.guess.names import vocabulary

_CODE = "[A-Z]{3}"
_LETTER = r"[^\W\d_]"
#: Stands for a whole amount's decimals: `1.234,-`.
DASHES = "[-–—]+"
_NO_DECIMALS = re.compile(f"(?<=[.,]){DASHES}")


class Sign(NamedTuple):
    """A currency's sign or word, as people write it before or behind an amount: €, R$, kr."""

    text: str
    currency: str
    #: Other countries' money bears it too.
    shared: bool

    @property
    def is_one_symbol(self) -> bool:
        return len(self.text) == 1 and not self.text.isalpha()

    @property
    def pattern(self) -> str:
        """A regular expression for it, to Python and to DuckDB. Letters are a word in any case, unless there is one
        alone, and some words may end in a point.
        """
        word = self.text.removesuffix(".")
        signs = word.replace("$", "[$]").replace("/", "[/]")
        any_case = f"(?i:{signs})" if word.isalpha() and len(word) > 1 else signs
        return any_case + ("[.]?" if word != self.text else "")

    def is_in(self, sql: str) -> str:
        """SQL for whether a text bears it."""
        return f"contains({sql}, '{self.text}')" if self.is_one_symbol else f"regexp_matches({sql}, '{self.pattern}')"


def is_amount(value: str) -> bool:
    """Whether a text is a number, be it with what says its currency."""
    return _shape().fullmatch(value) is not None


def signs_of(value: str) -> list[Sign]:
    """The currencies' signs that stand beside an amount; none of what is no amount."""
    matches = _beside().finditer(value) if is_amount(value) else ()
    return [_signs()[match.lastindex - 1] for match in matches if match.lastindex is not None]


def bare(value: str) -> str:
    """An amount without what says its currency: the point of `Rs.500` is none of its own. `5,-` becomes `5,00`, and
    `5,00-` becomes `-5,00`.
    """
    if not is_amount(value):
        return value
    number = _NO_DECIMALS.sub("00", _beside().sub("", value)).strip()
    return f"-{number.strip('+-').strip()}" if number.endswith("-") else number


def is_minus_behind(value: str) -> bool:
    """Whether an amount's minus stands behind it, as SAP writes it."""
    return is_amount(value) and re.search(r"\d\s?-", value) is not None


def has_dashes(value: str) -> bool:
    """Whether dashes stand where an amount's decimals would."""
    return is_amount(value) and _NO_DECIMALS.search(value) is not None


@cache
def _signs() -> tuple[Sign, ...]:
    """Every sign that is known; one that is a part of another comes after it."""
    every = [
        Sign(text, currency, shared=key == "shared_signs")
        for key in ("signs", "shared_signs")
        for currency, texts in vocabulary()[key].items()
        for text in texts
    ]
    return tuple(sorted(every, key=lambda sign: -len(sign.text)))


@cache
def _beside() -> re.Pattern[str]:
    """A code, or each sign as a group, apart from other letters."""
    signs = "|".join(f"({sign.pattern})" for sign in _signs())
    return re.compile(f"(?<!{_LETTER})(?:{_CODE}|{signs})(?!{_LETTER})")


@cache
def _shape() -> re.Pattern[str]:
    beside = "|".join([*(sign.pattern for sign in _signs()), _CODE])
    number = rf"\d[\d.,'’\s]*(?:(?<=[.,]){DASHES}\s?|(?<=[\d\s])-\s?)?"
    # `$12.50 CAD` has both.
    return re.compile(rf"[+-]?(?:(?:{beside})\s?)?[+-]?{number}(?:(?:{beside})\s?)?(?:{_CODE})?")
