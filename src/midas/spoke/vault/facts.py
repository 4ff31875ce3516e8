"""What the clinic's tables say of a person's visits, lesions, specimens and files, under neutral names.

In come the hospital's own ids and dates; out come facts whose names (`L1`, `S1`, a visit of the protocol) may leave.
A fact once named keeps its name.
"""

from __future__ import annotations

from datetime import date

from midas.spoke.vault.models import FileFact, LesionFact, Person, SpecimenFact, VisitFact
from midas.spoke.vault.projects import Desk


def _next(prefix: str, names: set[str]) -> str:
    number = 1
    while f"{prefix}{number}" in names:
        number += 1
    return f"{prefix}{number}"


def lesion_names(person: Person) -> set[str]:
    return set(person.lesions.values_list("name", flat=True))


def specimen_names(person: Person) -> set[str]:
    return set(person.specimens.values_list("name", flat=True))


def visit_fact(
    person: Person, *, name: str, on: date, age_years: int | None, corrects: bool = False
) -> VisitFact | None:
    """Keep a visit; none where it is known already with another date, unless a row corrects what was not sent yet."""
    fact, _ = VisitFact.objects.get_or_create(
        person=person, name=name, defaults={"on": on, "age_years": age_years}
    )
    if fact.on != on:
        if not corrects or person.sent:
            return None
        fact.on = on
    if age_years is not None and (corrects or fact.age_years is None):
        fact.age_years = age_years
    fact.save(update_fields=["on", "age_years"])
    return fact


def lesion_fact(
    desk: Desk, person: Person, *, number: str, site: str = "", laterality: str = ""
) -> LesionFact:
    """Keep a lesion under the hospital's own number; site and laterality are those of the latest row."""
    lookup = desk.vault.lookup("lesion", number)
    fact = person.lesions.filter(lookup=lookup).first()
    if fact is None:
        return LesionFact.objects.create(
            person=person,
            lookup=lookup,
            name=_next("L", lesion_names(person)),
            site=site,
            laterality=laterality,
        )
    if (site and site != fact.site) or (laterality and laterality != fact.laterality):
        fact.site, fact.laterality = site or fact.site, laterality or fact.laterality
        fact.save(update_fields=["site", "laterality"])
    return fact


def find_lesion(desk: Desk, person: Person, number: str) -> LesionFact | None:
    return person.lesions.filter(lookup=desk.vault.lookup("lesion", number)).first()


def specimen_fact(
    desk: Desk, person: Person, *, number: str, kind: str, lesion: LesionFact | None, visit: VisitFact | None
) -> SpecimenFact | None:
    """Keep a specimen; none where the laboratory's number is another person's already."""
    lookup = desk.vault.lookup("specimen", number)
    others = SpecimenFact.objects.filter(lookup=lookup, person__project=desk.project).exclude(person=person)
    if others.exists():
        return None
    fact = person.specimens.filter(lookup=lookup).first()
    if fact is None:
        return SpecimenFact.objects.create(
            person=person, lookup=lookup, sealed=desk.vault.seal(number, about="specimen"),
            name=_next("S", specimen_names(person)), kind=kind, lesion=lesion, visit=visit,
        )  # fmt: skip
    fact.kind, fact.lesion, fact.visit = kind or fact.kind, lesion or fact.lesion, visit or fact.visit
    fact.save(update_fields=["kind", "lesion", "visit"])
    return fact


def find_specimens(desk: Desk, numbers: list[str]) -> list[SpecimenFact]:
    """Return the specimens that any of these numbers names."""
    lookups = [desk.vault.lookup("specimen", number) for number in numbers]
    found = SpecimenFact.objects.filter(lookup__in=lookups, person__project=desk.project)
    return list(found.select_related("person", "lesion", "visit"))


def find_files(desk: Desk, names: list[str]) -> list[FileFact]:
    """Return what item tables say of a file known under any of these names."""
    lookups = [desk.vault.lookup("file", name) for name in names]
    found = FileFact.objects.filter(lookup__in=lookups, person__project=desk.project)
    return list(found.select_related("person", "lesion", "visit", "specimen"))


def move_facts(person: Person, *, into: Person) -> None:
    """Give a merged person's facts to the one that stays; equal ones become one, names that collide become new."""
    visits: dict[int, VisitFact] = {}
    for visit in person.visits.all():
        same = into.visits.filter(name=visit.name).first()
        if same is None:
            visit.person = into
            visit.save(update_fields=["person"])
        visits[visit.pk] = same or visit
    lesions: dict[int, LesionFact] = {}
    for lesion in person.lesions.all():
        twin = into.lesions.filter(lookup=lesion.lookup).first()
        if twin is None:
            lesion.person, lesion.name = into, _free(lesion.name, "L", lesion_names(into))
            lesion.save(update_fields=["person", "name"])
        lesions[lesion.pk] = twin or lesion
    for specimen in person.specimens.all():
        if into.specimens.filter(lookup=specimen.lookup).exists():
            continue
        specimen.person, specimen.name = into, _free(specimen.name, "S", specimen_names(into))
        specimen.lesion = lesions[specimen.lesion_id] if specimen.lesion_id else None
        specimen.visit = visits[specimen.visit_id] if specimen.visit_id else None
        specimen.save(update_fields=["person", "name", "lesion", "visit"])
    for file in person.files.all():
        file.lesion = lesions[file.lesion_id] if file.lesion_id else None
        file.visit = visits[file.visit_id] if file.visit_id else None
        file.save(update_fields=["lesion", "visit"])


def _free(name: str, prefix: str, taken: set[str]) -> str:
    return _next(prefix, taken) if name in taken else name
