"""Short texts that only a holder of the identity key can read, for the few that the catalog must keep.

Fernet: AES-128 in CBC mode with HMAC-SHA-256; its key is derived from the identity key with HKDF.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def sealed(text: str, identity_key: str) -> str:
    """The text, encrypted; another result each time."""
    return _fernet(identity_key).encrypt(text.encode()).decode()


def unsealed(token: str, identity_key: str) -> str:
    """The text that was sealed.

    Raises:
        cryptography.fernet.InvalidToken: it was sealed with another key, or changed.
    """
    return _fernet(identity_key).decrypt(token.encode()).decode()


def _fernet(identity_key: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"relance erasure records").derive(bytes.fromhex(identity_key))
    return Fernet(base64.urlsafe_b64encode(derived))
