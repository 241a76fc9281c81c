"""The three secret keys: one for the warehouse, one for identities, one for signatures.

Each is a file of the keys folder, or an environment variable RELANCE_<NAME>_KEY with the same text. They are
independent: the warehouse key can be exchanged, the identity key never, since person ids and tombstones rest on it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy.exc import DBAPIError

from catalog.belonging import check_keys
from catalog.database import database
from catalog.durable import sync, write_durably
from catalog.home import Home
from schemas.errors import CatalogError, KeyFileError
from schemas.uploads import Signature

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


def is_signed(message: bytes, signature: Signature | None, accepted: Iterable[str]) -> bool:
    """Whether there is a signature, and it was made with the private half of one of the `accepted` keys (hex)."""
    return signature is not None and any(signature_holds(key, message, signature.value) for key in accepted)


def open_keys(home: Home, announce: Callable[[str], None] = lambda sentence: None) -> SecretKeys:
    """The home's keys; in a new home they are made, and `announce` gets one sentence about backups.

    Raises:
        KeyFileError: a key is malformed, missing although the warehouse already exists, or another home's.
        CatalogError: the catalog is another home's, or cannot be opened.
    """
    found = {name: find_key(home, name) for name in NAMES}
    missing = [name for name, key in found.items() if key is None]
    if missing and has_data(home):
        names, files = _listed(missing), _listed([f"{name}.key" for name in missing])
        keys, what, it = ("keys are", "files", "them") if len(missing) > 1 else ("key is", "file", "it")
        here = home.warehouse.exists() or home.catalog_url is None
        place = str(home.root) if here else "The catalog that RELANCE_CATALOG names"
        msg = (
            f"{place} has data but its {names} {keys} not in {home.keys}. "
            f"Restore the {what} {files} from your backup, or set RELANCE_KEYS to the folder that holds {it}. "
            "No new key is made: the old data could never be read or recognised with it."
        )
        raise KeyFileError(msg)
    for name in missing:
        found[name] = _make(home, name)
    keys = SecretKeys(**{name: key for name, key in found.items() if key is not None})
    check_keys(home, keys.identity, accepted_keys(home, keys), keys.public_key)
    _publish(home, keys.public_key)
    if missing:
        announce(
            f"Made new secret keys in {home.keys}. Back them up apart from the rest of {home.root}: "
            "no backup may hold both, and without them the warehouse cannot be read."
        )
    return keys


def has_data(home: Home) -> bool:
    """Whether the home, or its catalog elsewhere, holds what only its keys read or recognise: it never gets new ones.

    An empty catalog is no data: the page and Dagster's daemon make an empty one before the first run.
    """
    return home.warehouse.exists() or (home.has_catalog and _has_rows(home, {"versions", "erasure_requests"}))


def _has_rows(home: Home, tables: set[str]) -> bool:
    try:
        with database(home) as engine, engine.connect() as connection:
            there = tables & set(sa.inspect(connection).get_table_names())
            # Those tables' modules are above this one.
            return any(connection.scalar(sa.select(sa.exists().select_from(sa.table(name)))) for name in there)
    except CatalogError:
        if home.catalog_url is not None:
            raise
        # Whatever this file is, it is not empty.
        return True
    except DBAPIError:
        return True


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def public_keys(home: Home) -> dict[str, str]:
    """The public keys whose signatures this home accepts, as hex, by file name: the present one, then older ones."""
    paths = [home.public_key, *sorted(home.keys.glob("signing-[0-9]*.pub"))]
    return {path.name: path.read_text("ascii", "replace").strip() for path in paths if path.exists()}


def accepted_keys(home: Home, keys: SecretKeys) -> set[str]:
    """The public keys that the home accepts, and that of its signing key, which may be new."""
    return {keys.public_key, *public_keys(home).values()}


def present_keys(home: Home) -> SecretKeys | None:
    """The home's keys, whether or not they are its own; None if one is missing.

    Raises:
        KeyFileError: a key is malformed.
    """
    found = {name: key for name in NAMES if (key := find_key(home, name)) is not None}
    return SecretKeys(**found) if len(found) == len(NAMES) else None


def rotate_signing_key(home: Home) -> None:
    """Make a new signing key; the public half of the old one stays, so that what it signed can be verified.

    Raises:
        KeyFileError: the key comes from the environment, or is not there.
    """
    check_rotatable(home, "signing")
    write_durably(key_path(home, "signing"), new_key() + "\n")
    # A kill before this leaves the old signing.pub, which the next opening replaces.
    open_keys(home)


def check_rotatable(home: Home, name: str) -> None:
    """Refuse to exchange a key that relance does not keep itself.

    Raises:
        KeyFileError: the key comes from the environment, or is not there.
    """
    variable = _variable(name)
    if variable in os.environ:
        how = {
            "warehouse": f"Write its text into {key_path(home, name)} (mode 600), unset the variable, rotate, then set "
            "the variable to the file's new text and delete the file.",
            "signing": "Set the variable to 64 new hexadecimal digits instead (`openssl rand -hex 32`): the next run "
            "keeps the old public key by itself.",
        }[name]
        msg = f"The {name} key comes from {variable}, which relance cannot change. {how} Nothing was changed."
        raise KeyFileError(msg)
    if find_key(home, name) is None:
        what = "The first run makes it." if not has_data(home) else "This home has data: restore it from your backup."
        msg = f"There is no {name} key in {home.keys}: nothing to rotate. {what}"
        raise KeyFileError(msg)


def key_path(home: Home, name: str) -> Path:
    return home.keys / f"{name}.key"


def place_of(home: Home, name: str) -> str | None:
    """Where the key comes from: its variable, else its file; None if it is nowhere."""
    if _variable(name) in os.environ:
        return _variable(name)
    return str(key_path(home, name)) if key_path(home, name).exists() else None


def new_key() -> str:
    return secrets.token_hex(32)


def find_key(home: Home, name: str) -> str | None:
    """The key as hex; None if it is nowhere.

    Raises:
        KeyFileError: what is there is no key.
    """
    place = place_of(home, name)
    if place is None:
        return None
    variable = _variable(name)
    text = os.environ[variable] if variable in os.environ else key_path(home, name).read_text("ascii", "replace")
    return read_key(text, place)


def read_key(text: str, place: str) -> str:
    """The key that `text` holds.

    Raises:
        KeyFileError: it holds none; `place` is named, the text is not.
    """
    key = text.strip()
    if len(key) != 64 or not set(key) <= set("0123456789abcdef"):
        msg = f"{place} does not hold a key: expected 64 hexadecimal digits. Restore it from your backup."
        raise KeyFileError(msg)
    return key


def _make(home: Home, name: str) -> str:
    home.create()
    home.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = key_path(home, name)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    # A power cut may not leave a warehouse behind without its key.
    write_durably(beside, new_key() + "\n")
    try:
        # Another process that starts at the same moment makes one too: the first that has the name stays.
        with suppress(FileExistsError):
            _name(beside, path)
    finally:
        beside.unlink()
    sync(home.keys)
    return read_key(path.read_text("ascii", "replace"), str(path))


def _name(beside: Path, path: Path) -> None:
    """Give the file beside the name `path`.

    Raises:
        FileExistsError: another has it.
    """
    try:
        os.link(beside, path)
    except FileExistsError:
        raise
    except OSError:
        # A file system without links. A kill in between leaves a file that holds no key, and is told so.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(beside.read_text("ascii"))
            file.flush()
            os.fsync(file.fileno())


def _publish(home: Home, public_key: str) -> None:
    """Let signing.pub hold the public key; an earlier one is kept beside it, as signing-1.pub and so on."""
    known = public_keys(home)
    earlier = known.pop(home.public_key.name, None)
    if earlier == public_key:
        return
    home.create()
    home.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    if earlier is not None and earlier not in known.values():
        numbers = [int(name.removeprefix("signing-").removesuffix(".pub")) for name in known]
        write_durably(home.keys / f"signing-{max(numbers, default=0) + 1}.pub", earlier + "\n")
    write_durably(home.public_key, public_key + "\n")


def _variable(name: str) -> str:
    return f"RELANCE_{name.upper()}_KEY"
