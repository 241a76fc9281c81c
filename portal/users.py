"""Managing users: for admins only."""

from __future__ import annotations

from typing import Annotated, get_args

from fastapi import APIRouter, Form, Request, Response
from pydantic import Field

from catalog import users as store
from portal.forms import Posted
from portal.rendering import redirect, render
from portal.state import StateOf
from portal.visitors import CatalogOf, VisitorOf
from schemas.errors import UserError
from schemas.portal import Role
from schemas.said import Said

router = APIRouter(prefix="/users")


class NewUserForm(Posted):
    """A name and its roles."""

    name: str = Field(max_length=100)
    roles: list[Role] = Field(default_factory=list, max_length=10)


class RolesForm(Posted):
    """A user's new roles."""

    name: str = Field(max_length=100)
    roles: list[Role] = Field(default_factory=list, max_length=10)
    #: Whether an admin who gives up managing users was asked.
    sure: bool = False


class UserForm(Posted):
    """The user meant."""

    name: str = Field(max_length=100)


def _page(  # noqa: PLR0913 - what became of a form, beside the page itself
    request: Request,
    state: StateOf,
    status: int = 200,
    refusal: Said | None = None,
    *,
    made: tuple[str, str] | None = None,
    typed: str = "",
    giving_up: list[Role] | None = None,
) -> Response:
    """`made` is a name and its one-time password, shown this once; `typed` a name that was refused; `giving_up` what
    roles an admin would have left, who would manage users no more."""
    return render(
        request,
        "users.html",
        status,
        users=store.users(state.catalog),
        roles=get_args(Role),
        refusal=refusal,
        made=made,
        typed=typed,
        giving_up=giving_up,
    )


@router.get("", name="users")
def users(request: Request, state: StateOf) -> Response:
    return _page(request, state)


@router.post("", name="add_user")
def add_user(request: Request, form: Annotated[NewUserForm, Form()], catalog: CatalogOf, state: StateOf) -> Response:
    try:
        password = store.add_user(catalog, form.name.strip().lower(), form.roles)
    except UserError as error:
        return _page(request, state, 422, error.said, typed=form.name)
    return _page(request, state, made=(form.name.strip().lower(), password))


@router.post("/roles", name="set_roles")
def set_roles(
    request: Request, form: Annotated[RolesForm, Form()], catalog: CatalogOf, state: StateOf, visitor: VisitorOf
) -> Response:
    gives_up = form.name == visitor.user.name and "admin" not in form.roles
    others = any("admin" in user.roles and user.name != form.name for user in store.users(catalog))
    if gives_up and others and not form.sure:
        return _page(request, state, giving_up=form.roles)
    try:
        store.set_roles(catalog, form.name, form.roles)
    except UserError as error:
        return _page(request, state, 422, error.said)
    return redirect("/" if gives_up else "/users")


@router.post("/password", name="reset_password")
def reset_password(request: Request, form: Annotated[UserForm, Form()], catalog: CatalogOf, state: StateOf) -> Response:
    try:
        password = store.reset_password(catalog, form.name)
    except UserError as error:
        return _page(request, state, 422, error.said)
    return _page(request, state, made=(form.name, password))


@router.post("/remove", name="remove_user")
def remove_user(request: Request, form: Annotated[UserForm, Form()], catalog: CatalogOf, state: StateOf) -> Response:
    try:
        store.remove_user(catalog, form.name)
    except UserError as error:
        return _page(request, state, 422, error.said)
    return redirect("/users")
