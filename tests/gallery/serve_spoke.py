"""`python tests/gallery/serve_spoke.py HOME PORT`: makes a filled spoke home where there is none, and serves its site.

Persons, names and numbers are synthetic; the pictures are drawn, or crops of images that ship with scikit-image.
"""
# ruff: noqa: E501

from __future__ import annotations

import random
import sys
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

NOW = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
NAMES = ("Sunita_Deshmukh", "राजेश_पाटील", "Meenakshi_S", "A_Kulkarni", "Farida_B", "Venkatesan_R")
STOPPED = (
    ("burned-in-risk", 7, "jpeg"), ("review", 4, "jpeg"), ("no-basis", 12, "jpeg"), ("no-visit", 3, "jpeg"),
    ("bad-row", 9, "row"), ("duplicate", 16, "jpeg"), ("truncated", 2, "dicom"), ("withdrawn", 6, "jpeg"),
)  # fmt: skip


def photograph(path: Path, dice: random.Random, name: str) -> None:
    """Write a photograph with a name written into the picture, as cameras and scanners do."""
    import skimage
    from PIL import Image, ImageDraw

    with Image.open(Path(skimage.__file__).parent / "data" / "retina.jpg") as source:
        x, y = dice.randrange(300), dice.randrange(300)
        image = source.convert("RGB").crop((x, y, x + 1024, y + 768))
    draw = ImageDraw.Draw(image)
    draw.rectangle((24, 24, 420, 96), fill=(10, 10, 10))
    draw.text(
        (36, 30),
        f"UHID 24/00{dice.randrange(1000, 9999)}  {name[:6].encode('ascii', 'ignore').decode()}",
        (255, 240, 180),
    )
    draw.text((36, 60), "12-08-2026 11:42", (255, 240, 180))
    image.save(path, "JPEG", quality=88)


def fill(home) -> None:
    from django.contrib.auth import get_user_model

    from midas.spoke.intake import store
    from midas.spoke.intake.models import Batch, Item
    from midas.spoke.outbox.models import Parcel
    from midas.spoke.vault.models import Person
    from midas.spoke.vault.projects import desk

    dice, work = random.Random(3), desk(home=home)
    from midas.spoke.intake.models import Reviewer

    asha = get_user_model().objects.create_user(username="asha", password="look-and-see-1")
    Reviewer.objects.create(account=asha)
    ravi = get_user_model().objects.create_user(username="ravi", password="look-and-see-1")
    Reviewer.objects.create(account=ravi)
    get_user_model().objects.create_user(username="owner", password="look-and-see-1")
    person = Person.objects.create(
        project=work.project, pseudonym="P-7K3QX-M2W9D", shift_days=-211, created_at=NOW
    )
    origin = work.vault.seal("export", about="item")
    for days in (9, 1):
        at = NOW - timedelta(days=days)
        batch = Batch.objects.create(
            project=work.project, origin=origin, started_at=at, finished_at=at + timedelta(minutes=4)
        )
        plan = [*(STOPPED if days == 1 else STOPPED[4:6]), ("", 164, "jpeg"), ("", 21, "jpeg")]
        for kind_number, (code, number, kind) in enumerate(plan):
            for n in range(number):
                sent = not code and kind_number == len(plan) - 2
                name = (
                    f"photos/{dice.choice(NAMES)}_{dice.randrange(1000)}.jpg"
                    if kind != "row"
                    else f"visits.csv row {n + 2}"
                )
                stored = {"sha256": "", "stored": ""}
                if code in {"burned-in-risk", "review", "no-basis"}:
                    path = home.scratch / f"{code}{n}.jpg"
                    photograph(path, dice, name.split("/")[-1])
                    kept = store.keep(home, path)
                    stored = {"sha256": kept.sha256, "stored": kept.place, "size": kept.size}
                from midas.spoke.reasons import REASONS

                Item.objects.create(
                    batch=batch, kind=kind, name=work.vault.seal(name, about="item"), lookup=f"{days}-{code}-{kind_number}-{n}",
                    state=REASONS[code].state if code else "sent" if sent else "waiting", reason=code, person=person,
                    detail="age: 430 is more than 120 (row 7)" if code == "bad-row" else "",
                    definition="oral-photo" if kind == "jpeg" else "", changed_at=at,
                    group=f"series-{n // 3}" if code == "review" else "", **stored,
                )  # fmt: skip
    screens_and_series(work, batch, person)
    header = {"subjects": 41, "instances": 168, "records": 402, "labels": 96, "bytes": 1_480_000_000}
    Parcel.objects.create(
        project=work.project, root="a3" * 32, header=header, signed={}, state="acknowledged", packed_at=NOW - timedelta(days=8),
        acknowledged_at=NOW - timedelta(days=8), receipt={"payload": '{"instances": 168}'},
    )  # fmt: skip


PATIENTS = (
    ("Sunita Deshmukh", "WR/24/0117"),
    ("Meenakshi Subramaniam", "WR/24/0233"),
    ("Farida Bano", "WR/23/8812"),
)


@cache
def ultrasound_screen(number: int) -> tuple[bytes, tuple]:
    """Draw a screen once for a whole run of tests."""
    import tempfile
    from datetime import date

    from midas.testing.hospital import ultrasound

    device, (name, uhid) = ultrasound.DEVICES[number % 3], PATIENTS[number // 3 % 3]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "screen.dcm"
        boxes = ultrasound.screen(
            device,
            path,
            name=name,
            uhid=uhid,
            born=date(1971, 3, 9),
            on=date(2024, 3, 4),
            seed=number + 1,
            series=name,
        )
        return path.read_bytes(), boxes


def screens_and_series(work, batch, person) -> None:
    """Ultrasound screens of three devices with the boxes that a machine would propose, and a CT whose face may be rebuilt."""
    from pydicom import dcmread
    from pydicom.data import get_testdata_file

    from midas.deid.model import Region
    from midas.spoke.intake import screens, store
    from midas.spoke.intake.models import Item

    def keep(name: str, path: Path, reason: str, group: str, regions: tuple, definition: str) -> None:
        kept = store.keep(work.home, path)
        item = Item.objects.create(
            batch=batch, kind="dicom", name=work.vault.seal(name, about="item"), lookup=name, state="held", reason=reason,
            person=person, definition=definition, changed_at=NOW, group=group, regions=screens.as_json(work, regions),
            sha256=kept.sha256, stored=kept.place, size=kept.size,
        )  # fmt: skip
        item.screen = screens.screen_of(work, item, regions)
        item.save(update_fields=["screen"])

    for number in range(24):
        name, _uhid = PATIENTS[number // 3 % 3]
        data, boxes = ultrasound_screen(number)
        path = work.home.scratch / f"us{number}.dcm"
        path.write_bytes(data)
        found = tuple(
            Region(*box, rule="not-technical-text", evidence="found 0.97, read 0.96") for box in boxes
        )
        keep(
            f"usg/{name.replace(' ', '_')}/{number:03d}.dcm",
            path,
            "masked-unseen",
            f"us-{number % 3}-{number // 3 % 3}",
            found,
            "face-neck-ct",
        )
    for number in range(6):
        ds = dcmread(get_testdata_file("CT_small.dcm"))
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number + 1}"
        path = work.home.scratch / f"ct{number}.dcm"
        ds.save_as(path)
        keep(f"ct/face/{number:03d}.dcm", path, "recognisable-face", "ct-face", (), "face-neck-ct")


def main() -> None:
    from midas import protocol
    from midas.spoke import bootstrap
    from midas.spoke.home import Config

    home, port = Path(sys.argv[1]), sys.argv[2]
    if (home / "config.toml").exists():
        bootstrap.configure(home)
    else:
        file = Path(protocol.__file__).parent / "shipped" / "oral-cancer.yaml"
        made = bootstrap.initialise(
            path=home, config=Config(name="spdc-wardha", project="oral-cancer"), loaded=protocol.load(file)
        )
        from django.db import transaction

        with transaction.atomic():
            fill(made)
    from django.conf import settings
    from django.core.management import call_command

    settings.DEBUG = True
    call_command("runserver", f"127.0.0.1:{port}", "--noreload", "--insecure")


if __name__ == "__main__":
    main()
