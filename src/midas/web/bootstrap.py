"""The only place of the hub that reads the environment: a home folder becomes a configured Django project.

In comes a home (or `$MIDAS_HUB_HOME`, or `./hub`), with `DATABASE_URL` and `MIDAS_BLOBS_URL` over what it says;
out goes a `HubHome` with Django ready and the database migrated. Defaults are the safe ones.
"""

from __future__ import annotations

import gc
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from midas.kernel import BadInput, Unavailable
from midas.manifest import PrivateKey
from midas.store import Blobs
from midas.web.home import HubHome, create, open_home, secret
from midas.web.telling import logging_of

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

HOME_VARIABLE = "MIDAS_HUB_HOME"
SETTING = "MIDAS_HUB"
YEAR_S = 365 * 24 * 3600
COLLECT = 50_000, 20, 100
"""When Python looks for cycles: rows come by the hundred thousand and make none, so it need not look at every 700."""
SQLITE = {
    "timeout": 30,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
    " PRAGMA cache_size=-65536; PRAGMA secure_delete=ON;",
}
"""Seconds to wait for a writer; writers queue instead of failing; what was acknowledged survives a power cut; what a
withdrawal deletes leaves no bytes in the file."""


def default_home() -> Path:
    return Path(os.environ.get(HOME_VARIABLE) or "hub")


def remember_home(path: Path) -> None:
    """Tell processes that this one starts (the server's workers) which home is theirs."""
    os.environ[HOME_VARIABLE] = str(path.absolute())


def _database(home: HubHome) -> dict[str, Any]:
    url = home.database_url or home.config.database_url
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(home.database),
            "OPTIONS": SQLITE,
            "ATOMIC_REQUESTS": False,
        }
    import dj_database_url

    try:
        found = dict(dj_database_url.parse(url, conn_max_age=0))
    except ValueError:
        raise BadInput(
            "The database's address cannot be read.",
            advice="Such as postgres://user:…@host:5432/midas.",
        ) from None
    if found["ENGINE"] == "django.db.backends.sqlite3":
        found["OPTIONS"] = SQLITE
    return found


def django_settings(home: HubHome, *, debug: bool = False) -> dict[str, Any]:
    """Return the settings of this hub's Django project."""
    from midas.ui import project, viewer
    from midas.web.identity import settings as identity

    return {
        SETTING: home,
        "SECRET_KEY": secret(home.keys / "django.key"),
        "DEBUG": debug,
        "ALLOWED_HOSTS": home.allowed_hosts,
        "INSTALLED_APPS": [
            "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
            "django.contrib.messages", "django.contrib.staticfiles",
            "midas.ui", "midas.people", "midas.ledger", "midas.catalogue", "midas.annotate", "midas.grading",
            "midas.release", "midas.access", *identity.APPS,
        ],
        "MIDDLEWARE": [
            project.MIDDLEWARE[0], "whitenoise.middleware.WhiteNoiseMiddleware", *project.MIDDLEWARE[1:],
            *identity.MIDDLEWARE, "midas.web.answers.MidasErrors",
        ],
        "TEMPLATES": project.TEMPLATES,
        "ROOT_URLCONF": "midas.web.urls",
        "AUTH_USER_MODEL": "people.Account",
        "DATABASES": {"default": _database(home)},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "STATIC_URL": "/static/",
        "WHITENOISE_USE_FINDERS": True,
        "WHITENOISE_MAX_AGE": 600,
        "WHITENOISE_IMMUTABLE_FILE_TEST": viewer.IMMUTABLE,
        "WHITENOISE_ADD_HEADERS_FUNCTION": viewer.static_headers,
        "LANGUAGES": project.LANGUAGES,
        "LANGUAGE_CODE": home.config.language,
        "LOCALE_PATHS": project.LOCALE_PATHS,
        "USE_TZ": True,
        "TIME_ZONE": "Asia/Kolkata",
        "FILE_UPLOAD_TEMP_DIR": str(home.scratch),
        "DATA_UPLOAD_MAX_MEMORY_SIZE": home.config.page_upload_mib * 1024 * 1024,
        **identity.at_home(home),
        **_security(home),
        "LOGGING": logging_of(),
    }  # fmt: skip


def _security(home: HubHome) -> dict[str, Any]:
    return {
        "SESSION_COOKIE_NAME": "__Host-midas" if home.https else "midas_session",
        "CSRF_COOKIE_NAME": "__Host-midas-csrf" if home.https else "midas_csrf",
        "SESSION_COOKIE_AGE": home.config.session_hours * 3600,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SECURE": home.https,
        "CSRF_COOKIE_SECURE": home.https,
        "CSRF_TRUSTED_ORIGINS": [home.config.public_url.rstrip("/")],
        "SECURE_HSTS_SECONDS": YEAR_S if home.https else 0,
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_REFERRER_POLICY": "same-origin",
        "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https") if home.config.trust_proxy else None,
        "X_FRAME_OPTIONS": "DENY",
    }


def configure(path: Path | None = None, *, debug: bool = False) -> HubHome:
    """Set Django up for one hub's home and bring its database up to date. A second home in one process is refused."""
    import django
    from django.conf import settings

    home = open_home(
        path or default_home(),
        database_url=os.environ.get("DATABASE_URL", ""),
        blobs_url=os.environ.get("MIDAS_BLOBS_URL", ""),
    )
    if settings.configured:
        if getattr(settings, SETTING, None) != home:
            raise BadInput("This process already serves another home.", advice="Start another process.")
        return home
    os.umask(0o077)
    gc.set_threshold(*COLLECT)
    settings.configure(**django_settings(home, debug=debug))
    django.setup()
    _migrate()
    return home


def initialise(path: Path, *, public_url: str = "http://127.0.0.1:8000") -> HubHome:
    """Make a new hub: home, keys and database. `Conflict` where there is one already."""
    create(path, public_url=public_url)
    home = configure(path)
    PrivateKey.load_or_create(home.keys / "hub.key")
    return home


def _migrate() -> None:
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor
    from django.db.utils import OperationalError

    database: BaseDatabaseWrapper = connection
    try:
        executor = MigrationExecutor(database)
    except OperationalError:
        raise Unavailable(
            "The database does not answer.", advice="Check that it runs and that its address is right."
        ) from None
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)


def current_home() -> HubHome:
    """Return the home that this process is configured for: what pages and the API use."""
    from django.conf import settings

    home: HubHome = getattr(settings, SETTING)
    return home


def address(path: str) -> str:
    """Return the address that people type for a page of this hub."""
    return current_home().config.public_url.rstrip("/") + path


@lru_cache(maxsize=8)
def _store_at(address: str) -> Blobs:
    return Blobs.at(address)


def store() -> Blobs:
    """Return the place of this hub's blobs."""
    return _store_at(current_home().blobs)


def signer() -> PrivateKey:
    """Return the key that this hub signs receipts and releases with."""
    return PrivateKey.load_or_create(current_home().keys / "hub.key")
