"""The simulated company's config: two networks, two segments, an own brake, a list of addresses that bounce."""

from __future__ import annotations

from pathlib import Path

SETTINGS = """\
time_zone = "Europe/Paris"
currency = "EUR"
default_country = "FR"

[brake]
keys_turn_over = 0.8
"""

SOURCES = """\
as_of = "last order"

[sources.customers]
files = "../customers.csv"

[sources.orders]
files = "../orders.csv"

[sources.consents]
files = "../consents.csv"

[sources.erasures]
files = "../erasures.csv"

[sources.blocked]
files = "../blocked.csv"

[tables.customers]
select = '''
SELECT id AS customer_id, email, phone, first AS first_name, last AS last_name, postcode AS postal_code,
       'FR' AS country, created AS created_at
FROM customers
'''

[tables.orders]
select = "SELECT id AS order_id, customer AS customer_id, time AS ordered_at, amount, currency, status FROM orders"

[tables.consents]
select = '''
SELECT id AS record_id, customer AS customer_id, address, purpose, status, time AS captured_at FROM consents
'''

[tables.visits]
absent = true

[tables.erasures]
select = "SELECT id AS request_id, customer AS customer_id, email, phone, time AS requested_at FROM erasures"
"""

SEGMENT = 'title = "{0}"\npublic_name = "{1}"\npurpose = "loyalty"\nwhere = "{2}"\nowner = "team:growth"\n'
NETWORKS = 'networks = ["meta", "google_ads"]\n'
SEGMENTS = {
    "buyers": SEGMENT.format("Buyers", "club_a", "orders_count >= 2") + NETWORKS,
    "recent": SEGMENT.format("Recent buyers", "club_b", "recency_days <= 20") + NETWORKS,
}
BLOCKED = 'title = "Addresses that bounce"\nselect = "SELECT address FROM blocked"\n'


def declare(folder: Path) -> None:
    """Write the config."""
    (folder / "segments").mkdir(parents=True, exist_ok=True)
    (folder / "suppressions").mkdir(exist_ok=True)
    (folder / "relance.toml").write_text(SETTINGS)
    (folder / "sources.toml").write_text(SOURCES)
    (folder / "suppressions" / "bounced.toml").write_text(BLOCKED)
    for name, text in SEGMENTS.items():
        (folder / "segments" / f"{name}.toml").write_text(text)
