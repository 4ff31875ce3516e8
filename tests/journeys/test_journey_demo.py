"""What the demo claims, looked at once more as tests: the tally, leaks, the seal, withdrawal, the SDK, Croissant."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pydicom
import pytest
from tests.journey_demo import Demo, outputs, run_demo

from midas import sdk
from midas.kernel import sha256_file
from midas.manifest import Answer, verify_folder
from midas.testing.demo import checks
from midas.testing.demo.commands import midas, midas_json
from midas.testing.demo.search import search
from midas.testing.demo.story import DATASETS, VERSION

pytestmark = pytest.mark.xdist_group("demo")
both = pytest.mark.parametrize("dataset", DATASETS)


def test_every_expectation_of_the_demo_held(demo: Demo) -> None:
    assert demo.code == 0, demo.said[-6000:]
    assert "Everything in = sent + held + refused" in demo.said


@both
def test_everything_in_is_sent_held_or_refused(demo: Demo, dataset: str) -> None:
    truth = demo.truths[dataset]
    tally = midas_json("spoke", "status", "--home", str(demo.place.spoke(truth.spoke)), quiet=True)
    assert tally["in"] == tally["waiting"] + tally["held"] + tally["refused"] + tally["sent"]
    assert {name: tally[name] for name in ("in", "sent", "held", "refused")} == truth.tally()


@both
def test_each_file_ended_where_it_had_to(demo: Demo, dataset: str) -> None:
    truth = demo.truths[dataset]
    assert list(checks.differences(checks.states(demo.place.spoke(truth.spoke)), truth)) == []


def test_no_planted_identifier_is_at_the_hub(demo: Demo) -> None:
    planted = {value for truth in demo.truths.values() for value in truth.planted}
    assert len(planted) > 400
    assert list(search(demo.place.hub, planted=planted)) == []


def test_the_search_would_have_found_one(demo: Demo, tmp_path: Path) -> None:
    """The same search over the export finds nearly everything: it is not blind."""
    truth = demo.truths["meningioma"]
    found = {leak.what for leak in search(demo.place.export("meningioma"), planted=truth.planted)}
    names = {one for one in truth.planted if one.isascii() and one.isalpha() and len(one) > 6}
    assert len(found & names) > 0.7 * len(names)


@both
def test_a_changed_byte_is_wrong_and_the_rest_is_right(demo: Demo, dataset: str, tmp_path: Path) -> None:
    folder = shutil.copytree(demo.place.release(dataset), tmp_path / "release")
    for victim in (min((folder / "data").rglob("*.dcm")), folder / "labels.parquet"):
        victim.chmod(0o644)
        data = bytearray(victim.read_bytes())
        data[len(data) // 2] ^= 1
        victim.write_bytes(data)
    code, said = midas("release", "verify", str(folder), "--json", allow=(1,), quiet=True)
    answer = json.loads(said)
    assert (code, answer["wrong"], answer["ok"]) == (1, 2, False)
    assert {one["answer"] for one in answer["files"]} == {"wrong"}


def test_a_withdrawn_subject_is_gone_and_the_rest_still_verifies(
    demo: Demo, hub_copy: Path, tmp_path: Path
) -> None:
    home = ("--home", str(hub_copy))
    name = f"oral-cancer@{VERSION}"
    before = verify_folder(demo.place.release("oral-cancer"))
    subjects = pl.read_parquet(demo.place.release("oral-cancer") / "subjects.parquet")
    gone = subjects["subject"].sort()[0]
    midas("release", "withdraw", "oral-cancer", "--subject", gone, "--why", "person", *home, quiet=True)
    midas("release", "export", name, str(tmp_path / "after"), *home, quiet=True)
    after = verify_folder(tmp_path / "after")
    assert (after.ok, after.key) == (True, before.key), "the same key still stands"
    assert after.count(Answer.WITHDRAWN) == 1
    assert list(search(tmp_path / "after", planted=[gone])) == [], "not even the pseudonym is left"
    rest = pl.read_parquet(tmp_path / "after" / "subjects.parquet")
    assert sorted(rest["subject"]) == sorted(set(subjects["subject"]) - {gone})


@both
def test_what_named_somebody_is_masked_in_the_release(demo: Demo, dataset: str) -> None:
    """Machine or operator: nothing as bright as the planted words is left where they stood."""
    truth = demo.truths[dataset]
    masked = {one.sha256: one for one in truth.expected if one.verdict == "mask"}
    released = {sha256_file(path): path for path in (demo.place.release(dataset) / "data").rglob("*.dcm")}
    looked = 0
    for sha256, sources in outputs(demo.place.spoke(truth.spoke)):
        for source in sources:
            for x, y, width, height in masked[source].boxes if source in masked else ():
                pixels = pydicom.dcmread(released[sha256]).pixel_array.astype(int)
                grey = pixels.min(axis=-1) if pixels.ndim == 3 else pixels
                box, bright = grey[y : y + height, x : x + width], 0.9 * pixels.max()
                assert (box >= bright).mean() < 0.001, f"words are left in the box of {masked[source].path}"
                looked += 1
    assert looked == len(masked)


@both
def test_the_first_batch_comes_out_of_the_sdk(demo: Demo, dataset: str) -> None:
    release = sdk.open(str(demo.place.release(dataset)))
    target = {"oral-cancer": "diagnosis", "meningioma": "who-grade"}[dataset]
    seen = 0
    for image in release.images(target=target):
        assert image.array.size > 0
        assert image.array.dtype.kind in "uif"
        assert np.ptp(image.array) > 0, "it is not empty"
        assert image.label is not None
        assert image.subject.startswith("P-")
        seen += 1
        if seen == 4:
            break
    assert seen == 4


@both
def test_tables_join_and_splits_keep_persons_together(demo: Demo, dataset: str) -> None:
    release = sdk.open(str(demo.place.release(dataset)))
    manifest, subjects, splits = (release.table(name) for name in ("manifest", "subjects", "splits"))
    assert subjects.height == demo.truths[dataset].subjects
    assert set(manifest["subject"]) <= set(subjects["subject"])
    assert splits["subject"].is_unique().all()
    counted = release.sql("SELECT count(*) AS n FROM manifest JOIN splits USING (subject)")["n"][0]
    assert counted == manifest.height


@both
def test_croissant_validates_and_loads(demo: Demo, dataset: str) -> None:
    ok, detail = checks.croissant(demo.place.release(dataset))
    assert ok, detail


def test_a_dataset_rose_a_band_by_the_advice_on_the_terminal_and_on_the_page(demo: Demo) -> None:
    told = demo.place.kept("rise.json")
    assert [one["band"] for one in told["rounds"]] == ["remediation", "bronze"]
    assert [one["computed"] == one["cqi"] for one in told["rounds"]] == [True, True]
    advised = {str(one["domain"]) for one in told["first"]["advice"]}
    rose = {name for name, level in told["second"]["levels"].items() if level > told["first"]["levels"][name]}
    assert rose == {"1", "3", "5", "6", "15"}
    assert rose <= advised
    assert "Graded by MIDAS 2.0, a draft for expert validation" in demo.said
    graded = sdk.open(str(demo.place.root / "releases" / "oral-cancer-1.1.0")).grade
    assert graded is not None
    assert (graded["band"], graded["access"]) == ("bronze", "restricted")
    assert graded["demonstration evidence"] is True


@both
def test_receiving_again_changes_nothing(demo: Demo, dataset: str) -> None:
    truth = demo.truths[dataset]
    home = demo.place.spoke(truth.spoke)
    before = Counter(checks.states(home))
    midas_json("spoke", "receive", str(demo.place.export(dataset)), "--home", str(home), quiet=True)
    assert Counter(checks.states(home)) == before


def test_the_second_run_starts_in_seconds(demo: Demo) -> None:
    code, said, seconds = run_demo(demo.place.root)
    assert code == demo.code
    assert "Built before by this code" in said
    assert seconds < 15
