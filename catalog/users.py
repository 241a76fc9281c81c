"""Who may use the page: names, roles, hashed passwords. The audit log says who added, changed and removed whom."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, get_args

import sqlalchemy as sa

from catalog.database import METADATA, UtcTime, now
from catalog.passwords import MINIMUM_LENGTH, fits, hash_of, one_time_password
from schemas.errors import UserError
from schemas.portal import Role, User
from schemas.said import Said

if TYPE_CHECKING:
    from catalog.store import Catalog

USERS = sa.Table(
    "users",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("password", sa.Text, nullable=False),
    sa.Column("one_time_password", sa.Boolean, nullable=False),
    #: SHA-256 of what a proxy or an OpenID provider calls the user, where that is not the name.
    sa.Column("known_as", sa.Text, unique=True),
    sa.Column("created_at", UtcTime, nullable=False),
    #: A session that began earlier has ended: the password was changed.
    sa.Column("sessions_since", UtcTime, nullable=False),
)

#: They stand in the audit log, which takes no address.
_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,39}")


def users(catalog: Catalog) -> list[User]:
    """Everybody, by name."""
    with catalog.reading() as connection:
        rows = connection.execute(sa.select(USERS).order_by(USERS.c.name)).mappings()
        return [user_of(row) for row in rows]


def user_of(row: sa.RowMapping) -> User:
    """The user that a row of `users` holds."""
    return User(
        name=row["name"],
        roles=frozenset(row["roles"]),
        one_time_password=row["one_time_password"],
        created_at=row["created_at"],
    )


def add_user(catalog: Catalog, name: str, roles: Iterable[str], known_as: str | None = None) -> str:
    """Let somebody use the page; their one-time password.

    `known_as` is what the proxy or OpenID provider calls them, if not `name`; only its hash is kept.

    Raises:
        UserError: the name is taken or no name, or a role does not exist; or a proxy or OpenID provider that calls them
            so means somebody else.
    """
    _check_name(name)
    wanted = _checked_roles(roles)
    password = one_time_password()
    row = {"name": name, "roles": wanted, "password": hash_of(password), "one_time_password": True}
    with catalog.recording("user_added", f"user:{name}", {"roles": ".".join(wanted)}) as connection:
        if _row(connection, name) is not None:
            msg = Said("There is a user {name} already. `relance users` lists them.", name=name)
            raise UserError(msg)
        _check_known_as(connection, name, known_as or name)
        times = {"created_at": now(), "sessions_since": now()}
        connection.execute(sa.insert(USERS).values(**row, **times, known_as=known_as and digest_of(known_as)))
    return password


def add_first_admin(catalog: Catalog) -> str | None:
    """The one-time password of a new user `admin`, if there is nobody yet; None if there is somebody."""
    if users(catalog):
        return None
    try:
        return add_user(catalog, "admin", ["admin"])
    except UserError:
        # Another process that starts has done so meanwhile.
        return None


def set_roles(catalog: Catalog, name: str, roles: Iterable[str]) -> None:
    """Give the user these roles and no others.

    Raises:
        UserError: there is no such user or role, or the user is the last who manages users.
    """
    wanted = _checked_roles(roles)
    with catalog.recording("user_changed", f"user:{name}", {"roles": ".".join(wanted)}) as connection:
        before = _existing(connection, name)
        connection.execute(sa.update(USERS).where(USERS.c.name == name).values(roles=wanted))
        _check_admin_left(connection, before)


def remove_user(catalog: Catalog, name: str) -> None:
    """Let somebody use the page no longer; what they did stays in the audit log.

    Raises:
        UserError: there is no such user, or it is the last who manages users.
    """
    with catalog.recording("user_removed", f"user:{name}") as connection:
        before = _existing(connection, name)
        connection.execute(sa.delete(USERS).where(USERS.c.name == name))
        _check_admin_left(connection, before)


def reset_password(catalog: Catalog, name: str) -> str:
    """A new one-time password; the old one no longer fits, and the user's sessions end.

    Raises:
        UserError: there is no such user.
    """
    password = one_time_password()
    _set_password(catalog, name, password, one_time=True)
    return password


def change_password(catalog: Catalog, name: str, password: str) -> None:
    """Let the user log in with the password they chose; their sessions end.

    Raises:
        UserError: it is too short.
    """
    if len(password) < MINIMUM_LENGTH:
        msg = Said("A password has at least {n} characters. Three unrelated words do.", n=MINIMUM_LENGTH)
        raise UserError(msg)
    _set_password(catalog, name, password, one_time=False)


def user_with_password(catalog: Catalog, name: str, password: str) -> User | None:
    """The user whom name and password fit."""
    with catalog.reading() as connection:
        row = _row(connection, name)
    hashed = row["password"] if row is not None else None
    return user_of(row) if fits(password, hashed) and row is not None else None


def user_known_as(catalog: Catalog, claimed: str) -> User | None:
    """The user whom a proxy or an OpenID provider calls that."""
    with catalog.reading() as connection:
        by_name = (USERS.c.name == claimed) & USERS.c.known_as.is_(None)
        query = sa.select(USERS).where((USERS.c.known_as == digest_of(claimed)) | by_name)
        row = connection.execute(query).mappings().first()
    return None if row is None else user_of(row)


def digest_of(text: str) -> str:
    """The text's SHA-256, by which it is looked for where the text itself is not kept."""
    return hashlib.sha256(text.encode()).hexdigest()


def _set_password(catalog: Catalog, name: str, password: str, *, one_time: bool) -> None:
    row = {"password": hash_of(password), "one_time_password": one_time, "sessions_since": now()}
    with catalog.recording("user_changed", f"user:{name}", {"password": "new"}) as connection:
        _existing(connection, name)
        connection.execute(sa.update(USERS).where(USERS.c.name == name).values(**row))


def _row(connection: sa.Connection, name: str) -> sa.RowMapping | None:
    return connection.execute(sa.select(USERS).where(USERS.c.name == name)).mappings().first()


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        # It may be somebody's address, so it is not repeated.
        msg = Said(
            "This is no user name: it begins with a lower-case letter and has up to 40 letters, digits, "
            "dots, hyphens and underscores. It stands in the audit log, so it is no e-mail address."
        )
        raise UserError(msg)


def _check_known_as(connection: sa.Connection, name: str, known_as: str) -> None:
    """Whom a proxy or an OpenID provider names must be one user."""
    claimed = USERS.c.known_as.in_([digest_of(name), digest_of(known_as)]) | (USERS.c.name == known_as)
    other = connection.execute(sa.select(USERS.c.name).where(claimed)).scalar()
    if other is not None:
        # It may be somebody's address, so it is not repeated.
        says = "That is already what a proxy or OpenID provider calls {other}. `relance users` lists everybody."
        raise UserError(Said(says, other=other))


def _existing(connection: sa.Connection, name: str) -> User:
    _check_name(name)
    row = _row(connection, name)
    if row is None:
        msg = Said("There is no user {name}. `relance users` lists them.", name=name)
        raise UserError(msg)
    return user_of(row)


def _checked_roles(roles: Iterable[str]) -> list[str]:
    known = get_args(Role)
    wanted = [role for role in known if role in set(roles)]
    unknown = sorted(set(roles) - set(known))
    if unknown or not wanted:
        msg = Said("A user has one or more of the roles {known}.", known=", ".join(known))
        if unknown:
            says = "A user has one or more of the roles {known}; not {unknown}."
            msg = Said(says, known=", ".join(known), unknown=repr(unknown[0]))
        raise UserError(msg)
    return wanted


def _check_admin_left(connection: sa.Connection, before: User) -> None:
    """Refuse what was done to the user, by what they were `before`, if it has taken the last admin away."""
    left = any("admin" in roles for (roles,) in connection.execute(sa.select(USERS.c.roles)))
    if "admin" in before.roles and not left:
        msg = Said("Nobody would be left who manages users. Make somebody else an admin first.")
        raise UserError(msg)
