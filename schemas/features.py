"""The columns a segment may ask about."""

from __future__ import annotations

import dataframely as dy

from schemas.privacy import PSEUDONYM

#: Columns that stay null when the source has no order times.
NEED_ORDER_TIMES = ("recency_days", "days_since_first_order", "recency_score")


class Features(dy.Schema):
    """A person as of a day; orders and visits count up to its end, in the company's time zone."""

    person_id = dy.String(primary_key=True, metadata=PSEUDONYM)
    country = dy.String(nullable=True, description="ISO 3166 alpha-2 country; null if not known.")
    orders_count = dy.UInt32(description="Completed orders; refunds, cancellations and pending orders are none.")
    revenue = dy.Decimal(
        18, 4, description="Completed orders less money given back, in the company's currency, e.g. 129.90."
    )
    average_order_value = dy.Decimal(18, 4, nullable=True, description="Revenue by order; null without orders.")
    recency_days = dy.Int32(nullable=True, description="Days since the last order; null without orders.")
    days_since_first_order = dy.Int32(nullable=True, description="Days since the first order; null without orders.")
    tenure_days = dy.Int32(
        nullable=True, description="Days since the person became known: first record or first order."
    )
    value_percentile = dy.Decimal(
        5, 2, nullable=True, description="Rank of revenue among people with orders, 0 to 100, 100 is best."
    )
    recency_score = dy.UInt8(nullable=True, description="Quintile of recency among people with orders, 5 is best.")
    frequency_score = dy.UInt8(
        nullable=True, description="Quintile of the number of orders among people with orders, 5 is best."
    )
    monetary_score = dy.UInt8(nullable=True, description="Quintile of revenue among people with orders, 5 is best.")
    last_visit_days = dy.Int32(nullable=True, description="Days since the last visit; null without visits.")
