"""Steps 3 to 6 for labels that came with the images: each file joins its images, becomes SEG or SR, and is cleaned.

In come held label files; out come label instances beside their images and the lines that name them, or the file stays held.
Half a set of labels never leaves: while an image that a file names is still held, the file waits for it.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath

from django.db import transaction

from midas.deid import Keys
from midas.deid.model import source_hmac
from midas.deid.uids import map_uid
from midas.formats import Kind
from midas.formats import labels as formats
from midas.kernel import BadInput, Clock, Progress, Runner, canonical
from midas.protocol.model import Target
from midas.spoke.bench import LabelOrder, LabelPart, LabelWorked, work_labels
from midas.spoke.cleaning import Run, item_line, keep_output, order_for, person_of
from midas.spoke.dying import survived, worked_on
from midas.spoke.home import scratch_folder
from midas.spoke.intake import items, store
from midas.spoke.intake.matching import LABELS
from midas.spoke.intake.models import Item, State
from midas.spoke.intake.rows import Stop
from midas.spoke.outbox.models import Output
from midas.spoke.reasons import deid_reason
from midas.spoke.vault.projects import Desk
from midas.wire.v1 import Code, LabelLine

OWN_SCHEME = "99MIDAS"
"""PS3.16 section 8: a private coding scheme designator, for classes to which the protocol gives no code."""
READY = ("cleaned", "packed")


@dataclass(frozen=True)
class Linked:
    """A label file with its images, grouped by place in the subject tree."""

    target: Target
    groups: tuple[tuple[tuple[str, Item], ...], ...]


def _name(desk: Desk, item: Item) -> PurePosixPath:
    return PurePosixPath(items.name_of(desk, item).replace("!/", "/"))


def _ready(item: Item) -> bool:
    return item.state in {State.WAITING, State.SENT} and item.stage in READY


def _images(desk: Desk) -> list[tuple[PurePosixPath, Item]]:
    found = (
        items.of_project(desk.project).exclude(stored="").exclude(kind__in=LABELS).exclude(reason="duplicate")
    )
    return [(_name(desk, one), one) for one in found.select_related("person", "visit", "lesion", "specimen")]


def _document(desk: Desk, item: Item, images: list[tuple[PurePosixPath, Item]]) -> list[tuple[str, Item]]:
    """Return the images that a COCO, VIA or QuPath file names."""
    by_name: dict[str, list[Item]] = defaultdict(list)
    for path, image in images:
        by_name[path.name.casefold()].append(image)
    found: list[tuple[str, Item]] = []
    for picture in formats.read(store.place_of(desk.home, item.stored), Kind(item.kind)):
        name = picture.name.replace("\\", "/").rsplit("/", 1)[-1]
        named = [one for one in by_name.get(name.casefold(), []) if one.state != State.REFUSED]
        if len(named) > 1:
            raise Stop("labels-unlinked", "It names an image of which there are several.")
        found += [(name, one) for one in named]
    return found


def _volume(desk: Desk, item: Item, images: list[tuple[PurePosixPath, Item]]) -> list[tuple[str, Item]]:
    """Return the one series that lies in the folder of a NIfTI mask."""
    folder = _name(desk, item).parent
    near = [
        (path.name, one) for path, one in images if path.parent == folder and one.kind == Kind.DICOM.value
    ]
    near = [(name, one) for name, one in near if one.state != State.REFUSED]
    if len({one.group for _, one in near}) > 1:
        raise Stop(
            "labels-unlinked", "Several series lie in its folder; put each mask beside its own series."
        )
    return near


def link(desk: Desk, item: Item, images: list[tuple[PurePosixPath, Item]]) -> Linked:
    """Find a label file's images. Raise `Stop` where there are none, or one that it names is not ready yet."""
    volume = item.kind == Kind.NIFTI.value
    try:
        found = _volume(desk, item, images) if volume else _document(desk, item, images)
    except BadInput as error:
        raise Stop("labels-unlinked", str(error)) from None
    if not found:
        raise Stop("labels-unlinked")
    if not all(_ready(one) for _, one in found):
        raise Stop("labels-unlinked", "An image that it names is held; decide on that image first.")
    definitions = {one.definition for _, one in found}
    target = next(
        (t for t in desk.protocol.targets if t.source.labels == "imported" and definitions <= set(t.items)),
        None,
    )
    if target is None:
        raise Stop("labels-unlinked", "The protocol asks for no labels of these images.")
    groups: dict[tuple[object, ...], list[tuple[str, Item]]] = defaultdict(list)
    for name, one in found:
        groups[one.person_id, one.definition, one.visit_id, one.lesion_id, one.specimen_id].append(
            (name, one)
        )
    return Linked(target, tuple(tuple(group) for group in groups.values()))


def _codes(target: Target) -> tuple[tuple[str, Code], ...]:
    values = target.values or tuple(target.codes) or (target.id,)
    own = {one: Code(scheme=OWN_SCHEME, value=one[:16], meaning=one[:64]) for one in values}
    return tuple({**own, **target.codes}.items())


def _order(run: Run, item: Item, linked: Linked) -> LabelOrder:
    parts = []
    for group in linked.groups:
        images = tuple(order_for(run, image) for _, image in group)
        job = replace(images[0].job, accepted_risk=False, boxes=())
        names = () if item.kind == Kind.NIFTI.value else tuple(name for name, _ in group)
        parts.append(LabelPart(names=names, images=images, job=job))
    return LabelOrder(
        source=store.place_of(run.desk.home, item.stored), kind=item.kind, target=linked.target.id,
        codes=_codes(linked.target), parts=tuple(parts), folder=run.folder / f"labels-{item.pk}",
    )  # fmt: skip


def clean_labels(desk: Desk, *, progress: Progress, runner: Runner, clock: Clock) -> None:
    """Clean every label file whose images are ready; the others stay held and say what they wait for."""
    waiting = list(
        items.of_project(desk.project)
        .filter(kind__in=LABELS, state=State.HELD, reason="labels-unlinked")
        .order_by("deaths", "pk")
    )
    if not waiting:
        return
    images = _images(desk)
    with scratch_folder(desk.home) as folder:
        run = Run(desk, folder)
        for item in progress.track(waiting, label="Join labels", total=len(waiting)):
            try:
                linked = link(desk, item, images)
            except Stop as why:
                items.stop(item, why.code, at=clock.now(), detail=why.detail)
                continue
            order = _order(run, item, linked)
            ((_, _, worked),) = worked_on(runner, work_labels, [((item,), order)], clock=clock)
            survived(item)
            _settle(desk, item, linked, worked, at=clock.now())
            shutil.rmtree(order.folder, ignore_errors=True)


@transaction.atomic
def _settle(desk: Desk, item: Item, linked: Linked, worked: LabelWorked, *, at: datetime) -> None:
    if worked.reason:
        items.stop(item, deid_reason(worked.reason), at=at, detail=worked.detail)
        return
    items.take_back(item)
    keys = Keys.from_root(desk.root_key)
    for group, part, links in zip(linked.groups, worked.parts, worked.links, strict=True):
        image = group[0][1]
        sources = tuple(source_hmac(keys, one.sha256) for one in (item, *(member for _, member in group)))
        for outcome, target in zip(part.outcomes, part.targets, strict=True):
            line = item_line(desk, image, outcome)
            line = line.model_copy(update={"kind": "label", "view": None, "sources": sources})
            keep_output(desk, item, outcome, target, line)
        for image_uid, label_uid in links:
            label = _line(item, linked.target, image, keys, image_uid, label_uid)
            data = label.model_dump(mode="json")
            output = Output.objects.create(
                project=desk.project,
                person=person_of(image),
                kind="label",
                size=len(canonical(data)),
                line=data,
            )
            output.sources.add(item)
    owners = {image.person_id for group in linked.groups for _, image in group}
    item.person = person_of(linked.groups[0][0][1]) if len(owners) == 1 else None
    item.definition = linked.groups[0][0][1].definition
    items.go_on(item, "cleaned", at=at)


def _line(item: Item, target: Target, image: Item, keys: Keys, image_uid: str, label_uid: str) -> LabelLine:
    level = "series" if item.kind == Kind.NIFTI.value else "instance"
    return LabelLine(
        level=level, subject=person_of(image).pseudonym, visit=image.visit.name if image.visit else None,
        lesion=image.lesion.name if image.lesion else None, specimen=image.specimen.name if image.specimen else None,
        uid=map_uid(keys, image_uid), target=target.id, value=None, source=f"imported:{item.kind}",
        segmentation_uid=map_uid(keys, label_uid),
    )  # fmt: skip
