"""Who is asking: by the session's cookie, or by the header of a proxy that is believed."""

from __future__ import annotations

import hmac
from typing import Annotated, NamedTuple

from fastapi import Depends, Request, Response
from itsdangerous import BadSignature, Signer

from catalog.sessions import user_of_session
from catalog.store import Catalog
from catalog.users import user_known_as
from portal.state import State, state_of
from schemas.portal import User

SESSION_COOKIE = "relance_session"


class Visitor(NamedTuple):
    """Somebody who is logged in."""

    user: User
    #: What the session's forms are bound to.
    session: str

    @property
    def actor(self) -> str:
        """As the audit log calls them."""
        return f"user:{self.user.name}"


def visitor_of(request: Request, state: State) -> Visitor | None:
    """Who is asking; None if nobody is logged in."""
    proxy = state.settings.portal.proxy
    if proxy is not None:
        claimed = request.headers.get(proxy.header)
        if claimed is None or request.client is None or request.client.host not in proxy.addresses:
            return None
        user = user_known_as(state.catalog, claimed)
        return user and Visitor(user, f"proxy:{user.name}")
    identifier = session_identifier(request, state)
    if identifier is None:
        return None
    user = user_of_session(state.catalog, identifier, state.clock(), state.limits)
    return user and Visitor(user, identifier)


def session_identifier(request: Request, state: State) -> str | None:
    """What the session's cookie holds, if we signed it."""
    try:
        identifier = state.signer("session").loads(request.cookies.get(SESSION_COOKIE, ""))
    except BadSignature:
        return None
    return identifier if isinstance(identifier, str) else None


def set_session(request: Request, response: Response, state: State, identifier: str) -> None:
    """Let the browser keep the session until it is closed: when it ends is for the server to say."""
    response.set_cookie(
        SESSION_COOKIE,
        str(state.signer("session").dumps(identifier)),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path="/",
    )


def form_token(state: State, session: str) -> str:
    """What a form of that session carries, so that no other site can send it; it does not show the session."""
    return Signer(state.secret, salt="relance.form").get_signature(session).decode()


def token_fits(state: State, session: str, token: str) -> bool:
    return hmac.compare_digest(form_token(state, session).encode(), token.encode())


def current_visitor(request: Request) -> Visitor:
    """Who is logged in; the route has been permitted to them."""
    return request.state.visitor


def acting_catalog(request: Request) -> Catalog:
    """The catalog, for what the visitor does."""
    return state_of(request).catalog.acting_as(current_visitor(request).actor)


VisitorOf = Annotated[Visitor, Depends(current_visitor)]
CatalogOf = Annotated[Catalog, Depends(acting_catalog)]
