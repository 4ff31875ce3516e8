"""The audit's scorer can fail and can be satisfied, and its key says what is true of the planted files."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from benchmarks.peers.oracle import perfect
from pydicom.data import get_testdata_file
from stdnum import luhn, verhoeff

from midas.deid.audit import Answers, Score, plant, read_answers, score, write_answers
from midas.deid.audit.answers import ACTIONS, Line, packed
from midas.deid.audit.glyphs import Style, drawn
from midas.deid.audit.leaks import spellings
from midas.deid.audit.outputs import maps_of
from midas.deid.audit.people import people
from midas.deid.audit.score import wilson
from midas.deid.audit.sight import outside, showing

SOURCES = (
    "CT_small.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_RLE.dcm",
    "rtplan.dcm",
    "liver_1frame.dcm",
    "SC_rgb_dcmtk_+eb+cy+s2.dcm",
)
SEED, FILES = 20260711, 26


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """A small corpus of six real files and made ones of every kind."""
    out = tmp_path_factory.mktemp("audit") / "in"
    sources = [Path(str(get_testdata_file(name))) for name in SOURCES]
    return plant(sources, out=out, seed=SEED, number=FILES, textless=lambda _: True)


@pytest.fixture(scope="module")
def ideal(corpus: Answers, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[Path, Path]]:
    out = tmp_path_factory.mktemp("ideal") / "out"
    return out, perfect(corpus, out)


@pytest.fixture(scope="module")
def unchanged(corpus: Answers) -> Score:
    pairs = {path: path for path in corpus.root.rglob("*.dcm")}
    return score(corpus, corpus.root, *maps_of(pairs))


def test_an_unchanged_copy_loses_every_removal_and_keeps_every_retention(unchanged: Score) -> None:
    figures = unchanged.figures()
    assert figures["privacy"]["percent"] < 3
    assert figures["utility"]["percent"] == 100
    assert 35 < figures["all"]["percent"] < 55
    assert min(figures["leaks"].values()) > 10


def test_outputs_made_from_the_key_are_wholly_right(
    corpus: Answers, ideal: tuple[Path, dict[Path, Path]]
) -> None:
    out, pairs = ideal
    result = score(corpus, out, *maps_of(pairs))
    assert result.figures()["all"]["right"] == len(corpus.checks), [
        (v.check, v.why) for v in result.failures()
    ][:5]
    assert not result.leaks
    assert not result.wrong_shifts


def test_a_file_that_is_not_given_back_fulfils_removals_alone(
    corpus: Answers, ideal: tuple[Path, dict[Path, Path]], tmp_path: Path
) -> None:
    out, pairs = ideal
    maps = maps_of(pairs)
    for path in sorted(out.iterdir())[::2]:
        shutil.copy(path, tmp_path)
    figures = score(corpus, tmp_path, *maps).figures()
    assert figures["privacy"]["percent"] == 100
    assert figures["utility"]["percent"] < 70
    assert figures["on_released"]["percent"] == 100
    assert figures["held"]["right"] == len(corpus.files) - figures["released"]


@pytest.mark.parametrize(
    "evil", ["preamble", "elsewhere", "utf-16", "name of the file", "two shifts", "uid in a text"]
)
def test_what_midi_b_does_not_see_is_seen(
    evil: str, corpus: Answers, ideal: tuple[Path, dict[Path, Path]], tmp_path: Path
) -> None:
    """A leak moved to another place, in another encoding or in a name; days moved by two shifts."""
    out, pairs = ideal
    few = _first(corpus, 5)
    (tmp_path / "out").mkdir()
    for number in range(5):
        shutil.copy(out / f"{number}.dcm", tmp_path / "out")
    planted = corpus.files[0]
    path = tmp_path / "out" / "0.dcm"
    ds = pydicom.dcmread(path)
    secret = next(s.value for s in corpus.secrets if s.file == 0 and s.kind == "uhid")
    if evil == "preamble":
        ds.preamble = secret.encode().ljust(128, b"\0")
    elif evil == "elsewhere":
        ds.SeriesDescription = secret
    elif evil == "utf-16":
        ds.add_new(0x00420011, "OB", secret.encode("utf-16-le") + b"\0\0")
    elif evil == "uid in a text":
        ds.ImageComments = planted.study
    elif evil == "two shifts":
        ds.StudyDate = "19991231"
    ds.save_as(path)
    if evil == "name of the file":
        path.rename(path.with_name(f"{secret.replace('/', '-')}-{planted.path.split('/')[0]}.dcm"))
    result = score(few, tmp_path / "out", *maps_of({a: b for a, b in pairs.items() if int(b.stem) < 5}))
    if evil == "two shifts":
        assert result.wrong_shifts
        assert any(v.check.action == "date_shifted" and not v.right for v in result.verdicts)
    else:
        assert result.leaks


def _first(answers: Answers, number: int) -> Answers:
    """Return the key to the first few files of a corpus."""
    return replace(
        answers,
        files=answers.files[:number],
        checks=tuple(check for check in answers.checks if check.file < number),
        secrets=tuple(secret for secret in answers.secrets if secret.file < number),
        lines=tuple(line for line in answers.lines if line.file < number),
    )


def test_a_line_is_judged_by_its_glyphs() -> None:
    mask = drawn("DESHMUKH RAMESH", Style("", 20))
    high, wide = mask.shape
    line = Line(0, (10, 10, wide, high), (0, 1), packed(mask), True, "name", "DESHMUKH RAMESH")
    ground = np.random.default_rng(1).integers(20, 40, (1, high + 20, wide + 20)).astype(np.float32)
    planted = ground.copy()
    planted[0, 10 : 10 + high, 10 : 10 + wide][mask] = 250
    hidden, half, dimmed = planted.copy(), planted.copy(), planted * 0.5 + 60
    hidden[0, 10 : 10 + high, 10 : 10 + wide] = 0
    half[0, 10 : 10 + high, 10 : 10 + wide // 2] = 0
    assert showing(line, planted, planted) == 1
    assert showing(line, planted, hidden) == 0
    assert 0.3 < showing(line, planted, half) < 0.7
    assert showing(line, planted, dimmed) == 1, "a changed brightness hides nothing"
    assert showing(line, planted, ground) == 0, "a perfect restoration hides it"
    assert outside([line], planted, hidden, margin=2) == 1
    assert outside([], planted, hidden, margin=2) < 1


def test_the_key_reads_back_and_the_same_seed_plants_the_same(corpus: Answers, tmp_path: Path) -> None:
    write_answers(corpus, tmp_path / "key.jsonl")
    assert read_answers(tmp_path / "key.jsonl", root=corpus.root) == corpus
    sources = [Path(str(get_testdata_file(name))) for name in SOURCES]
    again = plant(sources, out=tmp_path / "in", seed=SEED, number=FILES, textless=lambda _: True)
    assert again.checks == corpus.checks
    assert [(tmp_path / "in" / f.path).read_bytes() for f in again.files] == [
        (corpus.root / f.path).read_bytes() for f in corpus.files
    ]


def test_a_source_that_cannot_be_planted_in_gives_its_place_to_one_that_is_made(tmp_path: Path) -> None:
    """A floor asks for a number of files: a site's broken ones must not take the audit below it."""
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(Path(str(get_testdata_file("CT_small.dcm"))).read_bytes()[:20_000])
    sources = [broken, Path(str(get_testdata_file("rtplan.dcm")))]
    found = plant(sources, out=tmp_path / "in", seed=SEED, number=5, areas=frozenset({"attributes"}))
    assert Counter(one.source for one in found.files) == {"rtplan.dcm": 1, "made": 4}


def test_every_action_and_every_kind_of_place_is_asked_for(corpus: Answers) -> None:
    assert {check.action for check in corpus.checks} == set(ACTIONS)
    areas = {check.area.split()[0] for check in corpus.checks}
    assert {
        "attributes",
        "nested",
        "text",
        "descriptor",
        "private",
        "un",
        "meta",
        "overlay",
        "curve",
        "dates",
        "uids",
        "line",
        "clean",
    } <= areas
    spots = {secret.spot.split(":")[0] for secret in corpus.secrets}
    assert {"preamble", "path", "trailing"} <= spots
    shares = Counter(check.category for check in corpus.checks)
    assert 0.35 < shares["hipaa"] / len(corpus.checks) < 0.6
    assert len({f.syntax for f in corpus.files}) >= 5


def test_numbers_with_a_check_digit_are_valid_and_names_have_three_groups() -> None:
    for person in people(12, random.Random(3)):
        assert verhoeff.is_valid(person.facts["aadhaar.joined"])
        assert luhn.is_valid(person.facts["epic"][3:])
        assert person.facts["name.pn"].count("=") == 2
        assert person.facts["name.misspelt"] != person.facts["name.short"] or person.facts["family"].isalpha()


def test_spellings_reach_both_ways_of_writing_a_name_and_a_number() -> None:
    assert b"deshmukh ramesh" in spellings("Deshmukh^Ramesh")
    assert "देशमुख".encode("utf-16-be") in spellings("देशमुख")
    assert b"234512345678" in spellings("2345 1234 5678")


def test_the_interval_is_wilsons() -> None:
    low, high = wilson(9, 10)
    assert (round(low, 2), round(high, 2)) == (59.58, 98.21)
    assert wilson(0, 0) == (0.0, 100.0)
