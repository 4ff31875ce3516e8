"""All facts that a grade may rest on, brought together from the rooms that know them. Each names where it was found.

In come a dataset and a version; out come `Evidence` values of the draft's content as it would be cut now, of its readers
and of this hub. Where nothing is drafted yet, it is what a draft would hold. What only a person can know is attested
elsewhere. Each kind is written in one place alone: `WRITERS` names it.
"""

from __future__ import annotations

from collections.abc import Iterator

from midas import annotate
from midas.access import telling
from midas.catalogue import findings
from midas.catalogue.models import Dataset
from midas.catalogue.protocols import in_force, protocol_of
from midas.kernel import Clock, Evidence, MidasError
from midas.ledger.models import Check, Entry
from midas.people.models import Membership
from midas.protocol.model import Upkeep
from midas.quality.attacker import attack
from midas.quality.coverage import measure
from midas.quality.evidence import of_coverage, of_privacy, of_tables
from midas.quality.persons import attributes, persons
from midas.quality.risk import risk
from midas.quality.tables import examine_table
from midas.release import upkeep
from midas.release.content import Content
from midas.release.documents import whole_files
from midas.release.drafting import as_it_stands, version_order
from midas.release.facts import evidence as of_content
from midas.release.gathering import gather
from midas.release.look import gate_evidence
from midas.release.models import Draft, Release
from midas.web import spending
from midas.web.bootstrap import store
from midas.web.guard import needs_of_routes

ATTACK_SEED = 20
"""The simulated attacker draws the same persons each time, so that a grade comes out the same again."""


def evidence_of(*, dataset: Dataset, version: str, clock: Clock) -> list[Evidence]:
    """Return the facts of a version of a dataset; what cannot be worked out is left out. `BadInput` for no version."""
    version_order(version)
    about = f"{dataset.slug}@{version}"
    try:
        draft = Draft.objects.filter(dataset=dataset, version=version).first() or as_it_stands(
            dataset=dataset, version=version, clock=clock, published_on=clock.now().date()
        )
        content = gather(draft=draft, store=store())
    except MidasError:  # nothing is registered, or what there is cannot be put together
        found, planned = [], _planned(dataset)
    else:
        found, planned = _of_draft(draft, content, about), content.about.protocol.upkeep
    return [*found, *_of_history(dataset, about, planned, clock), *_of_hub(about)]


def _planned(dataset: Dataset) -> Upkeep | None:
    version = in_force(dataset)
    try:
        return protocol_of(version).upkeep if version else None
    except MidasError:  # a protocol that cannot be read any more promises nothing
        return None


def _of_draft(draft: Draft, content: Content, about: str) -> list[Evidence]:
    """Return what the draft's tables, papers, checks and readings say."""
    files = whole_files(content)
    return [
        *of_content(content, files),
        *_of_persons(content, about),
        *(gate_evidence(draft, files) if draft.pk else ()),
        *findings.evidence(draft.dataset),
        *spending.evidence(draft, about=about),
        *annotate.evidence(draft.readings, about=about, store=store()),
    ]


def _of_persons(content: Content, about: str) -> Iterator[Evidence]:
    """Yield coverage of the target, privacy in the tables, and how many rows contradict themselves."""
    protocol = content.about.protocol
    tables = content.frames()
    yield from of_coverage(measure(protocol, tables), tables, about=about, source="subjects.parquet")
    people, known = persons(protocol, tables), attributes(protocol)
    found = risk(people, quasi=known.quasi, sensitive=known.sensitive)
    tried = attack(people, quasi=known.quasi, seed=ATTACK_SEED)
    yield from of_privacy(found, [tried], about=about, source="subjects.parquet")
    seen = [
        one
        for table in protocol.tables
        if (frame := tables.get(f"clinical/{table.id}")) is not None
        for one in examine_table(frame, table, subjects=tables["subjects"], visits=tables["visits"])
    ]
    yield from of_tables(protocol, tables, seen, about=about, source="clinical/")


def _of_history(dataset: Dataset, about: str, planned: Upkeep | None, clock: Clock) -> Iterator[Evidence]:
    """Yield whether it came out again, as often as its protocol plans, and whether questions were answered in time."""
    page, now = f"/datasets/{dataset.slug}", clock.now()
    days = [
        one.date()
        for one in Release.objects.filter(dataset=dataset, twin=False).values_list("cut_at", flat=True)
    ]
    if days:
        yield Evidence("curation.updates", len(days) > 1, about, page, of=len(days))
    if planned:
        yield from upkeep.evidence(planned.every_months, days, today=now.date(), about=about, source=page)
        yield from telling.evidence(dataset, days=planned.answer_days, now=now, about=about, source=page)


def _of_hub(about: str) -> Iterator[Evidence]:
    """Yield what of the hub's safeguards is found at work: routes that ask, roles that were given, deeds that were noted."""
    asked = needs_of_routes()
    whole = bool(asked) and None not in asked
    yield Evidence("security.access_control", whole, about, "docs/permissions.md", of=len(asked))
    roles, deeds = Membership.objects.count(), Entry.objects.count()
    yield Evidence("security.roles", roles > 0, about, "docs/permissions.md", of=roles)
    yield Evidence("security.logging", deeds > 0, about, "/ledger", of=deeds)
    last = Check.objects.order_by("-pk").first()
    if last is not None:
        source = f"verification of the ledger, {last.rows} rows"
        yield Evidence("security.tamper_evident", not last.wrong, about, source, of=last.rows)
