"""Grading and gating a large dataset, from the rows of the hub's database to the grade and the state of every gate.

    python benchmarks/quality/dataset.py [--sizes 250000 500000 1000000] [--most-seconds 60] [--most-mb 2048]

A hub of its own is filled for each size: ten images and one series to a person, a visit, a lesion, a row of each clinical
table, a label, a finding on one image in a hundred, a pair of near-copies for one person in a hundred. Nothing of it is
measured. Then a second process drafts a release and runs what a curator's click runs, one step after the other: `gather`
(with the split), `look_at` (leakage and all gates), `evidence_of` (which gathers again), `grade` and `raise_this`. Seconds
are of the processor (a busy machine's clock tells little) and, with `clock_s`, of the clock, which the bar is for; memory is
the most that the process ever held. The store is the one thing made up: it says of every image that it is there, and has
the bytes of those that the integrity gate hashes again (2 GiB).
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from midas.kernel import SystemClock, canonical, sha256_bytes
from midas.protocol import load_named
from midas.store import Blobs

DATASET, EACH, SIZE, WHOLE = "meningioma", 10, 1 << 19, 4200
"""Images of a person, bytes of an image, and how many images have bytes."""
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
MR, LITTLE = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.1.2.1"


def pseudonym(number: int) -> str:
    digits = "".join(LETTERS[number // 32**place % 32] for place in range(10))
    return f"P-{digits[:5]}-{digits[5:]}"


def content(number: int) -> bytes:
    return number.to_bytes(8, "big") * (SIZE // 8)


def digest(number: int) -> str:
    """Name an image: the first ones by their bytes, the others so that they sort behind nearly all of these."""
    return sha256_bytes(content(number)) if number < WHOLE else f"ff{number:062x}"


class Drawn:
    """A place for blobs that has every image, and the bytes of the first `WHOLE`."""

    def __init__(self, report: bytes) -> None:
        self.held = {digest(number): number for number in range(WHOLE)}
        self.report, self.name = report, sha256_bytes(report)

    def size(self, key: str) -> int:
        return len(self.report) if key.endswith(self.name) else SIZE

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        name = key.rpartition("/")[2]
        yield (self.report if name == self.name else content(self.held[name]))[start:end]


def report(people: int) -> bytes:
    return canonical({"schema": "midas-deid-report/1", "files": people * EACH, "actions": {}, "subjects": {}})


def put(model: Any, rows: Iterable[Any]) -> None:
    held = []
    for row in rows:
        held.append(row)
        if len(held) == 10_000:
            model.objects.bulk_create(held)
            held = []
    model.objects.bulk_create(held)


def fill(people: int) -> None:
    """Fill the hub's database as registration leaves it."""
    from midas.catalogue import models as m
    from midas.release.models import NearPair

    loaded = load_named(DATASET)
    dataset = m.Dataset.objects.create(slug=DATASET, created_at=NOW)
    protocol = m.ProtocolVersion.objects.create(
        dataset=dataset,
        sha256=loaded.sha256,
        version=loaded.protocol.version,
        source=loaded.source,
        added_at=NOW,
    )
    told = report(people)
    sent = m.Submission.objects.create(
        dataset=dataset, protocol=protocol, spoke="site-0", root="a" * 64, state="registered", signed={},
        header={"parts": [{"path": "report.json", "sha256": sha256_bytes(told), "size": len(told)}]},
        received_at=NOW, registered_at=NOW,
    )  # fmt: skip
    run = m.CheckRun.objects.create(
        dataset=dataset, number=1, submission=sent, protocol=protocol, software="x", started_at=NOW, finished_at=NOW,
        series=people, images=people * EACH,
    )  # fmt: skip
    scope = m.Scope.objects.create(kind="draft", name=DATASET, dataset=dataset)
    basis = [{"kind": "consent", "ethics": "consented", "scope": ["DUO:0000042", "DUO:0000018"]}]
    all_of = range(1, people + 1)
    states = loaded.protocol.tables[0].columns[-1].values
    put(m.Subject, (
        m.Subject(pk=n, dataset=dataset, pseudonym=pseudonym(n), spoke=f"site-{n % 40}", sex="FM"[n % 2], basis=basis,
                  first_submission=sent) for n in all_of
    ))  # fmt: skip
    put(m.Visit, (m.Visit(pk=n, subject_id=n, name="pre-op", day=0, age_years=20 + n % 60) for n in all_of))
    put(m.Lesion, (
        m.Lesion(pk=n, subject_id=n, name="1", tracking_uid=f"2.25.7{n}", laterality=("left", "right")[n % 2],
                 site={"scheme": "SCT", "value": "1231004", "meaning": "Meninges"}) for n in all_of
    ))  # fmt: skip
    put(m.Study, (m.Study(pk=n, subject_id=n, uid=f"2.25.8{n}") for n in all_of))
    put(m.Series, (
        m.Series(pk=n, study_id=n, uid=f"2.25.9{n}", modality="MR", item="brain-mr", kind="image", visit_id=n, lesion_id=n)
        for n in all_of
    ))  # fmt: skip
    put(m.Instance, (_instance(m, n, at, sent) for n in all_of for at in range(EACH)))
    put(m.Record, (one for n in all_of for one in _records(m, n, sent, states)))
    put(m.Label, (
        m.Label(subject_id=n, submission=sent, level="lesion", visit_id=n, lesion_id=n, target="who-grade",
                value=str(n % 3 + 1), source="table") for n in all_of
    ))  # fmt: skip
    put(m.QualityFinding, (
        m.QualityFinding(run=run, dataset=dataset, submission=sent, subject_id=n, series_id=n, images=1, rule="mr.snr",
                         weight=2, value=4.0, least=5.0, message="It is noisy.", mark=f"{n:064x}")
        for n in all_of if n % 10 == 0
    ))  # fmt: skip
    put(m.ScopeStudy, (
        m.ScopeStudy(scope=scope, subject=pseudonym(n), uid=f"2.25.8{n}", patient_id=pseudonym(n), patient_name="",
                     patient_birth_date="", patient_sex="", study_date="20240601", study_time="", accession_number="",
                     study_id="", study_description="", referring_physician_name="", series=1, instances=EACH,
                     fragment="", common=b"") for n in all_of
    ))  # fmt: skip
    put(NearPair, (
        NearPair(dataset=dataset, one_id=n, other_id=n + 1, noted_at=NOW) for n in all_of if n % 100 == 50 and n < people
    ))  # fmt: skip


def _instance(m: Any, subject: int, at: int, sent: Any) -> Any:
    number = (subject - 1) * EACH + at
    facts = {
        "Rows": 512, "Columns": 512, "InstanceNumber": at + 1, "PhotometricInterpretation": "MONOCHROME2",
        "BitsStored": 16, "PixelSpacing": "0.5\\0.5", "SliceThickness": 1.0, "Manufacturer": f"maker {subject % 5}",
        "ManufacturerModelName": f"device {subject % 20}", "MagneticFieldStrength": 1.5, "RepetitionTime": 500.0,
        "EchoTime": 10.0,
    }  # fmt: skip
    return m.Instance(
        series_id=subject, submission=sent, sop_instance_uid=f"2.25.6{number}", sop_class_uid=MR,
        transfer_syntax_uid=LITTLE, path=f"images/{number}.dcm", sha256=digest(number), size=SIZE, view="", facts=facts,
        sources=[f"ee{number:062x}"], deid="midas-1", preview=f"dd{number:062x}",
    )  # fmt: skip


def _records(m: Any, n: int, sent: Any, states: tuple[str, ...]) -> Iterator[Any]:
    told = {
        "persons": {"state": states[n % len(states)]},
        "visits": {"ecog": n % 5, "seizures": n % 3 == 0, "treatment": "surgery"},
        "tumours": {"volume-ml": float(n % 90), "who-grade": str(n % 3 + 1)},
    }
    for table, values in told.items():
        yield m.Record(
            subject_id=n, submission=sent, table=table, record=f"{n}", values=values,
            visit_id=None if table == "persons" else n, lesion_id=n if table == "tumours" else None,
        )  # fmt: skip


def measure(people: int) -> dict[str, Any]:
    """Draft, gather, look at the gates, collect evidence, grade; return seconds of each step and the most memory."""
    from midas.catalogue.models import Dataset
    from midas.grading import grade, raise_this, rubric_named
    from midas.release.checking import keep_check, look_at
    from midas.release.drafting import new_draft
    from midas.release.gathering import gather
    from midas.web import evidence

    clock, told, clocked = SystemClock(), dict[str, float](), dict[str, float]()
    store = Blobs("drawn", Drawn(report(people)))
    evidence.store = lambda: store

    def step(name: str, work: Callable[[], Any]) -> Any:
        begun, used = time.perf_counter(), time.process_time()
        found = work()
        told[name], clocked[name] = round(time.process_time() - used, 2), time.perf_counter() - begun
        print(
            f"{people * EACH:9,} images: {name:10} {told[name]:6.2f} s of processor, {clocked[name]:6.2f} s by the clock, "
            f"{_peak():5.0f} MB", file=sys.stderr,
        )  # fmt: skip
        return found

    dataset = Dataset.objects.get(slug=DATASET)
    draft = step("draft", lambda: new_draft(
        dataset=dataset, version="1.0.0", by=None, clock=clock, published_on=date(2026, 11, 22),
        notes="The first version.",
    ))  # fmt: skip
    held = [step("gather", lambda: gather(draft=draft, store=store))]
    checked = [step("gates", lambda: look_at(held[0], draft=draft, store=store, day=clock.now().date()))]
    step("keep", lambda: keep_check(draft, checked[0], clock=clock))
    states = {one.gate: one.state.value for one in checked[0].results}
    held.clear()
    checked.clear()
    facts = step("evidence", lambda: evidence.evidence_of(dataset=dataset, version="1.0.0", clock=clock))
    graded = step("grade", lambda: grade(rubric_named(), facts))
    step("advice", lambda: raise_this(rubric_named(), graded))
    return {
        "images": people * EACH, "subjects": people, **told, "all_s": round(sum(told.values()), 2),
        "clock_s": round(sum(clocked.values()), 2),
        "most_mb": round(_peak()), "facts": len(facts), "cqi": graded.cqi, "band": graded.band, "states": states,
    }  # fmt: skip


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _child(home: Path, what: str, people: int) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, "--home", home, "--child", what, "--people", str(people)],
        stdout=subprocess.PIPE, check=True, text=True,
    )  # fmt: skip
    return done.stdout


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--sizes", type=int, nargs="+", default=[250_000, 500_000, 1_000_000])
    asked.add_argument("--most-seconds", type=float, default=60)
    asked.add_argument("--most-mb", type=float, default=2048)
    for name in ("--home", "--child"):
        asked.add_argument(name, help=argparse.SUPPRESS)
    asked.add_argument("--people", type=int, help=argparse.SUPPRESS)
    words = asked.parse_args()
    if words.child:
        from midas.web.bootstrap import configure, initialise

        (initialise if words.child == "fill" else configure)(Path(words.home))
        if words.child == "fill":
            fill(words.people)
        else:
            print(json.dumps(measure(words.people)))
        return 0
    found = []
    for size in words.sizes:
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder) / "hub"
            _child(home, "fill", size // EACH)
            found.append(json.loads(_child(home, "measure", size // EACH)))
            print(json.dumps(found[-1]), flush=True)
    for before, after in pairwise(found):
        power = math.log(after["all_s"] / before["all_s"], after["images"] / before["images"])
        print(f"{before['images']:,} → {after['images']:,} images: time grows by the power {power:.2f}")
    last = found[-1]
    return 0 if last["clock_s"] <= words.most_seconds and last["most_mb"] <= words.most_mb else 1


if __name__ == "__main__":
    sys.exit(main())
