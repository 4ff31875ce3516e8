"""`python benchmarks/catalogue/search.py [--datasets 2000]`: what the catalogue's pages cost with many synthetic datasets.

It fills the database that `DATABASE_URL` names, or a SQLite file of its own, and asks the pages as anyone would. Datasets,
hospitals and numbers are synthetic; each has a release with public tables.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

NOW = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
DISEASES = (
    "meningioma",
    "glioma",
    "oral cancer",
    "tuberculosis",
    "glaucoma",
    "stroke",
    "fracture",
    "cataract",
    "pneumonia",
)
STATES = ("Maharashtra", "Tamil Nadu", "Delhi", "Karnataka", "Kerala", "West Bengal", "Assam", "Punjab")
PAGES = (
    "/datasets", "/datasets?page=40", "/datasets?q=glioma", "/datasets?q=gliomma", "/datasets?modality=MR&state=Kerala",
    "/datasets?q=glioma&sex=F&age=30–39&device=Maker 3 · M2", "/datasets/glioma-0001", "/sitemap.xml", "/",
)  # fmt: skip


def exact(dice: random.Random) -> dict:
    women, men = dice.randrange(100, 900), dice.randrange(100, 900)
    people = women + men
    bands = ("0–17", "18–29", "30–39", "40–49", "50–59", "60–69", "70+")
    crossed = {
        f"{sex}|{band}": number // 7 + (number % 7 if band == "40–49" else 0)
        for sex, number in (("F", women), ("M", men)) for band in bands
    }  # fmt: skip
    half, (one, two) = people // 2, dice.sample(STATES, 2)
    return {
        "people": people, "images": people * 9, "series": people * 2, "bytes": people * 10**7,
        "tables": {
            "sex": {"F": women, "M": men, "O": 1, "U": 0}, "age_sex": crossed,
            "age": {band: crossed[f"F|{band}"] + crossed[f"M|{band}"] for band in bands},
            "state": {one: half, two: people - half}, "hospital": {f"{one}|a": half, f"{two}|b": people - half},
            "modality": {"": 0, dice.choice(("MR", "CT")): people, "SM": half},
            "device": {"": 0, **{f"Maker {dice.randrange(9)} · M{number}": half for number in range(3)}},
            "site": {"": half, dice.choice(("Brain", "Tongue", "Lung")): people - half},
        },
    }  # fmt: skip


def fill(number: int) -> None:
    from midas.catalogue.models import Dataset, ProtocolVersion
    from midas.kernel import sha256_bytes
    from midas.release.models import Draft, Figures, Release
    from midas.release.publication import tell

    dice = random.Random(1)
    for one in range(number):
        disease = DISEASES[one % len(DISEASES)]
        slug = f"{disease.replace(' ', '-')}-{one:04d}"
        key = sha256_bytes(slug.encode())
        dataset = Dataset.objects.create(slug=slug, created_at=NOW)
        protocol = ProtocolVersion.objects.create(
            dataset=dataset,
            sha256=key,
            version="1.0.0",
            source=f"{slug}\n{disease.title()} {one}",
            added_at=NOW,
        )
        draft = Draft.objects.create(
            dataset=dataset,
            protocol=protocol,
            version="1.0.0",
            published_on=date(2026, 11, 1),
            created_at=NOW,
        )
        release = Release.objects.create(
            dataset=dataset, draft=draft, version="1.0.0", key=key, seal={}, access="controlled", license="CC-BY-NC-4.0",
            whole_salt="00" * 32, cut_at=NOW, summary={},
        )  # fmt: skip
        counted = exact(dice)
        Figures.objects.create(release=release, exact=counted, told=tell(counted, version="1.0.0"))


def protocol_of(version: Any) -> Any:
    """Give a synthetic dataset its protocol without reading a file: that is done once, when a protocol is added."""
    slug, title = version.source.splitlines()
    return shipped().model_copy(update={"id": slug, "title": {"en": title}})


@cache
def shipped() -> Any:
    from midas.protocol import load_named

    return load_named("meningioma").protocol


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--datasets", type=int, default=2000)
    number = asked.parse_args().datasets
    from midas.web import bootstrap

    with tempfile.TemporaryDirectory() as folder:
        bootstrap.initialise(Path(folder) / "hub")
        from django.db import connection, transaction
        from django.test import Client
        from django.test.utils import setup_test_environment

        from midas.release import searching
        from midas.web.pages import datasets

        for module in (searching, datasets):
            module.protocol_of = protocol_of
        setup_test_environment()
        start = time.perf_counter()
        with transaction.atomic():
            fill(number)
        print(f"{number} datasets on {connection.vendor}, filled in {time.perf_counter() - start:.0f} s")
        client = Client()
        start = time.perf_counter()
        client.get("/datasets")
        print(f"first page after that (indexes everything): {time.perf_counter() - start:.1f} s")
        for page in PAGES:
            took, used, size = [], [], 0
            for _ in range(15):
                start, before = time.perf_counter(), time.process_time()
                answer = client.get(page)
                used.append(1000 * (time.process_time() - before))
                took.append(1000 * (time.perf_counter() - start))
                size = len(answer.content)
            wall, cpu = statistics.median(took), statistics.median(used)
            print(
                f"{wall:6.0f} ms p50, {cpu:4.0f} ms of CPU, {size / 1000:5.0f} kB  {answer.status_code} {page}"
            )


if __name__ == "__main__":
    main()
