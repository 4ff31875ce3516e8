"""Adds what a hub has after some weeks of work: checks by week, decisions, forms at several stages, gates, a target.

Its persons and papers are invented; each attached paper is marked as demonstration evidence.
"""

from __future__ import annotations

import random
from datetime import timedelta

import fill_hub
from django.db.models import Max

from midas.catalogue import models as c
from midas.catalogue.findings import decide
from midas.grading import approve, judge, open_lite, open_technical, rubric_named, send_back, state, submit
from midas.grading.models import Assessment, Statement
from midas.grading.rating import rate
from midas.grading.stating import remark
from midas.kernel import Evidence, Finding, Ink, Severity, SystemClock, sha256_bytes
from midas.people.models import Account, Membership, Role
from midas.protocol import load_named
from midas.release import models as r
from midas.release.approving import approve as approve_draft
from midas.release.cases import Result, State
from midas.release.gates import GATES
from midas.web.evidence import evidence_of

WEEKS, PEOPLE_A_WEEK = 8, 5
TARGET = """  variable:
    sex: [{value: F, share: 0.5}, {value: M, share: 0.5}]
    age-band: [{value: 0-17, share: 0.05}, {value: 18-39, share: 0.3}, {value: 40-59, share: 0.4},
               {value: 60-120, share: 0.25}]
    state: [{value: Maharashtra, share: 0.4}, {value: Tamil Nadu, share: 0.3}, {value: Kerala, share: 0.3}]
"""
PAPERS = {
    "stewardship.dpia": "impact-assessment-2026.pdf", "stewardship.register": "register-of-processing.pdf",
    "ethics.informed": "information-sheet.pdf", "ethics.contact": "grievance-route.pdf",
    "security.policy": "security-policy-v3.pdf", "documentation.guide": "curators-manual.pdf",
}  # fmt: skip


def weeks(made: c.Dataset, by: Account, store) -> None:
    """Send some people each week, the first ones with more faults, and decide about older findings."""
    dice, protocol = random.Random(23), load_named(made.slug).protocol
    version = c.ProtocolVersion.objects.get(dataset=made)
    previews = {one.id: [store.put_chunks([fill_hub.picture(one.kind, dice)])] for one in protocol.items}
    number = c.CheckRun.objects.filter(dataset=made).aggregate(last=Max("number"))["last"]
    for week in range(WEEKS):
        spoke = ("spdc-wardha", "sriher-chennai")[week % 2]
        sent = fill_hub._submission(made, version, spoke, PEOPLE_A_WEEK, dice, 20 + week)
        at = fill_hub.NOW - timedelta(weeks=WEEKS + 1 - week)
        c.Submission.objects.filter(pk=sent.pk).update(received_at=at, registered_at=at)
        sent.refresh_from_db()
        for _ in range(PEOPLE_A_WEEK):
            fill_hub._subject(made, sent, spoke, protocol, previews, dice)
        series = list(
            c.Series.objects.filter(study__subject__first_submission=sent)
            .select_related("study")
            .order_by("pk")
        )
        images = c.Instance.objects.filter(submission=sent)
        sent.header = {**sent.header, "instances": images.count()}
        sent.save()
        number += 1
        run = c.CheckRun.objects.create(
            dataset=made, number=number, submission=sent, protocol=version, software="midas 0.1.0", series=len(series),
            started_at=at, finished_at=at + timedelta(minutes=4), images=images.count(),
        )  # fmt: skip
        found = [_finding(run, one, dice) for one in dice.sample(series, max(3, len(series) // (3 + week)))]
        for one in found[: 2 if week < 6 else 0]:
            verdict, why = dice.choice(
                (
                    ("accept", "A scout view."),
                    ("exclude", "Too blurred to read."),
                    ("ask", "Sent whole?"),
                    ("accept", "The device does not write it."),
                )
            )
            decide(findings=[one], verdict=verdict, why=why, by=by, clock=SystemClock())


def _finding(run: c.CheckRun, one: c.Series, dice: random.Random) -> c.QualityFinding:
    rule, weight, message, advice, cites, value, unit = dice.choices(fill_hub.FINDINGS, (1, 2, 2, 4, 5))[0]
    images = list(c.Instance.objects.filter(series=one))
    alone = images[0] if rule.startswith("image.") and weight < 3 else None
    return c.QualityFinding.objects.create(
        run=run, dataset=run.dataset, submission=run.submission, subject_id=one.study.subject_id, series=one, rule=rule,
        weight=weight, instance=alone, images=1 if alone else len(images), message=message, advice=advice, cites=cites,
        value=value, unit=unit, most={0.94: 0.7, 2.0: 0.0}.get(value), mark=sha256_bytes(f"{one.pk}{rule}w".encode()),
    )  # fmt: skip


def target(made: c.Dataset) -> None:
    """Put a protocol in force that says whom the dataset stands for, by sex, age and state."""
    loaded = load_named(made.slug)
    old = "  variable:\n    sex: [{value: F, share: 0.5}, {value: M, share: 0.5}]\n"
    source = loaded.source.replace(old, TARGET)
    assert source != loaded.source
    c.ProtocolVersion.objects.filter(dataset=made).update(source=source, sha256=sha256_bytes(source.encode()))


def measured(about: str) -> list[Evidence]:
    """Return facts such as readers, a split and an attacker would bring, beside what the hub itself knows."""
    said = (
        ("annotation.readers", 2.0, {}), ("annotation.double_share", 1.0, {}), ("annotation.adjudicated", True, {}),
        ("annotation.agreement", 0.91, {}), ("annotation.class_agreement", 0.84, {"low": 0.79, "high": 0.89, "of": 148}),
        ("annotation.kappa", 0.83, {"low": 0.78, "high": 0.88, "of": 148}), ("annotation.spot_check", True, {}),
        ("annotation.sop", True, {}), ("annotation.changes_kept", True, {}), ("annotation.blinded", True, {}),
        ("metadata.title", True, {}), ("metadata.basic", True, {}), ("metadata.structured", True, {}),
        ("metadata.keywords", True, {}), ("metadata.version", True, {}), ("metadata.orcid", True, {}),
        ("documentation.note", True, {}), ("documentation.variables_share", 1.0, {}), ("documentation.method", True, {}),
        ("documentation.consent", True, {}), ("documentation.license", True, {}), ("standards.mapped", True, {}),
        ("standards.dicom_fhir", True, {}), ("standards.validated", True, {}), ("standards.critical_errors", 0.0, {}),
        ("standards.filled_share", 0.97, {}), ("standards.logic_errors", 0.0, {}), ("readiness.record_ids", True, {}),
        ("readiness.split", True, {}), ("readiness.leaks", 0.0, {}), ("readiness.duplicates", 0.0, {}),
        ("privacy.deidentified", True, {}), ("privacy.direct_identifiers", 0.0, {}), ("privacy.risk_assessed", True, {}),
        ("privacy.generalised", True, {}), ("privacy.procedure", True, {}), ("privacy.verified", True, {}),
        ("privacy.linkage", True, {}), ("privacy.probability", 0.11, {}),
        ("privacy.attack_success", 0.006, {"low": 0.002, "high": 0.012, "of": 400}), ("provenance.described", True, {}),
        ("provenance.scripted", True, {}), ("ethics.approval", True, {}), ("ethics.basis_share", 1.0, {}),
    )  # fmt: skip
    kinds = rubric_named().kinds
    return [
        Evidence(
            kind=kind, value=value, about=about, source="grade/evidence.json", unit=kinds[kind].unit, **more
        )
        for kind, value, more in said
        if kind in kinds and kinds[kind].hears(Ink.COMPUTED)
    ]


def facts(made: c.Dataset, version: str) -> list[Evidence]:
    own = measured(f"{made.slug}@{version}")
    kinds = {one.kind for one in own}
    return [
        *own,
        *(
            one
            for one in evidence_of(dataset=made, version=version, clock=SystemClock())
            if one.kind not in kinds
        ),
    ]


def lite(made: c.Dataset, version: str, by: Account, store, *, papers: int) -> Assessment:
    """Open a Lite form and state some of what only a person can know."""
    clock, kinds = SystemClock(), rubric_named().kinds
    row = open_lite(dataset=made, version=version, evidence=facts(made, version), by=by, clock=clock)
    told = {kind: name for kind, name in PAPERS.items() if kind in kinds and kinds[kind].hears(Ink.ATTESTED)}
    for kind, name in list(told.items())[:papers]:
        state(
            assessment=row, kind=kind, value=True, document=f"%PDF-1.4 {name}".encode(), name=name, store=store, by=by,
            clock=clock, demonstration=True,
        )  # fmt: skip
    for kind, value in (("privacy.identification", "coarse"), ("privacy.sensitivity", "routine")):
        state(
            assessment=row, kind=kind, value=value, document=b"%PDF-1.4", name="risk-note.pdf", store=store, by=by,
            clock=clock, demonstration=True,
        )  # fmt: skip
    remark(assessment=row, domain=4, words="Two states only; a third hospital, in Kerala, joins in spring.")
    return row


def validated(row: Assessment, nodal: Account, *, refuse: str = "") -> Assessment:
    """Hand a form in, answer with the Technical one, and decide."""
    clock = SystemClock()
    row = submit(assessment=row, by=row.opened_by, clock=clock)
    made = open_technical(lite=row, evidence=facts(row.dataset, row.version), by=nodal, clock=clock)
    for one in Statement.objects.filter(assessment=made):
        judge(assessment=made, kind=one.kind, verdict="needs_revision" if one.kind == refuse else "okay",
              words="The paper is of last year." if one.kind == refuse else "")  # fmt: skip
    remark(assessment=made, domain=4, words="The gap in Kerala is quantified; the target needs a source.")
    return made


def graded(accounts: dict[str, Account], store) -> None:
    """Approve the first release, with two papers of which one needs revision."""
    oral, nodal = c.Dataset.objects.get(slug="oral-cancer"), accounts["nodal"]
    first = lite(oral, "1.0.0", accounts["curator"], store, papers=2)
    made = validated(first, nodal, refuse="stewardship.dpia")
    approve(assessment=made, by=nodal, why="Complete as far as it goes.", clock=SystemClock())


def add(accounts: dict[str, Account], store) -> None:
    """Add weeks of checks, a target, assessments at each stage, ratings of the rubric, and gates of the open draft."""
    clock, curator, nodal = SystemClock(), accounts["curator"], accounts["nodal"]
    oral, meningioma = (c.Dataset.objects.get(slug=name) for name in ("oral-cancer", "meningioma"))
    weeks(oral, curator, store)
    target(oral)
    graded(accounts, store)
    second = lite(oral, "1.1.0", curator, store, papers=6)
    approve(assessment=validated(second, nodal), by=nodal, why="Papers and figures agree.", clock=clock)
    validated(lite(meningioma, "0.9.0", curator, store, papers=3), nodal)
    back = lite(meningioma, "0.8.0", curator, store, papers=1)
    send_back(
        assessment=validated(back, nodal), by=nodal, why="The impact assessment is missing.", clock=clock
    )
    lite(meningioma, "1.0.0", curator, store, papers=1)
    ratings(clock)
    draft = r.Draft.objects.get(dataset=meningioma)
    gates(draft)
    approve_draft(draft=draft, by=curator, clock=clock)


def gates(draft: r.Draft) -> None:
    """Write how the gates of a draft stood: most are passed, two are in the way."""
    wrong = {
        "licence": Finding(
            rule="gate.licence.scope", severity=Severity.ERROR, scope="P-7K2QD-0M9XA, P-Z41TB-88WQE",
            message="CC-BY-4.0 would allow commercial use, which persons or their committee forbade. 2 of them: "
            "P-7K2QD-0M9XA, P-Z41TB-88WQE.",
            advice="Choose a licence without commercial use (such as CC-BY-NC-4.0) and set access.commercial: false, then "
            "draft again; or have the hospitals ask these persons anew.",
        ),
        "quality": Finding(
            rule="gate.quality.undecided", severity=Severity.ERROR, scope="P-7K2QD-0M9XA P-Z41TB-88WQE",
            message="Nobody decided on 2 errors of image.unreadable: P-7K2QD-0M9XA, P-Z41TB-88WQE.",
            advice="Decide each in the curators' work queue: accept with a reason, ask the hospital, or exclude.",
        ),
    }  # fmt: skip
    found = [
        Result(one.id, State.FAILED, (wrong[one.id],)) if one.id in wrong
        else Result(one.id, State.NOT_ASKED if one.id in {"grade", "approval"} else State.PASSED)
        for one in GATES
    ]  # fmt: skip
    r.GateCheck.objects.create(
        draft=draft, results=[one.to_dict() for one in found], evidence=[], checked_at=fill_hub.NOW
    )


def ratings(clock: SystemClock) -> None:
    """Let five experts rate the first domain's statements."""
    dice, experts = random.Random(5), []
    for number in range(5):
        one = Account.objects.create_user(username=f"expert-{number + 1}", password="look-and-see-1")
        Membership.objects.create(account=one, role=Role.NODAL)
        experts.append(one)
    items = [one.id for level in rubric_named().domains[0].lite for one in level]
    for one in experts:
        rate(
            rubric=rubric_named(),
            ratings={item: dice.choice((3, 4, 4, 4, 2)) for item in items},
            by=one,
            clock=clock,
        )
