"""Time as a value that is handed in, so that nothing in the middle of the house reads a clock."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The port to the time of day: what asks for the time is given a clock, and reads none by itself."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        ...


class SystemClock:
    """The machine's own clock, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True)
class FixedClock:
    """A `Clock` that stands still at `at` (with a time zone), so that the same work gives the same bytes."""

    at: datetime

    def now(self) -> datetime:
        return self.at
