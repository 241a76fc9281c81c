"""The page as an application: routes, protection, and how failures are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Match

from catalog.database import now as utc_now
from catalog.home import Home
from catalog.store import Catalog
from portal import (
    audience,
    audiences,
    downloads,
    health,
    login,
    networks,
    nights,
    oidc,
    privacy,
    reports,
    static,
    today,
    users,
)
from portal.access import ForbiddenError, LoginNeededError, PasswordNeededError
from portal.forms import path_of, without_query
from portal.overview import Overview
from portal.protection import ForeignFormError, Protection, guard
from portal.rendering import redirect, render
from portal.state import State, portal_secret, state_of
from portal.visitors import visitor_of
from portal.weekly import sending_weekly
from schemas.errors import JournalError, ReportError
from schemas.settings import Settings

_MODULES = (
    health,
    static,
    login,
    oidc,
    today,
    audiences,
    audience,
    reports,
    downloads,
    networks,
    nights,
    privacy,
    users,
)


def create_app(home: Home, settings: Settings, catalog: Catalog, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """The application for one home; it closes nothing that it was given.

    Raises:
        KeyFileError: the key for cookies and links is broken.
        ConfigError: the provider's secret is not in the environment.
    """
    # Before the overview, which holds a connection of its own.
    oidc.check_secret(settings.portal)
    # No description of the routes is served: it would be a page without a login.
    app = FastAPI(
        title="relance",
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(guard)],
        lifespan=sending_weekly,
    )
    for module in _MODULES:
        app.include_router(module.router)
    app.state.relance = State(home, settings, catalog, portal_secret(home), Overview(catalog, settings), clock)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(settings.portal.hosts))
    oidc.add_oidc(app, settings.portal)
    app.add_middleware(Protection)
    app.add_exception_handler(LoginNeededError, _to_login)
    app.add_exception_handler(PasswordNeededError, _to_password)
    for error in (ForbiddenError, ForeignFormError, RequestValidationError, HTTPException):
        app.add_exception_handler(error, _told)
    for error in (JournalError, ReportError):
        app.add_exception_handler(error, audience.refused)  # pyright: ignore[reportArgumentType] - it is called for these only
    app.add_exception_handler(Exception, _broken)
    return app


def _to_login(request: Request, error: Exception) -> Response:
    path = _login_path(request)
    if "hx-request" in request.headers:
        # htmx would put the login form into the middle of the page.
        return Response(status_code=204, headers={"HX-Redirect": path})
    return redirect(path)


def _login_path(request: Request) -> str:
    """The login that leads back to the page asked for, or from which a button was pressed: that button's form is gone,
    and is never sent again."""
    asked, pressed = request.url.path + (f"?{request.url.query}" if request.url.query else ""), False
    if request.method != "GET":
        asked, pressed = _page_of_form(request), request.scope["route"].name != "log_out"
    query = ({"next": asked} if asked != "/" else {}) | ({"pressed": "1"} if pressed else {})
    return "/login" + (f"?{urlencode(query)}" if query else "")


def _page_of_form(request: Request) -> str:
    """The page that a form was on, without what it was told last."""
    return _page_at(request, without_query(path_of(request.headers.get("referer", ""))))


def _page_at(request: Request, path: str) -> str:
    """The page at the address, or above it: a refused form may be shown at the address that it was sent to."""
    while path != "/" and not _is_page(request, path):
        path = path.rpartition("/")[0] or "/"
    return path


def _is_page(request: Request, path: str) -> bool:
    asked = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}
    return any(route.matches(asked)[0] is Match.FULL for route in request.app.routes)


def _to_password(request: Request, error: Exception) -> Response:
    return redirect("/password")


_SENTENCES = {
    400: "This request makes no sense to the page.",
    403: "This link was made for somebody else, or too long ago. Press the button for it again.",
    404: "There is nothing here, or no longer.",
    405: "This address is not to be used like that.",
    502: "The login provider cannot be reached. Try again in a moment.",
    503: "The page has not the secret keys, so that it signs nothing. `relance certificate` does, where they are.",
    410: "This file is no longer as it was published, so it is not given out. Tonight's run makes a new one.",
    422: "Something in this form or address cannot be right.",
}


def _told(request: Request, error: Exception) -> Response:
    if not hasattr(request.state, "visitor"):
        # No route is at this address, so none has asked who it is.
        request.state.visitor = visitor_of(request, state_of(request))
    status = 422
    sentence = None
    if isinstance(error, HTTPException) and error.status_code == 405 and request.method == "GET":
        # A form's address, kept or loaded again by a browser without JavaScript.
        return redirect(_page_at(request, request.url.path))
    if isinstance(error, ForbiddenError):
        status, sentence = 403, "Your role does not allow this. Ask an admin for it."
    elif isinstance(error, ForeignFormError):
        status, sentence = 403, "This form is too old or did not come from this page. Load the page again."
    elif isinstance(error, HTTPException):
        status = error.status_code
    return render(request, "error.html", status, sentence=sentence or _SENTENCES.get(status, _SENTENCES[400]))


def _broken(request: Request, error: Exception) -> Response:
    return render(request, "error.html", 500, sentence="The page failed. Whoever runs it finds the reason in its log.")
