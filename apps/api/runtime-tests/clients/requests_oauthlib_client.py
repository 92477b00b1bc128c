"""What an application does with requests-oauthlib, as its documentation has it. Fails where a step does.

usage: requests_oauthlib_client.py URL USERNAME PASSWORD
"""

import os
import sys
import time

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain HTTP, on loopback

from oauthlib.oauth2 import InvalidGrantError, LegacyApplicationClient
from requests_oauthlib import OAuth2Session

url, username, password = sys.argv[1:]


def session(**options):
    return OAuth2Session(client=LegacyApplicationClient(client_id="app"), **options)


def sign_in(path, given=password):
    opened = session(auto_refresh_url=f"{url}/token", token_updater=lambda token: updates.append(token))
    opened.fetch_token(f"{url}{path}", username=username, password=given)
    return opened


def expect_invalid_grant(deed):
    try:
        deed()
    except InvalidGrantError:
        return
    raise AssertionError("invalid_grant was expected")


updates = []
for path in ["/login", "/token"]:
    expect_invalid_grant(lambda: sign_in(path, "not the password"))

    opened = sign_in(path)
    first = opened.token
    assert first["token_type"] == "bearer" and first["expires_in"] > 0, sorted(first)
    assert opened.get(f"{url}/users/me").json()["username"] == username

    # With an access token that is over, the library refreshes before it asks.
    opened.token = {**first, "expires_at": time.time() - 1}
    assert opened.get(f"{url}/users/me").json()["username"] == username
    assert updates.pop()["refresh_token"] != first["refresh_token"]

    refreshed = opened.refresh_token(f"{url}/token")
    assert refreshed["access_token"] != first["access_token"]

    assert opened.post(f"{url}/revoke", data={"token": refreshed["refresh_token"]}).status_code == 200
    assert opened.get(f"{url}/users/me").status_code == 401
    expect_invalid_grant(lambda: opened.refresh_token(f"{url}/token"))
    print(f"{path}: signed in, refreshed, revoked")
