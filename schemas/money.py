"""Currencies and how many decimals each has."""

from __future__ import annotations

from functools import cache

from babel.numbers import list_currencies

#: ISO 4217 exponents other than 2. CLDR's own digits differ for some (IQD, MMK), so they are not used.
_EXPONENTS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),  # noqa: SIM905
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),  # noqa: SIM905
    **dict.fromkeys(("CLF", "UYW"), 4),
}


@cache
def currencies() -> frozenset[str]:
    """Every ISO 4217 code, those of currencies no longer in use too."""
    return frozenset(list_currencies())


def is_currency(code: str) -> bool:
    return code in currencies()


def exponent(currency: str) -> int:
    """How many decimals the currency's minor unit is (ISO 4217): 2 for EUR, 0 for JPY, 3 for TND."""
    return _EXPONENTS.get(currency, 2)


def exponents() -> dict[str, int]:
    """The currencies whose exponent is not 2."""
    return dict(_EXPONENTS)
