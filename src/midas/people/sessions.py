"""Browsers that are signed in: Django's sessions in the database, with whose they are, on what, and when last seen.

`SESSION_ENGINE` names this module. Whose a session is follows from the session itself, so the list cannot disagree with it.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.db.models import QuerySet

from midas.people.models import Account, Session

DEVICE, BEGUN, SEEN = "device", "begun", "seen"
"""Keys within a session: words for the browser, and two moments (ISO 8601)."""
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrom", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"), ("iPhone|iPad", "iOS"), ("Windows", "Windows"), ("Mac OS", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


class SessionStore(DatabaseSessions):
    """Django's, with the columns of `Session` filled from what the session says."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        made: Session = super().create_model_instance(data)  # type: ignore[assignment]
        made.account_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        made.device = data.get(DEVICE, "")
        made.begun_at, made.seen_at = (
            datetime.fromisoformat(data[key]) if key in data else None for key in (BEGUN, SEEN)
        )
        return made


def device_of(user_agent: str) -> str:
    """Return browser and system in coarse words, such as `Firefox, Windows`; what is not known is left out."""
    found = (
        next((name for pattern, name in known if re.search(pattern, user_agent)), "")
        for known in (_BROWSERS, _SYSTEMS)
    )
    return ", ".join(name for name in found if name)


def sessions_of(account: Account, *, now: datetime) -> QuerySet[Session]:
    """Return the account's standing sessions, the last seen first."""
    return Session.objects.filter(account=account, expire_date__gt=now).order_by("-seen_at", "session_key")


def end_sessions(*, account: Account, but: str = "", only: str = "") -> int:
    """End the account's sessions: all, all `but` one, or `only` one (session keys); return how many ended."""
    found = Session.objects.filter(account=account)
    if but:
        found = found.exclude(session_key=but)
    if only:
        found = found.filter(session_key=only)
    return found.delete()[0]
