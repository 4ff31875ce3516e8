"""A curator asks, the hospital answers: a real hub over HTTP and a real spoke from the command line, online and off."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from tests.integration.test_hub_serves import Hub, _served, midas
from tests.unit.spoke.conftest import (
    CONSENTS,
    LESIONS,
    PERSONS,
    SPECIMENS,
    VISITS,
    write_ct,
    write_table,
)

pytestmark = pytest.mark.xdist_group("asked")

AT_HUB = """
import json, sys
from pathlib import Path
from midas.web.bootstrap import configure
configure(Path(sys.argv[1]))
from midas.catalogue import findings
from midas.catalogue.findings.standing import standing
from midas.catalogue.models import QualityAnswer
from midas.kernel import SystemClock
from midas.ledger.models import Entry
from midas.people.models import Account
"""
ASK = (
    AT_HUB
    + """
by, _ = Account.objects.get_or_create(username="meera")
one = standing().filter(rule="agreement.sex").get()
asked = [*standing().filter(subject=None)[:1], one]
made = findings.decide(findings=asked, verdict="ask", why="Which is right?", by=by, clock=SystemClock())
print(json.dumps({"about": one.subject.pseudonym, "numbers": [one.pk for one in made],
                  "rules": sorted(set(standing().values_list("rule", flat=True)))}))
"""
)
LOOK = (
    AT_HUB
    + """
print(json.dumps({
    "answers": list(QualityAnswer.objects.order_by("pk").values_list("decision", "kind", "words", "spoke")),
    "ledger": [[one.who, one.dataset, str(one.details)] for one in Entry.objects.filter(deed="answer")],
}))
"""
)
MEASURED = """
import sys
from pathlib import Path
from midas.spoke.bootstrap import configure
home = configure(Path(sys.argv[1]))
from midas.spoke.vault.projects import desk
from tests.measured import measured
measured(desk(home=home))
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    yield from _served(tmp_path_factory.mktemp("hub"), {})


def at_hub(hub: Hub, script: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", script, str(hub.home)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def spoke(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spoke that has sent a CT of a man whose header says that he is a woman, after a person let it pass."""
    folder = tmp_path_factory.mktemp("spoke")
    home, export = folder / "home", folder / "export"
    for name, rows in {
        "Patients": PERSONS, "Consent register": CONSENTS, "OPD visits": VISITS, "lesions": LESIONS, "HPE": SPECIMENS,
    }.items():  # fmt: skip
        write_table(export / "tables" / f"{name}.csv", rows)
    image = write_ct(
        export / "scans" / "1.dcm",
        uhid="WR/24/0001",
        name="Deshmukhwar^Ramesh",
        on="20240113",
        study="1.2.10",
    )
    ds = dcmread(image)
    ds.PatientSex, ds.PatientAge = "F", "062Y"
    ds.save_as(image)
    where = ("--home", str(home))
    midas("spoke", "init", "--name", "spdc-wardha", "--protocol", "oral-cancer", *where)
    key = midas("spoke", "status", *where)["public_key"]
    os.environ.pop("MIDAS_TOKEN", None)
    token = midas(
        "hub", "spoke", "add", "wardha-two", "--name", "Second College", "--key", key, "--home", str(hub.home)
    )["token"]
    config = home / "config.toml"
    config.write_text(config.read_text().replace('"spdc-wardha"', '"wardha-two"'))
    midas("spoke", "connect", "--hub", hub.address, "--token", token, *where)
    got = midas("spoke", "receive", str(export), *where)
    assert got["by_reason"]["quality"] == 1, got
    midas("spoke", "review", "accept", "--reason", "quality", "--why", "Asked: the image is his.", *where)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(home)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    sent = midas("spoke", "send", *where)
    assert sent["parcels"][0]["state"] == "acknowledged", sent
    return home


def wait_for_checks(hub: Hub) -> Any:
    for _ in range(60):
        try:
            return at_hub(hub, ASK)
        except AssertionError as error:
            if "DoesNotExist" not in str(error):
                raise
            time.sleep(2)
    raise AssertionError("the hub checked nothing")


@pytest.mark.timeout(600)
def test_a_question_reaches_the_hospital_and_its_answer_the_hub(hub: Hub, spoke: Path) -> None:
    where = ("--home", str(spoke))
    asked = wait_for_checks(hub)
    number = asked["numbers"][-1]
    got = midas("spoke", "questions", *where)
    assert got["problem"] == ""
    mine = next(one for one in got["questions"] if one["number"] == number)
    assert (mine["state"], mine["asked"]["why"], len(mine["items"])) == ("open", "Which is right?", 1)
    assert mine["asked"]["subject"] == asked["about"]
    again = midas("spoke", "questions", *where)["questions"]
    assert [one["number"] for one in again] == [one["number"] for one in got["questions"]], "kept once"

    said = answered(spoke, number, "Ramesh Deshmukhwar is a man.")
    assert (said["state"], said["held_for"]) == ("held", "person")
    assert at_hub(hub, LOOK)["answers"] == []

    config = spoke / "config.toml"
    true = config.read_text()
    config.write_text(true.replace(hub.address, "http://127.0.0.1:9"))
    said = answered(spoke, number, "The table is right, the image has an error.")
    assert said["state"] == "ready"
    assert said["problem"]
    assert midas("spoke", "questions", *where)["problem"], "the list is shown without the hub"
    config.write_text(true)

    midas("spoke", "questions", *where)
    midas("spoke", "questions", *where)
    seen = at_hub(hub, LOOK)
    assert seen["answers"] == [[number, "words", "The table is right, the image has an error.", "wardha-two"]]
    assert [row[:2] for row in seen["ledger"]] == [["wardha-two", "oral-cancer"]]
    assert "Ramesh" not in str(seen)
    states = {one["number"]: one["state"] for one in midas("spoke", "questions", *where)["questions"]}
    assert states[number] == "sent"


@pytest.mark.timeout(600)
def test_another_hospital_neither_sees_nor_answers_it(hub: Hub, spoke: Path) -> None:
    from midas.kernel import BadInput, NotFound
    from midas.sdk import Client

    asked = wait_for_checks(hub)
    with Client(hub.address, replace(hub).spoke_token) as other:
        assert other.asked() == ()
        with pytest.raises(NotFound):
            other.answer(asked["numbers"][-1], kind="corrected")
        with pytest.raises(BadInput, match="not kept"):
            other.answer(asked["numbers"][-1], kind="words", words="Call 98230 12345")


def answered(spoke: Path, number: int, words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", "from midas.cli import main; main()", "spoke", "answer", str(number), words, "--json",
         "--home", str(spoke)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return json.loads(done.stdout)
