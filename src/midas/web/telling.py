"""What the server's log says. In comes a record of any library; out goes a line without a value of a request or an object.

An address may hold the key of an invitation, an error's words a name or an identifier: neither is ever written. What stays
is enough to find the fault: which route, which status, which error, where in the code.
"""

from __future__ import annotations

import logging
import traceback
from typing import Any

LINES = 8
"""Places in the code that are named, the innermost first."""


def where_of(error: BaseException) -> str:
    """Return an error's kind and where it arose, without its words."""
    frames = traceback.extract_tb(error.__traceback__)[-LINES:]
    places = [
        f"{one.filename.rpartition('site-packages/')[2].rpartition('/src/')[2]}:{one.lineno}"
        for one in reversed(frames)
    ]
    causes = [type(one).__name__ for one in (error, error.__cause__ or error.__context__) if one is not None]
    return f"{' from '.join(causes)} at {' < '.join(places) or 'no place'}"


class Discreet(logging.Formatter):
    """Writes records so; Django's carry the request that they are about."""

    def format(self, record: logging.LogRecord) -> str:
        request: Any = getattr(record, "request", None)
        words = record.getMessage() if request is None else _of(request, record)
        error = record.exc_info[1] if record.exc_info else None
        return f"{record.levelname} {record.name}: {words}{f': {where_of(error)}' if error else ''}"


def _of(request: Any, record: logging.LogRecord) -> str:
    match = getattr(request, "resolver_match", None)
    route = f"/{match.route}" if match is not None else "an unknown address"
    return f"{getattr(record, 'status_code', '')} {getattr(request, 'method', '')} {route}".strip()


def logging_of() -> dict[str, Any]:
    """Return the one configuration of logging, for Django and for the server (`logging.config.dictConfig`)."""
    return {
        "version": 1, "disable_existing_loggers": False,
        "formatters": {"discreet": {"()": "midas.web.telling.Discreet"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "discreet"}},
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {
            "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
            "midas": {"handlers": ["console"], "level": "INFO", "propagate": False},
        },
    }  # fmt: skip
