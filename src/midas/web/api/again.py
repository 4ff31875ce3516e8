"""A write with an `Idempotency-Key` is done once: the same key again is answered as it was the first time.

The answer is kept in the write's own transaction, so that after a crash either both are there or neither. Refusals are
not kept: what was wrong may be put right and sent under the same key.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from midas.kernel import BadInput, BrokenPromise, SystemClock, sha256_bytes
from midas.people.models import Answered
from midas.web.guard import Caller

KEPT_FOR = timedelta(days=1)
LONGEST_KEY = 100


def once(
    request: HttpRequest, key: str, caller: Caller, do: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    """Do the write, or answer as before. `BadInput` for too long a key, `BrokenPromise` (422) for another request."""
    if len(key) > LONGEST_KEY:
        raise BadInput(
            f"An Idempotency-Key has at most {LONGEST_KEY} characters.", advice="A UUID is a good one."
        )
    owner = (
        f"account {caller.account.pk}"
        if caller.account
        else f"spoke {caller.spoke.pk}"
        if caller.spoke
        else ""
    )
    named = sha256_bytes(f"{owner}\0{key}".encode())
    asked = sha256_bytes(f"{request.method} {request.get_full_path()}\0".encode() + request.body)
    now = SystemClock().now()
    Answered.objects.filter(at__lt=now - KEPT_FOR).delete()
    if (before := Answered.objects.filter(key=named).first()) is not None:
        return _as_before(before, asked)
    try:
        with transaction.atomic():
            kept = Answered.objects.create(key=named, request=asked, at=now)
            answer = do()
            if answer.status_code >= 400 or not isinstance(answer, HttpResponse):
                transaction.set_rollback(True)
                return answer
            kept.status, kept.body = answer.status_code, answer.content.decode()
            kept.save(update_fields=["status", "body"])
    except IntegrityError:
        if (before := Answered.objects.filter(key=named).first()) is None:
            raise
        return _as_before(before, asked)
    return answer


def _as_before(before: Answered, asked: str) -> HttpResponse:
    if before.request != asked:
        raise BrokenPromise(
            "This Idempotency-Key was used for another request.", advice="Use a new key for each request."
        )
    headers = {"Idempotency-Replayed": "true"}
    return HttpResponse(before.body, status=before.status, content_type="application/json", headers=headers)
