"""The first look at images and series: good ones pass, each defect is named."""

import shutil
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from midas.protocol import load_named
from midas.quality import Measured, examine, findings

ITEMS = {item.id: item for name in ("oral-cancer", "meningioma") for item in load_named(name).protocol.items}
CT, MR = ITEMS["face-neck-ct"], ITEMS["brain-mr"]


def ct() -> Dataset:
    return dcmread(get_testdata_file("CT_small.dcm"))


def looked(source) -> tuple:
    return findings(examine((source,), CT))


def test_a_good_image_raises_no_warning():
    """The file is a part of a slice, cut out inside the body: that is seen, and nothing else."""
    assert {one.rule for one in looked(ct()) if one.severity != "info"} == {"ct.truncated"}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"Modality": "MR"}, "image.modality"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "image.sop-class"),
        ({"SliceThickness": 9}, "image.acquisition"),
        ({"KVP": 20}, "image.acquisition"),
        ({"PixelData": b"\0" * 10}, "image.pixels-unreadable"),
        ({"PixelData": b"\1\0" * 128 * 128}, "image.constant"),
    ],
)
def test_each_defect_of_an_image_is_named(change, rule):
    ds = ct()
    for name, value in change.items():
        setattr(ds, name, value)
    assert rule in {finding.rule for finding in looked(ds) if finding.severity != "info"}


def test_missing_pixels_and_files_that_cannot_be_read(tmp_path):
    ds = ct()
    del ds.PixelData
    assert "image.no-pixels" in {finding.rule for finding in looked(ds)}
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(Path(get_testdata_file("CT_small.dcm")).read_bytes()[:3000])
    assert {finding.severity for finding in looked(cut)} >= {"error"}
    cut.write_text("not DICOM")
    assert [finding.rule for finding in looked(cut)] == ["image.unreadable"]


def stack(count: int = 12, gap: float = 2.0) -> list[Dataset]:
    made = []
    for number in range(count):
        ds = Dataset()
        ds.Modality = "MR"
        ds.PatientID, ds.StudyInstanceUID, ds.SeriesInstanceUID = "P-0A1B2-C3D4E", "2.25.1", "2.25.2"
        ds.SOPInstanceUID, ds.InstanceNumber = f"2.25.3{number}", number + 1
        ds.Rows = ds.Columns = 64
        ds.ImageOrientationPatient, ds.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, gap * number]
        made.append(ds)
    return made


def seen(headers) -> set[str]:
    found = examine(headers, MR, whole=True)
    return {finding.rule for finding in findings(found) if finding.rule.startswith("series.")}


def test_a_whole_series_raises_nothing():
    assert seen(stack()) == set()
    assert seen(list(reversed(stack()))) == set()
    assert examine([], MR, whole=True) == ()
    assert Measured("series.spacing", 0.0, None) in examine(stack(), MR, whole=True)


def test_defects_of_a_series():
    without = stack(20)
    del without[7]
    assert seen(without) == {"series.numbers", "series.slice-gap"}
    assert seen([*stack(), stack()[3]]) == {"series.duplicate", "series.same-place"}
    mixed = stack()
    mixed[2].PatientID = "P-99999-99999"
    assert seen(mixed) == {"series.mixed"}
    uneven = stack()
    uneven[-1].ImagePositionPatient = [0, 0, 22.5]
    assert seen(uneven) == {"series.spacing"}
    scout = stack()
    scout[0].Rows = 32
    assert seen(scout) == {"series.shapes"}
    assert seen(stack(4)) == {"series.too-few"}


def test_a_series_is_read_from_files(tmp_path):
    paths = [
        Path(shutil.copy(get_testdata_file(name), tmp_path)) for name in ("CT_small.dcm", "MR_small.dcm")
    ]
    assert "series.mixed" in {finding.rule for finding in findings(examine(paths, CT, whole=True))}
