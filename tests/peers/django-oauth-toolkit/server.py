"""The peer: django-oauth-toolkit, an authorization server that this project did not write, set up for tests of an OAuth client.

  PORT=4100 python server.py    PORT=0 (the default) takes a free port; STRICT=1 turns on its rules of RFC 9700

Prints one line, {"ready": true, "issuer": "http://127.0.0.1:..."}, once it listens. It ends on SIGTERM, and when its standard
input closes: a test that is killed cannot stop its servers, but its end of the pipe closes all the same. Everything lives in
memory, keys included: each start is a new, empty server.

Without STRICT it stands below /o, as in the library's tutorial, and keeps the library's defaults: the issuer has a path, no `iss`
comes back, a spent refresh token that is sent again costs nothing else. With STRICT it stands at the root.

Each browser is logged in as alice. Clients need no consent, except the client "asks": it shows the library's own page.
The device pages are the library's own too.
"""

import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

STRICT = bool(os.environ.get("STRICT"))
PREFIX = "" if STRICT else "o/"
SECRET = "a-secret-of-this-test-peer-only-0123456789"
# Both change when form-encoded (RFC 6749, section 2.3.1 and appendix B).
ODD_ID, ODD_SECRET = "basic:odd id", "p%3A+s s:w/&=rd-0123456789-0123456789"
REDIRECT_URIS = "http://127.0.0.1/cb http://127.0.0.1:8765/cb"
# Short, so that the tests need not wait for the usual five seconds.
INTERVAL = 1


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Handler(WSGIRequestHandler):
    def log_message(self, *_):
        pass


# The settings name the port, so the server listens before there is an application.
server = Server(("127.0.0.1", int(os.environ.get("PORT", 0))), Handler)
BASE = f"http://127.0.0.1:{server.server_port}"


def signing_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


RULES = [
    "IMPLICIT_GRANT",
    "PASSWORD_GRANT",
    "PKCE_METHOD",
    "ACCESS_TOKEN_TRANSPORT",
    "AUTHZ_RESPONSE_ISS",
    "TOKEN_STORAGE",
    "REFRESH_TOKEN",
    "REDIRECT_URI_MATCHING",
    "PKCE_REQUIRED",
]

settings.configure(
    SECRET_KEY=os.urandom(32).hex(),
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
        "oauth2_provider",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        f"{__name__}.logged_in",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                ]
            },
        }
    ],
    # The secrets of clients are hashed at each request; no one attacks these.
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    OAUTH2_PROVIDER={
        "SCOPES": {
            "openid": "Who you are",
            "offline_access": "While you are away",
            "api:read": "Read",
            "api:write": "Write",
            "introspection": "Ask about tokens",
        },
        "DEFAULT_SCOPES": ["api:read"],
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": signing_key(),
        "ACCESS_TOKEN_EXPIRE_SECONDS": 600,
        "REFRESH_TOKEN_EXPIRE_SECONDS": 86400,
        "REFRESH_TOKEN_REUSE_PROTECTION": STRICT,
        "DEVICE_FLOW_INTERVAL": INTERVAL,
        "OAUTH_DEVICE_VERIFICATION_URI": f"{BASE}/{PREFIX}device/",
        "OAUTH_DEVICE_VERIFICATION_URI_COMPLETE": lambda code: f"{BASE}/{PREFIX}device/?user_code={code}",
        "DCR_ENABLED": True,
        "DCR_REGISTRATION_PERMISSION_CLASSES": ("oauth2_provider.dcr.AllowAllDCRPermission",),
        "OAUTH2_PROTECTED_RESOURCE_NAME": "The API of this test peer",
        **{f"COMPLIANT_BCP_RFC9700_{rule}": STRICT for rule in RULES},
    },
    LOGGING={
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"stderr": {"class": "logging.StreamHandler"}},
        "root": {"level": "ERROR", "handlers": ["stderr"]},
    },
)

import django  # noqa: E402: it reads the settings above

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db.models.signals import pre_save  # noqa: E402
from django.dispatch import receiver  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from oauth2_provider.decorators import protected_resource_metadata  # noqa: E402
from oauth2_provider.models import get_application_model  # noqa: E402
from oauth2_provider.urls import metadata_urlpatterns  # noqa: E402


def logged_in(get_response):
    """The person has logged in before. A request with credentials of a client is no browser's."""

    def middleware(request):
        if "Authorization" not in request.headers:
            request.user = get_user_model().objects.get(username="alice")
        return get_response(request)

    return middleware


API = f"{BASE}/.well-known/oauth-protected-resource/api"


@protected_resource_metadata(scopes=["api:read"], resource_metadata_url=API)
def api(request):
    return JsonResponse({"user": str(request.resource_owner)})


library = include("oauth2_provider.urls", namespace="oauth2_provider")
urlpatterns = [path("api", api), path(PREFIX, library)]
if PREFIX:
    # RFC 8414 puts the well-known part before the issuer's path: that is at the root.
    urlpatterns += metadata_urlpatterns


@receiver(pre_save, sender=get_application_model())
def registered(instance, **_):
    """The person needs no consent for a client that registered itself, and it may have ID tokens."""
    if instance.registration_source == instance.RegistrationSource.DCR:
        instance.skip_authorization, instance.algorithm = True, instance.RS256_ALGORITHM


def set_up():
    call_command("migrate", verbosity=0)
    alice = get_user_model().objects.create_user("alice")
    applications = get_application_model()

    def client(client_id, grant, secret=None, **more):
        redirects = grant == applications.GRANT_AUTHORIZATION_CODE
        applications.objects.create(
            name=client_id,
            client_id=client_id,
            client_secret=secret or "",
            client_type=applications.CLIENT_CONFIDENTIAL if secret else applications.CLIENT_PUBLIC,
            authorization_grant_type=grant,
            redirect_uris=REDIRECT_URIS if redirects else "",
            user=alice,
            **{"algorithm": applications.RS256_ALGORITHM, "skip_authorization": True, **more},
        )

    code, device = applications.GRANT_AUTHORIZATION_CODE, applications.GRANT_DEVICE_CODE
    client("public", code)
    client("basic", code, SECRET)
    client("post", code, SECRET)
    client(ODD_ID, code, ODD_SECRET)
    client("asks", code, SECRET, skip_authorization=False)
    client("m2m", applications.GRANT_CLIENT_CREDENTIALS, SECRET)
    client("device", device)
    client("device-basic", device, SECRET)


# One thread for the application: the database is in memory, and another thread would have one that is empty.
worker = ThreadPoolExecutor(1)
worker.submit(set_up).result()
application = get_wsgi_application()


def answer(environ, start_response):
    response = application(environ, start_response)
    try:
        return list(response)
    finally:
        response.close()


def end_with_standard_input():
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


server.set_app(lambda environ, start_response: worker.submit(answer, environ, start_response).result())
threading.Thread(target=end_with_standard_input, daemon=True).start()
print(json.dumps({"ready": True, "issuer": f"{BASE}/{PREFIX}".rstrip("/")}), flush=True)
server.serve_forever()
