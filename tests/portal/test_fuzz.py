"""Every route, asked by schemathesis in ways nobody thought of: no answer is a 5xx."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
import schemathesis
from fastapi.openapi.utils import get_openapi
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.portal.conftest import META, Browser, Site

_META = "/audiences/" + "/".join(META)


@pytest.fixture
def everything(site: Site) -> Iterator[Browser]:
    """Somebody with every role, whose failures are answered and not raised."""
    browser = site.user("camille", "marketer", "engineer", "privacy", "admin")
    browser.client._transport.raise_server_exceptions = False  # type: ignore[attr-defined]
    yield browser


def operations(site: Site) -> list[schemathesis.schemas.APIOperation]:
    described = get_openapi(title="relance", version="1", routes=site.app.routes)
    schema = schemathesis.openapi.from_dict(described)
    return [operation.ok() for operation in schema.get_all_operations()]


def fuzz(operation: schemathesis.schemas.APIOperation, browser: Browser, token: str) -> None:
    @given(case=operation.as_strategy())
    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def ask(case: schemathesis.Case) -> None:
        request = case.as_transport_kwargs(base_url="http://localhost")
        request = {name: value for name, value in request.items() if name in {"method", "url", "params", "data"}}
        if isinstance(request.get("data"), dict):
            request["data"] = {**request["data"], "token": token}
        answer = browser.client.request(**request)
        assert answer.status_code < 500, (request, answer.text)

    ask()


def test_no_request_makes_the_page_fail(site: Site, everything: Browser) -> None:
    token = everything.token()
    # Ending the session or the user would turn every later answer into the login.
    asked = [each for each in operations(site) if each.path not in {"/logout", "/password", "/users/remove"}]
    assert len(asked) > 20
    for operation in asked:
        fuzz(operation, everything, token)
    assert everything.get("/users").status_code == 200


@given(path=st.text(max_size=30), query=st.dictionaries(st.text(max_size=10), st.text(max_size=20), max_size=3))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_address_makes_the_page_fail(everything: Browser, path: str, query: dict[str, str]) -> None:
    for start in ("/", "/audiences/", "/networks/", "/files/", "/static/", f"{_META}/versions/"):
        answer = everything.client.get(f"http://localhost{start}{quote(path)}", params=query)
        assert answer.status_code < 500
