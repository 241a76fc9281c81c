"""Short texts that only a holder of a secret key can read, as the few of the identity key that the catalog must keep.

Fernet: AES-128 in CBC mode with HMAC-SHA-256; its key is derived from the secret one with HKDF.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: What of requests to be forgotten is sealed for.
_RECORDS = "relance erasure records"


def sealed(text: str, identity_key: str) -> str:
    """The text, encrypted; another result each time."""
    return fernet(identity_key, _RECORDS).encrypt(text.encode()).decode()


def unsealed(token: str, identity_key: str) -> str:
    """The text that was sealed.

    Raises:
        cryptography.fernet.InvalidToken: it was sealed with another key, or changed.
    """
    return fernet(identity_key, _RECORDS).decrypt(token.encode()).decode()


def fernet(key: str, purpose: str) -> Fernet:
    """What seals for a purpose; nothing sealed for another one is read. The key is one of ours, in hexadecimal."""
    derived = HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(bytes.fromhex(key))
    return Fernet(base64.urlsafe_b64encode(derived))
