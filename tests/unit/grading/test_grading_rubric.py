"""The rubric file: complete, checked when it is read, and honest about what is published."""

from importlib import resources

import pytest

from midas.grading.rubric import CURRENT, FORMS, load, rubric_named
from midas.kernel import BadInput, NotFound

RAW = resources.files("midas.grading.rubric").joinpath(f"{CURRENT}.yaml").read_bytes()
RUBRIC = rubric_named()


def test_the_rubric_says_what_it_is() -> None:
    assert RUBRIC.status == "draft for expert validation"
    assert len(RUBRIC.sha256) == 64
    assert b"certified" not in RAW.lower()


def test_all_fifteen_domains_have_both_ladders_with_four_levels() -> None:
    assert [one.number for one in RUBRIC.domains] == list(range(1, 16))
    for domain in RUBRIC.domains:
        for form in FORMS:
            assert [bool(step) for step in domain.ladder(form)] == [True] * 4
            assert domain.names[form]
            assert domain.zero[form]


def test_every_statement_has_an_id_of_its_own() -> None:
    ids = [one.id for d in RUBRIC.domains for form in FORMS for step in d.ladder(form) for one in step]
    assert len(ids) == len(set(ids)) > 200
    assert RUBRIC.domain(1).technical[3][2].id == "1T4c"


def test_published_numbers_are_those_of_the_source() -> None:
    published = {name: one.value for name, one in RUBRIC.parameters.items() if one.source == "published"}
    assert published == {
        "agreement": 0.80, "kappa": 0.80, "dice": 0.85, "attack": 0.01, "synthetic-leak": 0.05, "adherence": 0.90,
    }  # fmt: skip
    assert [(one.kind, one.source) for one in RUBRIC.prs.technical][:2] == [
        ("privacy.probability", "published"),
        ("privacy.epsilon", "published"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"[metadata.title, =, true]", b"[metadata.title, eval, true]", "domains"),
        (b"[metadata.title, =, true]", b"[metadata.unheard_of, =, true]", "unknown kind"),
        (b"\">=\", $kappa]", b"\">=\", 0.7]", "named as a parameter"),
        (b"\">=\", $kappa]", b"\">=\", $kapa]", "named as a parameter"),
        (b"status: draft for expert validation", b"status: final", "status"),
        (b"title: MIDAS 2.0, Lite and Technical", b"title: ICMR certified", "certified"),
        (b"- {id: remediation, from: 0,", b"- {id: remediation, from: 5,", "down to 0"),
        (b"high: {diamond: [controlled], ", b"high: {", "matrix"),
        (b"source: https", b"surprise: 1\nsource: https", "surprise"),
        (b"- number: 15", b"- number: 16", "numbered"),
        (b"[annotation.class_agreement, bounded]", b"[annotation.class_agreement, bounded, 1]", "domains"),
        (b"names: {lite: Environmental Sustainability, technical: Environmental Sustainability}",
         b"names: {lite: Environmental Sustainability}", "domains.13.names"),
        (b"zero: {lite: There is no trace., technical: There is no link.}",
         b"zero: {technical: No link.}", "domains.12.zero"),
        (b"data-quality: {en: Data quality, hi: ", b"data-quality: {en: Data quality, mr: ", "no name in 'hi'"),
        (b"- {id: remediation, band: remediation", b"- {id: no-ethics, band: remediation", "two hard stops"),
        (b"  access: controlled\n", b"  access: open\n", "controls nothing"),
        (b"sensitivity: {routine: 1.0, stigma: 1.5, critical: 2.0}", b"sensitivity: {}", "prs.sensitivity"),
        (b"identification: {direct: 50, unique: 30, coarse: 15, generalised: 5, aggregated: 0}",
         b"identification: {}", "prs.identification"),
        (b"agreement: {value: 0.80", b"agreement: {value: nan", "finite"),
        (b"- {id: diamond, from: 95", b"- {id: diamond, from: nan", "bands"),
        (b"epsilon_factor: 20", b"epsilon_factor: inf", "finite"),
    ],
)  # fmt: skip
def test_a_wrong_rubric_is_refused(old: bytes, new: bytes, says: str) -> None:
    assert old in RAW
    with pytest.raises(BadInput, match=says):
        load(RAW.replace(old, new, 1))


def test_an_unreadable_rubric_is_refused() -> None:
    for raw in (b"", b"- 1", b"a: [", b"\xff", b"[" * 100_000, RAW + b"\nid: again\n"):
        with pytest.raises(BadInput):
            load(raw)


def test_an_unknown_rubric_is_not_found() -> None:
    with pytest.raises(NotFound):
        rubric_named("midas-3")
