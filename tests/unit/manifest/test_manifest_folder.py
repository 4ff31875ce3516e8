"""A sealed folder: three answers per file, and no way around a signature."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from midas.kernel import BadInput, BrokenPromise, sha256_file
from midas.manifest import (
    WHOLE,
    Answer,
    Entry,
    PrivateKey,
    Tree,
    key_of,
    new_salt,
    sign,
    verify_folder,
    withdraw,
    write_seal,
)  # fmt: skip

FILES = {
    "tables/all.csv": ("a,b,c\n", WHOLE), "README.md": ("hello", WHOLE),
    "data/A/1.dcm": ("one", "A"), "data/A/2.dcm": ("two", "A"),
    "data/B/1.dcm": ("three", "B"), "data/C/1.dcm": ("four", "C"),
}  # fmt: skip


@pytest.fixture
def signer(tmp_path: Path) -> PrivateKey:
    return PrivateKey.load_or_create(tmp_path / "keys" / "hub.key")


@pytest.fixture
def sealed(tmp_path: Path, signer: PrivateKey) -> tuple[Path, Tree]:
    folder = tmp_path / "release"
    for name, (text, _) in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    entries = tuple(
        Entry(name, sha256_file(folder / name), (folder / name).stat().st_size, owner)
        for name, (_, owner) in FILES.items()
    )
    tree = Tree(entries, {owner: new_salt() for owner in (WHOLE, "A", "B", "C")})
    write_seal(folder, tree=tree, seal=sign({"key": key_of(tree), "dataset": "d"}, signer))
    return folder, tree


def take_out(folder: Path, tree: Tree, owner: str, signer: PrivateKey, stones: list, text: str) -> Tree:
    """Withdraw an owner from the folder as a hub does, with the table rewritten."""
    for entry in tree.entries:
        if entry.owner == owner:
            (folder / entry.path).unlink()
    table = folder / "tables/all.csv"
    table.write_text(text)
    fresh = Entry("tables/all.csv", sha256_file(table), table.stat().st_size)
    after, stone = withdraw(tree, owner=owner, rewritten=[fresh], withdrawn_on="2026-11-22")
    stones.append(sign(stone.model_dump(mode="json"), signer))
    write_seal(
        folder, tree=after, seal=sign({"key": key_of(tree), "dataset": "d"}, signer), tombstones=stones
    )
    return after


def answers(folder: Path) -> dict[str, str]:
    return {file.path: file.answer.value for file in verify_folder(folder).files}


def test_an_untouched_folder_is_right(sealed, signer: PrivateKey) -> None:
    folder, tree = sealed
    verdict = verify_folder(folder, trusted=signer.public_hex)
    assert verdict.ok
    assert verdict.key == key_of(tree)
    assert verdict.count(Answer.RIGHT) == len(FILES)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_changed_a_missing_and_an_added_file_are_wrong(sealed, name: str) -> None:
    folder, _ = sealed
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert answers(folder)[name] == "wrong"
    (folder / name).write_bytes(data + b" ")
    assert answers(folder)[name] == "wrong"
    (folder / name).unlink()
    assert answers(folder)[name] == "wrong"
    (folder / name).write_bytes(data)
    (folder / "data/A/3.dcm").write_text("smuggled")
    assert answers(folder)["data/A/3.dcm"] == "wrong"
    assert not verify_folder(folder).ok


def test_two_files_that_changed_places_are_wrong(sealed) -> None:
    folder, _ = sealed
    one, two = folder / "data/A/1.dcm", folder / "data/A/2.dcm"
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    assert not verify_folder(folder).ok


def test_withdrawn_subjects_answer_withdrawn_and_the_rest_stays_right(sealed, signer: PrivateKey) -> None:
    folder, tree = sealed
    key, stones = key_of(tree), []
    for owner, text in (("B", "a,c\n"), ("A", "c\n"), ("C", "\n")):
        tree = take_out(folder, tree, owner, signer, stones, text)
        verdict = verify_folder(folder, trusted=signer.public_hex)
        assert verdict.ok
        assert verdict.key == key
        assert verdict.count(Answer.WITHDRAWN) == len(stones)
    assert verdict.count(Answer.RIGHT) == 2
    for file in (folder / "seal").rglob("*"):
        if file.is_file():
            assert "data/" not in file.read_text()


def test_a_file_of_a_withdrawn_subject_that_comes_back_is_wrong(sealed, signer: PrivateKey) -> None:
    folder, tree = sealed
    take_out(folder, tree, "B", signer, [], "a,c\n")
    (folder / "data/B/1.dcm").write_text("three")
    assert answers(folder)["data/B/1.dcm"] == "wrong"


def test_the_table_as_it_was_is_wrong_after_a_withdrawal(sealed, signer: PrivateKey) -> None:
    folder, tree = sealed
    take_out(folder, tree, "B", signer, [], "a,c\n")
    (folder / "tables/all.csv").write_text(FILES["tables/all.csv"][0])
    assert answers(folder)["tables/all.csv"] == "wrong"


def test_a_forged_tombstone_is_refused(sealed, signer: PrivateKey, tmp_path: Path) -> None:
    folder, tree = sealed
    forger = PrivateKey.load_or_create(tmp_path / "forger.key")
    (folder / "data/B/1.dcm").unlink()
    after, stone = withdraw(tree, owner="B", rewritten=[], withdrawn_on="2026-11-22")
    genuine = sign({"key": key_of(tree), "dataset": "d"}, signer)
    write_seal(folder, tree=after, seal=genuine, tombstones=[sign(stone.model_dump(mode="json"), forger)])
    with pytest.raises(BrokenPromise, match="not trusted"):
        verify_folder(folder)


def test_a_rewritten_table_without_a_tombstone_that_says_so_is_refused(sealed, signer: PrivateKey) -> None:
    folder, tree = sealed
    take_out(folder, tree, "B", signer, [], "a,c\n")
    lines = (folder / "seal/tree.ndjson").read_text().splitlines()
    forged = []
    for line in lines:
        entry = json.loads(line)
        if entry["path"] == "tables/all.csv":
            (folder / entry["path"]).write_text("forged")
            entry |= {"sha256": sha256_file(folder / entry["path"]), "size": 6}
        forged.append(json.dumps(entry))
    (folder / "seal/tree.ndjson").write_text("\n".join(forged))
    with pytest.raises(BrokenPromise, match="without a tombstone"):
        verify_folder(folder)


def test_a_leaf_that_hides_a_changed_image_is_refused(sealed) -> None:
    folder, tree = sealed
    (folder / "data/A/1.dcm").write_text("evil")
    _, stone = withdraw(
        tree, owner="B", rewritten=[Entry("README.md", "0" * 64, 1)], withdrawn_on="2026-11-22"
    )
    leaf = stone.replaced[0].leaf
    lines = [json.loads(line) for line in (folder / "seal/tree.ndjson").read_text().splitlines()]
    for entry in lines:
        if entry["path"] == "data/A/1.dcm":
            entry |= {"sha256": sha256_file(folder / entry["path"]), "size": 4, "leaf": leaf}
    (folder / "seal/tree.ndjson").write_text("\n".join(json.dumps(one) for one in lines))
    with pytest.raises(BrokenPromise, match="without a tombstone"):
        verify_folder(folder)


def test_a_removed_tombstone_breaks_the_key(sealed, signer: PrivateKey) -> None:
    folder, tree = sealed
    take_out(folder, tree, "B", signer, [], "")
    stone = next((folder / "seal/tombstones").glob("*.json"))
    stone.unlink()
    with pytest.raises(BrokenPromise):
        verify_folder(folder)


def test_a_tombstone_of_another_release_is_refused(sealed, signer: PrivateKey) -> None:
    folder, tree = sealed
    _, stone = withdraw(tree, owner="B", rewritten=[], withdrawn_on="2026-11-22")
    strange = stone.model_copy(update={"key": "f" * 64})
    seal = sign({"key": key_of(tree), "dataset": "d"}, signer)
    write_seal(folder, tree=tree, seal=seal, tombstones=[sign(strange.model_dump(mode="json"), signer)])
    with pytest.raises(BrokenPromise, match="another release"):
        verify_folder(folder)


def test_a_seal_whose_text_was_changed_or_signed_by_another_is_refused(sealed, tmp_path: Path) -> None:
    folder, tree = sealed
    path = folder / "seal/seal.json"
    genuine = path.read_text()
    path.write_text(genuine.replace('\\"d\\"', '\\"e\\"'))
    with pytest.raises(BrokenPromise, match="does not match"):
        verify_folder(folder)
    forger = PrivateKey.load_or_create(tmp_path / "forger.key")
    path.write_text(sign({"key": key_of(tree)}, forger).model_dump_json())
    assert verify_folder(folder).public_key == forger.public_hex
    with pytest.raises(BrokenPromise, match="not trusted"):
        verify_folder(folder, trusted="0" * 64)


def test_a_folder_without_a_seal_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"seal\.json is missing"):
        verify_folder(tmp_path)


def test_a_signing_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    first = PrivateKey.load_or_create(tmp_path / "hub.key")
    assert (tmp_path / "hub.key").stat().st_mode & 0o777 == 0o600
    assert PrivateKey.load_or_create(tmp_path / "hub.key").public_hex == first.public_hex


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tree.ndjson", '{"path":"../../etc/passwd","sha256":"0","size":1,"owner":""}\n'),
        ("tree.ndjson", '{"path":"/etc/passwd","sha256":"0","size":1,"owner":""}\n'),
        ("tree.ndjson", "not json\n"),
        ("salts.json", "[]"),
        ("salts.json", None),
        ("tree.ndjson", None),
    ],
)
def test_a_seal_that_is_not_whole_or_leads_outside_is_a_broken_promise(
    sealed: tuple[Path, Tree], name: str, content: str | None
) -> None:
    file = sealed[0] / "seal" / name
    file.unlink() if content is None else file.write_text(content)
    with pytest.raises(BrokenPromise):
        verify_folder(sealed[0])


def test_a_signed_text_without_a_key_is_no_seal(sealed: tuple[Path, Tree], signer: PrivateKey) -> None:
    (sealed[0] / "seal/seal.json").write_text(sign({"dataset": "d"}, signer).model_dump_json())
    with pytest.raises(BrokenPromise):
        verify_folder(sealed[0])


def test_a_file_slipped_in_beside_the_seal_is_wrong(sealed: tuple[Path, Tree]) -> None:
    (sealed[0] / "seal/notes.txt").write_text("hello")
    verdict = verify_folder(sealed[0])
    assert not verdict.ok
    assert [file.path for file in verdict.files if file.answer is Answer.WRONG] == ["seal/notes.txt"]
