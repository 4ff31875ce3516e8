"""`midas grade`: show a rubric, grade facts from a file, show an assessment, judge experts' ratings. No logic of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from midas.cli import grade_forms
from midas.cli.at_hub import Home, Json, opened
from midas.cli.grade_forms import show_grade, told_advice
from midas.cli.release import split_name
from midas.cli.show import as_json, out, table
from midas.kernel import BadInput, Evidence, SystemClock

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
SOURCES = {"published": "published", "default": "MIDAS default, not published"}
app.command("assess")(grade_forms.assess)
app.command("state")(grade_forms.state)
app.command("validate")(grade_forms.validate)
app.command("history")(grade_forms.history)
Form = Annotated[str, typer.Option("--form", help="lite or technical.")]


@app.command("rubric", epilog="Examples:  midas grade rubric   ·   midas grade rubric --json")
def rubric(
    name: Annotated[str, typer.Argument(help="A rubric that ships with MIDAS.")] = "midas-2.0-draft-1",
    json_: Json = False,
) -> None:
    """Show what a grade is judged by: every kind of evidence, who may speak of it, and which numbers are published."""
    from midas.grading.rubric import rubric_named

    found = rubric_named(name)
    if json_:
        as_json(found.model_dump(mode="json"))
        return
    out.print(
        f"[bold]{found.title}[/] · {found.id} · {found.status}\nSHA-256 {found.sha256}", highlight=False
    )
    table(
        "Limits", ["limit", "value", "source", "what"],
        [(key, f"{one.value:g}", SOURCES[one.source], one.says) for key, one in found.parameters.items()],
    )  # fmt: skip
    table(
        "Evidence", ["evidence", "by", "unit", "says"],
        [(key, one.by, one.unit, one.says) for key, one in found.kinds.items()],
    )  # fmt: skip


@app.command(
    "facts",
    epilog="Examples:  midas grade facts facts.json   ·   midas grade facts facts.json --form lite --json",
)
def facts(
    path: Annotated[Path, typer.Argument(help="A JSON list of facts.", exists=True, dir_okay=False)],
    form: Form = "technical",
    json_: Json = False,
) -> None:
    """Grade facts from a file, without a hub, and say what would raise the grade."""
    from midas.grading import grade, raise_this, rubric_named
    from midas.grading.rubric import FORMS

    if form not in FORMS:
        raise BadInput(f"There is no form '{form}'.", advice="Say lite or technical.")
    made = grade(rubric_named(), _facts(path), form="lite" if form == "lite" else "technical")
    advice = raise_this(rubric_named(), made)
    if json_:
        as_json({**made.to_dict(), "advice": told_advice(advice), "next_band": advice.next_band})
        return
    show_grade(made, advice)


def _facts(path: Path) -> list[Evidence]:
    """Read a JSON list of facts; `BadInput` for anything else."""
    try:
        said = json.loads(path.read_text("utf-8"))
        return [
            Evidence.from_dict({"ink": "computed", "about": "", "source": path.name, **one}) for one in said
        ]
    except (ValueError, TypeError) as error:
        raise BadInput(
            f"{path} holds no facts ({error}).",
            advice='Write a list such as [{"kind": "annotation.kappa", "value": 0.83}].',
        ) from None


@app.command(
    "show",
    epilog="Examples:  midas grade show oral-cancer@1.1.0   ·   midas grade show oral-cancer@1.1.0 --json",
)
def show(
    name: Annotated[str, typer.Argument(help="dataset@version")], home: Home = None, json_: Json = False
) -> None:
    """Show the approved grade of a version, as the nodal centre decided it."""
    opened(home)
    from midas.grading import look
    from midas.kernel import NotFound

    found = look.approved(*split_name(name))
    if found is None:
        raise NotFound(f"{name} has no approved grade.", advice="See Grading at the hub's site.")
    grade: dict[str, Any] = found.grade or {}
    if json_:
        as_json(grade)
        return
    marked = " · demonstration evidence" if grade["demonstration"] else ""
    out.print(
        f"{name}: CQI [bold]{grade['cqi']:.2f}[/] ({grade['band']}) · "
        f"PRS {grade['prs']['score']} ({grade['prs']['band']}) · "
        f"{grade['access'] or 'not releasable'} · {grade['status']}{marked}",
        highlight=False,
    )


@app.command(
    "form",
    epilog="Examples:  midas grade form oral-cancer@1.1.0   ·   midas grade form oral-cancer@1.1.0 --form lite --lang hi",
)
def form(
    name: Annotated[str, typer.Argument(help="dataset@version")],
    which: Form = "technical",
    to: Annotated[Path | None, typer.Option("--to", help="The file to write.")] = None,
    lang: Annotated[
        str, typer.Option("--lang", help="en or hi: the language of the form's own words.")
    ] = "en",
    home: Home = None,
) -> None:
    """Write a form of a version as PDF. The same form gives the same bytes; its SHA-256 is told.

    A Lite form holds points once the nodal centre has decided.
    """
    opened(home)
    from midas.kernel import sha256_bytes, whole_file
    from midas.web.form_sheet import form_named, form_pdf, spoken

    side = form_named(*split_name(name), which, clock=SystemClock())
    with spoken(lang):
        made = form_pdf(side, points=which == "technical" or side.row.decided)
    path = to or Path(f"{name.replace('@', '-')}-{which}.pdf")
    with whole_file(path) as stream:
        stream.write(made)
    out.print(f"{path} · {len(made):,} bytes · SHA-256 {sha256_bytes(made)}", highlight=False, soft_wrap=True)


@app.command(
    "delphi",
    epilog="Examples:  midas grade delphi ratings.csv   ·   midas grade delphi ratings.csv --scale 0-4 --json",
)
def delphi(
    path: Annotated[
        Path,
        typer.Argument(help="CSV: one row per item, its name first, then a rating per expert.", exists=True),
    ],
    scale: Annotated[str, typer.Option(help="0-4 or 1-5: the source can be read both ways.")] = "1-5",
    json_: Json = False,
) -> None:
    """Judge experts' ratings of a rubric's items: I-CVI, S-CVI/Ave, chance agreement and modified kappa."""
    from midas.grading.delphi import SCALES, ratings_in, review

    if scale not in SCALES:
        raise BadInput(f"There is no scale '{scale}'.", advice=f"Choose {' or '.join(SCALES)}.")
    ratings = ratings_in(path.read_bytes())
    made = review(ratings, scale=SCALES[scale])
    if json_:
        items = [
            {"item": one.name, "experts": one.experts, "agreeing": one.agreeing, "i_cvi": one.i_cvi, "pc": one.chance,
             "kappa": one.kappa, "kept": one.kept, "excellent": one.excellent}
            for one in made.items
        ]  # fmt: skip
        as_json({"scale": scale, "s_cvi_ave": made.s_cvi, "reached": made.reached, "items": items})
        return
    table(
        "Items", ["item", "experts", "I-CVI", "Pc", "k*", ""],
        [
            (one.name, one.experts, f"{one.i_cvi:.2f}", f"{one.chance:.3f}", f"{one.kappa:.2f}",
             "excellent" if one.excellent else "kept" if one.kept else "revise")
            for one in made.items
        ],
    )  # fmt: skip
    out.print(f"S-CVI/Ave {made.s_cvi:.2f} on the scale {scale}", highlight=False)
