"""Which held images are screens of the same device that look the same, so that one decision can count for all of them.

In comes a held DICOM item with the boxes in which the machine found text; out comes its `Screen`. Two images look the same
where maker, model and size are the same and text begins at the same places in the same height; what it says, and how long
it is, counts for nothing. Where no text was found nothing tells the looks: such a screen only names device and size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from midas.deid.model import Region
from midas.formats import dicom
from midas.kernel import MidasError
from midas.spoke.intake import store
from midas.spoke.intake.models import Item, Screen
from midas.spoke.vault.projects import Desk

Place = Sequence[int]
"""left, top, width, height in pixels."""
SHIFT = 0.012
"""Share of a picture's longer side by which a text may begin elsewhere: detection wavers by a few pixels."""
TALLER = 1.45
"""How much higher one box may be than the other: descenders and accents change a line's height."""


def as_json(desk: Desk, regions: Sequence[Region], inks: Sequence[str] = ()) -> list[dict[str, object]]:
    """Return boxes as an item keeps them, with the keyed fingerprint of what each shows (`spoke.inks`), "" for none."""
    keyed = [desk.vault.lookup("ink", ink, within=desk.project.slug) if ink else "" for ink in inks]
    return [
        {**asdict(region), "ink": keyed[place] if place < len(keyed) else ""}
        for place, region in enumerate(regions)
    ]


def box_of(region: dict[str, object]) -> tuple[int, int, int, int]:
    left, top, width, height = (int(str(region[side])) for side in ("left", "top", "width", "height"))
    return left, top, width, height


def looks_same(one: Sequence[Place], other: Sequence[Place], *, side: int) -> bool:
    """Say whether two layouts have as many places, each beginning where one of the other begins; `side` in pixels."""
    left = list(other)
    for place in one:
        near = next((found for found in left if _begins_there(place, found, max(3.0, SHIFT * side))), None)
        if near is None:
            return False
        left.remove(near)
    return not left


def _begins_there(one: Place, other: Place, shift: float) -> bool:
    near = abs(one[0] - other[0]) <= shift and abs(one[1] - other[1]) <= shift
    low, high = sorted((one[3], other[3]))
    return near and high <= TALLER * max(1, low)


def screen_of(desk: Desk, item: Item, regions: Iterable[Region]) -> Screen | None:
    """Return the screen that this item looks like, a new one where none does; `None` for what is no DICOM image."""
    layout = [[one.left, one.top, one.width, one.height] for one in regions]
    if item.kind != "dicom":
        return None
    try:
        facts = dicom.facts(dicom.read(store.place_of(desk.home, item.stored)))
    except MidasError:
        return None
    name = " ".join(str(facts.get(word) or "") for word in ("Manufacturer", "ManufacturerModelName")).strip()
    width, height = int(facts.get("Columns") or 0), int(facts.get("Rows") or 0)
    if not (name and width and height):
        return None
    device = desk.vault.lookup("device", name, within=desk.project.slug)
    for known in Screen.objects.filter(project=desk.project, device=device, width=width, height=height):
        if looks_same(known.layout, layout, side=max(width, height)):
            return known
    return Screen.objects.create(
        project=desk.project, device=device, name=desk.vault.seal(name[:200], about="device"), width=width,
        height=height, layout=layout,
    )  # fmt: skip


def name_of(desk: Desk, screen: Screen) -> str:
    """Return maker and model; identified in so far as people type into them."""
    return desk.vault.open(screen.name, about="device")
