"""Experts rate how relevant each statement of a rubric is; what they say together is worked out by `delphi`.

Nobody sees the others' ratings of a statement before giving their own, nor any result while fewer than three have rated.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.db.models import Count

from midas.grading.models import Rating
from midas.grading.rubric import Rubric
from midas.kernel import BadInput, Clock
from midas.ledger import Deed, enter
from midas.people.models import Account

LOWEST, HIGHEST = 1, 4
"""Relevance as in Lynn (1986): not, somewhat, quite and highly relevant. Each of them stands on both scales."""
FEWEST = 3
"""Experts below whom content validity says nothing (Lynn 1986)."""


def items_of(rubric: Rubric, domain: int) -> dict[str, str]:
    """Return the statements of a domain by id, of both forms."""
    found = rubric.domain(domain)
    return {one.id: one.says for ladder in (found.lite, found.technical) for level in ladder for one in level}


@transaction.atomic
def rate(*, rubric: Rubric, ratings: Mapping[str, int], by: Account, clock: Clock) -> int:
    """Keep an expert's ratings, in the place of earlier ones; return how many.

    `BadInput` for none, for a statement that the rubric does not have, or a rating that is not 1 to 4.
    """
    known = {item for one in rubric.domains for item in items_of(rubric, one.number)}
    if not ratings:
        raise BadInput("Nothing was rated.", advice="Choose a number from 1 to 4 for at least one statement.")
    for item, rating in ratings.items():
        if item not in known:
            raise BadInput(
                f"The rubric has no statement '{item}'.", advice="See `midas grade rubric --json`."
            )
        if not LOWEST <= rating <= HIGHEST:
            raise BadInput(f"{rating} is no rating of relevance.", advice="Rate from 1 to 4.")
    now = clock.now()
    for item, rating in ratings.items():
        Rating.objects.update_or_create(
            rubric_sha256=rubric.sha256, item=item, expert=by, defaults={"rating": rating, "rated_at": now}
        )
    enter(
        Deed.RATE, by=by, clock=clock, target=rubric.id, rubric_sha256=rubric.sha256, statements=len(ratings)
    )
    return len(ratings)


def given_by(rubric: Rubric, expert: Account) -> dict[str, int]:
    """Return what an expert said of each statement."""
    found = Rating.objects.filter(rubric_sha256=rubric.sha256, expert=expert)
    return dict(found.values_list("item", "rating"))


def experts_of(rubric: Rubric) -> int:
    """Return how many people rated at least one statement."""
    found = Rating.objects.filter(rubric_sha256=rubric.sha256).aggregate(
        number=Count("expert", distinct=True)
    )
    return int(found["number"])


def seen_by(rubric: Rubric, expert: Account) -> dict[str, list[int]]:
    """Return all ratings of the statements that this expert rated too, and that at least three people rated."""
    own = given_by(rubric, expert)
    found: dict[str, list[int]] = {}
    rows = Rating.objects.filter(rubric_sha256=rubric.sha256).order_by("item", "rating")
    for item, rating in rows.values_list("item", "rating"):
        if item in own:
            found.setdefault(item, []).append(rating)
    return {item: ratings for item, ratings in found.items() if len(ratings) >= FEWEST}
