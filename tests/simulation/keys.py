"""What a network identifies people by, made of their addresses by its published rules and by nothing of relance."""

from __future__ import annotations

import hashlib
from functools import cache

#: What each network asks of people in France, and how it spells an e-mail and a phone before it hashes them.
PURPOSES = {"meta": ("ads_upload",), "google_ads": ("ads_upload", "ads_personalization")}
#: What identifies somebody to a network: which of its keys, and the value in its file.
Key = tuple[str, str]


@cache
def key_of(network: str, address: str) -> Key:
    """The key that the network makes of an address, by its published rules."""
    if "@" not in address:
        e164 = "+33" + address[1:]
        return "phone", _sha256(e164 if network == "google_ads" else e164[1:])
    local, host = address.split("@")
    if network == "google_ads" and host == "gmail.com":
        local = local.replace(".", "")
    return "email", _sha256(f"{local}@{host}")


def name_key_of(first: str, last: str, postcode: str) -> Key:
    """The key that Google makes of somebody's names and French postal code: two hashes, and what it wants plain."""
    return "address", "\t".join((_sha256(first.lower()), _sha256(last.lower()), "FR", postcode))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
