"""The peer: idpyoidc behind Flask, an authorization server that this project did not write, set up for tests of an OAuth client.

  PORT=4400 python server.py    PORT=0 (the default) takes a free port

Prints one line, {"ready": true, "issuer": "http://127.0.0.1:..."}, once it listens. It ends on SIGTERM, and when its standard
input closes: a test that is killed cannot stop its servers, but its end of the pipe closes all the same. Everything lives in
memory: each start is a new, empty server.

idpyoidc decides what is asked and answered, and HTTP is up to its user, so that is here: 401 for an unknown client, or for a token
that is over; 400 for every other error. The person is logged in. An authorization request is granted at once; `login_hint=deny`
denies it.
"""

import json
import logging
import os
import shutil
import sys
import tempfile
import threading

from flask import Flask, make_response, redirect, request
from idpyoidc.message.oauth2 import ResponseMessage
from idpyoidc.server import Server
from idpyoidc.server.authz import AuthzHandling
from idpyoidc.server.configure import OPConfiguration
from idpyoidc.server.exception import ClientAuthenticationError, UnAuthorizedClient, UnknownClient
from idpyoidc.server.oauth2.token_helper.client_credentials import ClientCredentials
from idpyoidc.server.user_info import UserInfo
from werkzeug.serving import WSGIRequestHandler, make_server

SECRET = "a-secret-of-this-test-peer-only-0123456789"
SCOPES = ["openid", "profile", "offline_access", "api:read", "api:write"]
REDIRECT_URIS = [("http://127.0.0.1:8765/cb", {}), ("http://127.0.0.1:49152/cb", {})]
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
CODE_GRANTS = ["authorization_code", "refresh_token"]
METHODS = ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"]
EXPIRES_IN = 600

logging.disable(logging.ERROR)
app = Flask(__name__)
# The library is not made for threads.
lock = threading.Lock()


class QuietHandler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_):
        pass


# The issuer names the port, so the server listens before there are endpoints.
http = make_server("127.0.0.1", int(os.environ.get("PORT", 0)), app, threaded=True, request_handler=QuietHandler)
ISSUER = f"http://127.0.0.1:{http.server_port}"


# ------------------------------------------------------------------ settings


def endpoint(path, cls, **kwargs):
    return {"path": path, "class": f"idpyoidc.server.{cls}", "kwargs": kwargs}


def helper(cls, **kwargs):
    return {"class": f"idpyoidc.server.{cls}", "kwargs": kwargs}


def token_type(name):
    return f"urn:ietf:params:oauth:token-type:{name}"


class RepeatedClientCredentials(ClientCredentials):
    """The library fails on the second request of a client, because it finds the session of the first. So that one is hidden."""

    def process_request(self, req, **kwargs):
        manager = self.endpoint.upstream_get("context").session_manager
        key = manager.branch_key("client_credentials", req["client_id"])
        if key in manager.db.keys():
            del manager.db[key]
        return super().process_request(req, **kwargs)


exchange = helper(
    "oidc.token_helper.token_exchange.TokenExchangeHelper",
    requested_token_types_supported=[token_type(name) for name in ("access_token", "refresh_token", "id_token")],
    default_requested_token_type=token_type("access_token"),
    policy={
        "": {
            "function": "idpyoidc.server.oauth2.token_helper.validate_token_exchange_policy",
            "kwargs": {"scope": SCOPES, "audience": ["https://b.example"], "resource": ["https://b.example/api"]},
        }
    },
)
token = endpoint(
    "token",
    "oidc.token.Token",
    client_authn_method=[*METHODS, "public"],
    # A refresh token is good for one refresh.
    revoke_refresh_on_issue=True,
    grant_types_helpers={
        "authorization_code": helper("oidc.token_helper.access_token.AccessTokenHelper"),
        "refresh_token": helper("oidc.token_helper.refresh_token.RefreshTokenHelper"),
        "client_credentials": {"class": RepeatedClientCredentials, "kwargs": {}},
        EXCHANGE: exchange,
    },
)
usage_rules = {
    "authorization_code": {"supports_minting": ["access_token", "refresh_token", "id_token"], "max_usage": 1},
    "access_token": {"supports_minting": ["access_token", "refresh_token", "id_token"], "expires_in": EXPIRES_IN},
    "refresh_token": {"supports_minting": ["access_token", "refresh_token", "id_token"], "expires_in": 43200},
}
oct_keys = {"key_defs": [{"type": "OCT", "kid": "sig", "use": ["sig"]}, {"type": "OCT", "kid": "enc", "use": ["enc"]}]}
session_keys = {"key_defs": [{"type": "OCT", "use": ["enc"], "kid": kid} for kid in ("password", "salt")]}
jwt_token = "idpyoidc.server.token.jwt_token.JWTToken"
configuration = {
    "issuer": ISSUER,
    "httpc_params": {"verify": False, "timeout": 1},
    "keys": {"uri_path": "jwks", "key_defs": [{"type": "RSA", "use": ["sig"]}, {"type": "EC", "crv": "P-256", "use": ["sig"]}]},
    "preference": {
        "grant_types_supported": [*CODE_GRANTS, "client_credentials", EXCHANGE],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": METHODS,
        "scopes_supported": SCOPES,
    },
    "cookie_handler": {
        "class": "idpyoidc.server.cookie_handler.CookieHandler",
        "kwargs": {"keys": oct_keys, "name": {"session": "oidcop", "register": "oidcreg", "session_management": "sman"}},
    },
    "add_on": {
        "pkce": {
            "function": "idpyoidc.server.oauth2.add_on.pkce.add_support",
            "kwargs": {"essential": True, "code_challenge_methods": {"S256": None}},
        }
    },
    "endpoint": {
        "provider_config": endpoint(
            ".well-known/openid-configuration", "oidc.provider_config.ProviderConfiguration", client_authn_method=None
        ),
        "authorization": endpoint(
            "authorization", "oidc.authorization.Authorization", client_authn_method=["public", "pushed_authz"]
        ),
        "token": token,
        "userinfo": endpoint("userinfo", "oidc.userinfo.UserInfo", client_authn_method=["bearer_header"]),
        "introspection": endpoint("introspection", "oauth2.introspection.Introspection", client_authn_method=METHODS),
        "token_revocation": endpoint(
            "revocation", "oauth2.token_revocation.TokenRevocation", client_authn_method=[*METHODS, "public"]
        ),
        "pushed_authorization": endpoint(
            "par", "oauth2.pushed_authorization.PushedAuthorization", client_authn_method=METHODS
        ),
    },
    "authentication": {
        "anon": {
            "acr": "urn:oasis:names:tc:SAML:2.0:ac:classes:InternetProtocolPassword",
            "class": "idpyoidc.server.user_authn.user.NoAuthn",
            "kwargs": {"user": "alice"},
        }
    },
    "userinfo": {"class": UserInfo, "kwargs": {"db": {"alice": {"name": "Alice"}}}},
    "authz": {"class": AuthzHandling, "kwargs": {"grant_config": {"usage_rules": usage_rules, "expires_in": 43200}}},
    "claims_interface": {"class": "idpyoidc.server.session.claims.ClaimsInterface", "kwargs": {}},
    "token_handler_args": {
        "key_conf": {"key_defs": [{"type": "oct", "bytes": 24, "use": ["enc"], "kid": "code"}]},
        "code": {"kwargs": {"lifetime": 60}},
        "token": {"class": jwt_token, "kwargs": {"lifetime": EXPIRES_IN, "aud": [f"{ISSUER}/userinfo"]}},
        "refresh": {"class": jwt_token, "kwargs": {"lifetime": 43200, "aud": [ISSUER]}},
        "id_token": {"class": "idpyoidc.server.token.id_token.IDToken", "kwargs": {}},
    },
    "session_params": {"encrypter": {"kwargs": {"keys": session_keys, "iterations": 1}}},
}
# The library writes its public keys beside itself.
folder = tempfile.mkdtemp()
os.chdir(folder)
op = Server(OPConfiguration(conf=configuration, base_path="."), cwd=".")
context = op.get_context()
context.map_supported_to_preferred()


def client(client_id, method, grants):
    known = {
        "client_id": client_id,
        "client_salt": "salted",
        "redirect_uris": REDIRECT_URIS,
        "response_types_supported": ["code"],
        "grant_types_supported": grants,
        "allowed_scopes": SCOPES,
        # Without it, a wrong secret would count as no secret.
        "client_authn_method": [method, "bearer_header"],
        # "basic" is the API too.
        "enforce_audience_restriction": client_id != "basic",
    }
    if method != "public":
        known["client_secret"] = SECRET
        op.keyjar.add_symmetric(client_id, SECRET)
    context.cdb[client_id] = known


client("public", "public", CODE_GRANTS)
client("basic", "client_secret_basic", [*CODE_GRANTS, EXCHANGE])
client("post", "client_secret_post", CODE_GRANTS)
client("m2m", "client_secret_basic", ["client_credentials"])
context.cdb["m2m"]["allowed_scopes"] = ["api:read", "api:write"]
for known in context.cdb.values():
    known["authorization_endpoint_client_authn_method"] = ["public", "pushed_authz"]


# ------------------------------------------------------------------ HTTP


def as_json(message, status):
    text = message.to_json() if hasattr(message, "to_json") else json.dumps(message)
    return text, status, {"Content-Type": "application/json", "Cache-Control": "no-store"}


def refused(message):
    return as_json(message, 401 if message["error"] in ("invalid_client", "invalid_token") else 400)


def answer(name):
    """The library's answer: its request, what it makes of it, and where it wants the result."""
    called = op.get_endpoint(name)
    headers = {key: value for key, value in request.headers.items(lower=True) if key not in ("cookie", "user-agent")}
    info = {"headers": headers, "method": request.method, "url": request.url, "cookie": []}
    try:
        asked = called.parse_request(request.values.to_dict(), http_info=info)
    except (ClientAuthenticationError, UnAuthorizedClient, UnknownClient) as error:
        return refused({"error": "invalid_client", "error_description": str(error)})
    if isinstance(asked, ResponseMessage) and "error" in asked:
        return refused(asked)
    if name == "authorization" and asked.get("login_hint") == "deny":
        made = {"error": "access_denied", "state": asked["state"]}
        return redirect(called.error_cls(**made).request(asked["redirect_uri"]))
    made = called.process_request(asked, http_info=info)
    if isinstance(made, ResponseMessage) and "error" in made:
        return refused(made)
    if "http_response" in made:
        return as_json(made["http_response"], 201)
    said = called.do_response(request=asked, **made)
    if said.get("response_placement", called.response_placement) == "url":
        return redirect(said["response"])
    response = make_response(said["response"], said.get("response_code", 200))
    for key, value in said["http_headers"]:
        response.headers[key] = value
    return response


def route(name, path, *methods):
    def view():
        with lock:
            try:
                return answer(name)
            # What the library does not catch, it leaves to its user.
            except Exception as error:
                print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
                return refused({"error": "invalid_request", "error_description": type(error).__name__})

    app.add_url_rule(path, name, view, methods=methods)


route("provider_config", "/.well-known/openid-configuration", "GET")
route("authorization", "/authorization", "GET")
route("token", "/token", "POST")
route("userinfo", "/userinfo", "GET")
route("introspection", "/introspection", "POST")
route("token_revocation", "/revocation", "POST")
route("pushed_authorization", "/par", "POST")


@app.get("/jwks")
def jwks():
    return op.keyjar.export_jwks()


def end_with_standard_input():
    while sys.stdin.buffer.read(4096):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


threading.Thread(target=end_with_standard_input, daemon=True).start()
print(json.dumps({"ready": True, "issuer": ISSUER}), flush=True)
http.serve_forever()
