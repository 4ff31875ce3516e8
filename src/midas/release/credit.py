"""Credit: what a hospital or a reader contributed, which releases hold it, who cited them, and a signed yearly statement.

Numbers are told to the ten below, so that no two of them give away a single person. A person is named only while they
choose to be (`contributors.named`).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from midas.catalogue.models import Instance
from midas.kernel import BadInput, Clock, Conflict, Forbidden, NotFound
from midas.ledger import Deed, enter
from midas.manifest import PrivateKey, sign
from midas.people.models import Account, Institution
from midas.release.contributors import named, readings_settled
from midas.release.models import Certificate, Citation, Release, ReleaseSubject

STEP = 10
"""Numbers are told to the ten below; smaller ones as 0."""


@dataclass(frozen=True)
class Credit:
    """What one hospital or reader contributed. Each number is at least so many, in tens."""

    subjects: int
    images: int
    readings: int
    releases: tuple[Release, ...]
    citations: tuple[Citation, ...]


def at_least(number: int) -> int:
    """Round down to the ten below."""
    return number - number % STEP


def of_institution(one: Institution, *, year: int | None = None) -> Credit:
    """Return what of a hospital stands in releases, in all or in those cut in one year.

    What is registered and not released is not counted: a number that moves with each submission could be watched.
    """
    holding = ReleaseSubject.objects.filter(subject__spoke=one.slug, release__twin=False)
    if year is not None:
        holding = holding.filter(release__cut_at__year=year)
    subjects = holding.values("subject").distinct()
    images = Instance.objects.filter(series__study__subject__in=subjects)
    return _credit(holding.values("release"), year, subjects=subjects.count(), images=images.count())


def of_reader(account: Account, *, year: int | None = None) -> Credit:
    """Return what a person read, of items that are settled, in all or in one year."""
    found = readings_settled(reader=account)
    if year is not None:
        found = found.filter(submitted_at__year=year)
    datasets = readings_settled(reader=account).values("item__task__dataset")
    drafts = Release.objects.filter(dataset__in=datasets, twin=False).exclude(draft__readings=[])
    return _credit(drafts.values("pk"), year, readings=found.count())


def _credit(
    holding: Any, year: int | None, *, subjects: int = 0, images: int = 0, readings: int = 0
) -> Credit:
    releases = Release.objects.filter(pk__in=holding, twin=False).select_related("dataset")
    cited = Citation.objects.filter(release__in=releases.values("pk")).select_related("release__dataset")
    if year is not None:
        releases, cited = releases.filter(cut_at__year=year), cited.filter(added_at__year=year)
    return Credit(
        at_least(subjects), at_least(images), at_least(readings),
        tuple(releases.order_by("-cut_at")), tuple(cited.order_by("-added_at")),
    )  # fmt: skip


@transaction.atomic
def cite(*, release: Release, url: str, title: str, by: Account, clock: Clock) -> Citation:
    """Write down a work that used a release. `BadInput` without a title or an https address, `Conflict` where it stands."""
    address, title = url.strip(), title.strip()
    if address.lower().startswith("10.") and "/" in address:
        address = f"https://doi.org/{address}"
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname or len(address) > 300:
        raise BadInput("That is neither a DOI nor an https address.", advice="Write 10.1234/abc or https://…")
    if not title:
        raise BadInput("A citation needs a title.", advice="Write the title of the work.")
    if Citation.objects.filter(release=release, url=address).exists():
        raise Conflict("This work is on the list already.", advice="Add another one.")
    made = Citation.objects.create(
        release=release, url=address, title=title[:300], added_by=by, added_at=clock.now()
    )
    enter(
        Deed.CREDIT, by=by, clock=clock, dataset=release.dataset.slug, version=release.version, target=address
    )
    return made


def citations(release: Release) -> list[Citation]:
    """Return the works that used a release, newest first."""
    return list(Citation.objects.filter(release=release).order_by("-added_at", "-pk"))


@transaction.atomic
def certify(
    *, who: Institution | Account, year: int, signer: PrivateKey, clock: Clock, by: Account
) -> Certificate:
    """Sign what a hospital or a person contributed in a year; the same statement gives the certificate that exists.

    `Forbidden` for a person who has not chosen to be named, `BadInput` for a year to come, `NotFound` for one in which
    nothing was contributed.
    """
    if isinstance(who, Account) and not named(who):
        raise Forbidden(
            "Nobody is named who has not chosen it.", advice="Choose it on the page of your account."
        )
    if year > clock.now().year:
        raise BadInput("That year has not come.", advice="Choose a year that has begun.")
    found = of_reader(who, year=year) if isinstance(who, Account) else of_institution(who, year=year)
    if not (found.subjects or found.images or found.readings or found.releases):
        raise NotFound(f"Nothing was contributed in {year} that may be told.", advice="Choose another year.")
    signed = sign(_statement(who, year, found, clock.now()), signer)
    code = code_of(signed.payload)
    made, fresh = Certificate.objects.get_or_create(
        code=code,
        defaults={
            "institution": None if isinstance(who, Account) else who, "signed": signed.model_dump(),
            "account": who if isinstance(who, Account) else None, "made_at": clock.now(),
        },
    )  # fmt: skip
    if fresh:
        enter(Deed.CREDIT, by=by, clock=clock, target=code, year=year)
    return made


def _statement(who: Institution | Account, year: int, found: Credit, now: datetime) -> dict[str, Any]:
    person = isinstance(who, Account)
    identity = (
        f"https://orcid.org/{who.orcid}"
        if isinstance(who, Account) and who.orcid
        else getattr(who, "ror", "")
    )
    return {
        "schema": "midas-credit/1", "name": who.full_name if isinstance(who, Account) else who.name,
        "kind": "reader" if person else "hospital", "identifier": identity, "year": year,
        "subjects_at_least": found.subjects, "images_at_least": found.images, "readings_at_least": found.readings,
        "releases": [f"{one.dataset.slug}@{one.version}" for one in found.releases],
        "keys": [one.key for one in found.releases], "citations": len(found.citations),
        "said_on": now.date().isoformat(),
    }  # fmt: skip


def code_of(payload: str) -> str:
    """Return the short code of a statement: 80 bits of its SHA-256 in base32, in four groups."""
    text = base64.b32encode(hashlib.sha256(payload.encode()).digest()[:10]).decode()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def certificate(code: str) -> Certificate:
    """Return a certificate by its code, however it was typed; `NotFound` where this hub issued none."""
    text = "".join(one for one in code.upper() if one.isalnum())
    wanted = "-".join(text[start : start + 4] for start in range(0, 16, 4))
    found = Certificate.objects.select_related("institution", "account").filter(code=wanted).first()
    if found is None:
        raise NotFound("This hub issued no certificate with this code.", advice="Compare it with the paper.")
    return found


def years_of(who: Institution | Account) -> list[int]:
    """Return the years in which something came or was read, newest first."""
    if isinstance(who, Account):
        times = readings_settled(reader=who).dates("submitted_at", "year")
        return sorted({one.year for one in times}, reverse=True)
    times = Instance.objects.filter(series__study__subject__spoke=who.slug)
    found = times.values_list("submission__registered_at__year", flat=True).distinct()
    return sorted({one for one in found if one}, reverse=True)
