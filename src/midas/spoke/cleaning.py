"""Steps 3 to 6 for all matched images: cards are sealed, workers clean, outputs stand whole in the outbox.

In come matched items; out come outputs, or items held with their reason. What names a person reaches a worker only inside
a sealed card; the key of the cards lives for one run, and the scratch folder is wiped whatever happens.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from midas import deid, ingest
from midas.deid.model import Region, RuleRow, Uids, source_hmac
from midas.deid.uids import map_uid
from midas.formats import Kind
from midas.kernel import BrokenPromise, Clock, Finding, Progress, Runner, whole_file
from midas.protocol.model import Item as Wanted
from midas.protocol.model import Protocol
from midas.spoke.bench import Order, Worked, work
from midas.spoke.comparing import ALONGSIDE, disagreements
from midas.spoke.dying import apart, survived, worked_on
from midas.spoke.heads import Heads, look_for_faces
from midas.spoke.home import private_folder, scratch_folder
from midas.spoke.intake import items, screens, store
from midas.spoke.intake.models import Decision, Item, State
from midas.spoke.outbox.models import Output
from midas.spoke.reasons import deid_reason, reason
from midas.spoke.reviewing import boxes_for, standing, use_again
from midas.spoke.vault import persons
from midas.spoke.vault.keys import Vault, derive
from midas.spoke.vault.models import Person
from midas.spoke.vault.projects import Desk
from midas.spoke.whole import look_at_series
from midas.wire.v1 import Code, FindingLine, ItemLine

PLAIN_WORDS = frozenset(
    """
    photo photos image images export exports scan scans slide slides table tables data dicom series
    study studies patient patients hospital department radiology pathology dental oral clinic copy final
    report reports new old baseline biopsy brain case cases january february march april june july
    august september october november december pacs file files folder archive backup camera jpeg tiff
    tongue cheek palate left right upper lower
    """.split()
)
"""Words of folder and file names that name nobody; every other word of a path counts as naming the person."""


def path_words(name: str) -> tuple[tuple[str, str], ...]:
    """Return the words of an item's path by which it could name the person."""
    words = re.findall(r"[^\W\d_]{4,}|\d{6,}", " ".join(PurePosixPath(name.replace("!/", "/")).parts))
    return tuple(("folder", word) for word in dict.fromkeys(words) if word.casefold() not in PLAIN_WORDS)


def tracking_uid(desk: Desk, *parts: str) -> str:
    """Return the stable UID of a lesion or specimen: keyed, so that nothing can be guessed from it."""
    keys = deid.Keys.from_root(derive(desk.root_key, "tracking"))
    return map_uid(keys, "/".join(parts))


class Run:
    """One run's cards and key, in a scratch folder that is wiped at its end."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk, self.folder = desk, folder
        self._key = os.urandom(32)
        self._vault = Vault(self._key)
        self._cards: dict[int, Path] = {}
        self.key_file = folder / "key.json"
        with whole_file(self.key_file, mode=0o600) as stream:
            stream.write(json.dumps({"storage": self._key.hex(), "root": desk.root_key.hex()}).encode())
        self.profile = deid.Profile.of(desk.protocol, desk.project.protocol_sha256)
        self.heads = Heads()
        self.of_series: dict[int, tuple[Finding, ...]] = {}

    def card(self, person: Person) -> Path:
        if person.pk not in self._cards:
            known = list(persons.known_of(self.desk, person))
            known += [
                ("specimen", self.desk.vault.open(one.sealed, about="specimen"))
                for one in person.specimens.all()
            ]
            for item in Item.objects.filter(person=person).exclude(kind="row"):
                known += [(kind, value) for kind, value in items.payload_of(self.desk, item).get("known", [])]
                known += path_words(items.name_of(self.desk, item))
            card = deid.Card(
                subject=person.pseudonym,
                shift_days=person.shift_days,
                sex=person.sex,
                known=tuple(dict.fromkeys(known)),
            )
            path = self.folder / f"{secrets.token_hex(8)}.card"
            deid.seal_card(card, key=self._key, out=path)
            self._cards[person.pk] = path
        return self._cards[person.pk]

    def door(self, door: ingest.Door) -> Path:
        told = {**asdict(door), "anatomy": door.anatomy.model_dump() if door.anatomy else None}
        path = self.folder / f"{secrets.token_hex(8)}.door"
        with whole_file(path, mode=0o600) as stream:
            stream.write(self._vault.seal(json.dumps(told, ensure_ascii=False), about="door"))
        return path


def _site(protocol: Protocol, value: str) -> Code | None:
    return next((site.code for site in protocol.lesions.sites if site.value == value), None)


def placement(desk: Desk, item: Item, wanted: Wanted) -> deid.Placement:
    """Return where an item stands in the subject tree, under neutral names only."""
    person, lesion, specimen = person_of(item), item.lesion, item.specimen
    return deid.Placement(
        subject=person.pseudonym, dataset=desk.project.slug, item=wanted.id,
        visit=item.visit.name if item.visit else None,
        lesion=lesion.name if lesion else None,
        tracking_uid=tracking_uid(desk, person.pseudonym, lesion.name) if lesion else None,
        site=_site(desk.protocol, lesion.site) if lesion else None,
        laterality=(lesion.laterality or None) if lesion else None,
        specimen=specimen.name if specimen else None,
        specimen_uid=tracking_uid(desk, person.pseudonym, specimen.name) if specimen else None,
        anatomy=wanted.anatomy,
    )  # fmt: skip


def person_of(item: Item) -> Person:
    if item.person is None:
        raise BrokenPromise("A matched item names no person.", advice="Run `midas spoke receive` again.")
    return item.person


def _door(desk: Desk, item: Item, wanted: Wanted) -> ingest.Door:
    person = person_of(item)
    told = items.payload_of(desk, item)
    picture = item.kind != Kind.SLIDE.value
    modality = wanted.modalities[0]
    if wanted.kind == "slide":
        modality = next((one for one in ("GM" if picture else "SM",) if one in wanted.modalities), modality)
    place = item.specimen.name if item.specimen else (item.visit.name if item.visit else "")
    return ingest.Door(
        patient_id="", study_date=told.get("taken_on") or None, view=item.view or None,
        laterality=(item.lesion.laterality or None) if item.lesion else None, anatomy=wanted.anatomy,
        modality=modality, specimen=item.specimen.name if item.specimen else None, objective_power=None,
        mpp_um=None, study_key=f"{desk.project.slug}/{person.pseudonym}/{wanted.id}/{place}",
        series_key=item.sha256 if wanted.kind == "slide" else f"{item.view}/{item.lesion.name if item.lesion else ''}",
    )  # fmt: skip


def order_for(run: Run, item: Item) -> Order:
    desk = run.desk
    wanted = next(one for one in desk.protocol.items if one.id == item.definition)
    source = store.place_of(desk.home, item.stored)
    decision = standing(item)
    boxes = boxes_for(decision, item) if decision else ()
    folder = run.folder / secrets.token_hex(8)
    of_face = decision is not None and _of_face(run, item, decision)
    job = deid.Job(
        source=source, target=folder / "0.dcm", card=run.card(person_of(item)), key_file=run.key_file,
        profile=_seen_by_a_person(run.profile) if of_face else run.profile, placement=placement(desk, item, wanted),
        boxes=boxes, face=run.heads.mask(item), accepted_risk=decision is not None and not of_face,
        face_seen=run.heads.volume(item),
    )  # fmt: skip
    data = source.with_suffix("")
    return Order(
        source=source, kind=item.kind, wanted=wanted, job=job, folder=folder,
        door=None if item.kind == Kind.DICOM.value else run.door(_door(desk, item, wanted)),
        companions=(data,) if source.suffix and data.is_dir() else (), accepted_quality=decision is not None,
        of_series=run.of_series.get(item.pk, ()), ask=wanted.review == "always" and decision is None,
    )  # fmt: skip


def _seen_by_a_person(profile: deid.Profile) -> deid.Profile:
    """A face that a person answered for may be cut; text is searched for as ever, and masked."""
    return replace(profile, thresholds=replace(profile.thresholds, unattended=True))


def _of_face(run: Run, item: Item, decision: Decision) -> bool:
    """Say whether the decision answers for the face of a volume only: text in its pictures is still searched for."""
    code = decision.was.get(str(item.pk), [""])[0]
    return code == "recognisable-face" and run.heads.volume(item) and not item.regions


def clean_matched(
    desk: Desk, *, only: QuerySet[Item] | None = None, progress: Progress, runner: Runner, clock: Clock
) -> None:
    """Clean every item that waits at the stage `matched`; each item's result is one transaction.

    What is held then, and looks as something that was decided before, is decided likewise and cleaned in the same run.
    """
    chosen = only if only is not None else items.of_project(desk.project)
    chosen = chosen.filter(state=State.WAITING, stage="matched").exclude(kind="row")
    for keys in apart(chosen):
        with scratch_folder(desk.home) as folder:
            _clean(Run(desk, folder), keys, progress=progress, runner=runner, clock=clock)


def _clean(run: Run, keys: list[int], *, progress: Progress, runner: Runner, clock: Clock) -> None:
    desk = run.desk
    keys = _past_faces(run, keys, progress=progress, runner=runner, clock=clock)
    waiting = Item.objects.filter(pk__in=keys).order_by("pk")
    run.of_series = look_at_series(desk, waiting, runner=runner, progress=progress, clock=clock)
    for key, told in disagreements(desk, waiting.select_related("visit", "lesion")).items():
        run.of_series[key] = (*run.of_series.get(key, ()), *told)
    while keys:
        decided: list[int] = []
        results = _worked(run, keys, runner=runner, clock=clock)
        for (item,), order, worked in progress.track(results, label="De-identify", total=len(keys)):
            survived(item)
            if settle(desk, item, worked, at=clock.now()):
                decided.append(item.pk)
            shutil.rmtree(order.folder, ignore_errors=True)
        keys = decided


def _past_faces(run: Run, keys: list[int], *, progress: Progress, runner: Runner, clock: Clock) -> list[int]:
    """Look at each series for a face; hold what a person must judge and has not, and return what may be cleaned."""
    waiting = list(Item.objects.filter(pk__in=keys, state=State.WAITING, stage="matched").order_by("pk"))
    run.heads = look_for_faces(
        run.desk,
        waiting,
        folder=run.folder,
        profile=run.profile,
        runner=runner,
        progress=progress,
        clock=clock,
    )
    kept = []
    for item in waiting:
        verdict = run.heads.verdict(item)
        if verdict is not None and verdict.state == "person" and standing(item) is None:
            item.screen, item.regions = screens.screen_of(run.desk, item, ()), []
            items.stop(
                item, "recognisable-face", at=clock.now(), detail=verdict.evidence, findings=verdict.findings
            )
        else:
            kept.append(item.pk)
    return kept


def _worked(
    run: Run, keys: list[int], *, runner: Runner, clock: Clock
) -> Iterator[tuple[Sequence[Item], Order, Worked]]:
    whole = Item.objects.select_related("person", "visit", "lesion", "specimen")
    waiting = (whole.get(pk=key) for key in keys)
    return worked_on(runner, work, (((item,), order_for(run, item)) for item in waiting), clock=clock)


@transaction.atomic
def settle(desk: Desk, item: Item, worked: Worked, *, at: datetime) -> bool:
    """Keep a worker's result: outputs in the outbox, or the item held; say whether it was decided as its like before.

    A result that comes after the item was decided otherwise, or taken back, is thrown away.
    """
    now = Item.objects.filter(pk=item.pk).values_list("state", "stage", "changed_at").first()
    if now != (State.WAITING, "matched", item.changed_at):
        return False
    alongside = [Finding.from_dict(one) for one in item.findings if one["rule"] in ALONGSIDE]
    findings = (*worked.findings, *alongside)
    if worked.reason:
        code = deid_reason(worked.reason)
        item.regions, item.screen = screens.as_json(desk, worked.regions, worked.inks), None
        if reason(code).review:
            item.screen = screens.screen_of(desk, item, worked.regions)
        items.stop(item, code, at=at, detail=worked.detail, findings=findings)
        again = use_again(item, at=at)
        return again is not None and item.state == State.WAITING
    items.take_back(item)
    for outcome, target in zip(worked.outcomes, worked.targets, strict=True):
        keep_output(desk, item, outcome, target, item_line(desk, item, outcome))
    item.findings = [one.to_dict() for one in findings]
    items.go_on(item, "cleaned", at=at)
    return False


def outbox_place(desk: Desk, sha256: str) -> Path:
    return private_folder(desk.home.outbox / "files" / sha256[:2]) / sha256


def _report(outcome: deid.Outcome, path: str) -> dict[str, object]:
    """Return an outcome as JSON-like data, named by its pseudonymous path; `reported` reads it back."""
    kept: dict[str, object] = json.loads(json.dumps(asdict(replace(outcome, output=path)), default=str))
    return kept


def reported(report: dict[str, Any]) -> deid.Outcome:
    """Return the outcome that `_report` kept."""
    return deid.Outcome(
        **{
            **report,
            "uids": Uids(**report["uids"]),
            "findings": tuple(Finding.from_dict(one) for one in report["findings"]),
            "rules": tuple(RuleRow(**one) for one in report["rules"]),
            "regions": tuple(
                Region(**{**one, "frames": tuple(one["frames"]) if one["frames"] else None})
                for one in report.get("regions", ())
            ),
        }
    )


def keep_output(desk: Desk, item: Item, outcome: deid.Outcome, target: Path, line: ItemLine) -> Output:
    """Move a cleaned file into the outbox under its digest and name the item that it comes from."""
    place = outbox_place(desk, outcome.sha256)
    if not place.exists():
        target.chmod(0o600)
        target.replace(place)
    output = Output.objects.create(
        project=desk.project, person=Person.objects.get(pseudonym=line.subject), kind="instance", sha256=outcome.sha256,
        size=outcome.size, line=line.model_dump(mode="json"), report=_report(outcome, line.path),
    )  # fmt: skip
    output.sources.add(item)
    return output


def item_line(desk: Desk, item: Item, outcome: deid.Outcome) -> ItemLine:
    person, uids = person_of(item), outcome.uids
    wanted = next(one for one in desk.protocol.items if one.id == item.definition)
    facts = {
        key: value for key, value in outcome.facts.items() if isinstance(value, str | int | float | None)
    }
    keys = deid.Keys.from_root(desk.root_key)
    return ItemLine(
        path=f"{person.pseudonym}/{uids.study}/{uids.series}/{uids.instance}.dcm",
        sha256=outcome.sha256, size=outcome.size, subject=person.pseudonym,
        visit=item.visit.name if item.visit else None, lesion=item.lesion.name if item.lesion else None,
        specimen=item.specimen.name if item.specimen else None, item=wanted.id, kind=wanted.kind,
        view=item.view or None, modality=str(facts.get("Modality") or wanted.modalities[0]),
        sop_class_uid=uids.sop_class, sop_instance_uid=uids.instance, series_uid=uids.series, study_uid=uids.study,
        transfer_syntax_uid=uids.transfer_syntax, facts=facts, sources=(source_hmac(keys, item.sha256),),
        deid=f"{desk.project.slug}@{desk.project.protocol_sha256}/{outcome.engine}",
        findings=tuple(
            FindingLine(**{**one.to_dict(), "scope": uids.instance}) for one in outcome.findings
        ),
    )  # fmt: skip
