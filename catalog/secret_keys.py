"""The three secret keys: one for the warehouse, one for identities, one for signatures.

Each is a file of the keys folder, or an environment variable RELANCE_<NAME>_KEY with the same text. They are
independent: the warehouse key can be exchanged, the identity key never, since person ids and tombstones rest on it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from catalog.home import Home
from schemas.errors import KeyFileError

#: Each key: 32 random bytes, written as hex.
NAMES = ("warehouse", "identity", "signing")


@dataclass(frozen=True)
class SecretKeys:
    """The three keys, as hex text. Never printed: the representation hides them."""

    warehouse: str
    identity: str
    signing: str

    def __repr__(self) -> str:
        return "SecretKeys(…)"

    @property
    def public_key(self) -> str:
        """The public half of the signing key, as hex."""
        return self._signing_key().public_key().public_bytes_raw().hex()

    def sign(self, message: bytes) -> str:
        """The Ed25519 signature of `message`, as hex."""
        return self._signing_key().sign(message).hex()

    def _signing_key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self.signing))


def signature_holds(public_key: str, message: bytes, signature: str) -> bool:
    """Whether `signature` (hex) over `message` was made with the private half of `public_key` (hex)."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def open_keys(home: Home, announce: Callable[[str], None] = lambda sentence: None) -> SecretKeys:
    """The home's keys; in a new home they are made, and `announce` gets one sentence about backups.

    Raises:
        KeyFileError: a key is malformed, or missing although the warehouse already exists.
    """
    found = {name: find_key(home, name) for name in NAMES}
    missing = [name for name, key in found.items() if key is None]
    if missing and (home.warehouse.exists() or home.catalog.exists()):
        msg = (
            f"{home.warehouse.parent} has data but its {' and '.join(missing)} key is not in {home.keys}. "
            f"Restore the file {missing[0]}.key from your backup, or set RELANCE_KEYS to the folder that holds it. "
            "No new key is made: the old data could never be read or recognised with it."
        )
        raise KeyFileError(msg)
    for name in missing:
        found[name] = _make(home, name)
    keys = SecretKeys(**{name: key for name, key in found.items() if key is not None})
    if not home.public_key.exists():
        home.create()
        home.public_key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        home.public_key.write_text(keys.public_key + "\n", encoding="ascii")
    if missing:
        announce(
            f"Made new secret keys in {home.keys}. Back them up apart from the rest of {home.root}: "
            "no backup may hold both, and without them the warehouse cannot be read."
        )
    return keys


def find_key(home: Home, name: str) -> str | None:
    variable = f"RELANCE_{name.upper()}_KEY"
    path = home.keys / f"{name}.key"
    if variable in os.environ:
        text, place = os.environ[variable], variable
    elif path.exists():
        text, place = path.read_text(encoding="ascii", errors="replace"), str(path)
    else:
        return None
    key = text.strip()
    if len(key) != 64 or not set(key) <= set("0123456789abcdef"):
        msg = f"{place} does not hold a key: expected 64 hexadecimal digits. Restore it from your backup."
        raise KeyFileError(msg)
    return key


def _make(home: Home, name: str) -> str:
    home.create()
    home.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = secrets.token_hex(32)
    descriptor = os.open(home.keys / f"{name}.key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key + "\n")
    return key
