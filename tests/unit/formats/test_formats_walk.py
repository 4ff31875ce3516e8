"""Walks are whole and safe: everything seen comes out once, nothing is written or read outside."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from midas.formats import Found, Kind, Limits, Trouble, walk


def seen(root: Path, scratch: Path, limits: Limits | None = None) -> tuple[dict[str, Found], dict[str, str]]:
    found, troubles = {}, {}
    for one in walk(root, scratch=scratch, limits=limits or Limits()):
        if isinstance(one, Trouble):
            assert one.message
            troubles[one.name] = one.reason
        else:
            found[one.name] = one
    return found, troubles


def make_zip(path: Path, members: dict[str, bytes], **how: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", how.get("compression", zipfile.ZIP_DEFLATED)) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def make_tar(path: Path, *infos: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for info, data in infos:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def plain(name: str) -> tarfile.TarInfo:
    return tarfile.TarInfo(name)


def linked(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_tree_and_nested_archives_come_out_whole(tmp_path: Path) -> None:
    root = tmp_path / "in"
    inner = make_zip(tmp_path / "inner.zip", {"deep/c.txt": b"hello there"})
    make_zip(root / "sub" / "outer.zip", {"b.txt": b"hello", "inner.zip": inner.read_bytes()})
    (root / "a.csv").write_text("x,y\n1,2\n")
    (root / "note.txt.gz").write_bytes(gzip.compress(b"a note"))
    make_tar(root / "t.tar.gz", (plain("d/e.txt"), b"tarred"), mode="w:gz")
    found, troubles = seen(root, tmp_path / "scratch")
    assert troubles == {}
    assert {name: one.path.read_bytes() for name, one in found.items()} == {
        "a.csv": b"x,y\n1,2\n",
        "note.txt.gz!/note.txt": b"a note",
        "sub/outer.zip!/b.txt": b"hello",
        "sub/outer.zip!/inner.zip!/deep/c.txt": b"hello there",
        "t.tar.gz!/d/e.txt": b"tarred",
    }


@pytest.mark.parametrize(
    "name", ["../out.txt", "/etc/out.txt", "a/../../out.txt", "..\\out.txt", "C:\\out.txt"]
)
def test_no_member_leaves_the_scratch_folder(name: str, tmp_path: Path) -> None:
    root = tmp_path / "in"
    make_zip(root / "evil.zip", {name: b"evil", "good.txt": b"good"})
    make_tar(root / "evil.tar", (plain(name), b"evil"), (plain("good.txt"), b"good"))
    found, troubles = seen(root, tmp_path / "scratch")
    assert set(found) == {"evil.zip!/good.txt", "evil.tar!/good.txt"}
    assert set(troubles.values()) == {"path-escape"}
    assert len(troubles) == 2
    assert not list(tmp_path.rglob("out.txt"))


def test_links_are_never_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    root = tmp_path / "in"
    root.mkdir()
    (root / "file").symlink_to(secret)
    (root / "folder").symlink_to(tmp_path)
    (root / "dangling").symlink_to(tmp_path / "nothing")
    make_tar(
        root / "t.tar", (linked("l", str(secret)), b""), (linked("h", "/etc/passwd", tarfile.LNKTYPE), b"")
    )
    with zipfile.ZipFile(root / "z.zip", "w") as archive:
        info = zipfile.ZipInfo("l")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, str(secret))
    found, troubles = seen(root, tmp_path / "scratch")
    assert found == {}
    assert troubles == dict.fromkeys(
        ["file", "folder", "dangling", "t.tar!/l", "t.tar!/h", "z.zip!/l"], "link"
    )


def test_a_linked_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert seen(tmp_path / "link", tmp_path / "scratch")[1] == {"link": "link"}


def test_a_pipe_does_not_hang_the_walk(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    os.mkfifo(tmp_path / "in" / "pipe")
    assert seen(tmp_path / "in", tmp_path / "scratch")[1] == {"pipe": "special"}


BOMB = {"zeros": bytes(2 << 20)}


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(max_ratio=20, free_bytes=1 << 10), "bomb"),
        (Limits(max_total_bytes=1 << 20), "too-large"),
        (Limits(max_members=0), "too-many-members"),
        (Limits(max_depth=0), "nested-too-deep"),
    ],
)
@pytest.mark.parametrize("form", ["zip", "tar", "gz"])
def test_bombs_show_nothing_of_themselves(form: str, limits: Limits, reason: str, tmp_path: Path) -> None:
    root, scratch = tmp_path / "in", tmp_path / "scratch"
    root.mkdir()
    path = root / "bomb"
    if form == "zip":
        make_zip(path, BOMB)
    elif form == "tar":
        make_tar(path, (plain("zeros"), BOMB["zeros"]), mode="w:gz")
    else:
        path.write_bytes(gzip.compress(BOMB["zeros"]))
    found, troubles = seen(root, scratch, limits)
    assert found == {}
    assert troubles == {"bomb": reason}
    assert sum(one.stat().st_size for one in scratch.rglob("*") if one.is_file()) == 0


def test_many_small_archives_share_one_total(tmp_path: Path) -> None:
    for at in range(4):
        make_zip(tmp_path / "in" / f"{at}.zip", {"a.txt": bytes(1000), "b.txt": b"b" * 1000})
    found, troubles = seen(tmp_path / "in", tmp_path / "scratch", Limits(max_total_bytes=4500))
    assert len(found) == 4
    assert set(troubles.values()) == {"too-large"}


def test_a_quine_of_archives_ends(tmp_path: Path) -> None:
    data = b"x"
    for _ in range(8):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("again.zip", data)
        data = out.getvalue()
    (tmp_path / "deep.zip").write_bytes(data)
    found, troubles = seen(tmp_path / "deep.zip", tmp_path / "scratch")
    assert found == {}
    assert list(troubles.values()) == ["nested-too-deep"]


def test_a_damaged_archive_is_said(tmp_path: Path) -> None:
    root = tmp_path / "in"
    good = make_zip(root / "a.zip", {"a.txt": os.urandom(5000)})
    cut = good.read_bytes()[:2000]
    good.write_bytes(cut)
    (root / "b.tgz").write_bytes(gzip.compress(os.urandom(5000))[:2000])
    found, troubles = seen(root, tmp_path / "scratch")
    assert found == {}
    assert {name.split("!")[0]: reason.split("-")[0] for name, reason in troubles.items()} == {
        "a.zip": "damaged", "b.tgz": "damaged",
    }  # fmt: skip


def test_a_wrong_checksum_costs_one_member_only(tmp_path: Path) -> None:
    path = make_zip(
        tmp_path / "a.zip", {"bad.txt": b"B" * 100, "good.txt": b"good"}, compression=zipfile.ZIP_STORED
    )
    path.write_bytes(path.read_bytes().replace(b"B" * 100, b"C" * 100))
    found, troubles = seen(path, tmp_path / "scratch")
    assert list(found) == ["a.zip!/good.txt"]
    assert troubles == {"a.zip!/bad.txt": "damaged-member"}


def test_the_same_name_twice_keeps_the_first_and_says_so(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "a.tar", (plain("x.txt"), b"first"), (plain("x.txt"), b"second"))
    found, troubles = seen(path, tmp_path / "scratch")
    assert found["a.tar!/x.txt"].path.read_bytes() == b"first"
    assert troubles == {"a.tar!/x.txt": "same-name"}


def test_empty_files_and_other_archives_are_troubles(tmp_path: Path) -> None:
    root = tmp_path / "in"
    root.mkdir()
    (root / "empty.dcm").touch()
    (root / "a.rar").write_bytes(b"Rar!\x1a\x07\x00" + bytes(600))
    assert seen(root, tmp_path / "scratch") == ({}, {"empty.dcm": "empty", "a.rar": "unsupported-archive"})


def test_the_folder_of_a_mirax_slide_goes_with_it(tmp_path: Path) -> None:
    root = tmp_path / "in"
    (root / "case").mkdir(parents=True)
    (root / "case.mrxs").write_bytes(b"\xff\xd8\xff\xe0" + bytes(100))
    (root / "case" / "Slidedat.ini").write_text("[GENERAL]\n")
    (root / "case" / "Data0000.dat").write_bytes(bytes(500))
    found, troubles = seen(root, tmp_path / "scratch")
    assert troubles == {}
    assert list(found) == ["case.mrxs"]
    assert found["case.mrxs"].kind is Kind.SLIDE
    assert found["case.mrxs"].companions == (root / "case",)
    assert found["case.mrxs"].size == 104 + 10 + 500
