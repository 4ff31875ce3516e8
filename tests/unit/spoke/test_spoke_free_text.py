"""Free text of a clinical table leaves cleaned, by its column's role in the protocol."""

from __future__ import annotations

import pytest
from tests.unit.spoke.conftest import CLOCK, CONSENTS, PERSONS, write_table

from midas import compute
from midas.protocol import ProtocolError, load_named, parse
from midas.spoke import flow
from midas.spoke.home import Config, create
from midas.spoke.outbox.models import Output
from midas.spoke.vault.projects import open_project

COLUMN = "      - {name: remark, role: free-text, type: text, aliases: [Remarks]}\n"


def protocol(column: str) -> bytes:
    """Return the shipped protocol with one more column in its table of visits."""
    mark, source = "      - {name: visit-date, role: visit-date", load_named("oral-cancer").source
    assert source.count(mark) == 1
    return source.replace(mark, column + mark).encode()


def test_free_text_of_a_table_keeps_its_words_and_loses_the_person(db, tmp_path) -> None:
    home = create(tmp_path / "home", Config(name="spdc-wardha", project="oral-cancer", processes=1))
    open_project(home=home, loaded=parse(protocol(COLUMN)))
    said = "Ramesh ji: pain in left lower jaw since 3 months, call 9823012345, seen 12/03/2024"
    for name, rows in (
        ("Patients", PERSONS), ("Consent", CONSENTS), ("Visits", [
            ("UHID", "Visit", "Visit Date", "Remarks"),
            ("WR/24/0001", "baseline", "12/01/2024", said),
            ("WR/24/0001", "follow-up", "20/06/2024", "Deshmukhwar"),
            ("WR/24/0002", "baseline", "15/01/2024", "Healed; no residual lesion"),
        ]),
    ):  # fmt: skip
        write_table(tmp_path / "in" / f"{name}.csv", rows)
    flow.receive(home=home, folder=tmp_path / "in", runner=compute.here(), clock=CLOCK)
    left = {
        one.line["values"]["remark"]
        for one in Output.objects.filter(kind="record")
        if one.line["table"] == "visits"
    }
    assert "Healed; no residual lesion" in left
    cleaned = next(one for one in left if "pain" in one)
    assert "pain in left lower jaw since 3 months" in cleaned
    assert not [word for word in ("Ramesh", "98230", "12/03", "2024") if word in cleaned]
    assert not [one for one in left if "Deshmukhwar" in one]


@pytest.mark.parametrize(
    "column", [COLUMN.replace("free-text", "drop"), COLUMN.replace("free-text", "identifier")]
)
def test_text_of_another_role_stays_in_the_hospital(column: str, db, tmp_path) -> None:
    home = create(tmp_path / "home", Config(name="spdc-wardha", project="oral-cancer", processes=1))
    open_project(home=home, loaded=parse(protocol(column)))
    visits = [
        ("UHID", "Visit", "Visit Date", "ECOG", "Remarks"),
        ("WR/24/0001", "baseline", "12/01/2024", "1", "Healed"),
    ]
    for name, rows in (("Patients", PERSONS), ("Consent", CONSENTS), ("Visits", visits)):
        write_table(tmp_path / "in" / f"{name}.csv", rows)
    flow.receive(home=home, folder=tmp_path / "in", runner=compute.here(), clock=CLOCK)
    lines = [
        one.line["values"] for one in Output.objects.filter(kind="record") if one.line["table"] == "visits"
    ]
    assert [line.get("ecog") for line in lines] == [1]
    assert "remark" not in lines[0]


@pytest.mark.parametrize(
    "column", [COLUMN.replace("type: text", "type: integer"), COLUMN.replace("role: free-text, ", "")]
)
def test_a_protocol_says_of_free_text_that_it_is_free_text(column: str) -> None:
    with pytest.raises(ProtocolError, match="free text"):
        parse(protocol(column))
