"""Real data sets: each ledger, and each file, against a second count, in plain Python over the companies' own files."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import duckdb
import phonenumbers
import pytest

from catalog.home import Home
from catalog.store import open_catalog
from schemas.network import networks
from schemas.uploads import Ledger, Manifest
from tests.conftest import ROOT, SHARED
from tests.nights import night
from tests.pipelines.uploads.helpers import of_any_size

DATA = SHARED / "data"
CONFIGS = ROOT / "tests" / "companies"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the data sets are not in {DATA}")

#: Where Google needs a consent that these companies' owners do not assume: of the names that stand in the files.
EUROPE = {
    "", "Austria", "Belgium", "Bulgaria", "Cyprus", "Czech Republic", "Denmark", "EIRE", "Estonia", "Finland", "France",
    "Germany", "Greece", "Hungary", "Iceland", "Ireland", "Italy", "Latvia", "Liechtenstein", "Lithuania", "Malta",
    "Netherlands", "Norway", "Poland", "Portugal", "Romania", "Slovakia", "Spain", "Sweden", "Switzerland",
    "United Kingdom", "DE",
    "French Guiana",  # a part of the Union with a code of its own
    "Channel Islands", "Runion", "Yugoslavia",  # no country, and unknown countries count as Europe
}  # fmt: skip


class Customer(NamedTuple):
    """A person, of whom there is one record: no two in these files share an address."""

    email: str
    country: str
    #: Amounts of completed orders.
    paid: tuple[Decimal, ...]
    #: As the CRM has it, with its country's prefix.
    phone: str = ""
    #: What they say of e-mail.
    word: str = ""

    def keys(self) -> dict[str, str]:
        email = self.email.strip().lower()
        found = {"email": email} if re.fullmatch(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", email) else {}
        if self.phone.startswith("+"):
            number = phonenumbers.parse(self.phone)
            if phonenumbers.is_valid_number(number):
                found["phone"] = f"{number.country_code}{number.national_number}"
        return found

    def refusal(self, network: str) -> str | None:
        if self.word not in {"", "granted"}:
            return "no_consent_to_ads_upload"
        if network == "google_ads" and self.country in EUROPE:
            return "no_consent_to_ads_personalization"
        return None


def rows(file: str) -> Iterator[dict[str, str]]:
    with (DATA / file).open(encoding="utf-8-sig", newline="") as text:
        yield from csv.DictReader(text)


def by_customer(paid: Iterable[tuple[str, str | Decimal]]) -> dict[str, tuple[Decimal, ...]]:
    found: dict[str, list[Decimal]] = defaultdict(list)
    for customer, amount in paid:
        found[customer].append(Decimal(amount))
    return defaultdict(tuple, {customer: tuple(amounts) for customer, amounts in found.items()})


def chinook() -> list[Customer]:
    paid = by_customer((row["CustomerId"], row["Total"]) for row in rows("chinook/Invoice.csv"))
    return [
        Customer(row["Email"], row["Country"], paid[row["CustomerId"]], row["Phone"])
        for row in rows("chinook/Customer.csv")
    ]


def sakila() -> list[Customer]:
    cities = {row["city_id"]: row["country_id"] for row in rows("sakila/city.csv")}
    countries = {row["country_id"]: row["country"] for row in rows("sakila/country.csv")}
    addresses = {row["address_id"]: countries[cities[row["city_id"]]] for row in rows("sakila/address.csv")}
    payments = chain.from_iterable(rows(f"sakila/payment_p2007_0{month}.csv") for month in range(1, 7))
    paid = by_customer((row["customer_id"], row["amount"]) for row in payments)
    return [
        Customer(row["email"], addresses[row["address_id"]], paid[row["customer_id"]])
        for row in rows("sakila/customer.csv")
    ]


def grouparoo() -> list[Customer]:
    purchases = [row for row in rows("grouparoo_demo/purchases.csv") if row["state"] == "successful"]
    paid = by_customer((row["user_id"], row["price"]) for row in purchases)
    users = [row for row in rows("grouparoo_demo/users.csv") if row["deactivated"] == "false"]
    return [Customer(row["email"], "", paid[row["id"]]) for row in users]


def cdnow() -> list[Customer]:
    paid = by_customer((row["customer_id"], row["amount"]) for row in rows("cdnow/cdnow_sample.csv"))
    return [Customer("", "", amounts) for amounts in paid.values()]


def jaffle_shop() -> list[Customer]:
    cents: dict[str, int] = defaultdict(int)
    for row in rows("jaffle_shop_classic/raw_payments.csv"):
        cents[row["order_id"]] += int(row["amount"])
    kept = [row for row in rows("jaffle_shop_classic/raw_orders.csv") if row["status"] != "returned"]
    paid = by_customer((row["user_id"], Decimal(cents[row["id"]]) / 100) for row in kept)
    return [Customer("", "", paid[row["id"]]) for row in rows("jaffle_shop_classic/raw_customers.csv")]


def oracle_co() -> list[Customer]:
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows("oracle_co/order_items.csv"):
        amounts[row["order_id"]] += Decimal(row["unit_price"]) * int(row["quantity"])
    complete = [row for row in rows("oracle_co/orders.csv") if row["order_status"] == "COMPLETE"]
    paid = by_customer((row["customer_id"], amounts[row["order_id"]]) for row in complete)
    return [Customer(row["email_address"], "", paid[row["customer_id"]]) for row in rows("oracle_co/customers.csv")]


def online_retail() -> list[Customer]:
    """The last nine days; what a cancelled invoice gives back is no order, and makes the revenue smaller."""
    found = duckdb.sql(
        "SELECT CustomerID, any_value(Country), InvoiceNo, "
        "sum((Quantity * UnitPrice::DECIMAL(18, 3))::DECIMAL(18, 2))::VARCHAR "
        f"FROM '{DATA / 'online_retail' / 'online_retail.parquet'}' "
        "WHERE CustomerID IS NOT NULL AND InvoiceDate >= '2011-12-01' GROUP BY CustomerID, InvoiceNo"
    ).fetchall()
    paid = by_customer((customer, amount) for customer, _, _, amount in found)
    countries = {customer: country for customer, country, _, _ in found}
    return [Customer("", country, paid[customer]) for customer, country in countries.items()]


def fivetran() -> list[Customer]:
    """Eight CRMs; of the orders only those in dollars that somebody paid and nobody took back."""
    addresses = rows("fivetran/shopify/shopify_gql_customer_address_data.csv")
    countries = {row["customer_id"]: row["country_code"] for row in addresses}
    paid = by_customer(
        (row["customer_id"], row["total_price_set_shop_amount"])
        for row in rows("fivetran/shopify/shopify_gql_order_data.csv")
        if not row["cancelled_at"].strip() and row["test"] == "FALSE"
    )
    words = {"SUBSCRIBED": "granted", "subscribed": "granted"}
    members = {row["id"]: row for row in rows("fivetran/mailchimp/member.csv")}.values()
    stripe = [row for row in rows("fivetran/stripe/customer_data.csv") if row["is_deleted"] == "FALSE"]
    return [
        *(Customer(row["property_email"], "", ()) for row in rows("fivetran/hubspot/contact_data.csv")),
        *(
            Customer(row["email"], row["mailing_country_code"], ())
            for row in rows("fivetran/salesforce/sf_contact_data.csv")
        ),
        *(Customer(row["email"], row["country_code"], ()) for row in rows("fivetran/salesforce/sf_lead_data.csv")),
        *(Customer(row["email"], "", ()) for row in rows("fivetran/shopify/shopify_customer_data.csv")),
        *(
            Customer(
                row["email"],
                countries[row["id"]],
                paid[row["id"]],
                word=words.get(row["email_marketing_consent_state"], "no"),
            )
            for row in rows("fivetran/shopify/shopify_gql_customer_data.csv")
        ),
        *(Customer(row["email"], row["address_country"], ()) for row in stripe),
        *(
            Customer(
                row["email"], row["country"], (), row["phone_number"], "no" if row["custom_accepts_marketing"] else ""
            )
            for row in rows("fivetran/klaviyo/person.csv")
        ),
        *(
            Customer(row["email_address"], row["country_code"], (), word=words.get(row["status"], "no"))
            for row in members
        ),
        *(Customer(row["email"], "", ()) for row in rows("fivetran/marketo/marketo_lead_data.csv")),
        *(Customer(row["email"], "", ()) for row in rows("fivetran/iterable/user_history_data.csv")),
    ]


#: By config: the plain count, and the day of the newest order.
COMPANIES: dict[str, tuple[Callable[[], list[Customer]], str]] = {
    "chinook_csv": (chinook, "2025-12-22"),
    "chinook_sqlite": (chinook, "2025-12-22"),
    "sakila": (sakila, "2007-05-14"),
    "grouparoo": (grouparoo, "2024-01-01"),
    "cdnow": (cdnow, "1998-06-30"),
    "jaffle_shop": (jaffle_shop, "2018-04-09"),
    "oracle_co": (oracle_co, "2022-04-12"),
    "online_retail": (online_retail, "2011-12-09"),
    "fivetran": (fivetran, "2025-07-18"),
}


def best_third(customers: list[Customer]) -> list[Customer]:
    """Those who ordered, and of the others who did at most 34 of 100 paid more."""
    revenues = {place: sum(each.paid) for place, each in enumerate(customers) if any(paid >= 0 for paid in each.paid)}
    ranked = list(revenues.values())
    return [
        customers[place]
        for place, revenue in revenues.items()
        if 100 * sum(other > revenue for other in ranked) <= 34 * (len(ranked) - 1)
    ]


def run(config: Path, home: Home, day: str) -> dict[tuple[str, str], tuple[Ledger, str | None]]:
    """By network and segment, the ledger and the version, of a night whose networks take lists of any size."""
    of_one_row = {name: of_any_size(networks()[name].allowing(())) for name in ("meta", "google_ads")}
    with patch("schemas.config.networks", lambda: of_one_row):
        night(config, home.root, day)
    with open_catalog(home) as catalog:
        last = catalog.last_night()
        assert last is not None
        return {
            (row["network"], row["segment"]): (Ledger.model_validate(row["ledger"]), row["version"])
            for row in catalog.outcomes_of_night(last["night"])
        }


@pytest.mark.parametrize("company", COMPANIES)
def test_the_ledgers_and_files_of_a_real_company_are_those_of_a_plain_count(company: str, tmp_path: Path) -> None:
    count, day = COMPANIES[company]
    customers, home = count(), Home.at(tmp_path / "home")
    emails = [email for each in customers if (email := each.keys().get("email"))]
    assert len(set(emails)) == len(emails)

    outcomes = run(CONFIGS / company, home, day)

    assert len(outcomes) == 4
    for (network, segment), (ledger, version) in outcomes.items():
        refused = {key for each in customers if each.refusal(network) for key in each.keys().items()}
        members = customers if segment == "everyone" else best_third(customers)
        dropped: dict[str, int] = defaultdict(int)
        shown: list[dict[str, str]] = []
        for each in members:
            left = dict(each.keys().items() - refused)
            reason = each.refusal(network) or ("key_refused" if each.keys() else "no_usable_identifier") * (not left)
            if reason:
                dropped[reason] += 1
            else:
                shown.append(left)
        where = f"{company} {network}/{segment}"
        assert ledger.segment_people == len(members), where
        assert {reason: lost for reason, lost in ledger.dropped.items() if lost} == dropped, where
        assert ledger.file_people == ledger.file_rows == len(shown), where
        for name in ("email", "phone") if company != "sakila" else ("email",):
            held = ledger.identifiers[name]
            assert held.people == sum(name in keys for keys in shown), where
            assert held.people + sum(held.lost.values()) == len(shown), where
        assert (version is not None) == bool(shown), where
        if version is not None:
            manifest, published = read(home, network, segment, version)
            assert published == {hashlib.sha256(keys["email"].encode()).hexdigest() for keys in shown}, where
            assert "ads upload assumed granted" in " ".join(manifest.assumptions)


def read(home: Home, network: str, segment: str, version: str) -> tuple[Manifest, set[str]]:
    """A version's manifest, and the e-mails of its full file."""
    (folder,) = home.outbox.glob(f"{network}/*/{segment}/{version}")
    (file,) = folder.glob("*.full.csv")
    with file.open(encoding="utf-8", newline="") as text:
        lines = list(csv.reader(text))
    manifest = Manifest.model_validate(json.loads((folder / "manifest.json").read_text(encoding="utf-8")))
    return manifest, {line[0] for line in lines[1:]} - {""}


def test_a_company_without_consents_and_without_an_assumption_publishes_nothing(tmp_path: Path) -> None:
    config, home = shutil.copytree(CONFIGS / "chinook_csv", tmp_path / "config"), Home.at(tmp_path / "home")
    (config / "relance.toml").write_text('currency = "USD"\n', encoding="utf-8")
    sources = (config / "sources.toml").read_text(encoding="utf-8").replace("../../../../shared/data", str(DATA))
    (config / "sources.toml").write_text(sources, encoding="utf-8")

    outcomes = run(config, home, "2025-12-22")

    assert {version for _, version in outcomes.values()} == {None}
    assert outcomes["meta", "everyone"][0].dropped["no_consent_to_ads_upload"] == 59
    assert not list(home.outbox.rglob("*.csv"))
