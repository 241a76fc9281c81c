"""Logging in with a local password, logging out, choosing one's own password."""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response
from pydantic import Field

from catalog.passwords import MINIMUM_LENGTH
from catalog.sessions import begin_session, end_session, forget_ended_sessions
from catalog.store import Catalog
from catalog.users import change_password as write_password
from catalog.users import user_with_password
from portal.forms import Posted, own_path
from portal.rendering import LANGUAGE_COOKIE, NOT_DONE, redirect, render
from portal.state import StateOf
from portal.visitors import SESSION_COOKIE, CatalogOf, VisitorOf, set_session
from schemas.errors import UserError
from schemas.said import Said

router = APIRouter()


class LoginForm(Posted):
    """Name and password."""

    name: str = Field(max_length=100)
    password: str = Field(max_length=500)
    next: str = Field("/", max_length=1000)
    #: Whether a button was pressed before, which did nothing.
    pressed: bool = False


class PasswordForm(Posted):
    """The old password and the new one, twice."""

    old: str = Field(max_length=500)
    new: str = Field(max_length=500)
    again: str = Field(max_length=500)


class LanguageForm(Posted):
    """The language to switch to, and where to go on."""

    code: str = Field(pattern="^(en|fr)$")
    #: With what the page's address says was refused.
    next: str = Field("/", max_length=4000)


@router.get("/login", name="login")
def login(request: Request, next: Annotated[str, Field(max_length=1000)] = "/", pressed: bool = False) -> Response:
    if request.state.visitor is not None:
        return redirect(after_login(next, pressed=pressed))
    return render(request, "login.html", next=own_path(next), pressed=pressed, wrong=None, wait=None)


def after_login(path: str, *, pressed: bool) -> str:
    """Where a login leads: a page of ours, which says so if a button `pressed` before did nothing."""
    ours = own_path(path)
    return ours + ("&" if "?" in ours else "?") + f"{NOT_DONE}=1" if pressed else ours


@router.post("/login", name="log_in")
def log_in(request: Request, form: Annotated[LoginForm, Form()], state: StateOf) -> Response:
    if state.settings.portal.login != "password":
        raise HTTPException(404)
    at, address = state.clock(), _address(request)
    name = form.name.strip().lower()
    wait = state.attempts.wait(name, address, at)
    if wait is not None:
        minutes = math.ceil(wait.total_seconds() / 60)
        return _again(request, form, 429, wait=minutes)
    # Counted before the slow check, so that attempts side by side do not slip through.
    state.attempts.wrong(name, address, at)
    user = user_with_password(state.catalog, name, form.password)
    if user is None:
        state.catalog.acting_as("page").record("login_refused", "user:unknown")
        return _again(request, form, 401, wrong=True)
    state.attempts.right(name, address, at)
    forget_ended_sessions(state.catalog, at, state.limits)
    response = redirect(after_login(form.next, pressed=form.pressed))
    identifier = begin_session(state.catalog.acting_as(f"user:{user.name}"), user.name, at)
    set_session(request, response, state, identifier)
    return response


def _again(
    request: Request, form: LoginForm, status: int, *, wrong: bool | None = None, wait: int | None = None
) -> Response:
    """The login once more, with where it leads."""
    asked = {"next": own_path(form.next), "pressed": form.pressed}
    return render(request, "login.html", status, **asked, wrong=wrong, wait=wait)


@router.post("/logout", name="log_out")
def log_out(visitor: VisitorOf, catalog: CatalogOf) -> Response:
    end_session(catalog, visitor.session, visitor.user.name)
    response = redirect("/login")
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


@router.get("/password", name="password")
def password(request: Request) -> Response:
    return render(request, "password.html", minimum=MINIMUM_LENGTH)


@router.post("/password", name="change_password")
def change_password(
    request: Request,
    form: Annotated[PasswordForm, Form()],
    visitor: VisitorOf,
    catalog: CatalogOf,
    state: StateOf,
) -> Response:
    name, at, address = visitor.user.name, state.clock(), _address(request)
    if state.attempts.wait(name, address, at) is not None:
        refusal = Said("Too many wrong passwords. Try again in a quarter of an hour.")
    else:
        # Counted before the slow check, as in `log_in`.
        state.attempts.wrong(name, address, at)
        if user_with_password(catalog, name, form.old) is None:
            refusal = Said("The old password is not right.")
        else:
            state.attempts.right(name, address, at)
            refusal = _changed(catalog, name, form)
    if refusal is not None:
        return render(request, "password.html", 422, refusal=refusal, minimum=MINIMUM_LENGTH)
    response = redirect("/")
    # All sessions have ended with the old password; this one goes on under a new number.
    set_session(request, response, state, begin_session(catalog, name, state.clock()))
    return response


@router.post("/language", name="language")
def language(request: Request, form: Annotated[LanguageForm, Form()]) -> Response:
    response = redirect(own_path(form.next))
    secure = request.url.scheme == "https"
    response.set_cookie(
        LANGUAGE_COOKIE, form.code, max_age=31536000, httponly=True, samesite="lax", secure=secure, path="/"
    )
    return response


def _changed(catalog: Catalog, name: str, form: PasswordForm) -> Said | None:
    """Give the user the new password, unless there is a reason against it."""
    if form.new != form.again:
        return Said("The two new passwords differ.")
    if form.new == form.old:
        return Said("The new password is the old one.")
    try:
        write_password(catalog, name, form.new)
    except UserError as error:
        return error.said
    return None


def _address(request: Request) -> str:
    """Where the request came from, for who guesses passwords."""
    return request.client.host if request.client else "nowhere"
