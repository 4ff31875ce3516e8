"""Between requests and the ledger: who was refused, from where, and who downloads what.

An address is never kept: it stands as a hash with this hub's key that changes every day.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from midas.kernel import SystemClock
from midas.ledger import Deed, denied, downloaded

if TYPE_CHECKING:
    from midas.people.rule import Act
    from midas.release.models import Release
    from midas.web.guard import Caller


def address_name(address: str, *, at: datetime) -> str:
    """Return what stands for a network address in the ledger: the same all day (hub's time zone), another tomorrow."""
    told = f"{timezone.localdate(at):%Y-%m-%d} {address}"
    return f"address {salted_hmac('midas.ledger.address', told, algorithm='sha256').hexdigest()[:16]}"


def note_refusal(
    caller: Caller | None, act: Act | str, *, dataset: str | None, address: str, deed: Deed = Deed.DENIED
) -> None:
    """Count a refusal of an account, of a spoke, or of the address where nobody is known. DICOMweb calls it too."""
    clock = SystemClock()
    who = address_name(address, at=clock.now())
    if caller is not None and caller.spoke is not None:
        who = caller.spoke.slug
    denied(
        act=str(act), clock=clock, by=caller.account if caller else None, who=who, dataset=dataset or "", deed=deed
    )  # fmt: skip


def note_download(request: HttpRequest, release: Release) -> None:
    """Note that bytes of a release are about to go out to somebody; asking for headers alone moves none."""
    if not release.twin and request.method != "HEAD":
        downloaded(
            by=request.caller.account,  # type: ignore[attr-defined]
            dataset=release.dataset.slug, version=release.version, clock=SystemClock(),
        )  # fmt: skip
