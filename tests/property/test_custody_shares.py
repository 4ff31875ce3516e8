"""Any k custodians open the map, k-1 never do, and no act goes unlogged."""

from __future__ import annotations

import json
from functools import cache
from itertools import combinations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midas.deid.custody import (
    Custodian,
    Opener,
    _joined,
    _packets,
    log_of,
    make_share,
    open_map,
    rewrap,
    seal_map,
)
from midas.kernel import BadInput, BrokenPromise, Forbidden

AT, WHY = "2026-11-22T05:00:00Z", "Withdrawal of one participant, ethics no. 12/2026"
CONTENT = {
    "subjects": [{"pseudonym": "P-1", "ids": [["UH-2019-004512", ""]]}],
    "secret": "ab" * 32,
    "local": "रमेश",
}


@cache
def people(count: int) -> tuple[Opener, ...]:
    keys = [X25519PrivateKey.generate() for _ in range(count)]
    return tuple(
        Opener(Custodian(f"custodian-{n}", key.public_key().public_bytes_raw().hex()), key)
        for n, key in enumerate(keys)
    )


def sealed_for(openers: tuple[Opener, ...], need: int) -> bytes:
    return seal_map(CONTENT, custodians=[one.custodian for one in openers], need=need, at=AT, reason=WHY)


def shares_of(sealed: bytes, givers: list[Opener], to: Opener) -> tuple[list[bytes], bytes]:
    shares = []
    for giver in givers:
        share, sealed = make_share(sealed, giver, to=to.custodian.name, reason=WHY, at=AT)
        shares.append(share)
    return shares, sealed


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(count=st.integers(2, 6), data=st.data())
def test_any_k_open_and_fewer_never(count: int, data: st.DataObject) -> None:
    openers, need = people(count), data.draw(st.integers(2, count))
    sealed = sealed_for(openers, need)
    order = data.draw(st.permutations(openers))
    opener, givers = order[0], list(order[1:need])
    shares, sealed = shares_of(sealed, givers, opener)
    assert open_map(sealed, opener, shares, reason=WHY, at=AT)[0] == CONTENT
    with pytest.raises(Forbidden, match=f"needs {need} custodians, and {need - 1}"):
        open_map(sealed, opener, shares[:-1], reason=WHY, at=AT)
    with pytest.raises(Forbidden):
        open_map(sealed, opener, shares[:-1] * need, reason=WHY, at=AT)


@settings(max_examples=60)
@given(key=st.binary(min_size=32, max_size=32), count=st.integers(2, 7), data=st.data())
def test_fewer_pieces_say_nothing_of_the_key(key: bytes, count: int, data: st.DataObject) -> None:
    """For every set of k-1, each choice of k that they could join lacks a piece; with any k the key is whole."""
    need = data.draw(st.integers(2, count))
    crowd = [one.custodian for one in people(count)]
    packets = dict(enumerate(_packets(key, crowd, need)))
    for choice in combinations(range(count), need):
        assert _joined({who: packets[who] for who in choice}, count, need) == key
    few = data.draw(st.permutations(range(count)))[: need - 1]
    held = b"".join(packets[who] for who in few)
    pieces = [held[at : at + 32] for at in range(0, len(held), 32)]
    for size in range(1, min(len(pieces), 3) + 1):
        for some in combinations(pieces, size):
            mixed = 0
            for piece in some:
                mixed ^= int.from_bytes(piece, "big")
            assert mixed.to_bytes(32, "big") != key


def test_nothing_of_the_map_stands_in_clear() -> None:
    sealed = sealed_for(people(3), 2)
    for word in ("UH-2019-004512", "P-1", "abab", "रमेश"):
        assert word.encode() not in sealed
        assert json.dumps(word).strip('"').encode() not in sealed


def test_a_share_serves_one_receiver_one_map_and_its_log() -> None:
    first, second, third = people(3)
    sealed = sealed_for((first, second, third), 2)
    share, logged = make_share(sealed, first, to="custodian-1", reason=WHY, at=AT)
    assert [entry.act for entry in log_of(logged)] == ["sealed", "shared"]
    with pytest.raises(BrokenPromise, match="does not open"):
        open_map(logged, third, [share], reason=WHY, at=AT)
    with pytest.raises(BrokenPromise, match="not in the map's log"):
        open_map(sealed, second, [share], reason=WHY, at=AT)
    with pytest.raises(BadInput, match="another map"):
        open_map(sealed_for((first, second, third), 2), second, [share], reason=WHY, at=AT)
    with pytest.raises(BadInput, match="another custodian"):
        make_share(sealed, first, to="custodian-0", reason=WHY, at=AT)
    with pytest.raises(BadInput, match="reason"):
        make_share(sealed, first, to="custodian-1", reason="asked", at=AT)
    _, opened = open_map(logged, second, [share], reason=WHY, at=AT)
    assert [(one.act, one.who) for one in log_of(opened)][-1] == ("opened", "custodian-1")


@settings(max_examples=40)
@given(data=st.data())
def test_a_changed_log_or_map_is_seen(data: st.DataObject) -> None:
    first, second, _ = people(3)
    share, logged = make_share(sealed_for(people(3), 2), first, to="custodian-1", reason=WHY, at=AT)
    given = json.loads(open_map(logged, second, [share], reason=WHY, at=AT)[1])
    entry = data.draw(st.integers(0, len(given["log"]) - 1))
    kind = data.draw(st.sampled_from(["reason", "who", "at", "gone"]))
    if kind == "gone":
        if entry == len(given["log"]) - 1:
            return
        del given["log"][entry]
    else:
        given["log"][entry][kind] += "x"
    with pytest.raises(BrokenPromise, match="log"):
        log_of(json.dumps(given).encode())


def test_a_custodian_cannot_be_put_in_afterwards() -> None:
    first, second, third = people(3)
    given = json.loads(sealed_for((first, second), 2))
    given["custodians"].append(third.custodian.__dict__)
    given["packets"].append(given["packets"][0])
    with pytest.raises(BrokenPromise):
        make_share(json.dumps(given).encode(), first, to="custodian-2", reason=WHY, at=AT)


def test_rewrapping_changes_who_opens_and_nothing_else() -> None:
    first, second, third = people(3)
    share, logged = make_share(sealed_for((first, second), 2), first, to="custodian-1", reason=WHY, at=AT)
    fresh = rewrap(
        logged, second, [share], custodians=[second.custodian, third.custodian], need=2, reason=WHY, at=AT
    )
    share, fresh = make_share(fresh, third, to="custodian-1", reason=WHY, at=AT)
    assert open_map(fresh, second, [share], reason=WHY, at=AT)[0] == CONTENT
    assert [one.act for one in log_of(fresh)] == ["sealed", "shared", "opened", "rewrapped", "shared"]
    with pytest.raises(Forbidden, match="not one of"):
        make_share(fresh, first, to="custodian-1", reason=WHY, at=AT)


@pytest.mark.parametrize(("count", "need"), [(1, 1), (2, 1), (2, 3), (14, 7)])
def test_no_one_alone_and_not_a_crowd(count: int, need: int) -> None:
    with pytest.raises(BadInput):
        sealed_for(people(count), need)
