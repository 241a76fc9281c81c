"""Who may do what: every route for every role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import get_args

import pytest
from fastapi.routing import APIRoute

from portal.access import ACCESS
from schemas.portal import Role
from tests.portal.conftest import META, Browser, Site

_META = "/audiences/" + "/".join(META)
_VERSION = f"{_META}/versions/2026-10-30.1"

#: Route → a request for it that is answered if the role is enough.
REQUESTS: dict[str, tuple[str, dict[str, object] | None]] = {
    "log_out": ("/logout", {}),
    "password": ("/password", None),
    "change_password": ("/password", {"old": "x", "new": "y", "again": "z"}),
    "today": ("/", None),
    "audiences": ("/audiences", None),
    "audience": (_META, None),
    "networks": ("/networks", None),
    "network": ("/networks/meta", None),
    "nights": ("/nights", None),
    "download": (f"{_VERSION}/files/0", None),
    "download_all": (f"{_VERSION}/full.zip", None),
    "file": ("/files/x", None),
    "confirm": (f"{_META}/confirmations", {"version": "2026-10-30.1", "kind": "created"}),
    "unconfirm": (f"{_META}/undo", {"number": 1}),
    "report": (f"{_META}/size", {"size": "10"}),
    "unreport": (f"{_META}/size/undo", {"number": 1}),
    "report_failure": (f"{_META}/failure", {"version": "2026-10-30.1", "said": "too small"}),
    "privacy": ("/privacy", None),
    "certificate": ("/privacy/r-17", None),
    "certificate_file": ("/privacy/r-17/certificate.json", None),
    "users": ("/users", None),
    "add_user": ("/users", {"name": "new", "roles": "marketer"}),
    "set_roles": ("/users/roles", {"name": "admin", "roles": "admin"}),
    "reset_password": ("/users/password", {"name": "nobody"}),
    "remove_user": ("/users/remove", {"name": "nobody"}),
}

ROLES = get_args(Role)


def routes(app: object) -> Iterator[APIRoute]:
    """Every route of the application, those of included routers too."""
    for route in getattr(app, "routes", []):
        if isinstance(route, APIRoute):
            yield route
        else:
            yield from routes(getattr(route, "original_router", None) or route)


def ask(browser: Browser, route: str) -> int:
    path, form = REQUESTS[route]
    return (browser.get(path) if form is None else browser.post(path, form)).status_code


def test_the_table_names_every_route_and_no_other(site: Site) -> None:
    assert {route.name for route in routes(site.app)} == set(ACCESS)
    assert {name for name, roles in ACCESS.items() if roles != "public"} == set(REQUESTS)


def test_only_marketers_upload_only_privacy_sees_requests_and_only_admins_manage_users() -> None:
    """Written anew: what each role reaches is compared with the table itself."""
    anybody = {"health", "static", "login", "log_in", "oidc_begin", "oidc_end", "language"}
    uploading = {"download", "download_all", "file", "confirm", "unconfirm", "report", "unreport", "report_failure"}
    own = {"log_out", "password", "change_password"}
    looking = {*own, "today", "audiences", "audience", "networks", "network", "nights"}
    requests = {"privacy", "certificate", "certificate_file"}
    users = {"users", "add_user", "set_roles", "reset_password", "remove_user"}

    assert {name for name, roles in ACCESS.items() if roles == "public"} == anybody
    assert {role: {name for name, roles in ACCESS.items() if role in roles} for role in ROLES} == {
        "marketer": looking | uploading,
        "engineer": looking,
        "privacy": looking | requests,
        "admin": looking | uploading | users,
    }


@pytest.mark.parametrize("role", ROLES)
def test_each_role_reaches_what_the_table_gives_it_and_nothing_else(site: Site, role: Role) -> None:
    browser = site.user("somebody", role)
    token = browser.token()
    for route, (path, form) in REQUESTS.items():
        if route == "log_out":
            continue
        answer = browser.get(path) if form is None else browser.client.post(path, data={"token": token, **form})
        refused = answer.status_code == 403 and "Your role does not allow this" in answer.text
        allowed = ACCESS[route]
        assert refused == (role not in allowed), f"{role} at {route}: {answer.status_code}"
    assert browser.post("/logout", {}).status_code == 303


def test_nobody_sees_anything_without_a_login_but_login_and_health(site: Site) -> None:
    browser = site.browser()
    for route, (path, form) in REQUESTS.items():
        answer = browser.get(path) if form is None else browser.post(path, form, page="/login")
        assert answer.status_code == 303, route
        assert answer.headers["location"].startswith("/login"), route
    assert browser.get("/health").text == "ok\n"
    for path in ("/openapi.json", "/docs", "/redoc", "/nowhere"):
        assert browser.get(path).status_code == 404


def test_an_admin_sees_privacy_only_with_that_role_too(site: Site) -> None:
    assert site.user("one", "admin").get("/privacy").status_code == 403
    assert site.user("two", "admin", "privacy").get("/privacy").status_code == 200


def test_what_a_role_may_not_do_is_not_offered(site: Site) -> None:
    looking, uploading = site.user("looks", "engineer"), site.user("uploads", "marketer")
    for path in ("/", _META):
        assert "I created it" in uploading.get(path).text
        assert "I created it" not in looking.get(path).text
        assert "Download" not in looking.get(path).text.replace("Download and upload", "")


def test_roles_taken_away_end_at_once(site: Site, make_site: Callable[..., Site]) -> None:
    admin, other = site.user("boss", "admin"), site.user("other", "marketer")
    assert other.get(f"{_VERSION}/files/0").status_code == 303
    assert admin.post("/users/roles", {"name": "other", "roles": "engineer"}).status_code == 303
    assert other.get(f"{_VERSION}/files/0").status_code == 403
    assert admin.post("/users/remove", {"name": "other"}).status_code == 303
    assert other.get("/").headers["location"] == "/login"
