"""What a researcher gets: tables, SQL, images in the order of space, examples for training, other forms."""

import csv
import importlib.util
import json
import subprocess
import sys
import time

import nibabel
import numpy as np
import pytest
from PIL import Image as Picture
from pydicom import dcmread
from typer.testing import CliRunner

import midas
from midas.kernel import BadInput, NotFound
from midas.sdk.volumes import volumes_of

NAME = "oral-cancer@1.0.0"
SUBJECTS = ("P-00000-00001", "P-00000-00002", "P-00000-00003")


def test_importing_midas_is_quick_and_pulls_in_no_server():
    heavy = ["django", "pydicom", "polars", "torch", "duckdb", "httpx", "numpy"]
    code = f"import sys, midas; print([m for m in {heavy} if m in sys.modules])"
    started = time.perf_counter()
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert answer.strip() == "[]"
    assert time.perf_counter() - started < 3
    code = "import time; t=time.perf_counter(); import midas; print(time.perf_counter()-t)"
    took = float(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    )
    assert took < 0.3


def test_opening_a_release_pulls_in_no_django(folder):
    code = f"import sys, midas; r=midas.open({str(folder)!r}); r.table('subjects'); print('django' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert answer.strip() == "False"


def test_tables_by_name_and_by_sql(folder):
    release = midas.open(folder)
    assert release.tables == ("clinical.subjects", "labels", "manifest", "splits", "subjects")
    assert release.table("subjects").height == 3
    assert release.arrow("clinical.subjects").column_names == ["subject", "tobacco"]
    answer = release.sql("select tobacco, sex from subjects join clinical.subjects using (subject)")
    assert answer.rows() == [("never", "F")]
    with pytest.raises(NotFound, match="Tables"):
        release.table("nothing")
    with pytest.raises(BadInput, match="DuckDB"):
        release.sql("select nonsense")


def test_a_series_becomes_a_volume_in_the_order_of_space(folder):
    images = list(midas.open(folder).images(item="face-neck-ct"))
    assert [image.subject for image in images] == list(SUBJECTS[:2])
    image = images[0]
    assert image.array.shape == (4, 6, 8)
    assert image.array[:, 0, 0].tolist() == [400 - 1024, 300 - 1024, 200 - 1024, 100 - 1024]
    assert image.spacing_mm == (2.5, 0.5, 0.25)
    assert np.allclose(image.affine @ [0, 0, 3, 1], [-4, -3, -2.5, 1])
    assert [path.rsplit("/", 1)[1] for path in image.paths] == ["4.dcm", "3.dcm", "2.dcm", "1.dcm"]


def test_no_spacing_is_invented_where_a_slice_is_missing(folder):
    datasets = [dcmread(path) for path in sorted(folder.glob("data/P-00000-00001/2.25.12.0/*/*.dcm"))]
    [volume] = volumes_of([datasets[0], datasets[1], datasets[3]])
    assert volume.spacing_mm is None
    assert volume.array.shape == (3, 6, 8)


def test_a_scout_view_stands_apart_from_the_stack(folder):
    datasets = [dcmread(path) for path in sorted(folder.glob("data/P-00000-00001/2.25.12.0/*/*.dcm"))]
    datasets[0].ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    assert sorted(volume.array.ndim for volume in volumes_of(datasets)) == [2, 3]


def test_labels_and_parts_choose_images(folder):
    release = midas.open(folder)
    found = [(image.subject, image.label) for image in release.images(target="clinical-impression")]
    assert found == [(SUBJECTS[0], "opmd"), (SUBJECTS[1], "malignant")]
    assert [image.subject for image in release.images(item="oral-photo", part="test")] == [SUBJECTS[2]]
    assert list(release.images(target="clinical-impression", part="test")) == []
    with pytest.raises(NotFound, match="Parts: test, train"):
        list(release.images(part="tests"))
    with pytest.raises(NotFound, match="Targets"):
        list(release.images(target="diagnosis"))


def test_photographs_are_rgb(folder):
    image = next(iter(midas.open(folder).images(item="oral-photo")))
    assert image.array.shape == (5, 7, 3)
    assert image.array.dtype == np.uint8
    assert image.array[0, 0].tolist() == [80, 0, 0]
    assert image.spacing_mm is None


def test_a_remote_release_fetches_tables_first_and_images_when_asked(hub, tmp_path):
    release = midas.open(NAME, hub.address, hub.token, tmp_path / "cache")
    assert release.table("subjects").height == 3
    asked = [path for _, path, _ in hub.asked if "/files/data/" in path]
    assert asked == []
    next(iter(release.images(item="face-neck-ct")))
    asked = [path for _, path, _ in hub.asked if "/files/data/" in path]
    assert len(asked) == 4
    hub.asked.clear()
    again = midas.open(NAME, hub.address, hub.token, tmp_path / "cache")
    next(iter(again.images(item="face-neck-ct")))
    assert not [path for _, path, _ in hub.asked if "/files/" in path]


def test_a_withdrawn_subject_is_gone_from_the_cache_on_the_next_opening(hub, tmp_path):
    release = midas.open(NAME, hub.address, hub.token, tmp_path / "cache")
    release.download()
    hub.withdraw(SUBJECTS[0])
    again = midas.open(NAME, hub.address, hub.token, tmp_path / "cache")
    assert [image.subject for image in again.images(item="oral-photo")] == list(SUBJECTS[1:])
    assert not (again.folder / "data" / SUBJECTS[0]).exists()


def test_neither_folder_nor_release_says_so(tmp_path):
    with pytest.raises(NotFound, match="neither"):
        midas.open(tmp_path)
    with pytest.raises(BadInput, match="hub"):
        midas.open(NAME)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is an extra")
def test_a_first_batch_for_training(folder):
    import torch

    examples = midas.open(folder).torch(target="clinical-impression", part="train", size=16)
    images, labels, subjects = next(iter(torch.utils.data.DataLoader(examples, batch_size=2)))
    assert images.shape == (2, 3, 16, 16)
    assert float(images.max()) <= 1
    assert labels.tolist() == [examples.classes.index("opmd"), examples.classes.index("malignant")]
    assert tuple(subjects) == SUBJECTS[:2]


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="PyTorch is here")
def test_without_pytorch_the_advice_names_the_extra(folder):
    with pytest.raises(BadInput, match=r"midas-platform\[torch\]"):
        midas.open(folder).torch(target="clinical-impression")


def run(*words: str):
    from midas.cli.get import app

    return CliRunner().invoke(app, list(words))


def test_get_as_nifti_keeps_the_geometry(folder, tmp_path):
    answer = run(
        str(folder), "--to", str(tmp_path / "out"), "--as", "nifti", "--item", "face-neck-ct", "--json"
    )
    assert answer.exit_code == 0, answer.output
    rows = list(csv.DictReader((tmp_path / "out/index.csv").open()))
    assert len(rows) == 2
    volume = nibabel.load(tmp_path / "out" / rows[0]["file"])
    assert volume.shape == (8, 6, 4)
    assert np.allclose(volume.header.get_zooms(), (0.25, 0.5, 2.5))
    assert np.allclose(volume.affine @ [0, 0, 0, 1], [4, 3, -10, 1])
    assert rows[0]["spacing_mm"] == "2.5 0.5 0.25"


def test_get_as_png_writes_pictures_with_labels(folder, tmp_path):
    words = ["--as", "png", "--target", "clinical-impression", "--part", "train"]
    answer = run(str(folder), "--to", str(tmp_path / "out"), *words)
    assert answer.exit_code == 0, answer.output
    rows = list(csv.DictReader((tmp_path / "out/index.csv").open()))
    assert [row["label"] for row in rows] == ["opmd", "malignant"]
    with Picture.open(tmp_path / "out" / rows[0]["file"]) as picture:
        assert picture.size == (7, 5)
        assert picture.getpixel((0, 0)) == (80, 0, 0)


def test_get_the_sealed_release_from_a_hub(hub, tmp_path):
    words = [NAME, "--hub", hub.address, "--token", hub.token, "--to", str(tmp_path / "out"), "--json"]
    answer = run(*words)
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["fetched"] == len(hub.tree.entries)
    assert json.loads(run(*words).stdout)["fetched"] == 0
    assert midas.open(tmp_path / "out").verify().ok
