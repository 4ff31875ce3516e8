"""A spoke's audit travels with its parcel, stands for one protocol only, and its map opens for custodians alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from midas.compute import here
from midas.deid.custody import Custodian, Opener, make_share, open_map
from midas.kernel import BadInput, Conflict, FixedClock, Forbidden
from midas.protocol.model import DeidAudit
from midas.spoke import auditing, custody, flow
from midas.spoke.cleaning import outbox_place
from midas.spoke.vault.models import Person
from midas.wire.v1 import AuditScore

CLOCK = FixedClock(datetime(2026, 11, 22, 6, tzinfo=UTC))
WHY = "End of the year, ethics no. 12/2026"


def asking(work: Any, **changed: Any) -> Any:
    """Return the desk under a protocol whose `deid` section says something else."""
    deid = work.protocol.deid.model_copy(update=changed)
    return replace(work, protocol=work.protocol.model_copy(update={"deid": deid}))


def test_the_audit_of_the_spokes_own_files_goes_with_the_parcel(work, export) -> None:
    with pytest.raises(BadInput, match="nothing to audit"):
        auditing.audit(work, runner=here(), seed=1)
    flow.receive(home=work.home, folder=export, runner=here(), clock=CLOCK)
    floor = asking(work, audit=DeidAudit(floor=0.9))
    assert auditing.audit_to_send(work) is None
    with pytest.raises(Conflict, match="asks for an audit"):
        auditing.audit_to_send(floor)
    score = AuditScore(
        profile=work.project.protocol_sha256, engine=auditing.ENGINE, seed=1, files=30, released=30,
        all={"right": 2990, "of": 3000, "low": 99.4}, on_released={"right": 2990, "of": 3000, "low": 99.4},
        leaks={"identifier": 0}, wrong_shifts=0,
    )  # fmt: skip
    auditing._place(work).write_text(score.model_dump_json(by_alias=True), "utf-8")
    assert auditing.audit_to_send(floor) == score
    parcel = flow.pack(home=work.home, clock=CLOCK)
    assert parcel is not None
    digests = {part["path"]: part["sha256"] for part in parcel.header["parts"]}
    told = json.loads(outbox_place(work, digests["report.json"]).read_bytes())
    assert AuditScore.model_validate(told["audit"]) == score
    auditing._place(work).write_text(
        score.model_copy(update={"profile": "ab" * 32}).model_dump_json(by_alias=True), "utf-8"
    )
    assert auditing.last_audit(work) is None, "an audit under another protocol does not stand"


def test_the_vaults_map_opens_for_two_of_three(work, export) -> None:
    flow.receive(home=work.home, folder=export, runner=here(), clock=CLOCK)
    keys = [X25519PrivateKey.generate() for _ in range(3)]
    people = [
        Opener(Custodian(name, key.public_key().public_bytes_raw().hex()), key)
        for name, key in zip("abc", keys, strict=True)
    ]
    with pytest.raises(Forbidden, match="destroyed"):
        custody.seal_project(
            asking(work, link="destroyed"),
            custodians=[one.custodian for one in people],
            need=2,
            reason=WHY,
            clock=CLOCK,
        )
    sealed = custody.seal_project(
        work, custodians=[one.custodian for one in people], need=2, reason=WHY, clock=CLOCK
    )
    assert b"Deshmukhwar" not in sealed
    share, sealed = make_share(sealed, people[0], to="c", reason=WHY, at="2026-11-22T06:00:00Z")
    content, _ = open_map(sealed, people[2], [share], reason=WHY, at="2026-11-22T06:00:00Z")
    rows = content["lists"]["persons"][1:]
    assert {row[0] for row in rows} == set(Person.objects.values_list("pseudonym", flat=True))
    ramesh = {row[0] for row in rows if row[3] == "uhid" and "0001" in row[4]}
    assert len(ramesh) == 1
    assert bytes.fromhex(content["secret"]) == work.root_key
