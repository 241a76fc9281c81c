"""What somebody refused by an address is theirs when the address goes, however the refusal names it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.conftest import Company
from tests.nights import night


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


#: What each customer has for an e-mail and a phone on the first night, and by what they refuse.
REFUSED = {
    "mailed": ("mailed@example.net,", md5("mailed@example.net")),
    "hashed": (f"{md5('hashed@example.net')},", "Hashed@example.net"),
    "second": ("second@example.net; beside@example.net,", "beside@example.net"),
    "beside": ("beside2@example.net; one@example.net,", md5("one@example.net")),
    "astray": ("astray@example.net,phone@example.net", "phone@example.net"),
    "worded": ("Ada <ada@example.net>,", "ada@example.net"),
    "dialled": ("dialled@example.net,+33612345699", md5("33612345699")),
    "moved": ("moved@example.net,", md5("moved@example.net")),
}
#: Of all but the last the address is nobody's on the next nights.
TAKER = "taker,moved@example.net,,,,,FR,2023-01-01 10:00:00\n"


def declare(company: Company) -> None:
    """E-mails may be digests; a statement names an address where its customer is no id."""
    text = (company.config / "sources.toml").read_text(encoding="utf-8")
    text = text.replace("[tables.customers]", '[tables.customers]\nprehashed = {email = "md5"}')
    whom = "CASE WHEN contains(customer, '@') OR strlen(customer) = 32 THEN customer END AS address, "
    company.declare(
        "sources.toml", text.replace("customer AS customer_id, unnest(", f"{whom}customer AS customer_id, unnest(")
    )


def test_a_refusal_by_a_digest_or_by_another_email_of_a_cell_outlives_the_address(
    company: Company, tmp_path: Path
) -> None:
    declare(company)
    path, home = company.folder / "customers.csv", tmp_path / "home"
    others = path.read_text(encoding="utf-8")
    before, after = others, others + TAKER
    for name, (held, refused) in REFUSED.items():
        before += f"{name},{held},,,,FR,2023-01-01 10:00:00\n"
        after += f"{name},new-{name}@example.net,,,,,FR,2023-01-01 10:00:00\n"
        company.append("orders", f"o-{name},{name},2024-01-01 12:00:00,10.00,EUR,completed\n")
        company.append("consents", f"g-{name},{name},granted,2022-01-01 10:00:00\n")
        company.append("consents", f"w-{name},{refused},withdrawn,2024-01-01 10:00:00\n")
    company.append("orders", "o-taker,taker,2024-01-01 12:00:00,10.00,EUR,completed\n")
    company.append("consents", "g-taker,taker,granted,2022-01-01 10:00:00\n")

    def sent(day: str) -> list[str]:
        night(company.config, home, day)
        *_, newest = sorted((home / "outbox" / "meta").rglob("*.full.csv"))
        text = newest.read_text(encoding="utf-8")
        emails = {name: f"new-{name}@example.net" for name in REFUSED} | {"taker": "moved@example.net"}
        digests = {name: hashlib.sha256(email.encode()).hexdigest() for name, email in emails.items()}
        return [name for name, digest in digests.items() if digest in text]

    path.write_text(before, encoding="utf-8")
    assert sent("2024-06-30") == []
    path.write_text(after, encoding="utf-8")
    # The last is long after the nights that are kept.
    for day in ("2024-07-01", "2024-07-02", "2024-09-15"):
        assert sent(day) == ["moved"]
    for name in REFUSED:
        company.append("consents", f"y-{name},new-{name}@example.net,granted,2024-06-01 10:00:00\n")
    assert sent("2024-09-16") == list(REFUSED)
