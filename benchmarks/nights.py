"""The first night of a large CRM, and the second: of a hundred customers and orders one changed, and an order came.

`python -m benchmarks.nights [CUSTOMERS]`, of ten million where none is said.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from benchmarks.bench import measured, two_networks
from catalog.home import Environment

#: What we hold ourselves to.
CUSTOMERS, MOST_RATIO, MOST_GIGABYTES, MOST_SECOND = 10_000_000, 4.0, 6.0, 1 / 3

_BIN = Path(sys.executable).parent
#: One in a hundred, and not the same ones in both tables.
_CHANGED = "hash({}) % 100 = 7"


def _second_export(first: Path, second: Path) -> None:
    """The CRM a day later: some customers have another e-mail, some orders were corrected, and as many came."""
    shutil.rmtree(second, ignore_errors=True)
    second.mkdir(parents=True)
    for name in ("consents", "visits", "erasures"):
        (second / f"{name}.csv").symlink_to(first / f"{name}.csv")
    connection = duckdb.connect()
    tables = {name: f"read_csv('{first / name}.csv', all_varchar = true)" for name in ("customers", "orders")}
    moved = f"CASE WHEN {_CHANGED.format('customer_id')} THEN 'moved.' || email ELSE email END AS email"
    corrected = f"CASE WHEN {_CHANGED.format('order_no')} THEN '12.50' ELSE total END AS total"
    late = "'late' || order_no AS order_no, strftime(last + INTERVAL 1 DAY, '%Y-%m-%d %H:%M:%S') AS placed"
    last = "SELECT max(placed)::TIMESTAMP AS last"
    connection.execute(f"COPY (SELECT * REPLACE ({moved}) FROM {tables['customers']}) TO '{second / 'customers.csv'}'")
    connection.execute(
        f"COPY (SELECT * REPLACE ({corrected}) FROM {tables['orders']} UNION ALL "
        f"SELECT * EXCLUDE (last) REPLACE ({late}) FROM {tables['orders']}, ({last} FROM {tables['orders']}) "
        f"WHERE {_CHANGED.format('customer')}) TO '{second / 'orders.csv'}'"
    )


def main() -> None:
    """Make the data once, measure the floor and both nights; exit 1 if they are above what we hold ourselves to."""
    customers = int(sys.argv[1]) if len(sys.argv) > 1 else CUSTOMERS
    out = Console(width=100, highlight=False)
    root = Environment().home.resolve() / "bench" / f"nights-{customers}"
    samples, home = (root / "first", root / "second"), root / "home"
    if not (samples[1] / "orders.csv").exists():
        measured([str(_BIN / "relance"), "sample", str(samples[0]), "--customers", str(customers)])
        _second_export(*samples)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    floor = measured([sys.executable, "-m", "benchmarks.floor", str(samples[0]), str(root / "floor")])
    run = [str(_BIN / "relance"), "run", "--home", str(home), "--config", str(two_networks(root / "config"))]
    nights = []
    for sample in samples:
        (home / "sample").unlink(missing_ok=True)
        (home / "sample").symlink_to(sample)
        nights.append(measured(run))
    first, second = nights
    table = Table("", "seconds", "peak GB")
    for name, night in (("floor", floor), ("first night", first), ("second night", second)):
        table.add_row(name, f"{night.seconds:.1f}", f"{night.gigabytes:.2f}")
    out.print(table)
    ratio, share = first.seconds / floor.seconds, second.seconds / first.seconds
    peak = max(first.gigabytes, second.gigabytes)
    out.print(
        f"{customers:,} customers: ratio {ratio:.2f} (at most {MOST_RATIO}), peak {peak:.2f} GB (at most "
        f"{MOST_GIGABYTES}), second night {share:.2f} of the first (at most {MOST_SECOND:.2f})."
    )
    shutil.rmtree(home)
    raise SystemExit(ratio > MOST_RATIO or peak > MOST_GIGABYTES or share > MOST_SECOND)


if __name__ == "__main__":
    main()
