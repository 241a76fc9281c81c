"""Passwords: Argon2 hashes of them, and new ones for one use."""

from __future__ import annotations

import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

#: Argon2id with RFC 9106's parameters for little memory: 64 MiB a password.
_HASHER = PasswordHasher()

#: Two at a time, so that a burst of attempts takes neither the memory nor the processor.
_AT_ONCE = threading.Semaphore(2)

#: Letters and digits that nobody mistakes for each other.
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"

MINIMUM_LENGTH = 12


def hash_of(password: str) -> str:
    """The password's Argon2 hash with its salt and settings, which is what is kept of it."""
    with _AT_ONCE:
        return _HASHER.hash(password)


#: Checked where there is no user of that name, so that the answer takes as long.
_NOBODY = PasswordHasher().hash(secrets.token_hex(16))


def fits(password: str, hashed: str | None) -> bool:
    """Whether the password has that hash; without a hash no password fits, and it takes as long to say so."""
    with _AT_ONCE:
        try:
            _HASHER.verify(hashed or _NOBODY, password)
        except (Argon2Error, InvalidHashError):
            return False
    return hashed is not None


def one_time_password() -> str:
    """A random password that can be read out: four groups of four, 79 bits."""
    letters = [secrets.choice(_READABLE) for _ in range(16)]
    return "-".join("".join(letters[start : start + 4]) for start in range(0, 16, 4))
