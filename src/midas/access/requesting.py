"""Ask for a release, and decide about it. Each is one transaction with its row of the ledger.

    1 ask      a person, a release, a purpose, words and the terms that they accepted; one open request at a time
    2 decide   an officer gives a grant for so many days, or declines with a reason

In come a person and a wish; out comes a grant or a reason. A request is never edited; who declines leaves room to ask again.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction

from midas.access.granting import give
from midas.access.models import Grant, Request, Terms
from midas.access.terms import access_of, purpose_for
from midas.kernel import BadInput, Clock, Conflict, NotFound
from midas.ledger import Deed, enter
from midas.people.models import Account
from midas.release.models import Release

SHORTEST_WORDS, LONGEST_WORDS = 20, 4000
"""Characters of "what for": a sentence at least, a page or two at most."""


def ask(
    *,
    account: Account,
    release: Release,
    purpose: str,
    words: str,
    terms: Terms,
    accepted: str,
    clock: Clock,
    commercial: bool = False,
) -> Request:
    """Ask for a release. `accepted` is the SHA-256 of the terms that the person saw and accepted.

    `BadInput` for a purpose or a commercial use that the terms do not allow and for too few words; `Conflict` where the
    terms are others by now, where a request is open, or where none is needed.
    """
    if release.twin or release.access == "open":
        raise Conflict(
            "This needs no grant.", advice="Twins are for anyone, open releases for all who sign in."
        )
    if accepted != terms.sha256:
        raise Conflict(
            "The terms were not accepted as they stand now.",
            advice="Read them again, then accept them and ask.",
        )
    if commercial and not access_of(release).commercial:
        raise BadInput("This release may not be used commercially.", advice="Ask for another use.")
    if not SHORTEST_WORDS <= len(words.strip()) <= LONGEST_WORDS:
        raise BadInput(
            f"What it is for has to be said in {SHORTEST_WORDS} to {LONGEST_WORDS:,} characters.",
            advice="Say what you want to find out or build, and with whom.",
        )
    code = purpose_for(release, purpose)
    try:
        with transaction.atomic():
            made = Request.objects.create(
                account=account, institution=account.institution, release=release, purpose=code, words=words.strip(),
                commercial=commercial, terms=terms, asked_at=clock.now(),
            )  # fmt: skip
            enter(
                Deed.ASK, by=account, clock=clock, dataset=release.dataset.slug, version=release.version,
                target=str(made.pk), purpose=code, terms=terms.sha256,
            )  # fmt: skip
    except IntegrityError:
        raise Conflict(
            "You have asked for this release already.", advice="An access officer decides; see My access."
        ) from None
    return made


def request_numbered(number: int) -> Request:
    """Return the request with this number; `NotFound` without it."""
    kept = ("account", "institution", "release__dataset", "release__draft__protocol", "terms", "declined_by")
    found = Request.objects.select_related(*kept).filter(pk=number).first()
    if found is None:
        raise NotFound(f"There is no request {number}.", advice="See the list of requests.")
    return found


@transaction.atomic
def accept(*, request: Request, by: Account, why: str, clock: Clock, days: int) -> Grant:
    """Give what was asked for. `Conflict` where it was decided already, or the person has left the institution."""
    row = _open(request)
    if row.institution_id != row.account.institution_id:
        raise Conflict(
            "The person asked at another institution than they are at now.",
            advice="Decline, and let them ask again.",
        )
    return give(
        account=row.account, release=row.release, purpose=row.purpose, words=row.words, terms=row.terms, request=row,
        by=by, why=why, clock=clock, days=days,
    )  # fmt: skip


@transaction.atomic
def decline(*, request: Request, by: Account, why: str, clock: Clock) -> Request:
    """Decline a request. `BadInput` without a reason, `Conflict` where it was decided already or is one's own."""
    row = _open(request)
    if not why.strip():
        raise BadInput("Declining needs a reason.", advice="Say in a sentence why; the person sees it.")
    if by.pk == row.account_id:
        raise Conflict("Nobody decides about themselves.", advice="Ask another officer.")
    row.decided_at, row.declined_by, row.declined_why = clock.now(), by, why.strip()[:500]
    row.save(update_fields=["decided_at", "declined_by", "declined_why"])
    enter(
        Deed.DECLINE, by=by, clock=clock, dataset=row.release.dataset.slug, version=row.release.version,
        target=str(row.pk), why=why.strip(), to=row.account.username,
    )  # fmt: skip
    return row


def _open(request: Request) -> Request:
    row = (
        Request.objects.select_for_update(of=("self",))
        .select_related("account", "release__dataset", "release__draft__protocol", "terms")
        .get(pk=request.pk)
    )
    if row.decided_at is not None:
        raise Conflict("This request was decided already.", advice="See its page.")
    return row
