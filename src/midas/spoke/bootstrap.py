"""The only place of the spoke that reads the environment: a home folder becomes a configured Django project.

In comes a home (or `$MIDAS_SPOKE_HOME`, or `./spoke`); out goes a `Home` with Django ready and the database migrated.
Defaults are the safe ones: this machine's address only, host names checked, cookies strict, files for the owner alone.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from midas.kernel import BadInput, Conflict
from midas.protocol import Loaded
from midas.spoke.home import LOCAL, Config, Home, create, key_file, open_home


def default_home() -> Path:
    return Path(os.environ.get("MIDAS_SPOKE_HOME") or "spoke")


def remember_home(path: Path) -> None:
    """Tell processes that this one starts (the site's workers) which home is theirs."""
    os.environ["MIDAS_SPOKE_HOME"] = str(path.absolute())


def django_settings(home: Home) -> dict[str, Any]:
    """Return the settings of this spoke's Django project."""
    from midas.ui import project

    tls = bool(home.config.tls_cert and home.config.tls_key)
    hosts = [*LOCAL, "[::1]"] + ([home.config.bind] if home.config.bind not in LOCAL else [])
    return {
        "MIDAS_SPOKE_HOME": str(home.path),
        "SPOKE_HANDS": True,
        "SECRET_KEY": key_file(home.keys / "django.key", size=48).hex(),
        "DEBUG": False,
        "ALLOWED_HOSTS": ["*"] if home.config.bind in {"0.0.0.0", "::"} else hosts,  # noqa: S104 - compared, not bound
        "INSTALLED_APPS": [
            "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
            "django.contrib.messages", "django.contrib.staticfiles",
            "midas.ui", "midas.spoke.vault", "midas.spoke.intake", "midas.spoke.outbox",
        ],
        "MIDDLEWARE": [
            project.MIDDLEWARE[0], "whitenoise.middleware.WhiteNoiseMiddleware", *project.MIDDLEWARE[1:],
        ],
        "TEMPLATES": project.TEMPLATES,
        "ROOT_URLCONF": "midas.spoke.site.urls",
        "DATABASES": {"default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(home.database),
            "OPTIONS": {
                "timeout": 30,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                " PRAGMA secure_delete=ON;",
            },
        }},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "STATIC_URL": "/static/",
        "WHITENOISE_USE_FINDERS": True,
        "LANGUAGES": project.LANGUAGES,
        "LANGUAGE_CODE": home.config.language,
        "LOCALE_PATHS": project.LOCALE_PATHS,
        "USE_TZ": True,
        "TIME_ZONE": "Asia/Kolkata",
        "LOGIN_URL": "/sign-in",
        "LOGIN_REDIRECT_URL": "/",
        "SESSION_COOKIE_NAME": "midas_spoke_session",
        "CSRF_COOKIE_NAME": "midas_spoke_csrf",
        "SESSION_COOKIE_SAMESITE": "Strict",
        "SESSION_COOKIE_SECURE": tls,
        "CSRF_COOKIE_SECURE": tls,
        "SESSION_COOKIE_AGE": 8 * 3600,
        "SESSION_EXPIRE_AT_BROWSER_CLOSE": True,
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_REFERRER_POLICY": "same-origin",
        "X_FRAME_OPTIONS": "DENY",
        "AUTH_PASSWORD_VALIDATORS": [
            {"NAME": f"django.contrib.auth.password_validation.{name}"}
            for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
        ],
        "LOGGING": {
            "version": 1, "disable_existing_loggers": False,
            "handlers": {"console": {"class": "logging.StreamHandler"}},
            "loggers": {"django": {"handlers": ["console"], "level": "WARNING", "propagate": False}},
        },
    }  # fmt: skip


def configure(path: Path | None = None) -> Home:
    """Set Django up for one spoke home and bring its database up to date. A second home in one process is refused."""
    import django
    from django.conf import settings

    home = open_home(path or default_home())
    if settings.configured:
        if getattr(settings, "MIDAS_SPOKE_HOME", None) != str(home.path):
            raise BadInput("This process already serves another home.", advice="Start another process.")
        return home
    os.umask(0o077)
    settings.configure(**django_settings(home))
    django.setup()
    _migrate(home)
    from midas.kernel import SystemClock
    from midas.spoke.intake.items import close_interrupted

    close_interrupted(home, at=SystemClock().now())
    return home


def _migrate(home: Home) -> None:
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)
    home.database.chmod(0o600)


def initialise(*, path: Path, config: Config, loaded: Loaded) -> Home:
    """Make a spoke home with its keys, database and first project. `Conflict` where there is one already."""
    if (path / "config.toml").exists():
        raise Conflict(f"{path} is a spoke home already.", advice="Give another --home.")
    config = config.model_copy(update={"project": loaded.protocol.id})
    create(path, config)
    home = configure(path)
    from midas.spoke.vault.projects import open_project

    open_project(home=home, loaded=loaded)
    return home


def current_home() -> Home:
    """Return the home that this process is configured for: what pages use."""
    from django.conf import settings

    return open_home(Path(str(getattr(settings, "MIDAS_SPOKE_HOME", default_home()))))
