"""Both forms in the browser: the centre fills, submits and waits; the nodal centre validates; points come at the end."""

from __future__ import annotations

import importlib.util
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile

from midas.grading.models import Assessment, Statement
from midas.kernel import FixedClock
from midas.web.pages import grading as grading_pages

spec = importlib.util.spec_from_file_location("page_rules", Path(__file__).parent / "page_rules.py")
page_rules = importlib.util.module_from_spec(spec)
spec.loader.exec_module(page_rules)
PAPER = b"%PDF-1.4 a paper"


def state(client: Any, number: int, kind: str, **more: str) -> Any:
    told = {"what": "state", "kind": kind, "document": SimpleUploadedFile("dpia.pdf", PAPER)} | more
    return client.post(f"/grading/{number}/write", told, follow=True)


def whole(answer: Any) -> bytes:
    """Return the bytes of a streamed answer."""

    async def gathered() -> bytes:
        return b"".join([chunk async for chunk in answer.streaming_content])

    return async_to_sync(gathered)()


def do(client: Any, number: int, what: str, **more: str) -> str:
    answer = client.post(f"/grading/{number}/write", {"what": what} | more, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_assessment_goes_from_the_centre_to_the_nodal_centre_and_back(hub: Any, enter: Any) -> None:
    centre, validator = enter("curator"), enter("nodal")
    assert "Nothing is assessed yet" in centre.get("/grading").content.decode()
    opened = centre.post("/grading/open", {"dataset": "oral-cancer", "version": "1.1.0"})
    number = Assessment.objects.get().pk
    assert opened.headers["Location"] == f"/grading/{number}"
    shown = centre.get(f"/grading/{number}").content.decode()
    assert "What would raise this" in shown
    assert "draft for expert validation" in shown
    assert "CQI" not in shown
    assert "Points come with the decision" in shown
    assert all(f'class="statement {ink}"' in shown for ink in ("computed", "missing"))
    assert validator.get(f"/grading/{number}").status_code == 404  # not submitted yet

    assert (
        "demonstration evidence"
        in state(centre, number, "stewardship.dpia", demonstration="yes").content.decode()
    )
    assert "never stated" in state(centre, number, "annotation.kappa").content.decode()
    assert "Say yes or no" in state(centre, number, "stewardship.register", value="perhaps").content.decode()
    assert Statement.objects.count() == 1
    paper = centre.get(f"/grading/{number}/documents/stewardship.dpia")
    assert whole(paper) == PAPER
    assert "DEMONSTRATION-dpia.pdf" in paper.headers["Content-Disposition"]
    assert "Two states only." in do(centre, number, "remark", domain="4", words="Two states only.")
    assert "up to date" in do(centre, number, "bring")
    assert "read-only" in do(centre, number, "submit")
    assert "read-only: it was submitted" in do(centre, number, "bring")

    assert "Open the Technical form" in validator.get(f"/grading/{number}").content.decode()
    shown = do(validator, number, "validate")
    assert page_rules.complaints(validator.get(f"/grading/{number}")) == []
    technical = Assessment.objects.get(form="technical").pk
    assert "Technical, by the nodal centre" in shown
    assert "Technical, by the nodal centre" not in centre.get(f"/grading/{number}").content.decode()
    assert "no verdict yet" in do(validator, technical, "approve", why="Fine.")
    do(validator, technical, "judge", kind="stewardship.dpia", verdict="okay")
    assert "Both forms are final" in do(validator, technical, "approve", why="Complete.")
    for client in (centre, validator):
        for address in ("/grading", f"/grading/{number}"):
            assert page_rules.complaints(client.get(address)) == [], address
    after = centre.get(f"/grading/{number}?open=1").content.decode()
    assert "Quality index (CQI)" in after
    assert "By the Technical form." in after, "advice follows the form that decided"
    assert "Technical, by the nodal centre" in after
    assert after.count('<details class="card fold" open>') == 15


def test_the_export_holds_points_only_after_the_decision(hub: Any, enter: Any) -> None:
    centre, validator = enter("curator"), enter("nodal")
    centre.post("/grading/open", {"dataset": "oral-cancer", "version": "1.1.0"})
    number = Assessment.objects.get().pk
    state(centre, number, "stewardship.dpia", demonstration="yes")
    do(centre, number, "submit")
    before = json.loads(centre.get(f"/grading/{number}/forms.json").content)
    assert list(before["forms"]) == ["lite"]
    assert not {"cqi", "band", "prs", "access", "points"} & set(before["forms"]["lite"]["grade"])
    assert before["forms"]["lite"]["statements"][0]["demonstration evidence"] is True
    do(validator, number, "validate")
    technical = Assessment.objects.get(form="technical").pk
    do(validator, technical, "judge", kind="stewardship.dpia", verdict="okay")
    do(validator, technical, "approve", why="Complete.")
    after = json.loads(centre.get(f"/grading/{number}/forms.json").content)["forms"]
    assert set(after) == {"lite", "technical"}
    assert after["technical"]["section_a"]["assessor"] == "nodal"
    assert after["technical"]["grade"]["status"] == "draft for expert validation"
    assert after["technical"]["grade"]["cqi"] >= 0


def test_a_hindi_reader_reads_the_whole_form_in_hindi_and_answers_in_it(hub: Any, enter: Any) -> None:
    centre = enter("curator")
    centre.post("/grading/open", {"dataset": "oral-cancer", "version": "1.1.0"})
    number = Assessment.objects.get().pk
    centre.cookies["django_language"] = "hi"
    for address in (f"/grading/{number}?open=1", "/grading/rubric", "/grading/delphi"):
        answer = centre.get(address)
        assert page_rules.complaints(answer) == [], address
        assert 'span lang="en"' not in answer.content.decode(), address
    form = centre.get(f"/grading/{number}?open=1").content.decode()
    assert "पाठक प्रशिक्षित हैं।" in form
    assert "उसका अंग्रेज़ी पाठ ही प्रामाणिक है" in form
    assert "हाँ या नहीं लिखें।" in state(centre, number, "stewardship.register", value="शायद").content.decode()
    state(centre, number, "stewardship.register", value="हाँ")
    state(centre, number, "stewardship.dpia", value="नहीं")
    assert dict(Statement.objects.values_list("kind", "value")) == {
        "stewardship.register": True,
        "stewardship.dpia": False,
    }
    do(centre, number, "submit")
    kept = json.dumps(Assessment.objects.get().grade, ensure_ascii=False)
    assert "The readers are trained." in kept
    assert "प्रशिक्षित" not in kept


def test_a_document_is_in_force_until_a_day_and_shown_as_ended_after_it(
    hub: Any, enter: Any, monkeypatch: Any
) -> None:
    centre = enter("curator")
    centre.post("/grading/open", {"dataset": "oral-cancer", "version": "1.1.0"})
    number, kind, today = Assessment.objects.get().pk, "stewardship.dpia", datetime.now(UTC)
    last = today.date() + timedelta(days=30)
    shown = centre.get(f"/grading/{number}").content.decode()
    assert '<label for="valid-until">In force until</label>' in shown
    past = state(centre, number, kind, valid_until="2020-01-31").content.decode()
    assert "The document ended on 2020-01-31. Attach one that is in force." in past
    assert "This is not a date." in state(centre, number, kind, valid_until="31/12/2030").content.decode()
    assert not Statement.objects.exists()
    assert f"until {last}" in state(centre, number, kind, valid_until=str(last)).content.decode()

    monkeypatch.setattr(grading_pages, "SystemClock", lambda: FixedClock(today + timedelta(days=31)))
    shown = centre.get(f"/grading/{number}").content.decode()
    assert f"ended on {last}" in shown
    assert "It does not count any more. Attach one that is in force." in shown
    told = json.loads(centre.get(f"/grading/{number}/forms.json").content)["forms"]["lite"]["statements"][0]
    assert (told["valid_until"], told["ended"]) == (str(last), True)

    centre.cookies["django_language"] = "hi"
    answer = centre.get(f"/grading/{number}")
    assert page_rules.complaints(answer) == []
    for words in ("इस दिन तक मान्य", f"{last} को समाप्त", "ऐसा दस्तावेज़ लगाएँ जो मान्य हो।"):
        assert words in answer.content.decode()
    past = state(centre, number, kind, valid_until="2020-01-31").content.decode()
    assert "यह दस्तावेज़ 2020-01-31 को समाप्त हो गया।" in past


def test_nobody_else_sees_an_assessment(hub: Any, enter: Any) -> None:
    enter("curator").post("/grading/open", {"dataset": "oral-cancer", "version": "1.1.0"})
    number = Assessment.objects.get().pk
    for name in ("visitor", "researcher", "auditor"):
        for address in ("", f"/{number}", f"/{number}/forms.json", f"/{number}/documents/stewardship.dpia"):
            assert enter(name).get(f"/grading{address}").status_code == 403
    assert enter().get(f"/grading/{number}").status_code == 302
    assert enter("nodal").post(f"/grading/{number}/write", {"what": "submit"}).status_code == 403


def test_a_version_that_is_none_is_not_assessed(hub: Any, enter: Any) -> None:
    """It would stand in the name of a file that is handed out, and beside another one that reads the same."""
    for version in ('1.0.0"; filename="x.exe', "1.0.0\r\nX: y", "1१.0.0", "../../1.0.0", "latest", ""):
        enter("curator").post("/grading/open", {"dataset": "oral-cancer", "version": version})
    assert not Assessment.objects.exists()


def test_nothing_that_the_nodal_centre_does_before_its_decision_changes_a_byte_of_what_the_centre_gets(
    hub: Any, enter: Any
) -> None:
    """No page, file, header or length tells how the validation goes; nor does what was sent back tell its points."""
    centre, validator = enter("curator"), enter("nodal")
    centre.post("/grading/open", {"dataset": "oral-cancer", "version": "1.1.0"})
    number = Assessment.objects.get().pk
    state(centre, number, "stewardship.dpia")
    do(centre, number, "submit")
    technical = number + 1
    mine = [
        f"/grading/{number}{door}" for door in ("", "?open=1", "/forms.json", "/lite.pdf", "/technical.pdf")
    ]
    theirs = [f"/grading/{technical}/documents/{kind}" for kind in ("stewardship.dpia", "security.policy")]
    doors = (*mine, *theirs, "/grading", "/grading/rubric")

    def seen() -> list[tuple[int, dict[str, str], bytes]]:
        answers = [centre.get(door) for door in doors]
        return [
            (one.status_code, dict(one.headers), re.sub(rb"csrfmiddlewaretoken[^>]*", b"", one.content))
            for one in answers
        ]

    before = seen()
    do(validator, number, "validate")
    assert Assessment.objects.get(form="technical").pk == technical
    do(validator, technical, "judge", kind="stewardship.dpia", verdict="needs_revision", words="Not signed.")
    state(validator, technical, "security.policy")
    do(validator, technical, "remark", domain="8", words="A policy was found.")
    assert seen() == before
    for what in ("approve", "send-back", "judge", "submit", "bring"):
        refused = centre.post(
            f"/grading/{technical}/write", {"what": what, "why": "x", "kind": "stewardship.dpia"}
        )
        assert refused.status_code == 403, what
    do(validator, technical, "send-back", why="The assessment must be signed.")
    for told in seen()[: len(mine)]:
        assert b"CQI" not in told[2]
        assert b"Not signed" not in told[2]
        assert b"A policy was found" not in told[2]
        assert not re.search(rb'"(cqi|prs|points|band|access)"', told[2])
    assert "read-only" in do(validator, technical, "approve", why="x")
    assert Assessment.objects.get(pk=number).status == "revision_required"
