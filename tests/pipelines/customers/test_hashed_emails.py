"""A record with the digest of an e-mail and one with the e-mail are of one person."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.conftest import Company
from tests.nights import night


@pytest.mark.parametrize("how", ["sha256", "sha1", "md5"])
def test_a_digest_of_somebodys_email_is_theirs(company: Company, tmp_path: Path, how: str) -> None:
    """One person has both records, though networks that take the address would never see the digest."""
    text = (company.config / "sources.toml").read_text(encoding="utf-8")
    prehashed = f'[tables.customers]\nprehashed = {{email = "{how}"}}'
    company.declare("sources.toml", text.replace("[tables.customers]", prehashed))
    for name in ("hana", "ito"):
        email = f"{name}@example.net"
        for record, given in (("plain", email), ("hashed", hashlib.new(how, email.encode()).hexdigest())):
            company.append("customers", f"{name}-{record},{given},,,,,FR,2023-01-01 10:00:00\n")
            company.append("consents", f"c-{name}-{record},{name}-{record},granted,2023-01-01 10:00:00\n")
        company.append("orders", f"o-{name},{name}-plain,2024-01-01 12:00:00,10.00,EUR,completed\n")
    home = tmp_path / "home"
    night(company.config, home, "2024-06-30")
    hana, ito = hashlib.sha256(b"hana@example.net").hexdigest(), hashlib.sha256(b"ito@example.net").hexdigest()
    texts = [path.read_text(encoding="utf-8") for path in home.joinpath("outbox").rglob("2024-06-30.*/*.full.csv")]
    assert len(texts) > 1 and all(hana in text and ito in text for text in texts)
    company.append("consents", "w,hana-hashed,withdrawn,2024-01-01 10:00:00\n")
    night(company.config, home, "2024-07-01")
    texts = [path.read_text(encoding="utf-8") for path in home.joinpath("outbox").rglob("2024-07-01.*/*.full.csv")]
    assert len(texts) > 1 and not any(hana in text for text in texts) and all(ito in text for text in texts)
