"""Persons: enrolled, found, merged, known by names and numbers, forgotten.

In come identified names and numbers; out come `Person` rows with a random pseudonym and a random shift. A pseudonym is
never reissued and never derived from anything; persons found to be one are merged towards the older (or the one already
sent), and where both were sent a link says so.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction

from midas.kernel import Conflict
from midas.spoke.vault.facts import move_facts
from midas.spoke.vault.models import Basis, FileFact, Identifier, Person
from midas.spoke.vault.projects import Desk

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
WIDEST_SHIFT = 730
NUMBERS = ("uhid", "abha")
"""What makes two records one person."""


class Ambiguous(Exception):
    """The numbers name more than one person, and what else is known says that they are not the same."""


@dataclass(frozen=True)
class Known:
    """What one row says of a person: (kind, value) pairs, identified."""

    pairs: tuple[tuple[str, str], ...]
    sex: str = "U"
    born: str | None = None

    def of(self, *kinds: str) -> tuple[tuple[str, str], ...]:
        return tuple(pair for pair in self.pairs if pair[0] in kinds)


def new_pseudonym() -> str:
    letters = "".join(secrets.choice(CROCKFORD) for _ in range(10))
    return f"P-{letters[:5]}-{letters[5:]}"


def new_shift() -> int:
    """Return −730 … −1 days, uniformly: always into the past, so that no date can come to lie in the future."""
    return -1 - secrets.randbelow(WIDEST_SHIFT)


def survivor(person: Person) -> Person:
    """Follow merges to the person that counts."""
    while person.merged_into is not None:
        person = person.merged_into
    return person


def _holders(desk: Desk, pairs: Iterable[tuple[str, str]]) -> list[Person]:
    lookups = [(kind, desk.vault.lookup(kind, value)) for kind, value in pairs if value.strip()]
    found = Identifier.objects.filter(
        person__project=desk.project, kind__in={kind for kind, _ in lookups},
        lookup__in=[lookup for _, lookup in lookups],
    ).select_related("person")  # fmt: skip
    persons = {survivor(one.person) for one in found}
    return sorted(persons, key=lambda person: person.pk)


def find(desk: Desk, *, kind: str, value: str) -> Person | None:
    """Return the person known by this number, or none. Raise `Ambiguous` where it is more than one."""
    persons = _holders(desk, [(kind, value)])
    if len(persons) > 1:
        raise Ambiguous
    return persons[0] if persons else None


def _contradict(desk: Desk, person: Person, known: Known) -> bool:
    """Do sex and date of birth both known on both sides say that these are two persons?"""
    if known.sex in {"F", "M"} and person.sex in {"F", "M"} and known.sex != person.sex:
        return True
    births = set(person.identifiers.filter(kind="birth-date").values_list("lookup", flat=True))
    return bool(known.born and births and desk.vault.lookup("birth-date", known.born) not in births)


def learn(desk: Desk, person: Person, pairs: Iterable[tuple[str, str]]) -> None:
    """Keep (sealed) what a person is known by."""
    for kind, value in pairs:
        if value.strip():
            Identifier.objects.get_or_create(
                person=person, kind=kind, lookup=desk.vault.lookup(kind, value),
                defaults={"sealed": desk.vault.seal(value, about=f"identifier/{kind}")},
            )  # fmt: skip


def known_of(desk: Desk, person: Person) -> tuple[tuple[str, str], ...]:
    """Return all (kind, value) that a person is known by, over every row merged into it; identified."""
    ids = family(person)
    rows = Identifier.objects.filter(person_id__in=ids).order_by("pk")
    pairs = [(one.kind, desk.vault.open(one.sealed, about=f"identifier/{one.kind}")) for one in rows]
    return tuple(dict.fromkeys(pairs))


def family(person: Person) -> list[int]:
    """Return the ids of a person and of all that were merged into it."""
    ids, fresh = [person.pk], [person.pk]
    while fresh:
        fresh = list(Person.objects.filter(merged_into_id__in=fresh).values_list("pk", flat=True))
        ids += fresh
    return ids


def links_of(person: Person) -> tuple[str, ...]:
    """Return the pseudonyms that were sent for the same person before the merge."""
    merged = Person.objects.filter(pk__in=family(person)[1:], sent=True)
    return tuple(sorted(merged.values_list("pseudonym", flat=True)))


@transaction.atomic
def enrol(desk: Desk, *, known: Known) -> tuple[Person, tuple[Person, ...]]:
    """Find or make the person of a row; return it with the persons that were merged away by this.

    Numbers declared together (a second UHID, an ABHA number) make their holders one. Raise `Ambiguous` where an ABHA
    number alone joins records whose sex or date of birth differ.
    """
    by_uhid = _holders(desk, known.of("uhid"))
    holders = by_uhid + [one for one in _holders(desk, known.of("abha")) if one not in by_uhid]
    if any(_contradict(desk, one, known) for one in holders if one not in by_uhid):
        raise Ambiguous
    if not holders:
        person = Person.objects.create(
            project=desk.project, pseudonym=new_pseudonym(), shift_days=new_shift(), sex=known.sex,
            created_at=datetime.now(UTC),
        )  # fmt: skip
        learn(desk, person, known.pairs)
        return person, ()
    person = min(holders, key=lambda one: (not one.sent, one.pk))
    gone = tuple(one for one in holders if one != person)
    for one in gone:
        _merge(one, into=person)
    if person.sex == "U" and known.sex != "U":
        person.sex = known.sex
        person.save(update_fields=["sex"])
    learn(desk, person, known.pairs)
    return person, gone


def _merge(person: Person, *, into: Person) -> None:
    """Keep the row and its pseudonym; move the facts. Identifiers stay and are found through `merged_into`."""
    person.merged_into = into
    person.save(update_fields=["merged_into"])
    for basis in person.bases.all():
        if not into.bases.filter(kind=basis.kind, ethics=basis.ethics).exists():
            Basis.objects.filter(pk=basis.pk).update(person=into)
        elif basis.withdrawn_on:
            into.bases.filter(kind=basis.kind, ethics=basis.ethics, withdrawn_on=None).update(
                withdrawn_on=basis.withdrawn_on
            )
    move_facts(person, into=into)
    for fact in person.files.all():
        if not into.files.filter(lookup=fact.lookup).exists():
            FileFact.objects.filter(pk=fact.pk).update(person=into)


@transaction.atomic
def forget(person: Person) -> None:
    """Erase a person and everything known of it. `Conflict` while something of it is at the hub or on the way there.

    The items stay as numbers in the tally, without name, bytes or link; the caller removes their files.
    """
    ids = family(person)
    if Person.objects.filter(pk__in=ids, sent=True).exists():
        raise Conflict(
            "Data of this person is at the hub.",
            advice="Ask the hub to withdraw the person first; what is known here is needed until it has answered.",
        )
    Person.objects.filter(pk__in=ids).update(merged_into=None)
    Person.objects.filter(pk__in=ids).delete()


def sexes(value: str) -> str | None:
    """Return F, M, O or U for how hospitals write sex, in English, Hindi, Marathi or Tamil; none if it is not known."""
    return _SEX.get(value.casefold().strip())


_SEX: Mapping[str, str] = {
    word: letter
    for letter, words in {
        "F": "f female woman girl महिला स्त्री औरत பெண்",
        "M": "m male man boy पुरुष आदमी ஆண்",
        "O": "o other transgender third-gender अन्य तृतीयपंथी திருநங்கை",
        "U": "u unknown",
    }.items()
    for word in words.split()
}
