"""Keys, persons, cells and reasons: what a value becomes, what is refused, and that nothing names anyone."""

from __future__ import annotations

import re
import stat
from datetime import date
from pathlib import Path

import pytest

from midas.kernel import BadInput, BrokenPromise
from midas.protocol import load_named
from midas.protocol.model import Column
from midas.spoke import reasons
from midas.spoke.cleaning import path_words
from midas.spoke.home import Config, create, open_home, reconfigure, serving
from midas.spoke.intake.cells import BadCell, read_cell, read_date
from midas.spoke.intake.matching import file_names, spans
from midas.spoke.intake.tables import recognise
from midas.spoke.vault import persons
from midas.spoke.vault.keys import Vault, normal
from midas.spoke.vault.projects import desk, open_project

ORAL = load_named("oral-cancer")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("05/03/2024", date(2024, 3, 5)), ("5-3-2024", date(2024, 3, 5)), ("05.03.2024", date(2024, 3, 5)),
        ("2024-03-05", date(2024, 3, 5)), ("2024-03-05T10:00:00", date(2024, 3, 5)), ("5 Mar 2024", date(2024, 3, 5)),
        ("5th March, 2024", date(2024, 3, 5)), ("20240305", date(2024, 3, 5)), ("०५/०३/२०२४", date(2024, 3, 5)),
    ],
)  # fmt: skip
def test_dates_are_read_as_india_writes_them(text: str, day: date) -> None:
    assert read_date(text) == day


@pytest.mark.parametrize(
    "text", ["03/14/2024", "31/02/2024", "5/3/24", "2024/3/5x", "yesterday", "00/00/0000", "45123"]
)
def test_what_is_no_date_is_refused_and_never_read_month_first(text: str) -> None:
    with pytest.raises(BadCell) as error:
        read_date(text)
    assert text not in str(error.value) + error.value.advice


def test_cells_take_aliases_ranges_and_scripts() -> None:
    tobacco = next(one for one in ORAL.protocol.tables[0].columns if one.name == "tobacco")
    assert read_cell(" हाँ ", tobacco) == "current"
    age = Column(name="age", type="integer", min=0, max=120)
    assert read_cell("४५", age) == 45
    assert read_cell("NA", age) is None
    assert read_cell("1,20,000.5", Column(name="x", type="number")) == 120000.5
    assert read_cell("Yes", Column(name="x", type="boolean")) is True
    for text in ("121", "4.5", "12 yrs", "-1"):
        with pytest.raises(BadCell) as error:
            read_cell(text, age)
        assert text not in error.value.what
    with pytest.raises(BadCell):
        read_cell("", age.model_copy(update={"required": True}))


def test_tables_are_known_by_headings_whatever_their_case_order_and_script() -> None:
    fit = recognise(ORAL.protocol, ["NAME of patient", "यूएचआईडी", "gender", "Remarks"])
    assert fit is not None
    assert fit.table.id == "persons"
    assert [one.name if one else None for one in fit.columns] == ["name", "uhid", "sex", None]
    assert recognise(ORAL.protocol, ["Foo", "Bar"]) is None
    lacking = recognise(ORAL.protocol, ["UHID", "Visit", "Age", "ECOG", "Pain"])
    assert lacking is not None
    assert (lacking.table.id, lacking.missing) == ("visits", ("visit-date",))


def test_a_seal_opens_only_for_its_purpose_and_its_key(tmp_path: Path) -> None:
    vault = Vault(b"a" * 32)
    sealed = vault.seal("Ramesh", about="identifier/name")
    assert b"Ramesh" not in sealed
    assert sealed != vault.seal("Ramesh", about="identifier/name")
    assert vault.open(sealed, about="identifier/name") == "Ramesh"
    for other, about, data in (
        (vault, "identifier/uhid", sealed), (Vault(b"b" * 32), "identifier/name", sealed),
        (vault, "identifier/name", sealed[:-1] + bytes([sealed[-1] ^ 1])),
    ):  # fmt: skip
        with pytest.raises(BrokenPromise):
            other.open(data, about=about)
    assert vault.lookup("uhid", "WR/24 0001") == vault.lookup("uhid", "wr-24/0001")
    assert vault.lookup("uhid", "1") != vault.lookup("abha", "1") != Vault(b"b" * 32).lookup("abha", "1")


def test_numbers_are_compared_without_punctuation_and_phones_by_their_end() -> None:
    assert normal("phone", "+91 98230-12345") == normal("phone", "09823012345")
    assert normal("uhid", "ＷＲ/24–1") == "wr241"


def test_pseudonyms_and_shifts_keep_their_promise() -> None:
    names = {persons.new_pseudonym() for _ in range(500)}
    assert len(names) == 500
    assert all(re.fullmatch(r"P-[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}", name) for name in names)
    shifts = [persons.new_shift() for _ in range(20_000)]
    assert (min(shifts), max(shifts)) == (-730, -1)
    assert abs(sum(shifts) / len(shifts) + 365.5) < 10


@pytest.mark.django_db
def test_one_abha_with_another_sex_is_not_one_person(tmp_path: Path) -> None:
    home = create(tmp_path / "home", Config(name="a", project="oral-cancer"))
    open_project(home=home, loaded=ORAL)
    work = desk(home=home)
    abha = ("abha", "91-7345-1816-0779")
    born = ("birth-date", "1980-01-01")
    one, _ = persons.enrol(work, known=persons.Known((("uhid", "1"), abha, born), sex="F", born=born[1]))
    two, _ = persons.enrol(work, known=persons.Known((("uhid", "2"), abha, born), sex="F", born=born[1]))
    assert two == one
    with pytest.raises(persons.Ambiguous):
        persons.enrol(work, known=persons.Known((("uhid", "3"), abha), sex="M"))
    with pytest.raises(persons.Ambiguous):
        persons.enrol(work, known=persons.Known((("uhid", "3"), abha), born="1981-01-01"))
    assert persons.find(work, kind="uhid", value="3") is None


@pytest.mark.django_db
def test_the_older_survives_a_merge_unless_the_younger_was_sent(tmp_path: Path) -> None:
    home = create(tmp_path / "home", Config(name="a", project="oral-cancer"))
    open_project(home=home, loaded=ORAL)
    work = desk(home=home)
    made = [persons.enrol(work, known=persons.Known((("uhid", str(n)),)))[0] for n in range(4)]
    kept, gone = persons.enrol(work, known=persons.Known((("uhid", "0"), ("uhid", "1"))))
    assert (kept, gone) == (made[0], (made[1],))
    made[3].sent = True
    made[3].save()
    kept, gone = persons.enrol(work, known=persons.Known((("uhid", "2"), ("uhid", "3"))))
    assert (kept, gone) == (made[3], (made[2],))
    assert persons.find(work, kind="uhid", value="1") == made[0]
    persons.forget(made[0])
    assert persons.find(work, kind="uhid", value="1") is None


def test_a_specimen_number_is_found_in_a_file_name() -> None:
    assert "H2400111" in spans("slides/H-24-00111_HE.svs")
    assert ["photos/IMG_1.jpg"] in file_names("camera/photos/IMG_1.jpg")
    assert file_names("camera/photos/IMG_1.jpg")[0] == ["camera/photos/IMG_1.jpg"]


def test_words_of_a_path_count_as_names_unless_they_name_nobody() -> None:
    assert path_words("export/Ramesh K/CT scans/00123456.dcm") == (
        ("folder", "Ramesh"),
        ("folder", "00123456"),
    )


def test_the_table_of_reasons_is_closed_and_speaks_two_languages() -> None:
    for one in reasons.REASONS.values():
        assert one.state in {"held", "refused"}
        assert all(text.strip() for text in (*one.words("en"), *one.words("hi")))
        assert re.search(r"[\u0900-\u097f]", one.title_hi)
        assert re.search(r"[\u0900-\u097f]", one.advice_hi)
    for code in (*reasons.TROUBLES.values(), *reasons.DEID.values()):
        assert code in reasons.REASONS
    assert reasons.deid_reason("something new") == "deid-failed"
    assert reasons.deid_reason("burned-in-text") == "burned-in-risk"
    with pytest.raises(BrokenPromise):
        reasons.reason("because")


def test_every_word_with_which_a_file_is_held_has_its_reason() -> None:
    """The words are read from the source of the engine: each `Held("word", …)`, and each of the bench's own."""
    import ast

    import midas.deid
    import midas.spoke.bench

    words = set()
    for path in (*Path(midas.deid.__file__).parent.rglob("*.py"), Path(midas.spoke.bench.__file__)):
        if "audit" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            given = [*node.args[:1]] if called == "Held" else []
            given += [word.value for word in node.keywords if word.arg == "reason"]
            told = (one.value for one in given if isinstance(one, ast.Constant))
            words |= {word for word in told if isinstance(word, str)}
    words -= {""}
    assert len(words) > 12
    unknown = {word for word in words if word not in reasons.DEID and word not in reasons.REASONS}
    assert unknown == set(), "give them a place in midas.spoke.reasons.DEID"


def test_a_home_is_private_and_is_served_here_only_without_tls(tmp_path: Path) -> None:
    home = create(tmp_path / "home", Config(name="a", project="oral-cancer"))
    for path in (home.path, home.keys, home.intake, home.outbox, home.scratch):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((home.path / "config.toml").stat().st_mode) == 0o600
    assert reconfigure(home, token='quo"te').config.token == open_home(home.path).config.token == 'quo"te'
    with pytest.raises(BadInput):
        serving(home.config, host="0.0.0.0", port=None, cert=None, key=None)
    with pytest.raises(BadInput):
        serving(home.config, host="0.0.0.0", port=None, cert=Path("c"), key=None)
    assert serving(home.config, host="10.0.0.5", port=1, cert=Path("c"), key=Path("k")).bind == "10.0.0.5"
    with pytest.raises(BadInput):
        reconfigure(home, port=0)
