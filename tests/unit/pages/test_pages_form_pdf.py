"""Both forms as PDF without a browser: everything on them, the same bytes each time, Hindi as it is written."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from typer.testing import CliRunner

from midas.grading import rubric_named
from midas.grading.models import Assessment, Statement
from midas.kernel import BadInput, FixedClock, NotFound, SystemClock, sha256_bytes
from midas.ui import sheet
from midas.web.form_sheet import form_named, form_pdf, spoken
from midas.web.forms import words_of

PAPER = b"%PDF-1.4 a paper"


def words_in(made: bytes) -> str:
    with pypdfium2.PdfDocument(io.BytesIO(made)) as document:
        text = " ".join(page.get_textpage().get_text_range() for page in document)
    return re.sub(r"\s+", " ", text)


def written(centre: Any) -> int:
    centre.post("/grading/open", {"dataset": "oral-cancer", "version": "1.1.0"})
    number = Assessment.objects.get().pk
    paper = {"document": SimpleUploadedFile("dpia.pdf", PAPER), "demonstration": "yes"}
    for told in (
        {"what": "state", "kind": "stewardship.dpia"} | paper,
        {"what": "remark", "domain": "4", "words": "Two states only: κ ≥ 0.8, and 漢."},
        {"what": "submit"},
    ):
        assert centre.post(f"/grading/{number}/write", told).status_code == 302
    return number


def decided(nodal: Any, number: int) -> None:
    nodal.post(f"/grading/{number}/write", {"what": "validate"})
    technical = Assessment.objects.get(form="technical").pk
    judged = {"what": "judge", "kind": "stewardship.dpia", "verdict": "okay"}
    for told in (judged, {"what": "approve", "why": "Complete."}):
        assert nodal.post(f"/grading/{technical}/write", told).status_code == 302


def test_before_the_decision_the_centre_gets_its_levels_and_no_points(hub: Any, enter: Any) -> None:
    centre = enter("curator")
    number = written(centre)
    answer = centre.get(f"/grading/{number}/lite.pdf")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert "oral-cancer-1.1.0-lite.pdf" in answer.headers["Content-Disposition"]
    text = words_in(answer.content)
    assert "Points come with the decision" in text
    assert "CQI" not in text
    assert "Access class" not in text
    assert centre.get(f"/grading/{number}/technical.pdf").status_code == 404
    assert centre.get(f"/grading/{number}/other.pdf").status_code == 404


def test_no_word_of_a_form_is_mark_up_or_makes_a_row_taller_than_a_page(hub: Any, enter: Any) -> None:
    """A centre whose remark is mostly breaks would leave the nodal centre without the form."""
    centre = enter("curator")
    centre.post("/grading/open", {"dataset": "oral-cancer", "version": "1.1.0"})
    number = Assessment.objects.get().pk
    tall, marked = "begins" + "\n." * 240 + " ends", "</para><b>x & <img src='file:///etc/passwd'/> &lt;"
    for told in (
        {"what": "state", "kind": "stewardship.dpia", "remark": tall,
         "document": SimpleUploadedFile("<b>a & b</b>.pdf", PAPER)},
        {"what": "state", "kind": "stewardship.register", "remark": marked, "document": SimpleUploadedFile("b.pdf", PAPER)},
        {"what": "remark", "domain": "4", "words": marked + "\n" * 1900 + "ends"},
        {"what": "remark", "domain": "9" * 5000, "words": "nowhere"},
    ):  # fmt: skip
        assert centre.post(f"/grading/{number}/write", told).status_code == 302
    answer = centre.get(f"/grading/{number}/lite.pdf")
    assert answer.status_code == 200
    text = words_in(answer.content)
    assert "begins . . ." in text
    assert ". ends" in text
    assert text.count("</para><b>x & <img src='file:///etc/passwd'/> &lt;") == 2
    page = centre.get(f"/grading/{number}?open=1").content.decode()
    assert "<img src='file" not in page


def test_both_forms_hold_every_domain_statement_and_paper(hub: Any, enter: Any) -> None:
    centre, nodal = enter("curator"), enter("nodal")
    number = written(centre)
    decided(nodal, number)
    for form in ("lite", "technical"):
        first, again = (centre.get(f"/grading/{number}/{form}.pdf").content for _ in range(2))
        assert first == again  # no time in it: it can be hashed
        text = words_in(first)
        for one in rubric_named().domains:
            assert one.names[form] in text
            for level in one.ladder(form):
                assert all(it.says.split("(")[0].strip() in text for it in level)
        for words in (
            "draft for expert validation", "not a certificate", "Demonstration evidence", "Quality index (CQI)",
            "Of it computed",
            "Privacy risk (PRS)", "Access class", "not releasable", "Stops any release", "dpia.pdf", sha256_bytes(PAPER),
            "missing",
            "Complete.", "page 1 of", rubric_named().id,
        ):  # fmt: skip
            assert words in text, (form, words)
    assert "Two states only" in words_in(centre.get(f"/grading/{number}/lite.pdf").content)


def test_a_form_tells_until_when_a_document_stands_and_the_day_of_its_judgement_decides(
    hub: Any, enter: Any
) -> None:
    centre, now = enter("curator"), datetime.now(UTC)
    number, last = written(centre), now.date() + timedelta(days=30)
    Statement.objects.update(valid_until=last)
    later = FixedClock(now + timedelta(days=31))

    def said(language: str = "en") -> str:
        with spoken(language):
            return words_in(form_pdf(form_named("oral-cancer", "1.1.0", "lite", clock=later), points=True))

    assert f"until {last}" in said()  # it was submitted while the document was in force
    Assessment.objects.filter(pk=number).update(status="draft")
    assert f"ended on {last}" in said()
    assert str(last) in said("hi")
    assert f"ended on {last}" not in said("hi")


def test_the_command_writes_the_same_file_as_the_page(
    hub: Any, enter: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    from midas.cli import app, grade

    monkeypatch.setattr(grade, "opened", lambda _home: None)
    number = written(enter("curator"))
    decided(enter("nodal"), number)
    to = tmp_path / "form.pdf"
    told = CliRunner().invoke(
        app, ["grade", "form", "oral-cancer@1.1.0", "--to", str(to)], catch_exceptions=False
    )
    assert to.read_bytes() == enter("curator").get(f"/grading/{number}/technical.pdf").content
    assert sha256_bytes(to.read_bytes()) in told.output
    with pytest.raises(NotFound, match="has no technical form"):
        form_named("oral-cancer", "9.9.9", "technical", clock=SystemClock())
    with pytest.raises(BadInput, match="no form"):
        form_named("oral-cancer", "1.1.0", "short", clock=SystemClock())
    with pytest.raises(BadInput, match="Nothing speaks"):
        spoken("xx")


def test_hindi_is_shaped_and_not_spelt_letter_by_letter(hub: Any, enter: Any) -> None:
    written(enter("curator"))
    with spoken("hi"):
        made = form_pdf(form_named("oral-cancer", "1.1.0", "lite", clock=SystemClock()), points=True)
    assert "डेटासेट" in words_in(made)
    plain = sheet.text("क्षत्रिय कि र्क")
    plain.wrap(400, 100)
    glyphs = {id(word): word for line in plain.blPara.lines for word in getattr(line, "words", [])}
    assert glyphs  # a paragraph of shaped words, which holds glyphs and no letters alone


def test_letters_of_other_fonts_are_set_in_symbol_or_shown_as_a_box() -> None:
    assert sheet.plain("κ<1") == '<font face="Symbol">κ</font>&lt;1'
    assert sheet.plain("漢") in {sheet.BOX, "?"}


def test_what_still_identifies_is_told_in_words() -> None:
    for language in ("en", "hi"):
        with spoken(language):
            assert [one for one in rubric_named().prs.identification if words_of(one) == one] == []
