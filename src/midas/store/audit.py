"""One blob hashed again. In comes a digest, out comes nothing wrong, or what is; made for worker processes."""

from __future__ import annotations

from dataclasses import dataclass

from midas.kernel import BrokenPromise, MidasError, NotFound
from midas.store.blobs import Blobs


@dataclass(frozen=True)
class Audit:
    store: Blobs
    digest: str


@dataclass(frozen=True)
class Answer:
    """`wrong` is empty where the bytes are right."""

    digest: str
    wrong: str = ""


def check(audit: Audit) -> Answer:
    try:
        for _ in audit.store.read(audit.digest):
            pass
    except NotFound:
        return Answer(audit.digest, "missing")
    except BrokenPromise:
        return Answer(audit.digest, "its bytes are not what it is named for")
    except MidasError as error:
        return Answer(audit.digest, error.message)
    return Answer(audit.digest)
