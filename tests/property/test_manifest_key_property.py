"""What a key promises, for any set of files: order does not matter, every byte does, a withdrawal changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midas.kernel import Conflict, sha256_bytes
from midas.manifest import WHOLE, Entry, Tree, key_of, withdraw

CALM = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
"""Large trees take a while to draw."""

OWNERS = [WHOLE, "P-00000-00001", "P-00000-00002", "P-00000-00003", "P-00000-00004"]


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    paths = draw(st.lists(st.text("abc/.é ", min_size=1, max_size=8), min_size=1, max_size=14, unique=True))
    entries = tuple(
        Entry(
            path,
            sha256_bytes(draw(st.binary(max_size=4))),
            draw(st.integers(0, 2**53 - 2)),  # one more is still a whole number of canonical JSON (RFC 8785)
            draw(st.sampled_from(OWNERS)),
        )
        for path in paths
    )
    salts = {owner: sha256_bytes(f"{owner} {draw(st.integers(0, 9))}".encode()) for owner in OWNERS}
    return Tree(entries, salts)


@CALM
@given(tree=trees(), data=st.data())
def test_the_order_of_entries_does_not_matter(tree: Tree, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(tree.entries))
    assert key_of(replace(tree, entries=tuple(shuffled))) == key_of(tree)


@CALM
@given(tree=trees(), data=st.data())
def test_every_change_to_an_entry_changes_the_key(tree: Tree, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(tree.entries) - 1))
    entry = tree.entries[place]
    nibble = data.draw(st.integers(0, 63))
    flipped = format(int(entry.sha256[nibble], 16) ^ data.draw(st.integers(1, 15)), "x")
    others = [owner for owner in OWNERS if owner != entry.owner]
    changed = data.draw(
        st.sampled_from([
            replace(entry, sha256=entry.sha256[:nibble] + flipped + entry.sha256[nibble + 1 :]),
            replace(entry, size=entry.size + 1),
            replace(entry, path=entry.path + "x"),
            replace(entry, owner=data.draw(st.sampled_from(others))),
        ])
    )  # fmt: skip
    entries = (*tree.entries[:place], changed, *tree.entries[place + 1 :])
    assert key_of(replace(tree, entries=entries)) != key_of(tree)


@CALM
@given(tree=trees(), data=st.data())
def test_an_entry_less_or_another_salt_changes_the_key(tree: Tree, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(tree.entries) - 1))
    assert key_of(replace(tree, entries=tree.entries[:place] + tree.entries[place + 1 :])) != key_of(tree)
    owner = tree.entries[place].owner
    assert key_of(replace(tree, salts={**tree.salts, owner: "ab" * 32})) != key_of(tree)


@CALM
@given(tree=trees(), data=st.data())
def test_any_sequence_of_withdrawals_keeps_the_key(tree: Tree, data: st.DataObject) -> None:
    key = key_of(tree)
    owners = sorted({entry.owner for entry in tree.entries} - {WHOLE})
    for number, owner in enumerate(data.draw(st.permutations(owners)), start=1):
        whole = [entry for entry in tree.entries if entry.owner == WHOLE]
        chosen = data.draw(st.lists(st.sampled_from(whole), unique=True)) if whole else []
        rewritten = [
            replace(one, sha256=sha256_bytes(data.draw(st.binary(max_size=2))), size=2) for one in chosen
        ]
        tree, stone = withdraw(tree, owner=owner, rewritten=rewritten, withdrawn_on="2026-11-22")
        assert key_of(tree) == key == stone.key
        assert (stone.number, stone.node) == (number, tree.withdrawn[-1])
        assert owner not in tree.salts
        assert owner not in {entry.owner for entry in tree.entries}
    for owner in owners:
        with pytest.raises(Conflict):
            withdraw(tree, owner=owner, rewritten=[], withdrawn_on="2026-11-22")


@CALM
@given(tree=trees())
def test_the_whole_cannot_withdraw_and_two_files_cannot_share_a_path(tree: Tree) -> None:
    with pytest.raises(Conflict):
        withdraw(tree, owner=WHOLE, rewritten=[], withdrawn_on="2026-11-22")
    with pytest.raises(Conflict, match="same path"):
        key_of(replace(tree, entries=(*tree.entries, tree.entries[0])))
