"""What Django and allauth are told about signing in. In comes the hub's configuration; out go settings."""

from __future__ import annotations

from typing import Any

from midas.kernel import BadInput
from midas.web.home import HubConfig, HubHome, Mail, Provider

APPS = (
    "allauth", "allauth.account", "allauth.mfa", "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
)  # fmt: skip
MIDDLEWARE = ("allauth.account.middleware.AccountMiddleware", "midas.web.identity.presence.Presence")
HASHERS = (
    "django.contrib.auth.hashers.ScryptPasswordHasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher",
)  # fmt: skip
"""The first makes new hashes; one of the second is made anew when its owner signs in."""
SHORTEST_PASSWORD = 12
_RESET_LINKS = "django.contrib.auth.tokens.PasswordResetTokenGenerator"
_VALIDATORS = "django.contrib.auth.password_validation"


def identity_settings(config: HubConfig) -> dict[str, Any]:
    """Return the settings that need no home: what may be tried how often, which factors there are, whose pages."""
    tries, window_s = config.sign_in_tries, config.sign_in_window_minutes * 60
    return {
        "AUTHENTICATION_BACKENDS": ["midas.web.throttle.ThrottledBackend"],
        "AUTH_PASSWORD_VALIDATORS": [
            {
                "NAME": f"{_VALIDATORS}.UserAttributeSimilarityValidator",
                "OPTIONS": {"user_attributes": ("username", "email", "full_name")},
            },
            {"NAME": f"{_VALIDATORS}.MinimumLengthValidator", "OPTIONS": {"min_length": SHORTEST_PASSWORD}},
            {"NAME": f"{_VALIDATORS}.CommonPasswordValidator"},
        ],
        "SESSION_ENGINE": "midas.people.sessions",
        "LOGIN_URL": "/sign-in",
        "LOGIN_REDIRECT_URL": "/",
        "LOGOUT_REDIRECT_URL": "/",
        "PASSWORD_RESET_TIMEOUT": 24 * 3600,
        "ALLAUTH_TRUSTED_PROXY_COUNT": 1 if config.trust_proxy else 0,
        "ACCOUNT_ADAPTER": "midas.web.identity.adapters.Accounts",
        "ACCOUNT_FORMS": {"login": "midas.web.identity.forms.SignInForm"},
        "ACCOUNT_LOGIN_METHODS": {"username"},
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        "ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS": False,
        "ACCOUNT_EMAIL_NOTIFICATIONS": True,
        "ACCOUNT_EMAIL_SUBJECT_PREFIX": "",
        "ACCOUNT_SESSION_REMEMBER": True,  # until the session's own age, which the configuration says
        "SOCIALACCOUNT_LOGIN_ON_GET": True,  # from this site's own page only: see `with_provider`
        "ACCOUNT_SIGNUP_FIELDS": ["username*", "password1*"],
        "ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR": _RESET_LINKS,
        "ACCOUNT_RATE_LIMITS": {
            "login": None,  # the throttle counts these, by what the configuration says
            "login_failed": f"{tries}/{window_s}s/key",  # of second factors
            "reset_password": "20/h/ip,3/h/key",  # pragma: allowlist secret
        },
        "MFA_ADAPTER": "midas.web.identity.adapters.Factors",
        "MFA_SUPPORTED_TYPES": ["totp", "webauthn", "recovery_codes"],
        "MFA_PASSKEY_LOGIN_ENABLED": True,
        "MFA_RECOVERY_CODES_SHOW_ONCE": True,
        "MFA_TOTP_TOLERANCE": 1,
        "MFA_TOTP_ISSUER": "MIDAS",
        "MFA_ALLOW_UNVERIFIED_EMAIL": True,  # an administrator answers for the addresses
        "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": config.public_url.startswith("http://"),
        "SOCIALACCOUNT_ADAPTER": "midas.web.identity.adapters.Providers",
        "SOCIALACCOUNT_EMAIL_AUTHENTICATION": False,
        "SOCIALACCOUNT_STORE_TOKENS": False,
        "SECOND_FACTOR_ROLES": config.require_second_factor,
    }  # fmt: skip


def at_home(home: HubHome) -> dict[str, Any]:
    """Return all of them for one hub: also its providers, with their secrets, and where mail goes."""
    return {
        **identity_settings(home.config),
        "PASSWORD_HASHERS": list(HASHERS),
        "SOCIALACCOUNT_PROVIDERS": {
            "openid_connect": {"APPS": [_provider(one, home) for one in home.config.oidc]}
        },
        **_mail(home, home.config.mail),
    }


def _provider(one: Provider, home: HubHome) -> dict[str, Any]:
    return {
        "provider_id": one.id, "name": one.name, "client_id": one.client_id, "secret": _kept(home, one.secret_file),
        "settings": {"server_url": one.issuer, "oauth_pkce_enabled": True},
    }  # fmt: skip


def _mail(home: HubHome, mail: Mail | None) -> dict[str, Any]:
    if mail is None:
        folder = home.path / "mail"
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": str(folder),
            "DEFAULT_FROM_EMAIL": "midas@localhost",
        }
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": mail.host, "EMAIL_PORT": mail.port, "EMAIL_HOST_USER": mail.user,
        "EMAIL_HOST_PASSWORD": _kept(home, mail.password_file) if mail.password_file else "",
        "EMAIL_USE_TLS": mail.tls == "starttls", "EMAIL_USE_SSL": mail.tls == "tls", "EMAIL_TIMEOUT": 20,
        "DEFAULT_FROM_EMAIL": mail.sender,
    }  # fmt: skip


def _kept(home: HubHome, name: str) -> str:
    """Read a secret from its file, relative to the home; one that others can read is refused."""
    path = home.path / name
    try:
        if path.stat().st_mode & 0o077:
            raise BadInput(f"{path} can be read by others.", advice=f"chmod 600 {path}")
        return path.read_text("utf-8").strip()
    except OSError:
        raise BadInput(f"{path} cannot be read.", advice="Put the secret into this file, mode 600.") from None
