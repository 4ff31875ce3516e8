"""A withdrawal: nothing of the person is left in a release or its store, the rest verifies under the same key."""

from __future__ import annotations

import hmac
import json
from datetime import timedelta
from pathlib import Path

import pytest

from midas.kernel import BrokenPromise, FixedClock, NotFound
from midas.manifest import Answer, key_of, verify_folder
from midas.release import entries, export, seal_of, tree_of
from midas.release.models import Draft, Release, ReleaseFile, ReleaseSubject
from midas.web import flows


def leave(ward, name: str) -> tuple[Release, ...]:
    return flows.withdraw(
        pseudonym=name, dataset="meningioma", store=ward.store, signer=ward.signer, why="person",
        clock=FixedClock(ward.clock.at + timedelta(days=30)),
    ).releases  # fmt: skip


def blobs_naming(ward, name: str) -> list[str]:
    """Digests of the blobs in which the pseudonym stands, read as bytes and as tables."""
    import io

    import polars as pl

    found = []
    for digest in ward.store.digests():
        data = b"".join(ward.store.read(digest))
        text = data
        if data[:4] == b"PAR1":
            text = data + repr(pl.read_parquet(io.BytesIO(data)).to_dicts()).encode()
        if name.encode() in text:
            found.append(digest)
    return found


def test_the_key_stays_and_verify_says_withdrawn(ward) -> None:
    release = ward.cut(ward.draft())
    key, before = release.key, len(list(entries(release)))
    assert [one.pk for one in leave(ward, ward.names()[0])] == [release.pk]
    release = Release.objects.get(pk=release.pk)
    folder = export(release, store=ward.store, folder=ward.folder / "out")
    verdict = verify_folder(folder, trusted=ward.signer.public_hex)
    assert verdict.ok
    assert verdict.key == release.key == key == key_of(tree_of(release))
    assert verdict.count(Answer.WITHDRAWN) == 1
    assert verdict.count(Answer.RIGHT) == before - 2
    assert release.summary["subjects"] == 5
    assert release.summary["withdrawn"] == 1


def test_nothing_in_the_folder_or_the_release_names_the_person_any_more(ward) -> None:
    name = ward.names()[2]
    release = ward.cut(ward.draft())
    leave(ward, name)
    folder = export(Release.objects.get(pk=release.pk), store=ward.store, folder=ward.folder / "out")
    for path in folder.rglob("*"):
        assert name not in path.name
        if path.is_file():
            assert name.encode() not in path.read_bytes()
    assert name not in json.dumps(Release.objects.get(pk=release.pk).summary)
    assert not ReleaseFile.objects.filter(owner=name).exists()
    assert not ReleaseSubject.objects.filter(pseudonym=name).exists()


def test_no_blob_names_the_person_any_more_the_report_of_the_submission_included(ward) -> None:
    name, other = ward.names()[:2]
    ward.cut(ward.draft())
    assert len(blobs_naming(ward, name)) > 8
    leave(ward, name)
    assert blobs_naming(ward, name) == []
    assert len(blobs_naming(ward, other)) > 8


def test_previews_and_images_of_the_person_are_erased_and_others_stay(ward) -> None:
    from midas.catalogue.models import Instance

    name = ward.names()[0]
    ward.cut(ward.draft())
    mine = [
        (one.sha256, one.preview) for one in Instance.objects.filter(series__study__subject__pseudonym=name)
    ]
    others = [
        (one.sha256, one.preview) for one in Instance.objects.exclude(series__study__subject__pseudonym=name)
    ]
    leave(ward, name)
    assert not any(ward.store.has(digest) for pair in mine for digest in pair)
    assert all(ward.store.has(digest) for pair in others for digest in pair)


def test_the_salt_cannot_be_derived_again(ward) -> None:
    draft = ward.draft()
    release = ward.cut(draft)
    root, name = bytes.fromhex(draft.salt_root), ward.names()[0]
    salt = ReleaseSubject.objects.get(release=release, pseudonym=name).salt
    assert hmac.digest(root, b"midas-release-salt/1\x00" + name.encode(), "sha256").hex() == salt
    leave(ward, name)
    assert Draft.objects.get(pk=draft.pk).salt_root == ""
    assert salt not in json.dumps([*seal_of(release)[1].values()])


def test_all_versions_are_cleaned_and_the_key_holds_through_a_sequence(ward) -> None:
    first = ward.cut(ward.draft())
    second = ward.cut(ward.draft("1.1.0"))
    for number, name in enumerate(ward.names()[:3], start=1):
        assert {one.pk for one in leave(ward, name)} == {first.pk, second.pk}
        for release in (first, second):
            out = export(
                Release.objects.get(pk=release.pk),
                store=ward.store,
                folder=ward.folder / f"out {release.version}",
            )
            verdict = verify_folder(out, trusted=ward.signer.public_hex)
            assert verdict.ok
            assert verdict.key == release.key
            assert verdict.count(Answer.WITHDRAWN) == number
    assert leave(ward, ward.names()[0]) == ()


def test_a_release_cut_again_after_a_withdrawal_is_still_the_same(ward) -> None:
    draft = ward.draft()
    release = ward.cut(draft)
    leave(ward, ward.names()[0])
    draft.refresh_from_db()
    assert ward.cut(draft).pk == release.pk


def test_who_withdrew_is_not_in_the_next_version(ward) -> None:
    name = ward.names()[0]
    ward.cut(ward.draft())
    leave(ward, name)
    later = ward.cut(ward.draft("1.1.0"))
    assert name not in set(ReleaseSubject.objects.filter(release=later).values_list("pseudonym", flat=True))
    assert name not in json.dumps(later.summary)
    folder = export(later, store=ward.store, folder=ward.folder / "later")
    assert verify_folder(folder).ok
    assert blobs_naming(ward, name) == []


def test_an_unknown_person_is_not_found(ward) -> None:
    with pytest.raises(NotFound):
        leave(ward, "P-00000-00000")


def test_a_tombstone_by_another_key_is_refused(ward, tmp_path: Path) -> None:
    from midas.manifest import PrivateKey, sign

    release = ward.cut(ward.draft())
    leave(ward, ward.names()[0])
    folder = export(Release.objects.get(pk=release.pk), store=ward.store, folder=tmp_path / "out")
    stone = folder / "seal/tombstones/000001.json"
    payload = json.loads(json.loads(stone.read_text())["payload"])
    stone.write_text(sign(payload, PrivateKey.load_or_create(tmp_path / "forger.key")).model_dump_json())
    with pytest.raises(BrokenPromise, match="not trusted"):
        verify_folder(folder)


def test_mlcroissant_still_loads_after_a_withdrawal(ward) -> None:
    import mlcroissant

    release = ward.cut(ward.draft())
    leave(ward, ward.names()[0])
    folder = export(Release.objects.get(pk=release.pk), store=ward.store, folder=ward.folder / "out")
    dataset = mlcroissant.Dataset(folder / "croissant.json")
    assert dataset.metadata.ctx.issues.errors == set()
    assert sum(1 for _ in dataset.records("manifest")) == 10


def test_a_crash_before_the_record_leaves_everything_as_it_was(ward, monkeypatch) -> None:
    from midas.catalogue.models import Subject
    from midas.release import withdrawal

    release = ward.cut(ward.draft())
    before = list(entries(release))

    def fails(*args: object, **kwargs: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(withdrawal, "_put_stone", fails)
    with pytest.raises(OSError, match="disk full"):
        leave(ward, ward.names()[0])
    assert list(entries(release)) == before
    assert Subject.objects.get(pseudonym=ward.names()[0]).withdrawn_at is None
    assert verify_folder(export(release, store=ward.store, folder=ward.folder / "out")).ok
