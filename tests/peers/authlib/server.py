"""The peer: authlib on Flask, an authorization server that this project did not write, set up for tests of an OAuth client.

  PORT=4200 python server.py    PORT=0 (the default) takes a free port

Prints one line, {"ready": true, "issuer": "http://127.0.0.1:..."}, once it listens. It ends on SIGTERM, and when its standard
input closes: a test that is killed cannot stop its servers, but its end of the pipe closes all the same. Everything lives in
memory: each start is a new, empty server.

authlib decides what is asked and answered; where it keeps things, and what the person says, is up to its user, so that is here.
An authorization request is granted at once; `login_hint=deny` denies it.

A device grant waits for the person, and authlib has no page for it. POST /_test/device with `user_code` and `answers`, a list with
commas, says what its next polls get: `pending`, `slow_down`, `allow` or `deny`; the last one stays. A poll that comes before its
time gets `slow_down` and takes nothing from the list; `allow` and `deny` end the grant. `expire`, alone, lets the code expire.
GET /_test/device?user_code=... says what the polls got: {"polls": ["slow_down", "allow"], "interval": 6}.

A JWT by the client "service" is a grant (RFC 7523). GET /_test/assertion signs one; `aud`, and `exp` in seconds from now, change it.
"""

import json
import os
import secrets
import sys
import threading
import time

# It refuses http otherwise, on this machine too.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector  # noqa: E402
from authlib.oauth2 import OAuth2Error, rfc7009, rfc7523, rfc7591, rfc7592, rfc7636, rfc7662, rfc8628, rfc9207  # noqa: E402
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, TokenMixin, grants  # noqa: E402
from authlib.oauth2.rfc6750 import BearerTokenValidator  # noqa: E402
from flask import Flask, jsonify, request  # noqa: E402
from joserfc.jwk import RSAKey  # noqa: E402
from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: E402

SECRET = "a-secret-of-this-test-peer-only-0123456789"
# Both change when form-encoded (RFC 6749, section 2.3.1 and appendix B).
ODD_ID, ODD_SECRET = "basic:odd id", "p%3A+s s:w/&=rd-0123456789-0123456789"
SCOPES = ["offline_access", "api:read", "api:write"]
REDIRECT_URIS = ["http://127.0.0.1:8765/cb", "http://127.0.0.1:49152/cb"]
CODE_GRANTS = ["authorization_code", "refresh_token"]
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
JWT_GRANT = rfc7523.JWTBearerGrant.GRANT_TYPE
# The key of the client "service".
SERVICE_KEY = RSAKey.generate_key(2048)
EXPIRES_IN = 600
# Short, so that the tests need not wait for the usual five seconds.
INTERVAL = 1
# A client that waits for exactly the interval may be measured a little short here.
TOLERANCE = 0.1

app = Flask(__name__)
app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
app.config["OAUTH2_SCOPES_SUPPORTED"] = SCOPES
app.config["OAUTH2_TOKEN_EXPIRES_IN"] = dict.fromkeys([*CODE_GRANTS, "client_credentials", DEVICE_GRANT, JWT_GRANT], EXPIRES_IN)


class QuietHandler(WSGIRequestHandler):
    def log_request(self, *_):
        pass


# The issuer names the port, so the server listens before there are endpoints.
http = make_server("127.0.0.1", int(os.environ.get("PORT", 0)), app, threaded=True, request_handler=QuietHandler)
ISSUER = f"http://127.0.0.1:{http.server_port}"

# One lock for all of the below: requests are threads.
lock = threading.RLock()
clients, codes, devices, tokens = {}, {}, {}, []


# ------------------------------------------------------------------ what is kept


class Client(ClientMixin):
    def __init__(self, client_id, method, grant_types, secret=""):
        self.client_id, self.method, self.grant_types, self.secret = client_id, method, grant_types, secret

    def get_client_id(self):
        return self.client_id

    def get_default_redirect_uri(self):
        return REDIRECT_URIS[0]

    def get_allowed_scope(self, scope):
        return " ".join(part for part in (scope or "").split() if part in SCOPES)

    def check_redirect_uri(self, redirect_uri):
        return redirect_uri in REDIRECT_URIS

    def check_client_secret(self, client_secret):
        return client_secret == self.secret

    def check_endpoint_auth_method(self, method, endpoint):
        return method == self.method

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return grant_type in self.grant_types


class Code(AuthorizationCodeMixin):
    def __init__(self, code, asked, user):
        self.code, self.user, self.born = code, user, time.time()
        self.client_id, self.redirect_uri, self.scope = asked.client.client_id, asked.payload.redirect_uri, asked.payload.scope
        # authlib's PKCE reads these.
        self.code_challenge = asked.payload.data.get("code_challenge")
        self.code_challenge_method = asked.payload.data.get("code_challenge_method")

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope


class Token(TokenMixin):
    def __init__(self, answer, client_id, user, family):
        self.answer, self.client_id, self.user, self.family = answer, client_id, user, family
        self.born, self.revoked = time.time(), False

    def check_client(self, client):
        return client.client_id == self.client_id

    def get_scope(self):
        return self.answer.get("scope", "")

    def get_expires_in(self):
        return self.answer["expires_in"]

    def is_expired(self):
        return self.born + self.answer["expires_in"] < time.time()

    def is_revoked(self):
        return self.revoked

    def get_user(self):
        return self.user

    def get_client(self):
        return clients[self.client_id]


class Device(dict, rfc8628.DeviceCredentialMixin):
    def get_client_id(self):
        return self["client_id"]

    def get_scope(self):
        return self["scope"]

    def get_user_code(self):
        return self["user_code"]

    def is_expired(self):
        return self["end"] < time.time()


def save_token(answer, asked):
    # A refresh gives a token of the same family.
    spent = getattr(asked, "refresh_token", None)
    family = spent.family if spent else object()
    with lock:
        tokens.append(Token(dict(answer), asked.client.client_id, asked.user, family))


def find_token(text):
    with lock:
        return next((token for token in tokens if text in (token.answer["access_token"], token.answer.get("refresh_token"))), None)


# ------------------------------------------------------------------ grants

METHODS = ["client_secret_basic", "client_secret_post", "none"]


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def save_authorization_code(self, code, request):
        with lock:
            codes[code] = Code(code, request, request.user)

    def query_authorization_code(self, code, client):
        with lock:
            found = codes.get(code)
        if found and found.client_id == client.client_id and time.time() - found.born < 60:
            return found
        return None

    def delete_authorization_code(self, authorization_code):
        with lock:
            codes.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code):
        return authorization_code.user


class RefreshGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token):
        with lock:
            found = next((token for token in tokens if token.answer.get("refresh_token") == refresh_token), None)
            if found and found.revoked:
                # RFC 9700, section 4.14.2: somebody has a token that is not theirs.
                for token in tokens:
                    if token.family is found.family:
                        token.revoked = True
                return None
        return found

    def authenticate_user(self, refresh_token):
        return refresh_token.user

    def revoke_old_credential(self, refresh_token):
        refresh_token.revoked = True


class ClientGrant(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS


class JwtGrant(rfc7523.JWTBearerGrant):
    def resolve_issuer_client(self, issuer):
        return clients.get(issuer)

    def resolve_client_public_key(self, client):
        return SERVICE_KEY

    def authenticate_user(self, subject):
        return subject

    def has_granted_permission(self, client, user):
        return client.client_id == "service"

    def get_audiences(self):
        return [ISSUER, f"{ISSUER}/token"]


class DeviceGrant(rfc8628.DeviceCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def query_device_credential(self, device_code):
        with lock:
            return devices.get(device_code)

    def query_user_grant(self, user_code):
        device = find_device(user_code)
        with lock:
            now, answers = time.time(), device["answers"]
            if now - device["last"] < device["interval"] - TOLERANCE:
                answer = "slow_down"
            else:
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
            device["last"] = now
            device["polls"].append(answer)
            if answer in ("allow", "deny"):
                del devices[device["device_code"]]
                finished[user_code] = device
                return "alice", answer == "allow"
        return None

    def should_slow_down(self, credential):
        if credential["polls"][-1] != "slow_down":
            return False
        # RFC 8628, section 3.5.
        credential["interval"] += 5
        return True


class DeviceEndpoint(rfc8628.DeviceAuthorizationEndpoint):
    CLIENT_AUTH_METHODS = METHODS
    INTERVAL = INTERVAL

    def get_verification_uri(self):
        return f"{ISSUER}/device"

    def save_device_credential(self, client_id, scope, data):
        device = Device(client_id=client_id, scope=scope, end=time.time() + data["expires_in"], last=time.time(), **data)
        device.update(answers=["pending"], polls=[])
        with lock:
            devices[data["device_code"]] = device


finished = {}


def find_device(user_code):
    with lock:
        waiting = (device for device in devices.values() if device["user_code"] == user_code)
        return next(waiting, None) or finished.get(user_code)


class Revocation(rfc7009.RevocationEndpoint):
    CLIENT_AUTH_METHODS = METHODS

    def query_token(self, token_string, token_type_hint):
        return find_token(token_string)

    def revoke_token(self, token, request):
        token.revoked = True


class Introspection(rfc7662.IntrospectionEndpoint):
    CLIENT_AUTH_METHODS = METHODS

    def query_token(self, token_string, token_type_hint):
        return find_token(token_string)

    def check_permission(self, token, client, request):
        return client.client_id == "basic"

    def introspect_token(self, token):
        born = int(token.born)
        person = {"sub": token.user, "username": token.user} if token.user else {}
        return {
            "active": True,
            "client_id": token.client_id,
            "token_type": "Bearer",
            "scope": token.get_scope(),
            "aud": [f"{ISSUER}/api", token.client_id],
            "iss": ISSUER,
            "exp": born + token.get_expires_in(),
            "iat": born,
            **person,
        }


class Issuer(rfc9207.IssuerParameter):
    def get_issuer(self):
        return ISSUER


class Bearer(BearerTokenValidator):
    def authenticate_token(self, token_string):
        found = find_token(token_string)
        return found if found and found.answer["access_token"] == token_string else None


class Registered(Client):
    """A client that registered itself, with its registration access token."""

    def __init__(self, info, metadata):
        self.client_info, self.client_metadata, self.access_token = info, metadata, secrets.token_urlsafe(24)
        method = metadata.get("token_endpoint_auth_method", "client_secret_basic")
        grants = metadata.get("grant_types", ["authorization_code"])
        super().__init__(info["client_id"], method, grants, info["client_secret"])

    def check_redirect_uri(self, redirect_uri):
        return redirect_uri in self.client_metadata.get("redirect_uris", [])

    def registration(self):
        place = f"{ISSUER}/register/{self.client_id}"
        return {"registration_client_uri": place, "registration_access_token": self.access_token}


ABOUT = {"token_endpoint_auth_methods_supported": METHODS, "scopes_supported": SCOPES}


class Registration(rfc7591.ClientRegistrationEndpoint):
    def authenticate_token(self, request):
        return "everyone"

    def get_server_metadata(self):
        return ABOUT

    def save_client(self, client_info, client_metadata, request):
        client = Registered(client_info, client_metadata)
        with lock:
            clients[client.client_id] = client
        return client

    def generate_client_registration_info(self, client, request):
        return client.registration()


class RegistrationToken:
    def __init__(self, client):
        self.client = client

    def check_client(self, client):
        return client is self.client


class Configuration(rfc7592.ClientConfigurationEndpoint):
    def get_server_metadata(self):
        return ABOUT

    def authenticate_token(self, request):
        text = request.headers.get("Authorization", "").removeprefix("Bearer ")
        with lock:
            known = [client for client in clients.values() if getattr(client, "access_token", None) == text]
        return RegistrationToken(known[0]) if known else None

    def authenticate_client(self, request):
        with lock:
            return clients.get(request.uri.rstrip("/").rsplit("/", 1)[-1])

    def revoke_access_token(self, request, token):
        pass

    def check_permission(self, client, request):
        return True

    def delete_client(self, client, request):
        with lock:
            del clients[client.client_id]

    def update_client(self, client, client_metadata, request):
        changed = Registered(client.client_info, client_metadata)
        # The library leaves it to its user whether a change gives a new one.
        changed.access_token = client.access_token
        with lock:
            clients[client.client_id] = changed
        return changed

    def generate_client_registration_info(self, client, request):
        return client.registration()


server = AuthorizationServer(app, query_client=clients.get, save_token=save_token)
server.register_grant(CodeGrant, [rfc7636.CodeChallenge(required=True)])
for grant in (RefreshGrant, ClientGrant, DeviceGrant, JwtGrant):
    server.register_grant(grant)
for endpoint in (DeviceEndpoint, Introspection, Revocation, Registration, Configuration):
    server.register_endpoint(endpoint)
server.register_extension(Issuer())
protector = ResourceProtector()
protector.register_token_validator(Bearer())

for client in (
    Client("public", "none", CODE_GRANTS),
    Client("basic", "client_secret_basic", CODE_GRANTS, SECRET),
    Client(ODD_ID, "client_secret_basic", CODE_GRANTS, ODD_SECRET),
    Client("post", "client_secret_post", CODE_GRANTS, SECRET),
    Client("m2m", "client_secret_basic", ["client_credentials"], SECRET),
    Client("service", "none", [JWT_GRANT]),
    Client("device", "none", [DEVICE_GRANT, "refresh_token"]),
    Client("device-basic", "client_secret_basic", [DEVICE_GRANT, "refresh_token"], SECRET),
):
    clients[client.client_id] = client


# ------------------------------------------------------------------ routes


@app.get("/.well-known/oauth-authorization-server")
def metadata():
    return jsonify(
        issuer=ISSUER,
        authorization_endpoint=f"{ISSUER}/authorize",
        token_endpoint=f"{ISSUER}/token",
        device_authorization_endpoint=f"{ISSUER}/device_authorization",
        introspection_endpoint=f"{ISSUER}/introspect",
        revocation_endpoint=f"{ISSUER}/revoke",
        registration_endpoint=f"{ISSUER}/register",
        scopes_supported=SCOPES,
        response_types_supported=["code"],
        grant_types_supported=[*CODE_GRANTS, "client_credentials", DEVICE_GRANT, JWT_GRANT],
        token_endpoint_auth_methods_supported=METHODS,
        code_challenge_methods_supported=["S256"],
        authorization_response_iss_parameter_supported=True,
    )


@app.get("/authorize")
def authorize():
    hint = request.args.get("login_hint", "")
    try:
        grant = server.get_consent_grant(end_user="alice")
    except OAuth2Error as error:
        return server.handle_error_response(request, error)
    return server.create_authorization_response(grant_user=None if hint == "deny" else "alice", grant=grant)


@app.post("/token")
def token():
    return server.create_token_response()


@app.post("/device_authorization")
def device_authorization():
    return server.create_endpoint_response(DeviceEndpoint.ENDPOINT_NAME)


@app.post("/introspect")
def introspect():
    return server.create_endpoint_response(Introspection.ENDPOINT_NAME)


@app.post("/revoke")
def revoke():
    return server.create_endpoint_response(Revocation.ENDPOINT_NAME)


@app.post("/register")
def register():
    return server.create_endpoint_response(Registration.ENDPOINT_NAME)


@app.route("/register/<client_id>", methods=["GET", "PUT", "DELETE"])
def configure(client_id):
    return server.create_endpoint_response(Configuration.ENDPOINT_NAME)


@app.get("/api")
@protector("api:read")
def api():
    return jsonify(user="alice")


@app.get("/_test/assertion")
def assertion():
    audience, lifetime = request.args.get("aud", ISSUER), int(request.args.get("exp", 300))
    return JwtGrant.sign(SERVICE_KEY, "service", audience, "alice", expires_at=int(time.time()) + lifetime, alg="RS256")


@app.route("/_test/device", methods=["GET", "POST"])
def person_at_the_device():
    device = find_device(request.values.get("user_code"))
    if device is None:
        return "no such user code", 404
    with lock:
        if request.method == "POST":
            device["answers"] = request.form["answers"].split(",")
            if device["answers"] == ["expire"]:
                device["end"] = 0
        return jsonify(polls=device["polls"], interval=device["interval"])


def end_with_standard_input():
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


threading.Thread(target=end_with_standard_input, daemon=True).start()
print(json.dumps({"ready": True, "issuer": ISSUER}), flush=True)
http.serve_forever()
