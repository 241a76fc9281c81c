"""Words for nothing, and their hashes, which a tool makes that does not look whether a column says anything."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache

import polars as pl

from schemas.identifiers import Hash

HASHES: tuple[Hash, ...] = ("sha256", "sha256_base64", "md5", "sha1", "sha256_of_md5")
#: What exports and clerks write where nothing is known, in whatever case; `\N` is a database's. None is anybody's name,
#: as Guest, Gast and Test are.
WORDS_FOR_NOTHING = (
    "null", "none", "nan", "n/a", "undefined", r"\n",
    "unknown", "unbekannt", "inconnu", "inconnue", "desconocido", "desconocida", "sconosciuto", "sconosciuta",
    "onbekend", "desconhecido", "desconhecida", "okänd", "ukendt", "ukjent", "nieznany", "nieznana", "tuntematon",
    "not set", "not provided", "no name", "sans nom", "keine angabe", "nicht angegeben", "non renseigné",
)  # fmt: skip
_SPELT = ("", " ", "NaN", *(spelt for word in WORDS_FOR_NOTHING for spelt in (word, word.upper(), word.capitalize())))


@cache
def hashes_of_nothing(how: Hash) -> pl.Series:
    """What the hash makes of words for nothing, and of their hashes: as one list, with which a column is compared."""
    twice = [digest_of(digest_of(text, once), how) for text in _SPELT for once in HASHES]
    return pl.Series([*(digest_of(text, how) for text in _SPELT), *twice], dtype=pl.String).implode()


def digest_of(text: str, how: Hash) -> str:
    """The hash of one text, as `hashes.hashed` makes it of many."""
    content = text.encode()
    match how:
        case "md5":
            return hashlib.md5(content, usedforsecurity=False).hexdigest()
        case "sha1":
            return hashlib.sha1(content, usedforsecurity=False).hexdigest()
        case "sha256_of_md5":
            return hashlib.sha256(hashlib.md5(content, usedforsecurity=False).hexdigest().encode()).hexdigest()
        case "sha256_base64":
            return b64encode(hashlib.sha256(content).digest()).decode()
        case _:
            return hashlib.sha256(content).hexdigest()
