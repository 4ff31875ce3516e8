"""`midas grade assess | state | validate | history`: the forms of an assessment as commands. No logic of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from midas.cli.at_hub import Home, Json, opened
from midas.cli.release import split_name
from midas.cli.show import as_json, out, table
from midas.kernel import Forbidden, NotFound, SystemClock

if TYPE_CHECKING:
    from midas.grading.advising import Advice
    from midas.grading.grades import Grade
    from midas.grading.models import Assessment
    from midas.people.models import Account
    from midas.people.rule import Act

Name = Annotated[str, typer.Argument(help="dataset@version")]
MARK = "demonstration evidence"


def assess(
    name: Name,
    by: Annotated[str, typer.Option(help="Account of the centre that assesses.")],
    submit: Annotated[bool, typer.Option("--submit", help="Hand the form in to the nodal centre.")] = False,
    home: Home = None,
    json_: Json = False,
) -> None:
    """Open the centre's Lite form or bring its computed facts up to date; say the levels and what would raise them.

    [bold]Examples[/]

      midas grade assess oral-cancer@1.1.0 --by asha
      midas grade assess oral-cancer@1.1.0 --by asha --submit
    """
    opened(home)
    from midas.grading import bring, look, open_lite
    from midas.grading import submit as hand_in
    from midas.people.rule import Act
    from midas.web.evidence import evidence_of

    slug, version = split_name(name)
    account, dataset, clock = _who(by, Act.ASSESS, slug), _dataset(slug), SystemClock()
    facts = evidence_of(dataset=dataset, version=version, clock=clock)
    row = look.lite_of(slug, version)
    if row is None:
        row = open_lite(dataset=dataset, version=version, evidence=facts, by=account, clock=clock)
    else:
        row = bring(assessment=row, evidence=facts, clock=clock)
    if submit:
        row = hand_in(assessment=row, by=account, clock=clock)
    _tell(row, points=row.decided, json_=json_)


def state(
    name: Name,
    kind: Annotated[str, typer.Argument(help="What is stated, such as ethics.contact: midas grade rubric.")],
    document: Annotated[Path, typer.Argument(help="The paper that shows it.", exists=True, dir_okay=False)],
    by: Annotated[str, typer.Option(help="Account that states it.")],
    value: Annotated[
        str, typer.Option(help="A number or class where a unit stands; else yes or no.")
    ] = "yes",
    valid_until: Annotated[
        str, typer.Option(help="Last day on which the paper is in force.", metavar="YYYY-MM-DD")
    ] = "",
    demonstration: Annotated[
        bool,
        typer.Option(
            "--demonstration", help="It stands in for a real document, and is marked so everywhere."
        ),
    ] = False,
    home: Home = None,
    json_: Json = False,
) -> None:
    """State in the Lite form what only a person can know, with its document.

    [bold]Examples[/]

      midas grade state oral-cancer@1.1.0 stewardship.register register.pdf --by asha
      midas grade state oral-cancer@1.1.0 security.audit audit.pdf --valid-until 2027-03-31 --by asha
    """
    opened(home)
    from midas.grading import look
    from midas.grading import state as keep
    from midas.grading.stating import read_day, read_value
    from midas.people.rule import Act
    from midas.web.bootstrap import store

    slug, version = split_name(name)
    account, row = _who(by, Act.ASSESS, slug), _lite(slug, version)
    known = look.rubric_of(row).kinds.get(kind)
    made = keep(
        assessment=row, kind=kind, value=read_value(value, known.unit if known else ""),
        document=document.read_bytes(), name=document.name, store=store(), by=account, clock=SystemClock(),
        demonstration=demonstration, valid_until=read_day(valid_until),
    )  # fmt: skip
    if json_:
        last = made.valid_until.isoformat() if made.valid_until else None
        as_json({
            "kind": kind, "value": made.value, "sha256": made.sha256, "valid_until": last, MARK: demonstration,
        })  # fmt: skip
        return
    marked = (
        f"{f' until {made.valid_until}' if made.valid_until else ''}{f' · {MARK}' if demonstration else ''}"
    )
    out.print(f"Stated {kind} with {document.name}{marked}", highlight=False)


def validate(
    name: Name,
    by: Annotated[str, typer.Option(help="Account of the nodal centre.")],
    okay: Annotated[
        bool, typer.Option("--okay", help="Accept every statement that has no verdict yet.")
    ] = False,
    approve: Annotated[str, typer.Option(help="Approve, for this reason.", show_default=False)] = "",
    send_back: Annotated[
        str, typer.Option(help="Send back to the centre, for this reason.", show_default=False)
    ] = "",
    access: Annotated[
        str, typer.Option(help="Access class, where the matrix leaves two.", show_default=False)
    ] = "",
    home: Home = None,
    json_: Json = False,
) -> None:
    """Open the Technical form on a submitted Lite one, or go on with it; approve it or send it back.

    [bold]Examples[/]

      midas grade validate oral-cancer@1.1.0 --by ravi
      midas grade validate oral-cancer@1.1.0 --by ravi --okay --approve "Looked at every paper."
    """
    opened(home)
    from midas import grading
    from midas.grading import look
    from midas.grading.models import Statement
    from midas.people.rule import Act
    from midas.web.evidence import evidence_of

    slug, version = split_name(name)
    account, lite, clock = _who(by, Act.VALIDATE, slug), _lite(slug, version), SystemClock()
    facts = evidence_of(dataset=lite.dataset, version=version, clock=clock)
    row = look.technical_of(lite)
    if row is None or not row.open:
        row = grading.open_technical(lite=lite, evidence=facts, by=account, clock=clock)
    else:
        row = grading.bring(assessment=row, evidence=facts, clock=clock)
    waiting = (
        Statement.objects.filter(assessment=row, verdict="").values_list("kind", flat=True) if okay else ()
    )
    for kind in list(waiting):
        grading.judge(assessment=row, kind=kind, verdict="okay", by=account)
    if approve:
        row = grading.approve(assessment=row, by=account, why=approve, clock=clock, access=access)
    elif send_back:
        grading.send_back(assessment=row, by=account, why=send_back, clock=clock)
        row.refresh_from_db()
    _tell(row, points=True, json_=json_)


def history(
    dataset: Annotated[str, typer.Argument(help="The dataset, such as oral-cancer.", show_default=False)],
    home: Home = None,
    json_: Json = False,
) -> None:
    """Show how a dataset was graded, round by round, as the nodal centre decided.

    [bold]Examples[/]

      midas grade history oral-cancer
    """
    opened(home)
    from midas.grading import look

    rounds: list[dict[str, Any]] = [
        {"version": one.version, "status": one.status, "day": one.decided_at.date().isoformat() if one.decided_at else "",
         "why": one.why, **{key: (one.grade or {}).get(key) for key in ("cqi", "band", "computed", "access")},
         MARK: bool((one.grade or {}).get("demonstration"))}
        for one in look.history([dataset])
    ]  # fmt: skip
    if json_:
        as_json(rounds)
        return
    table(
        f"How {dataset} was graded", ["version", "day", "CQI", "of it computed", "band", "access", "decision", ""],
        [
            (one["version"], one["day"], f"{one['cqi']:.2f}", f"{one['computed']:.2f}", one["band"],
             one["access"] or "not releasable", one["status"].replace("_", " "), MARK if one[MARK] else "")
            for one in rounds
        ],
    )  # fmt: skip


def show_grade(grade: Grade, advice: Advice) -> None:
    """Print a grade in a line, and what would raise it as a table."""
    access = grade.access or f"not releasable ({', '.join(grade.stops)})"
    marked = f" · {MARK}" if grade.demonstration else ""
    out.print(
        f"CQI [bold]{grade.cqi:.2f}[/] ({grade.band}), {grade.computed:.2f} of it computed · PRS {grade.prs.score} "
        f"({grade.prs.band}) · {access} · {grade.status}{marked}",
        highlight=False,
    )
    show_advice(advice)


def show_advice(advice: Advice) -> None:
    rows = [
        (f"{one.domain} {one.name}", one.level, one.to, " ".join(it.says for it in one.needs))
        for one in advice.steps
    ]
    table("What would raise this", ["domain", "from", "to", "statements"], rows)


def told_advice(advice: Advice, *, points: bool = True) -> list[dict[str, Any]]:
    """Return the ranked advice as plain data; `needs` are the ids of statements, `lacks` the kinds that each waits for."""
    return [
        {
            "domain": one.domain, "name": one.name, "from": one.level, "to": one.to, **({"cqi": one.cqi} if points else {}),
            "needs": [it.id for it in one.needs],
            "lacks": [{"kind": lack.kind, "by": lack.by, "says": lack.says} for it in one.needs for lack in it.lacks],
        }
        for one in advice.steps
    ]  # fmt: skip


def _tell(row: Assessment, *, points: bool, json_: bool) -> None:
    from midas.grading import look

    side = look.side(row, clock=SystemClock())
    levels = {str(one.number): one.level for one in side.grade.domains if one.applies}
    if json_:
        grade = side.grade
        figures = {
            "cqi": grade.cqi, "band": grade.band, "computed": grade.computed, "prs": grade.prs.to_dict(),
            "access": grade.access, "stops": list(grade.stops), "next_band": side.advice.next_band,
        }  # fmt: skip
        as_json({
            "assessment": row.pk, "form": row.form, "status": row.status, "rubric": row.rubric, "grade is": grade.status,
            MARK: grade.demonstration, "levels": levels, "ended": sorted(side.ended), **(figures if points else {}),
            "advice": told_advice(side.advice, points=points),
        })  # fmt: skip
        return
    said = ", ".join(f"{number}: {level}" for number, level in levels.items())
    out.print(
        f"[bold]{row.form.title()}[/] form, {row.status.replace('_', ' ')} · levels {said}", highlight=False
    )
    for kind in sorted(side.ended):
        day = side.statements[kind].valid_until
        out.print(f"{kind} ended on {day}: attach one that is in force.", highlight=False)
    if points:
        show_grade(side.grade, side.advice)
    else:
        out.print("Points come with the nodal centre's decision.", highlight=False)
        show_advice(side.advice)


def _who(name: str, act: Act, dataset: str) -> Account:
    """Return the account, or `Forbidden` where its roles do not let it do this here."""
    from midas.people.accounts import account_named
    from midas.web.standing import may

    found = account_named(name)
    if not may(found, act, dataset):
        raise Forbidden(
            f"{name} may not {act.value} here: {dataset}.",
            advice="Centres assess as curators, the nodal centre validates: midas hub user role.",
        )
    return found


def _dataset(slug: str) -> Any:
    from midas.catalogue.models import Dataset

    found = Dataset.objects.filter(slug=slug).first()
    if found is None:
        raise NotFound(f"There is no dataset {slug}.", advice="`midas dataset list` shows what there is.")
    return found


def _lite(slug: str, version: str) -> Assessment:
    from midas.grading import look

    found = look.lite_of(slug, version)
    if found is None:
        raise NotFound(
            f"{slug} {version} is not assessed.",
            advice=f"Begin: midas grade assess {slug}@{version} --by CURATOR",
        )
    return found
