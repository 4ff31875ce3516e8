"""Free text, for any text and person: stable, never longer, and nobody left in any claimed way of writing."""

import re
from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.text_corpus import DESCRIPTORS, FAMILY, GIVEN, texts

from midas.deid.tidy import joined
from midas.deid.words import Known, clean_text

QUIET = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
NAMES = st.tuples(st.sampled_from(GIVEN), st.sampled_from(FAMILY)).map(" ".join)
CORPUS = texts(400, seed=77)


def _without(word: str, at: int) -> str:
    return word[: at % len(word)] + word[at % len(word) + 1 :]


WAYS = (
    lambda given, family, at: f"{family}^{given}",
    lambda given, family, at: f"{given}{family}",
    lambda given, family, at: f"{given[0]}.{family}".upper(),
    lambda given, family, at: f"{given}_{family}_20240512",
    lambda given, family, at: f"{_without(given, at)} {family}",
    lambda given, family, at: f"{given}{given[-1]}",
    lambda given, family, at: (
        given.replace("sh", "s").replace("ee", "i").replace("oo", "u").replace("v", "w")
    ),
    lambda given, family, at: f"CT{given}",
)


@QUIET
@given(
    NAMES,
    st.sampled_from(WAYS),
    st.integers(0, 20),
    st.sampled_from(DESCRIPTORS),
    st.booleans(),
    st.booleans(),
)
def test_no_claimed_way_of_writing_a_known_name_survives(name, way, at, words, prose, first):
    given_name, family = name.split()
    known = Known.of([("name", name)])
    written = way(given_name, family, at)
    cleaned = clean_text(f"{written} {words}" if first else f"{words} {written}", known, prose=prose)
    assert not known.names(cleaned)
    assert written.casefold() not in cleaned.casefold()


@QUIET
@given(st.text(max_size=120), st.booleans())
def test_cleaning_any_text_is_stable_and_adds_nothing(text, prose):
    known = Known.of([("name", "Ramesh Deshmukh"), ("uhid", "UH-2019-004512")])
    once = clean_text(text, known, prose=prose)
    assert clean_text(once, known, prose=prose) == once
    assert len(once) <= 18 * max(1, len(text))
    assert not known.names(once)


@QUIET
@given(st.sampled_from(CORPUS))
def test_cleaning_a_report_is_stable_and_not_longer(one):
    known = Known.of(one.person)
    once = clean_text(one.text, known, prose=one.prose)
    assert clean_text(once, known, prose=one.prose) == once
    assert len(once) <= len(one.text) + 8


@QUIET
@given(
    st.from_regex(r"\A[6-9][0-9]{9}\Z"),
    st.sampled_from(["", " ", "-", ".", " - "]),
    st.integers(1, 9),
    st.booleans(),
)
def test_no_number_of_ten_digits_survives_however_it_is_set_apart(number, sign, at, prose):
    cleaned = clean_text(f"CT neck {number[:at]}{sign}{number[at:]} plain", Known.of(()), prose=prose)
    assert number[-6:] not in "".join(char for char in cleaned if char.isdigit())


@QUIET
@given(st.text(alphabet="ab (),._-\n[]", max_size=40), st.data())
def test_words_put_together_are_those_that_stay(text, data):
    spans = [match.span() for match in re.finditer("[ab]+", text)]
    keep = [span for span in spans if data.draw(st.booleans())]
    made = joined(text, keep, spans, [])
    assert [char for char in made if char.isalpha()] in (
        [char for start, end in keep for char in text[start:end]],
        [char for char in text if char.isalpha()],
    )


@settings(max_examples=60)
@given(
    number=st.integers(1000, 99999).map(str),
    frame=st.sampled_from(
        [
            "TLC {}",
            "series {} CT",
            "JPEG {} lossy",
            "ratio {}:1",
            "count: {} cells",
            "TR {} TE 30",
            "image {}",
            "{} mm",
            "T1W/SE/{}",
            "{}, CT",
            "platelets {}/cumm",
            "1,OPA,SE,{},120",
            "X-ray {} PA",
        ]
    ),
    prose=st.booleans(),
)
def test_no_measure_keeps_a_number_of_the_person(number, frame, prose):
    known = Known.of([("uhid", number)])
    assert number not in clean_text(frame.format(number), known, prose=prose)


@settings(max_examples=60)
@given(
    day=st.dates(date(1930, 1, 1), date(2026, 12, 31)),
    form=st.sampled_from(
        [
            "%d/%m/%Y",
            "%d-%m-%Y",
            "%d.%m.%Y",
            "%Y%m%d",
            "%Y-%m-%d",
            "%d %B %Y",
            "%d-%b-%Y",
            "%d %b %y",
            "%d.%m.%y",
        ]
    ),
    frame=st.sampled_from(
        ["series {}", "TLC {} done", "count {}", "ratio {}:1", "image {} mm", "JPEG {}", "seen {}, platelets"]
    ),
)
def test_no_measure_keeps_a_day(day, form, frame):
    written = day.strftime(form)
    assert written not in clean_text(frame.format(written), Known.of(()), prose=True)
