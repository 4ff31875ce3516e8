"""What a protocol says of rows, codes, bands of ages and wider words: right ones are read, each slip is named."""

import re
import textwrap
from pathlib import Path

import pytest

from midas.protocol import ProtocolError, load_named, parse
from midas.protocol.words import age_band, well_formed
from midas.quality.checks import registry

ORAL = load_named("oral-cancer").source
GRADE = "        aliases: [Grade, Histological Grade, Differentiation, श्रेणी]\n"
TABLE = "  - id: specimens\n"
RULE = """    rules:
      - id: normal-has-no-grade
        title: {{en: What is normal has no grade}}
        when: [{{column: diagnosis, one_of: [normal]}}]
        then: [{then}]
"""


def with_rule(then):
    return ORAL.replace(TABLE, TABLE + RULE.format(then=then))


def wrong(text):
    with pytest.raises(ProtocolError) as caught:
        parse(text.encode(), name="p.yaml")
    return caught.value.message


def test_a_rule_between_columns_is_read():
    read = parse(with_rule("{column: grade, one_of: [not-applicable]}").encode(), name="p.yaml").protocol
    (rule,) = next(one for one in read.tables if one.id == "specimens").rules
    assert (rule.severity, rule.then[0].one_of) == ("error", ("not-applicable",))


@pytest.mark.parametrize(
    ("then", "says"),
    [
        ("{column: colour, known: true}", "no column 'colour'"),
        ("{column: uhid, known: true}", "no column 'uhid'"),
        ("{column: grade, one_of: [nothing]}", "'nothing' is not a value of 'grade'"),
        ("{column: grade, one_of: [no]}", "not a value of 'grade'"),
        ("{column: grade, min: 3}", "not a number"),
        ("{column: grade, at_most: diagnosis}", "not a number"),
        ("{column: grade}", "say what the cell is"),
        ("{column: grade, known: true, python: 'open(1)'}", "python"),
    ],
)
def test_a_rule_that_means_nothing_is_named(then, says):
    assert says in wrong(with_rule(then))


def test_cells_that_are_codes_have_the_form_of_their_system():
    coded = ORAL.replace(GRADE, GRADE + "        vocabulary: ICDO3\n")
    assert "'not-applicable' is not a code of ICDO3" in wrong(coded)


def test_a_slip_of_the_pen_in_a_code_is_seen():
    assert "'307502001' is not a code of SCT" in wrong(ORAL.replace('"307502000"', '"307502001"'))
    assert "'89247-2' is not a code of LN" in wrong(ORAL.replace("89247-1", "89247-2"))


def test_words_that_lead_in_a_circle():
    broader = "        broader: {well: low, low: well}\n"
    assert "leads back to itself" in wrong(ORAL.replace(GRADE, GRADE + broader))


@pytest.mark.parametrize(
    ("shares", "says"),
    [
        ("age-band: [{value: young, share: 0.5}]", "no band of ages"),
        ("age-band: [{value: 18-40, share: 0.5}, {value: 40+, share: 0.5}]", "share a year"),
        ("colour: [{value: red, share: 1}]", "there is no variable 'colour'"),
    ],
)
def test_a_target_population_that_nobody_could_be_counted_for(shares, says):
    assert says in wrong(for_population(shares))


def for_population(shares):
    sex = "    sex: [{value: F, share: 0.5}"
    return ORAL.replace(sex, f"    {shares}\n{sex}")


def test_a_target_population_by_age_device_and_target():
    shares = """age-band: [{value: 18-39, share: 0.4}, {value: 40+, share: 0.5}]
    device: [{value: Canon, share: 1}]
    lesion-regions: [{value: lesion, share: 1}]"""
    assert len(parse(for_population(shares).encode(), name="p.yaml").protocol.population.variable) == 4


@pytest.mark.parametrize(
    ("scheme", "value", "right"),
    [
        ("SCT", "73211009", True), ("SCT", "73211008", False), ("SCT", "73211119", False), ("SCT", "x", False),
        ("SCT", "", False),
        ("LN", "4548-4", True), ("LN", "4548-5", False), ("LN", "45484", False), ("LN", "-4", False),
        ("ICD10", "C06.9", True), ("ICD10", "C06", True), ("ICD10", "C6.9", False), ("ICD10", "C06.9\n", False),
        ("ICDO3", "C02.9", True), ("ICDO3", "8070/3", True), ("ICDO3", "8070/33", True), ("ICDO3", "8070/8", False),
        ("UCUM", "anything", True),
    ],
)  # fmt: skip
def test_the_form_of_codes(scheme, value, right):
    assert well_formed(scheme, value) is right


@pytest.mark.parametrize(
    ("word", "band"),
    [("18-29", (18, 29)), ("18–29", (18, 29)), ("70+", (70, 999)), ("29-18", None), ("18", None), ("", None)],
)
def test_bands_of_ages(word, band):
    assert age_band(word) == band


def test_the_example_of_the_curators_guide_is_a_table():
    guide = (Path(__file__).parents[3] / "docs" / "guides" / "curator.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", guide, flags=re.DOTALL)
    entry = textwrap.indent(example, "    ").replace("    id", "  - id", 1)
    read = parse(ORAL.replace("targets:\n", f"{entry}targets:\n", 1).encode(), name="p.yaml").protocol
    table = next(one for one in read.tables if one.id == "biopsies")
    assert [rule.id for rule in table.rules] == ["carcinoma-is-coded", "width-within-length"]
    assert [limit.check in registry() for limit in table.quality] == [True]
