"""Which amount, currency and refund of an order belong together: a shop writes its own, and the buyer's beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pipelines.crm.guess.names import is_of_orders, words

#: Words by which a column is of the shop's own currency (Magento's base), or of the one that the buyer saw.
_SIDES: dict[str, Literal["shop", "buyer"]] = {
    "base": "shop",
    "shop": "shop",
    "presentment": "buyer",
    "pres": "buyer",
    "purchased": "buyer",
}

#: Words that say nothing of which sum an amount is: `total_price_set_shop_amount` is a total price.
_NO_SUM = {"set", "money", "amount", "order"}

#: Words in a column's name by which its amounts are minor units.
_MINOR = frozenset("cents cent minor centimes centimos centesimi centen pence".split())  # noqa: SIM905


def in_one_currency(amount: str, currency: str) -> bool:
    """Whether, by their names, a column of amounts is in the currency that another says.

    Magento's `grand_total` is in its `order_currency_code`, its `base_grand_total` in its `base_currency_code`.
    """
    of_amount, of_currency = _side(amount), _side(currency)
    return of_amount == of_currency or (of_amount == "buyer" and of_currency is None and is_of_orders(currency))


def paired(amounts: Sequence[str], currencies: Sequence[str]) -> tuple[str, str] | None:
    """The first amount, or the same sum of the other side, with a currency that it is in; the likeliest come first."""
    same = [name for name in amounts if _sum(name) == _sum(amounts[0])]
    return next(((one, other) for one in same for other in currencies if in_one_currency(one, other)), None)


def beside(amount: str, refunds: Sequence[str]) -> str | None:
    """The refunds that are in the amount's currency and unit, and not off it already."""
    if is_net(amount):
        return None
    return next((name for name in refunds if _side(name) == _side(amount) and is_minor(name) == is_minor(amount)), None)


def is_net(name: str) -> bool:
    """Whether a column of amounts is, by its name, what refunds have left, as Shopify's `current_total_price`."""
    return "current" in words(name)


def may_be_unpaid(name: str) -> bool:
    """Whether a column of amounts may be what is still to be paid: a total due is an order's total, or that."""
    return "due" in words(name)


def is_minor(name: str) -> bool:
    """Whether a column holds minor units by its name."""
    return bool(_MINOR & set(words(name)))


def _side(name: str) -> Literal["shop", "buyer"] | None:
    return next((_SIDES[word] for word in words(name) if word in _SIDES), None)


def _sum(name: str) -> frozenset[str]:
    return frozenset(words(name)) - _SIDES.keys() - _NO_SUM
