"""Protocols: the shipped ones are right, and each kind of mistake is named with its line and what to do."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from midas.cli.protocol import app
from midas.kernel import BadInput, Conflict, NotFound, sha256_bytes
from midas.protocol import (
    ProtocolError,
    diff,
    load,
    load_named,
    parse,
    published,
    schema_text,
    shipped,
    variables,
    write_new,
)  # fmt: skip

ORAL = load_named("oral-cancer").source


def wrong(text: str) -> str:
    with pytest.raises(ProtocolError) as caught:
        parse(text.encode(), name="p.yaml")
    return caught.value.message


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_the_shipped_protocols_are_right():
    assert shipped() == ("meningioma", "oral-cancer")
    for name in shipped():
        loaded = load_named(name)
        assert loaded.protocol.id == name
        assert loaded.sha256 == sha256_bytes(loaded.source.encode())


def test_what_the_sample_hospital_relies_on():
    oral = load_named("oral-cancer").protocol
    assert [table.id for table in oral.tables] == [
        "persons",
        "consents",
        "visits",
        "lesions",
        "specimens",
        "photos",
    ]
    persons = oral.tables[0]
    assert persons.roles()["name"].aliases[-3:] == ("नाम", "रोगी का नाम", "मरीज का नाम")
    assert "यूएचआईडी" in persons.roles()["person"].aliases
    assert len(next(item for item in oral.items if item.id == "oral-photo").views) == 9
    assert [target.id for target in oral.targets] == ["diagnosis", "clinical-impression", "lesion-regions"]
    meningioma = load_named("meningioma").protocol
    assert [visit.id for visit in meningioma.visits] == ["pre-op", "post-op", "follow-up"]
    assert [target.id for target in meningioma.targets] == ["who-grade", "tumour"]


def test_no_identifying_column_leaves():
    for name in shipped():
        roles = {column.role for column in variables(load_named(name).protocol).values()}
        assert roles == {"variable"}
        leaving = {key.rsplit(".", 1)[-1] for key in variables(load_named(name).protocol)}
        assert not leaving & {
            "uhid",
            "abha",
            "name",
            "name-local",
            "guardian",
            "phone",
            "address",
            "birth-date",
            "file",
        }


def test_every_snomed_code_is_one_that_pydicom_knows():
    from pydicom.sr._concepts_dict import concepts

    known = {code for named in concepts["SCT"].values() for code in named}
    used = [
        part.split('"')[1]
        for name in shipped()
        for part in load_named(name).source.split("scheme: SCT, value: ")[1:]
    ]
    assert len(used) > 10
    assert set(used) <= known


def test_the_published_schema_is_current():
    assert published() == schema_text()
    assert json.loads(published())["properties"]["schema"]["const"] == "midas-protocol/1"


@pytest.mark.parametrize(
    ("old", "new", "at", "what"),
    [
        ("    kind: photo\n", "    kind: foto\n", "    kind: foto", "'foto' is not a choice for kind"),
        ("    level: visit\n", "    levle: visit\n", "    levle", "'levle' is not known here; did you mean 'level'?"),
        ("id: oral-cancer\n", "id: Oral Cancer\n", "id: Oral", "id is not written as it should be"),
        ("version: 1.0.0", "version: 1", "version: 1", "version should be text; put the value in quotes"),
        ("id: oral-cancer\n", "id: oral-cancer\nid: again\n", "id: again", "'id' was already given on line"),
        ("keyword: KVP", "keyword: KPV", "      - {keyword: KPV", "'KPV' is not a DICOM keyword"),
        ("{table: specimens, column: diagnosis}", "{table: specimen, column: diagnosis}",
         "    source: {table: specimen,", "there is no table 'specimen'"),
        ("{table: specimens, column: diagnosis}", "{table: specimens, column: diagnose}",
         "    source: {table: specimens, column: diagnose", "table 'specimens' has no column 'diagnose'"),
        ("{table: lesions, column: clinical-impression}", "{table: persons, column: state}",
         "    level: lesion", "table 'persons' has one row per person, the target is about a lesion"),
        ("items: [histology-slide]", "items: [histology]", "    items: [histology]", "there is no item 'histology'"),
        ("stratify: [diagnosis]", "stratify: [colour]", "  stratify: [colour]", "there is no variable or target 'colour'"),
        ("parts: {train: 0.7", "parts: {train: 0.9", "split:", "the parts must add up to 1"),
        ('valid_from: "2024-01-01"', 'valid_from: "2024-02-31"', '    valid_from: "2024-02-31"', "not a day"),
        ("title: {en: First visit, hi: पहली भेंट}", "title: {hi: पहली भेंट}", "id: baseline", "the English words are missing"),
        ("commercial: false", "commercial: true", "  commercial: true", "contradicts the DUO term"),
        ("1.2.840.10008.5.1.4.1.1.77.1.4\"", "1.2.840.10008.5.1.4.1.1.77.1.444\"", "77.1.444", "is not a registered UID"),
        ("aliases: [Sex, Gender,", "aliases: [Sex, UHID,", "      - name: sex", "the heading 'uhid' also belongs to column"),
        ("{name: abha, role: abha", "{name: abha, role: person", "{name: abha", "role person is already held by column"),
        ("values: [F, M, O, U]", "values: [F, M, O, U, X]", "values: [F, M, O, U, X]", "there is no sex 'X'"),
    ],
)  # fmt: skip
def test_each_mistake_is_named_with_its_line(old, new, at, what):
    assert old in ORAL
    text = ORAL.replace(old, new, 1)
    message = wrong(text)
    assert what in message
    assert f"p.yaml:{line_of(text, at)}: " in message


def test_a_column_of_free_text_cannot_leave():
    assert "free text and dates do not leave the hospital" in wrong(
        ORAL.replace(
            "{name: alcohol, title: {en: Alcohol, hi: शराब}, type: boolean", "{name: alcohol, type: text", 1
        )
    )


def test_a_table_without_the_role_of_its_grain_is_refused():
    text = ORAL.replace(
        "{name: lesion, role: lesion, required: true", "{name: lesion, role: drop, required: true", 1
    )
    assert "a table of grain lesion needs a column with role lesion" in wrong(text)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "the file is empty"),
        (b"- a\n- b\n", "it is not a mapping"),
        (b"a: [1, 2\n", "this is not YAML"),
        (b"a: &x 1\nb: *x\n", "anchors"),
        (b"title: \xff\xfe\n", "it is not UTF-8 text"),
        (b"a" * 1_000_001, "it is larger than"),
        (b"a: !!python/object:os.system {}\n", "p.yaml:1"),
    ],
)
def test_what_is_no_protocol_at_all(data, what):
    with pytest.raises(BadInput) as caught:
        parse(data, name="p.yaml")
    assert what in caught.value.message


def test_all_mistakes_are_named_at_once(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        ORAL.replace("keyword: KVP", "keyword: KPV").replace("stratify: [diagnosis]", "stratify: [x]")
    )
    with pytest.raises(ProtocolError) as caught:
        load(path)
    assert len(caught.value.complaints) == 2
    assert all(line.startswith("mine.yaml:") for line in caught.value.message.splitlines())


def test_differences_in_words():
    before = load_named("oral-cancer").protocol
    text = ORAL.replace("window_days: 45", "window_days: 30").replace("min: 0, max: 4", "min: 0, max: 5")
    after = parse(
        text.replace("  - {id: kle-dental, name: KLE Dental College, state: Karnataka}\n", "").encode()
    ).protocol
    assert diff(before, before) == ()
    assert [change.words() for change in diff(before, after)] == [
        "spokes/kle-dental: removed",
        "visits/baseline/window_days: 45 → 30",
        "tables/visits/columns/ecog/max: 4.0 → 5.0",
    ]


def test_a_new_file_is_valid_and_never_written_over(tmp_path):
    path = write_new(tmp_path / "new.yaml", name="cleft-lip")
    assert load(path).protocol.id == "cleft-lip"
    with pytest.raises(Conflict):
        write_new(path)
    like = write_new(tmp_path / "like.yaml", name="tongue", like="oral-cancer")
    assert load(like).protocol.id == "tongue"
    with pytest.raises(BadInput):
        write_new(tmp_path / "bad.yaml", name="Not A Slug")
    assert not (tmp_path / "bad.yaml").exists()
    with pytest.raises(NotFound):
        load_named("../oral-cancer")


def run(*words: str):
    return CliRunner().invoke(app, list(words))


def test_the_command_line(tmp_path: Path):
    path = tmp_path / "my.yaml"
    assert run("new", str(path), "--name", "mine", "--json").exit_code == 0
    assert json.loads(run("check", str(path), "--json").stdout)["id"] == "mine"
    path.write_text(path.read_text().replace("level: visit", "level: visits"))
    answer = run("check", str(path), "--json")
    assert answer.exit_code == 1
    assert json.loads(answer.stdout)["complaints"][0]["line"] > 1
    assert "my.yaml:" in run("check", str(path)).output
    assert json.loads(run("show", "meningioma", "--json").stdout)["protocol"]["id"] == "meningioma"
    assert "brain-mr" in run("show", "meningioma").stdout
    assert run("diff", "oral-cancer", "oral-cancer").exit_code == 0
    assert run("diff", "oral-cancer", "meningioma", "--json").exit_code == 1
    assert json.loads(run("schema").stdout)["title"].startswith("MIDAS")
    assert isinstance(run("check", "nowhere.yaml").exception, NotFound)


PARTS = "parts: {train: 0.7, validation: 0.15, test: 0.15}"


@pytest.mark.parametrize(
    "parts",
    [
        "{train: nan, test: 0.5}",
        "{train: 1.5, test: -0.5}",
        "{train: inf, test: 0.1}",
        "{train: -nan, test: 1}",
    ],
)
def test_a_share_of_a_split_lies_between_nothing_and_everything(parts: str) -> None:
    """With NaN no comparison holds: everybody would stand in the last part."""
    assert PARTS in ORAL
    assert "split.parts" in wrong(ORAL.replace(PARTS, f"parts: {parts}"))


def test_a_limit_that_is_no_number_is_no_limit() -> None:
    text, told = load_named("meningioma").source, "keyword: SliceThickness, max: 6,"
    assert told in text
    for word in ("nan", "inf", "-inf"):
        assert "finite number" in wrong(text.replace(told, f"keyword: SliceThickness, max: {word},"))


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "//elsewhere.example", "https://a b",
     "https://a.example/><img src=x>", " https://a.example"],
)  # fmt: skip
def test_the_address_of_a_licence_is_a_page_of_the_web(address: str) -> None:
    """It is a link on the dataset's page and in its papers."""
    told = "license_url: https://creativecommons.org/licenses/by-nc/4.0/"
    assert told in ORAL
    assert "license_url is not written as it should be" in wrong(
        ORAL.replace(told, f"license_url: '{address}'")
    )


@pytest.mark.parametrize("name", ["subject", "visit", "lesion", "specimen"])
def test_a_column_that_leaves_is_not_named_as_a_place_in_the_tree(name: str) -> None:
    text = ORAL.replace("{name: alcohol,", f"{{name: {name},", 1)
    assert text != ORAL
    said = wrong(text)
    assert f"each table of a release has a '{name}' of its own" in said
    assert f"p.yaml:{line_of(text, '{name: ' + name + ',')}:" in said


@pytest.mark.parametrize(
    "title",
    ['""', '"   "', '"two\\nlines"', '"a\\0b"', '"ABC\\u202Elairt"', '"\\u2067turned"', f'"{"long " * 100}"'],
)
def test_a_title_is_one_line_that_people_can_read(title: str) -> None:
    told = "  en: Oral cancer and potentially malignant disorders of the mouth\n"
    assert told in ORAL
    assert "title.en" in wrong(ORAL.replace(told, f"  en: {title}\n", 1))


@pytest.mark.parametrize(
    "title", ["'<b>\"quotes\"</b> & ../x'", "'मुँह का कैंसर 🦷'", "'=1+1'", "'क्\u200dष ‌🧑\u200d⚕️'"]
)
def test_odd_words_are_words(title: str) -> None:
    told = "  en: Oral cancer and potentially malignant disorders of the mouth\n"
    assert parse(ORAL.replace(told, f"  en: {title}\n", 1).encode()).protocol.title["en"]


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 50_000, "- " * 50_000])
def test_what_is_nested_without_end_is_refused(text: str) -> None:
    assert "nested too deep" in wrong(text)


def test_each_group_of_the_population_has_one_share() -> None:
    """Of two shares of women each would be compared with all of them."""
    told = "sex: [{value: F, share: 0.5}, {value: M, share: 0.5}]"
    assert told in ORAL
    assert "the share of 'F' is there twice" in wrong(
        ORAL.replace(told, told.replace("value: M", "value: F"))
    )
