"""One Django project for the tests that holds the apps of both sites; the sites' own settings are tested by running them."""

import os
import tempfile
from pathlib import Path

from midas.web.home import HubConfig, HubHome
from midas.web.identity.settings import APPS, identity_settings

SECRET_KEY = "tests-only"
HOME = Path(os.environ.get("MIDAS_TEST_HOME") or tempfile.mkdtemp(prefix="midas-tests-"))
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "midas.ui",
    "midas.people",
    "midas.ledger",
    "midas.catalogue",
    "midas.annotate",
    "midas.grading",
    "midas.release",
    "midas.access",
    "midas.spoke.vault",
    "midas.spoke.intake",
    "midas.spoke.outbox",
    *APPS,
]
AUTH_USER_MODEL = "people.Account"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(HOME / "test.sqlite3")}}
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
MIDAS_HUB = HubHome(path=HOME, config=HubConfig())  # a test of a real hub sets its own
OF_THE_HUB = {"AUTHENTICATION_BACKENDS", "AUTH_PASSWORD_VALIDATORS"}  # set where a hub is tested
globals().update({k: v for k, v in identity_settings(HubConfig()).items() if k not in OF_THE_HUB})
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
ROOT_URLCONF = "tests.urls"
USE_TZ = True
TIME_ZONE = "UTC"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
