"""Logging in at an OpenID Connect provider, by Authlib; users and roles stay relance's own."""

from __future__ import annotations

import os
from typing import Annotated, Any

from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth
from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from httpx2 import HTTPError
from joserfc.errors import JoseError
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.middleware.sessions import SessionMiddleware

from catalog.sessions import begin_session
from catalog.users import user_known_as
from portal.access import ForbiddenError
from portal.forms import own_path
from portal.login import after_login
from portal.rendering import redirect
from portal.state import StateOf
from portal.visitors import set_session
from schemas.errors import ConfigError
from schemas.portal import PortalSettings

router = APIRouter()

SECRET_VARIABLE = "RELANCE_OIDC_SECRET"  # noqa: S105 - its name


def check_secret(settings: PortalSettings) -> None:
    """See that the client's secret is there, if a provider is configured.

    Raises:
        ConfigError: it is not in the environment.
    """
    if settings.oidc is not None and SECRET_VARIABLE not in os.environ:
        msg = f"[portal.oidc] is configured, but the client's secret is not in the environment as {SECRET_VARIABLE}."
        raise ConfigError(msg)


def add_oidc(app: FastAPI, settings: PortalSettings) -> None:
    """Let the application log people in at the provider, if one is configured; its secret is there."""
    if settings.oidc is None:
        return
    oauth = OAuth()
    oauth.register(
        "provider",
        client_id=settings.oidc.client_id,
        client_secret=os.environ[SECRET_VARIABLE],
        server_metadata_url=f"{settings.oidc.issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid profile", "code_challenge_method": "S256"},
    )
    app.state.oauth = oauth
    # Holds the state, nonce and code of a login under way, for ten minutes.
    app.add_middleware(
        SessionMiddleware,
        secret_key=app.state.relance.signer("oidc").dumps("state"),
        session_cookie="relance_login",
        max_age=600,
        same_site="lax",
    )


@router.get("/login/provider", name="oidc_begin")
async def oidc_begin(
    request: Request, next: Annotated[str, Field(max_length=1000)] = "/", pressed: bool = False
) -> Response:
    provider = _provider(request)
    request.session["after_login"] = after_login(next, pressed=pressed)
    try:
        return await provider.authorize_redirect(request, str(request.url_for("oidc_end")))
    except HTTPError:
        raise HTTPException(502) from None


@router.get("/login/provider/back", name="oidc_end")
async def oidc_end(request: Request, state: StateOf) -> Response:
    provider = _provider(request)
    try:
        token = await provider.authorize_access_token(request)
    except (OAuthError, HTTPError, JoseError, ValueError):
        raise HTTPException(403) from None
    oidc = state.settings.portal.oidc
    claimed = (token.get("userinfo") or {}).get(oidc.claim if oidc is not None else "")
    user = await run_in_threadpool(user_known_as, state.catalog, claimed) if isinstance(claimed, str) else None
    if user is None:
        raise ForbiddenError
    response = redirect(own_path(request.session.pop("after_login", "/")))
    catalog = state.catalog.acting_as(f"user:{user.name}")
    set_session(request, response, state, await run_in_threadpool(begin_session, catalog, user.name, state.clock()))
    return response


def _provider(request: Request) -> Any:  # noqa: ANN401 - Authlib gives it no type
    if not hasattr(request.app.state, "oauth"):
        raise HTTPException(404)
    return request.app.state.oauth.provider
