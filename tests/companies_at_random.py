"""Small companies at random, full of what leaks: shared addresses, contradictions, erasures, lists that compete."""

from __future__ import annotations

import csv
import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DAY = "2024-06-30"
#: A network that folds Gmail addresses, one that does not, and one where a row is an identifier.
NETWORKS = ("google_ads", "meta", "snapchat")
EMAILS = (
    "jane.doe@gmail.com", "janedoe@gmail.com", "jane.doe+shop@gmail.com", "bob@example.org", "b.ob@example.org",
    "ann@staff.example", "cleo@example.org", "dan@example.org", "eve@gmail.com", "e.ve@gmail.com",
)  # fmt: skip
PHONES = tuple(f"+3361234560{digit}" for digit in range(8))

_COLUMNS = {
    "customers": "id,email,phone,first,country",
    "orders": "id,customer,time,amount,currency,status",
    "consents": "id,customer,address,purpose,network,status,time",
    "erasures": "id,customer,email,time",
    "bounced": "customer,address",
}
_SELECTS = {
    "customers": "id AS customer_id, email, phone, first AS first_name, country",
    "orders": "id AS order_id, customer AS customer_id, time AS ordered_at, amount, currency, status",
    "consents": "id AS record_id, customer AS customer_id, address, purpose, network, status, time AS captured_at",
    "erasures": "id AS request_id, time AS requested_at, customer AS customer_id, email",
}


@dataclass
class Crm:
    """A company's rows by table, and its segments: `least` orders, and whom they leave out."""

    tables: dict[str, list[dict[str, str]]] = field(default_factory=lambda: {table: [] for table in _COLUMNS})
    segments: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, table: str, *values: object) -> None:
        self.tables[table].append(dict(zip(_COLUMNS[table].split(","), map(str, values), strict=True)))

    def write(self, folder: Path) -> Path:
        """Write CSV files and config; where the config is."""
        config = folder / "config"
        for name in ("segments", "suppressions"):
            (config / name).mkdir(parents=True)
        sources = ['as_of = "last order"']
        for table, columns in _COLUMNS.items():
            with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, columns.split(","))
                writer.writeheader()
                writer.writerows(self.tables[table])
            sources.append(f'[sources.{table}]\nfiles = "../{table}.csv"')
        sources += [f'[tables.{table}]\nselect = "SELECT {select} FROM {table}"' for table, select in _SELECTS.items()]
        (config / "sources.toml").write_text("\n".join([*sources, "[tables.visits]\nabsent = true\n"]))
        (config / "relance.toml").write_text('currency = "EUR"\n[joining]\nshared_by_more_than = 60\n')
        (config / "suppressions" / "bounced.toml").write_text(
            'title = "Bounced"\nselect = "SELECT customer AS customer_id, address FROM bounced"\n'
        )
        (config / "suppressions" / "staff.toml").write_text('title = "Staff"\ndomains = ["staff.example"]\n')
        for name, segment in self.segments.items():
            (config / "segments" / f"{name}.toml").write_text(_declared(name, segment))
        return config


def _declared(name: str, segment: dict[str, Any]) -> str:
    fields = {
        "title": name,
        "public_name": f"club_{name}",
        "purpose": "test",
        "owner": "team:growth",
        "where": f"orders_count >= {segment['least']}",
        "networks": NETWORKS,
        **{key: segment[key] for key in ("exclude", "priority") if key in segment},
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in fields.items()]
    holdout = segment.get("holdout", {})
    lines += ["[holdout]", *(f"{key} = {json.dumps(value)}" for key, value in holdout.items())] if holdout else []
    return "\n".join(lines) + "\n"


def random_company(seed: int) -> Crm:
    draw, crm = random.Random(seed), Crm()  # noqa: S311
    for number in range(45):
        # Nobody's first name is another's, so no two records are one person.
        first = "".join(chr(97 + int(digit)) for digit in f"{number:02}") + "na"
        email = draw.choice([*EMAILS, "none@none.com", "no address", "", ""])
        email = draw.choice([email, email.upper(), f" {email}"])
        crm.add("customers", f"k{number}", email, draw.choice([*PHONES, "", ""]), first, draw.choice(["FR", "US", ""]))
        for order in range(draw.randrange(4)):
            crm.add("orders", f"o{number}.{order}", f"k{number}", f"{DAY} 10:00:00", "10.00", "EUR", "completed")
    crm.add("orders", "last", "k0", f"{DAY} 10:00:00", "1.00", "EUR", "cancelled")
    for number in range(220):
        named = draw.choice([*(f"k{place}" for place in range(45)), *EMAILS, *PHONES])
        record, address = (named, "") if named.startswith("k") else ("", named)
        purpose = draw.choice(["ads_upload"] * 5 + ["ads_personalization"] * 5 + ["profiling", "email_marketing"])
        status = draw.choice(["granted"] * 25 + ["denied", "withdrawn", "unknown", "pending"])
        network = draw.choice(["", "", "", *NETWORKS])
        time = f"2024-01-{1 + number // 60:02} 10:{number % 60:02}:00"
        crm.add("consents", f"c{number}", record, address, purpose, network, status, time)
    for number in range(draw.randrange(4)):
        named = draw.choice([f"k{draw.randrange(45)}", draw.choice(EMAILS)])
        record, address = (named, "") if named.startswith("k") else ("", named)
        crm.add("erasures", f"e{number}", record, address, "2024-06-01 10:00:00")
    for _ in range(draw.randrange(4)):
        named = draw.choice([f"k{draw.randrange(45)}", draw.choice(EMAILS), draw.choice(PHONES)])
        crm.add("bounced", *((named, "") if named.startswith("k") else ("", named)))
    for place, name in enumerate(names := ["few", "some", "many"]):
        segment: dict[str, Any] = {"least": draw.randrange(3)}
        if later := names[place + 1 :]:
            segment["exclude"] = draw.sample(later, draw.randrange(len(later) + 1))
        if draw.random() < 0.6:
            segment["priority"] = place * draw.choice([1, -1])
        if draw.random() < 0.6:
            segment["holdout"] = {"share": draw.choice(["20%", "55.5%"]), **draw.choice([{}, {"name": "autumn"}])}
        crm.segments[name] = segment
    return crm
