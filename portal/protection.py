"""What holds for every request and response: headers, size of forms, and that no other site sends them."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.access import permit
from portal.state import state_of
from portal.visitors import token_fits

#: Everything comes from here, and nothing is inline.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)

_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: with it browsers hide from which site a form comes.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

#: No form is longer.
_MOST_BYTES = 64 * 1024

_READING = {"GET", "HEAD"}

#: Binds the forms of somebody who is not logged in.
FORM_COOKIE = "relance_form"


class ForeignFormError(Exception):
    """A form that did not come from one of our pages, or from one that is too old."""


class Protection:
    """Adds the headers, and refuses what is too long."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        length = Headers(scope=scope).get("content-length", "0" if scope["method"] in _READING else None)
        if length is None or not length.isdecimal() or int(length) > _MOST_BYTES:
            await PlainTextResponse("This form is too long.", 413)(scope, receive, protected)
            return
        await self._app(scope, receive, protected)


async def guard(request: Request) -> None:
    """What each route depends on: its roles, and for what changes something that one of our own forms asks for it.

    Raises:
        LoginNeededError, PasswordNeededError, ForbiddenError: as in `permit`.
        ForeignFormError: the form is not ours.
    """
    await run_in_threadpool(permit, request)
    if request.method in _READING:
        return
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise ForeignFormError
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise ForeignFormError
    token = (await request.form()).get("token")
    if not isinstance(token, str) or not token_fits(state_of(request), form_session(request), token):
        raise ForeignFormError


def form_session(request: Request) -> str:
    """What the forms of this visitor are bound to; made if there is nothing yet."""
    visitor = getattr(request.state, "visitor", None)
    if visitor is not None:
        return visitor.session
    cookie = request.cookies.get(FORM_COOKIE)
    if cookie:
        return f"form:{cookie}"
    if not hasattr(request.state, "new_form_cookie"):
        request.state.new_form_cookie = secrets.token_urlsafe(16)
    return f"form:{request.state.new_form_cookie}"
