"""The curators' pages of quality: what they show, who may decide, and that a decision is for one reason and stands."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from midas.catalogue.findings.standing import standing
from midas.catalogue.models import Correction, QualityDecision, QualityFinding, Submission
from midas.people.models import Account, Membership

spec = importlib.util.spec_from_file_location("page_rules", Path(__file__).parent / "page_rules.py")
page_rules = importlib.util.module_from_spec(spec)
spec.loader.exec_module(page_rules)
complaints = page_rules.complaints

QUALITY, QUEUE, DECIDE = "/curation/quality", "/curation/quality/queue", "/curation/quality/decide"


@pytest.fixture
def subjects() -> int:
    return 24


def open_ones():
    return list(standing().filter(verdict="").order_by("weight", "pk"))


def test_each_page_is_whole_for_a_curator_and_closed_to_others(hub, enter) -> None:
    one = QualityFinding.objects.first()
    pages = (
        QUALITY, f"{QUALITY}?dataset=oral-cancer&site=spdc-wardha", f"{QUALITY}?dataset=meningioma", QUEUE,
        f"{QUEUE}?shape=list&state=all", f"{QUEUE}?rule=none", f"{QUEUE}?after=x.y", f"{QUALITY}/findings/{one.pk}",
    )  # fmt: skip
    for path in pages:
        answer = enter("curator").get(path)
        assert answer.status_code == 200, path
        assert complaints(answer) == [], path
        assert enter("researcher").get(path).status_code in {403, 404}, path
    assert enter("curator").get(f"{QUALITY}/findings/999999").status_code == 404


def test_the_queue_is_filtered_and_goes_on_from_a_key(hub, enter, monkeypatch) -> None:
    from midas.web.pages import quality_look

    monkeypatch.setattr(quality_look.page_of, "__kwdefaults__", {"number": 2})
    client, seen, after = enter("curator"), [], ""
    while True:
        context = client.get(QUEUE, {"after": after}).context
        seen += [card.number for card in context["cards"]]
        if not (after := context["after"]):
            break
    assert seen == [one.pk for one in open_ones()]
    rule = open_ones()[0].rule
    told = client.get(QUEUE, {"rule": rule, "state": "all"}).context["cards"]
    assert {card.rule for card in told} == {rule}
    assert {card.severity for card in client.get(QUEUE, {"severity": "info"}).context["cards"]} <= {"info"}
    assert [card.state for card in client.get(QUEUE, {"state": "excluded"}).context["cards"]] == ["excluded"]


def test_a_batch_is_decided_for_one_reason(hub, enter) -> None:
    client, chosen = enter("curator"), [one.pk for one in open_ones()[:3]]
    told = {"finding": chosen, "verdict": "accept", "choice": "rule=x&dataset=oral-cancer"}
    client.post(DECIDE, told)
    assert QualityDecision.objects.filter(finding__in=chosen).count() == 0, (
        "without a reason nothing is decided"
    )
    answer = client.post(DECIDE, told | {"why": "Looked at; it is as it should be."})
    assert answer.headers["Location"] == f"{QUEUE}?dataset=oral-cancer&rule=x&state=open"
    made = QualityDecision.objects.filter(finding__in=chosen)
    assert {(one.verdict, one.why, one.by.username) for one in made} == {
        ("accept", "Looked at; it is as it should be.", "curator")
    }
    page = client.get(f"{QUALITY}/findings/{chosen[0]}").content.decode()
    assert "Looked at; it is as it should be." in page


def test_two_curators_at_one_queue_do_not_decide_over_one_another_unseen(hub, enter) -> None:
    """Whoever looked at the queue before another decided is told so; nothing of the whole batch is decided then."""
    first, second = open_ones()[:2]
    told = {"verdict": "accept", "why": "A scout view.", "seen": enter("curator").get(QUEUE).context["seen"]}
    exclude = {**told, "verdict": "exclude", "finding": [first.pk]}
    enter("curator").post(DECIDE, exclude)
    late = enter("curator").post(DECIDE, {**told, "finding": [first.pk, second.pk]}, follow=True)
    assert "decided on 1 of these meanwhile" in late.content.decode()
    assert standing().get(pk=first.pk).verdict == "exclude"
    assert standing().get(pk=second.pk).verdict == ""
    page = enter("curator").get(f"{QUALITY}/findings/{first.pk}")
    enter("curator").post(
        DECIDE, {**told, "finding": first.pk, "seen": page.context["seen"], "from": "finding"}
    )
    assert standing().get(pk=first.pk).verdict == "accept"


def test_a_forged_batch_is_no_fault_and_none_is_decided_in_part(hub, enter) -> None:
    told, before = {"verdict": "accept", "why": "All of them."}, QualityDecision.objects.count()
    for forged in (
        ["9" * 5000],
        ["9" * 19],
        ["-1"],
        ["१"],
        ["1 OR 1=1"],
        [""],
        [str(one) for one in range(1, 502)],
    ):
        answer = enter("curator").post(
            DECIDE, {**told, "finding": forged, "from": "finding", "seen": "9" * 5000}
        )
        assert answer.status_code in {302, 404}, forged[0][:20]
    assert QualityDecision.objects.filter(pk__gt=before, finding__pk__gt=2).count() == 0


def test_an_exclusion_is_listed_and_a_question_reaches_the_hospitals_page(hub, enter) -> None:
    client, (first, second, *_) = enter("curator"), open_ones()
    client.post(DECIDE, {"finding": [first.pk], "verdict": "exclude", "why": "Blurred.", "covers": "subject"})
    assert "Blurred." in client.get(QUALITY).content.decode()
    client.post(DECIDE, {"finding": [second.pk], "verdict": "ask", "why": "Is the other half at hand?"})
    site = second.submission.spoke
    assert "Is the other half at hand?" in enter("operator").get(f"/hospitals/{site}").content.decode()
    assert "Is the other half at hand?" not in enter("researcher").get(f"/hospitals/{site}").content.decode()


def test_a_correction_is_kept_as_a_revision(hub, enter) -> None:
    client, one = enter("curator"), open_ones()[0]
    path = f"{QUALITY}/findings/{one.pk}"
    told = {"keyword": "KVP", "value": "120", "why": "The device's log says so."}
    assert client.post(f"{path}/correct", told).headers["Location"] == path
    assert client.post(f"{path}/correct", told | {"value": "many"}).status_code == 302
    assert [(row.keyword, row.after, row.revision) for row in Correction.objects.all()] == [("KVP", 120.0, 1)]
    assert "KVP" in client.get(path).content.decode()


def test_a_curator_of_one_dataset_neither_sees_nor_decides_in_another(hub, enter) -> None:
    other = Account.objects.create_user(username="other", password="look-and-see-1")
    Membership.objects.create(account=other, role="curator", dataset="meningioma")
    client, one = enter("other"), open_ones()[0]
    assert client.get(QUEUE).context["cards"] == ()
    assert client.get(f"{QUALITY}/findings/{one.pk}").status_code == 404
    answer = client.post(DECIDE, {"finding": [one.pk], "verdict": "accept", "why": "x"})
    assert answer.status_code == 404
    assert not QualityDecision.objects.filter(by=other).exists()


def test_empty_states_say_what_to_do(hub, enter) -> None:
    assert "midas hub check" in enter("curator").get(f"{QUALITY}?dataset=meningioma").content.decode()
    assert "Nothing here waits for you" in enter("curator").get(f"{QUEUE}?rule=none").content.decode()


def test_what_came_in_is_checked_by_the_worker(hub, settings) -> None:
    from midas.compute import here
    from midas.web import flows

    waiting = Submission.objects.filter(dataset__slug="meningioma", state="registered").count()
    runs = [flows.check_one(runner=here()) for _ in range(waiting)]
    assert [one.number for one in runs] == list(range(1, waiting + 1))
    assert flows.check_one(runner=here()) is None
    assert set(QualityFinding.objects.filter(run__in=runs).values_list("rule", flat=True)) == {
        "quality.bytes"
    }


COVERAGE = "/datasets/oral-cancer/coverage"


def test_coverage_compares_with_the_target_and_says_whom_to_collect(hub, enter) -> None:
    from midas.catalogue.models import Subject

    Subject.objects.filter(dataset__slug="oral-cancer").update(sex="M")
    answer = enter("curator").get(f"{COVERAGE}?more=10")
    assert complaints(answer) == []
    (sex,) = [one for one in answer.context["variables"] if {line.target for line in one.lines} == {"50 %"}]
    assert {line.persons: line.more for line in sex.lines} == {0: 10, 24: 0}
    assert [(one.value, one.persons) for _, _, one in answer.context["advice"]] == [("F", 10)]


def test_a_hospital_sees_its_own_part_of_the_coverage_only(hub, enter) -> None:
    from midas.catalogue.models import Subject
    from midas.people.models import Institution

    operator = Account.objects.get(username="operator")
    assert enter("operator").get(COVERAGE).status_code == 404, "an account at no hospital has no part"
    operator.institution = Institution.objects.get(slug="sriher-chennai")
    operator.save()
    answer = enter("operator").get(f"{COVERAGE}?site=spdc-wardha")
    own = Subject.objects.filter(dataset__slug="oral-cancer", spoke="sriher-chennai").count()
    assert (answer.context["site"], answer.context["people"]) == ("sriher-chennai", own)
    assert "Sharad Pawar" not in answer.content.decode()
    assert enter("researcher").get(COVERAGE).status_code == 403


def test_the_command_checks_everything_again_with_worker_processes(hub, settings, monkeypatch) -> None:
    import json

    from typer.testing import CliRunner

    from midas.cli import hub as commands
    from midas.cli import hub_quality

    monkeypatch.setattr(hub_quality, "opened", lambda home: settings.MIDAS_HUB)
    said = CliRunner().invoke(commands.app, ["check", "oral-cancer", "--jobs", "1", "--json"])
    assert said.exit_code == 0, said.output
    told = json.loads(said.stdout)
    assert told["run"] == 3, "each submission had a run before"
    assert told["findings"]["error"] == told["series"], "the gallery's images have no bytes"
    rules = set(standing().filter(dataset__slug="oral-cancer").values_list("rule", flat=True))
    assert "dataset.near-duplicate" in rules, "the gallery's persons share previews"
    assert told["findings"]["warning"], "standard views are missing"
    assert {one.run.number for one in standing().select_related("run")} == {3}
