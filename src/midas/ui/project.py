"""What both sites' Django settings share about pages; the settings of hub and spoke take these values as they are.

Nothing comes in; out go constants. No setting here depends on a database, a key or the environment.
"""

import json
from pathlib import Path
from typing import Any

UI = Path(__file__).parent
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [UI / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "django.templatetags.l10n",
                "midas.ui.templatetags.midas",
            ],
        },
    }
]
LOCALE_PATHS = [UI / "locale"]
LANGUAGES = [
    ("en", "English"),
    *((code, name) for code, name in json.loads((LOCALE_PATHS[0] / "languages.json").read_text("utf-8"))),
]
"""English and each language whose catalogue is complete enough (`tools/catalogues.py`)."""
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
)
"""The pages hold no inline script and no inline style, so that this policy needs no exception."""
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "midas.ui.headers.PolicyHeaders",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
"""In this order; WhiteNoise, where a site serves its own static files, goes right after the first."""
