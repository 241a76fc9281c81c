"""`relance users`: who may use the page."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from catalog.store import open_catalog
from commands.context import OUT, HomeOption, home_at, told

app = typer.Typer(help="Show who may use the page; add, change or remove somebody.", invoke_without_command=True)

Name = Annotated[str, typer.Argument(help="Lower-case letters, digits, dots, hyphens; no e-mail address.")]
Roles = Annotated[list[str], typer.Option("--role", help="marketer, engineer, privacy or admin; may be repeated.")]


@app.callback()
def users(context: typer.Context, home: HomeOption = None) -> None:
    """List the users and their roles."""
    from catalog.users import users as all_users

    context.obj = home
    if context.invoked_subcommand is not None:
        return
    with told(), open_catalog(home_at(home)) as catalog:
        table = Table("name", "roles", "since", "has a password of their own")
        for user in all_users(catalog):
            roles = ", ".join(sorted(user.roles))
            table.add_row(user.name, roles, f"{user.created_at:%Y-%m-%d}", "no" if user.one_time_password else "yes")
        OUT.print(table)


@app.command()
def add(
    context: typer.Context,
    name: Name,
    role: Roles,
    known_as: Annotated[
        str | None, typer.Option("--known-as", help="What your proxy or OpenID provider calls them, if not NAME.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Let somebody use the page; prints a one-time password."""
    from catalog.users import add_user

    with told(), open_catalog(home_at(home or context.obj)) as catalog:
        password = add_user(catalog, name, role, known_as)
        OUT.print(f"Added {name}. One-time password, shown this once: {password}")


@app.command()
def roles(context: typer.Context, name: Name, role: Roles, home: HomeOption = None) -> None:
    """Give somebody these roles and no others."""
    from catalog.users import set_roles

    with told(), open_catalog(home_at(home or context.obj)) as catalog:
        set_roles(catalog, name, role)
        OUT.print(f"{name} has the roles {', '.join(role)}.")


@app.command()
def password(context: typer.Context, name: Name, home: HomeOption = None) -> None:
    """Give somebody a new one-time password; whoever is logged in as them is logged out."""
    from catalog.users import reset_password

    with told(), open_catalog(home_at(home or context.obj)) as catalog:
        OUT.print(f"New one-time password of {name}, shown this once: {reset_password(catalog, name)}")


@app.command()
def remove(context: typer.Context, name: Name, home: HomeOption = None) -> None:
    """Let somebody use the page no longer. What they did stays in the audit log."""
    from catalog.users import remove_user

    with told(), open_catalog(home_at(home or context.obj)) as catalog:
        remove_user(catalog, name)
        OUT.print(f"Removed {name}.")
