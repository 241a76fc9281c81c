"""Logging in at an OpenID Connect provider: a small one, run here."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import uvicorn
from fastapi import FastAPI, Form
from joserfc import jwt
from joserfc.jwk import RSAKey

from catalog.users import add_user
from portal.oidc import SECRET_VARIABLE
from portal.visitors import SESSION_COOKIE
from schemas.errors import ConfigError
from tests.portal.conftest import Browser, Site

KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})


class Provider:
    """Says that whoever comes is `claimed`."""

    def __init__(self, issuer: str) -> None:
        self.issuer, self.claimed, self.nonce = issuer, "camille@shop.example", ""
        self.app = FastAPI()
        self.app.get("/.well-known/openid-configuration")(self.configuration)
        self.app.get("/keys")(self.keys)
        self.app.post("/token")(self.token)

    def configuration(self) -> dict[str, object]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def keys(self) -> dict[str, object]:
        return {"keys": [KEY.as_dict(private=False)]}

    def token(self, code: str = Form()) -> dict[str, object]:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": "relance", "sub": "1", "iat": now, "exp": now + 60, "nonce": self.nonce}
        identity = jwt.encode({"alg": "RS256", "kid": "one"}, claims | {"preferred_username": self.claimed}, KEY)
        return {"access_token": code, "token_type": "Bearer", "id_token": identity}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        made = Provider(f"http://127.0.0.1:{listening.getsockname()[1]}")
        server = uvicorn.Server(uvicorn.Config(made.app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield made
        server.should_exit = True
        thread.join()


def come_back(browser: Browser, provider: Provider, begin: str = "/login/provider", **changes: str):
    """Go to the provider, agree there, come back; how that was answered."""
    went = urlsplit(browser.get(begin).headers["location"])
    asked = {name: values[0] for name, values in parse_qs(went.query).items()}
    assert asked["code_challenge_method"] == "S256"
    provider.nonce = changes.pop("nonce", asked["nonce"])
    answer = {"code": "good", "state": asked["state"], **changes}
    return browser.get(f"/login/provider/back?{urlencode(answer)}")


def test_a_provider_says_who_it_is_and_relance_what_they_may(
    make_site: Callable[..., Site], provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "a secret")
    site = make_site(oidc={"issuer": provider.issuer, "client_id": "relance"})
    add_user(site.catalog, "camille", ["marketer"], known_as="camille@shop.example")
    browser = site.browser()
    assert come_back(browser, provider).status_code == 303
    assert browser.get("/").status_code == 200
    assert browser.get("/users").status_code == 403
    # It leads back to the page that somebody was on, and to no other site.
    for page, back in (("/audiences?q=a", "/audiences?q=a&not_done=1"), ("//evil.example/", "/?not_done=1")):
        begin = "/login/provider?" + urlencode({"next": page, "pressed": 1})
        assert come_back(site.browser(), provider, begin).headers["location"] == back
    assert "/login/provider?next=%2Fnights&amp;pressed=0" in site.browser().get("/login?next=/nights").text
    refused = site.browser()
    assert come_back(refused, provider, state="another").status_code == 403
    assert come_back(refused, provider, nonce="another").status_code == 403
    provider.claimed = "stranger@shop.example"
    assert come_back(refused, provider).status_code == 403
    assert SESSION_COOKIE not in refused.client.cookies
    assert refused.log_in("camille").status_code == 404


def test_without_its_secret_the_page_does_not_start(
    make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SECRET_VARIABLE, raising=False)
    with pytest.raises(ConfigError, match=SECRET_VARIABLE):
        make_site(oidc={"issuer": "https://login.shop.example", "client_id": "relance"})


def test_a_provider_that_is_away_is_told_as_such(
    make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "a secret")
    with socket.socket() as closed:
        # Bound, so that nobody else takes it, and nobody listens.
        closed.bind(("127.0.0.1", 0))
        site = make_site(oidc={"issuer": f"http://127.0.0.1:{closed.getsockname()[1]}", "client_id": "relance"})
        answer = site.browser().get("/login/provider")
    assert answer.status_code == 502
    assert "The login provider cannot be reached. Try again in a moment." in answer.text
