"""A spoke's audit travels with its parcel, stands for one protocol only, and its map opens for custodians alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from PIL import Image
from tests.measured import measured

from midas.compute import here
from midas.deid.custody import Custodian, Opener, make_share, open_map
from midas.kernel import BadInput, Conflict, FixedClock, Forbidden
from midas.spoke import auditing, custody, flow
from midas.spoke.cleaning import outbox_place
from midas.spoke.intake.models import Item
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
    auditing._place(work).unlink()
    assert auditing.audit_to_send(asking(work, audit=None)) is None
    with pytest.raises(Conflict, match="asks for an audit"):
        auditing.audit_to_send(work)
    score = measured(work)
    assert auditing.audit_to_send(work) == score
    parcel = flow.pack(home=work.home, clock=CLOCK)
    assert parcel is not None
    digests = {part["path"]: part["sha256"] for part in parcel.header["parts"]}
    told = json.loads(outbox_place(work, digests["report.json"]).read_bytes())
    assert AuditScore.model_validate(told["audit"]) == score
    measured(work, profile="ab" * 32)
    assert auditing.last_audit(work) is None, "an audit under another protocol does not stand"


def test_what_was_refused_or_withdrawn_serves_for_no_audit(work, export) -> None:
    flow.receive(home=work.home, folder=export, runner=here(), clock=CLOCK)
    states = dict(Item.objects.exclude(stored="").filter(kind="dicom").values_list("stored", "state"))
    assert {"refused", "waiting"} <= set(states.values())
    drawn = {path.name for path in auditing._sources(work, 1)}
    assert drawn == {Path(stored).name for stored, state in states.items() if state != "refused"}


def test_a_spoke_of_photographs_alone_can_be_measured(work, tmp_path) -> None:
    """Else it could never send under a protocol that sets a floor."""
    (tmp_path / "in").mkdir()
    Image.new("RGB", (64, 48), (150, 90, 80)).save(tmp_path / "in" / "1.jpg")
    flow.receive(home=work.home, folder=tmp_path / "in", runner=here(), clock=CLOCK)
    auditing._place(work).unlink()
    found = auditing.audit(work, runner=here(), seed=3, number=2).score
    assert (found.files, sum(found.leaks.values())) == (2, 0)
    assert auditing.audit_to_send(work) == found


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
