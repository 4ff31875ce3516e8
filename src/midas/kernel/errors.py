"""One root for everything that can go wrong; the doors (CLI, web) choose exit and HTTP codes from the class."""


class MidasError(Exception):
    """Say what happened and what to do about it.

    `message` and `advice` are shown to people, so neither ever holds an identified value.
    """

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()


class BadInput(MidasError):
    """What was given cannot be used as it is; the same call will fail again."""


class NotFound(MidasError):
    """The named thing does not exist, or the asker may not know that it does."""


class Forbidden(MidasError):
    """The asker may not do this."""


class Conflict(MidasError):
    """The act does not fit the state of the thing, such as changing what was released."""


class Unavailable(MidasError):
    """A peer, disk or network did not answer; the same call may succeed later."""


class WorkerDied(Unavailable):
    """A worker process ended in the middle of its work; what it had in hand may be why."""


class BrokenPromise(MidasError):
    """A hash, signature or invariant does not hold: nothing that depends on it may go on."""
