"""A synthetic hospital's export, made of real images and synthetic persons, with the truth about each thing in it.

In come an empty folder, a seed and the name of a dataset; out come files as hospitals have them and a `Truth`: every
planted identifier, and for every file and row the state it must end in. No real person is in it, nothing is fetched.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

from midas.kernel import BadInput
from midas.protocol import load_named
from midas.testing.hospital import brain, images, oral
from midas.testing.hospital.export import Export
from midas.testing.hospital.persons import Person
from midas.testing.hospital.truth import Box, Expected, Truth

DEPARTMENTS = {"oral-cancer": ("spdc-wardha", oral.build), "meningioma": ("aiims-neuro", brain.build)}


def build(folder: Path, *, seed: int, dataset: str) -> Truth:
    """Write the export for `dataset` into `folder` (made if need be, otherwise empty) and return the truth about it.

    `BadInput` for a dataset that the sample hospital does not serve or a folder that holds something.
    """
    if dataset not in DEPARTMENTS:
        raise BadInput(
            f"The sample hospital has nothing for {dataset}.", advice=f"It serves {', '.join(DEPARTMENTS)}."
        )
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise BadInput(f"{folder} is not empty.", advice="Give an empty folder.")
    spoke, make = DEPARTMENTS[dataset]
    export = Export(folder)
    persons = make(export, protocol=load_named(dataset).protocol, seed=seed)
    expected = export.close()
    sent = {one.person for one in expected if one.state == "sent" and one.person}
    return Truth(
        dataset=dataset, spoke=spoke, folder=str(folder), planted=_planted(persons, export.extra), expected=expected,
        subjects=len(sent),
        stand_ins=tuple((one.source, one.package, one.stands_for) for one in (*images.PHOTOGRAPHS, *images.OTHERS)),
    )  # fmt: skip


def _planted(persons: Iterable[Person], extra: Iterable[str]) -> tuple[str, ...]:
    """Return every planted string once, longest first."""
    values = {unicodedata.normalize("NFC", value) for person in persons for value in person.planted()}
    values |= {unicodedata.normalize("NFC", value) for value in extra}
    return tuple(
        sorted((value for value in values if len(value) >= 4), key=lambda value: (-len(value), value))
    )


__all__ = ["DEPARTMENTS", "Box", "Expected", "Person", "Truth", "build"]
