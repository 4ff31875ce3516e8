"""What a curator excluded for its quality is not in the next draft, and is named; what was corrected is told so."""

from __future__ import annotations

from typing import Any

from midas.catalogue.models import Label, Series
from midas.release.gathering import gather


def second_series(ward: Any, person: str) -> Series:
    """Give a person a further series, so that something stays when the first is excluded."""
    first = Series.objects.get(study__subject__pseudonym=person)
    series = Series.objects.create(
        study=first.study, uid="2.25.77", modality="CT", item="brain-ct", kind="dicom", visit=first.visit
    )
    batch = ward.submission(9, [person])
    ward._slice(first.study.subject, batch, first.study, series, 7)
    return first


def rows(content: Any, table: str, column: str) -> list[Any]:
    found: list[Any] = content.tables[table][column].to_pylist()
    return found


def test_an_excluded_series_is_left_out_and_named(ward: Any, judge: Any) -> None:
    person = ward.names()[0]
    first = second_series(ward, person)
    Label.objects.create(
        subject=first.study.subject, submission=Label.objects.first().submission, level="series", uid=first.uid,
        target="who-grade", value="1", source="imported",
    )  # fmt: skip
    earlier = ward.draft()
    made = judge(person)
    later = ward.draft("1.1.0")
    assert later.judged == [made.pk]
    assert earlier.judged == []
    whole, less = (gather(draft=one, store=ward.store) for one in (earlier, later))
    assert first.uid in rows(whole, "manifest", "series_uid")
    assert first.uid in rows(whole, "labels", "uid")
    assert first.uid not in rows(less, "manifest", "series_uid")
    assert first.uid not in rows(less, "labels", "uid")
    assert person in rows(less, "subjects", "subject")
    (out,) = less.left_out
    assert (out.subject, out.series) == (person, first.uid)
    assert out.why == f"excluded: {made.finding.rule}"
    assert {"subject": person, "series": first.uid, "why": out.why} in ward.cut(later).summary["left_out"]


def test_a_person_of_whom_nothing_stays_and_an_excluded_person_are_out(ward: Any, judge: Any) -> None:
    emptied, whole, *others = ward.names()
    judge(emptied)
    second_series(ward, whole)
    judge(whole, covers="subject")
    found = gather(draft=ward.draft(), store=ward.store)
    assert rows(found, "subjects", "subject") == sorted(others)
    assert {one.subject: one.series for one in found.left_out} == {emptied: "", whole: ""}
    assert all(one.why.startswith("excluded: ") for one in found.left_out)


def test_what_was_opened_again_is_in_the_next_draft(ward: Any, judge: Any) -> None:
    person = ward.names()[0]
    judge(person)
    judge(person, "reopen")
    draft = ward.draft()
    assert draft.judged == []
    assert person in rows(gather(draft=draft, store=ward.store), "subjects", "subject")


def test_a_corrected_fact_is_told_and_the_file_stays(ward: Any, judge: Any) -> None:
    person = ward.names()[0]
    before = gather(draft=ward.draft(), store=ward.store)
    judge(person, "correct", keyword="SliceThickness", value="2.5")
    after = gather(draft=ward.draft("1.1.0"), store=ward.store)
    assert rows(after, "manifest", "sha256") == rows(before, "manifest", "sha256")
    told = dict(
        zip(rows(after, "series", "subject"), rows(after, "series", "slice_thickness_mm"), strict=True)
    )
    assert told[person] == 2.5
    assert {told[one] for one in told if one != person} == {5.0}


def test_the_same_draft_gives_the_same_key_after_a_withdrawal_of_another(ward: Any, judge: Any) -> None:
    judge(ward.names()[0])
    draft = ward.draft()
    first = ward.cut(draft)
    assert ward.cut(draft).key == first.key
    assert first.summary["subjects"] == 5
