"""Customers who are gone: earlier nights that are kept had them, and the customers of now lack them."""

from __future__ import annotations

#: SQL: of each customer, the newest row among those of a `past_` table.
NEWEST = "QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY held_until DESC) = 1"


def gone_customers(among: str = "") -> str:
    """SQL for the newest row of each customer who is gone; `among` joins those that are looked for."""
    # It comes before the rows are numbered, which takes long where many are gone.
    return (
        f"SELECT * FROM warehouse.past_crm_customers {among} ANTI JOIN warehouse.crm_customers USING (customer_id) "
        f"{NEWEST}"
    )
