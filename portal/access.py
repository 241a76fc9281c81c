"""Who may do what: the one table of routes and roles, and its enforcement before any of them runs."""

from __future__ import annotations

from typing import Literal

from fastapi import Request

from portal.state import State, state_of
from portal.visitors import Visitor, visitor_of
from schemas.portal import Role

_EVERYBODY: frozenset[Role] = frozenset({"marketer", "engineer", "privacy", "admin"})
_UPLOADING: frozenset[Role] = frozenset({"marketer", "admin"})
_PRIVACY: frozenset[Role] = frozenset({"privacy"})
_ADMIN: frozenset[Role] = frozenset({"admin"})

#: Route → the roles of which one is needed; `public` needs no login. A route that is not here is refused to all.
ACCESS: dict[str, frozenset[Role] | Literal["public"]] = {
    "health": "public",
    "static": "public",
    "login": "public",
    "log_in": "public",
    "oidc_begin": "public",
    "oidc_end": "public",
    "language": "public",
    "log_out": _EVERYBODY,
    "password": _EVERYBODY,
    "change_password": _EVERYBODY,
    "today": _EVERYBODY,
    "audiences": _EVERYBODY,
    "audience": _EVERYBODY,
    "networks": _EVERYBODY,
    "network": _EVERYBODY,
    "nights": _EVERYBODY,
    "download": _UPLOADING,
    "download_all": _UPLOADING,
    "file": _UPLOADING,
    "confirm": _UPLOADING,
    "unconfirm": _UPLOADING,
    "report": _UPLOADING,
    "unreport": _UPLOADING,
    "report_failure": _UPLOADING,
    "privacy": _PRIVACY,
    "certificate": _PRIVACY,
    "certificate_file": _PRIVACY,
    "users": _ADMIN,
    "add_user": _ADMIN,
    "set_roles": _ADMIN,
    "reset_password": _ADMIN,
    "remove_user": _ADMIN,
}

#: What somebody with a one-time password may do before they have chosen their own.
_BEFORE_A_PASSWORD = {"password", "change_password", "log_out"}


class LoginNeededError(Exception):
    """Nobody is logged in."""


class PasswordNeededError(Exception):
    """A one-time password has to be replaced first."""


class ForbiddenError(Exception):
    """The user has no role for that."""


def permit(request: Request) -> None:
    """Let the request through if the route's roles include one of the user's.

    Raises:
        LoginNeededError: nobody is logged in.
        PasswordNeededError: the user has to choose a password first.
        ForbiddenError: none of their roles allows it.
    """
    state: State = state_of(request)
    route = request.scope["route"].name
    allowed = ACCESS.get(route, frozenset())
    visitor: Visitor | None = visitor_of(request, state)
    request.state.visitor = visitor
    if allowed == "public":
        return
    if visitor is None:
        raise LoginNeededError
    if visitor.user.one_time_password and state.settings.portal.login == "password" and route not in _BEFORE_A_PASSWORD:
        raise PasswordNeededError
    if not allowed & visitor.user.roles:
        raise ForbiddenError


def may(visitor: Visitor, route: str) -> bool:
    """Whether the page offers it: what would be refused is not shown."""
    allowed = ACCESS[route]
    return allowed == "public" or bool(allowed & visitor.user.roles)
