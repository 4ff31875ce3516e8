"""How commands speak to people: before they start a server, and of an audit."""

import socket
from contextlib import nullcontext
from typing import Any

import pytest
from tests.measured import audit
from typer import Exit

from midas.cli.show import audited, nobody_listens
from midas.kernel import Conflict
from midas.protocol.model import DeidAudit
from midas.wire.v1 import AuditScore


def test_a_port_that_is_taken_is_said_so_before_serving() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Conflict, match="listens"):
            nobody_listens("127.0.0.1", port)
    nobody_listens("127.0.0.1", port)


@pytest.mark.parametrize(
    ("changed", "floor", "words"),
    [
        ({}, DeidAudit(floor=0.95, files=40), ""),
        ({"files": 39}, DeidAudit(floor=0.95, files=40), "planted 39 files of 40"),
        ({"wrong_shifts": 1}, DeidAudit(floor=0.95, files=40), "1 persons without one shift"),
        ({"leaks": {"uid": 1}}, DeidAudit(floor=0.95, files=40), "1 planted identifiers left"),
        ({"leaks": {"uid": 1}}, DeidAudit(floor=0.95, files=40, leaks=1), ""),
        ({"leaks": {"uid": 1}}, None, "1 uid"),
        ({"wrong_shifts": 1}, None, ""),
    ],
)
def test_an_audit_ends_as_the_hub_would_decide(
    changed: dict[str, Any], floor: DeidAudit | None, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The spoke learns before it sends what the hub would say at the cut: by the same rule."""
    score = AuditScore.model_validate(audit("ab" * 32, **changed))
    with pytest.raises(Exit) if words else nullcontext():
        audited(score, False, floor=floor, digest="ab" * 32)
    assert words in capsys.readouterr().out
