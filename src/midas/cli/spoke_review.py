"""`midas spoke review`: look at what is held, then accept, mask or reject it. It wires `midas.spoke`; it decides nothing."""

from __future__ import annotations

import getpass
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from midas.cli import show
from midas.cli.at_spoke import Home, Json, opened, tally
from midas.kernel import BadInput, NotFound

app = typer.Typer(no_args_is_help=True, help="What is held: look, then accept, mask or reject.")

Why = Annotated[str, typer.Option("--why", help="What was seen; kept with the decision.")]
ByReason = Annotated[str, typer.Option("--reason", help="All held items with this reason.")]
Items = Annotated[list[int] | None, typer.Argument(help="Numbers of held items.", show_default=False)]


def _chosen(numbers: list[int] | None, reason: str) -> list[Any]:
    from midas.spoke.intake.models import Item, State

    if bool(numbers) == bool(reason):
        raise BadInput("Say which items.", advice="Give their numbers, or --reason.")
    held = Item.objects.select_related("batch__project")
    if reason:
        return list(held.filter(state=State.HELD, reason=reason).order_by("pk"))
    found = list(held.filter(pk__in=numbers or []).order_by("pk"))
    if len(found) != len(set(numbers or [])):
        raise NotFound("There is no item of one of these numbers.", advice="See `midas spoke review list`.")
    return found


@app.command("list")
def review_list(
    home: Home = None,
    reason: ByReason = "",
    refused: Annotated[bool, typer.Option("--refused", help="Show what was refused instead.")] = False,
    json: Json = False,
) -> None:
    """List what is held, by reason and series or table.

    [bold]Examples[/]

      midas spoke review list
      midas spoke review list --reason burned-in-risk --json
    """
    made = opened(home)
    from midas.spoke.intake import look

    groups = look.held_groups(state="refused" if refused else "held", reason=reason)
    if json:
        show.as_json([
            {
                "reason": one.reason.code, "name": one.name, "definition": one.definition, "kind": one.kind,
                "count": one.count, "review": one.reason.review, "details": one.details,
                "items": [item.pk for item in one.items],
            }
            for one in groups
        ])  # fmt: skip
        return
    show.table(
        "Refused" if refused else "Held", ["items", "reason", "what", "numbers", "what to do"],
        [
            (one.count, one.reason.words(made.config.language)[0], one.name or one.kind, _numbers(one.items),
             " · ".join(one.details[:3]) or one.reason.words(made.config.language)[1])
            for one in groups
        ],
    )  # fmt: skip


def _numbers(items: Iterable[Any]) -> str:
    shown = [str(item.pk) for item in items]
    return ", ".join(shown[:6]) + (" …" if len(shown) > 6 else "")


@app.command("show")
def review_show(
    item: Annotated[int, typer.Argument(help="Number of the item.", show_default=False)],
    home: Home = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help="Write the identified picture here (PNG, 0600); it is logged."),
    ] = None,
    json: Json = False,
) -> None:
    """Show one item: its reason, findings, decisions. Its name is shown here only, inside the hospital.

    [bold]Examples[/]

      midas spoke review show 17
      midas spoke review show 17 --picture look.png
    """
    opened(home)
    from midas.kernel import whole_file
    from midas.spoke.intake import look

    chosen = _chosen([item], "")[0]
    detail = look.item_detail(chosen)
    if picture is not None:
        with whole_file(picture, mode=0o600) as stream:
            stream.write(look.item_preview_png(chosen))
    told = {
        "item": chosen.pk, "name": detail.name, "kind": chosen.kind, "state": chosen.state, "reason": chosen.reason,
        "detail": chosen.detail, "definition": chosen.definition, "findings": chosen.findings,
        "advice": detail.reason.advice if detail.reason else "",
        "decisions": [{"verdict": d.verdict, "why": d.why, "by": d.by_name} for d in detail.decisions],
    }  # fmt: skip
    if json:
        show.as_json(told)
        return
    show.table(f"Item {chosen.pk}", ["", ""], [(k, v) for k, v in told.items() if v not in ("", [], None)])


def _decide(
    home: Path | None,
    numbers: list[int] | None,
    reason: str,
    verdict: str,
    why: str,
    boxes: list[str],
    json: bool,
) -> None:
    made = opened(home)
    from midas.spoke import flow

    areas = [tuple(int(part) for part in box.split(",")) for box in boxes if _is_box(box)]
    decision = flow.decide(
        home=made, items=_chosen(numbers, reason), verdict=verdict, boxes=areas, why=why,  # type: ignore[arg-type]
        by_name=getpass.getuser(), progress=show.Bar(),
    )  # fmt: skip
    tally(made, json, extra={"decision": decision.pk, "items": decision.items.count()})


def _is_box(text: str) -> bool:
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdigit() for part in parts):
        raise BadInput("A box is four whole numbers.", advice="Write --box x,y,width,height in pixels.")
    return True


@app.command("accept")
def review_accept(
    why: Why, items: Items = None, home: Home = None, reason: ByReason = "", json: Json = False
) -> None:
    """Let held images go on: someone has looked and nothing else in them names a person.

    What the machine proposes to mask is masked all the same; boxes are taken away on the review page.

    [bold]Examples[/]

      midas spoke review accept 17 18 --why "only the scale bar is written into it"
    """
    _decide(home, items, reason, "accept", why, [], json)


@app.command("mask")
def review_mask(
    why: Why,
    box: Annotated[list[str], typer.Option("--box", help="x,y,width,height in pixels; may be repeated.")],
    items: Items = None, home: Home = None, reason: ByReason = "", json: Json = False,
) -> None:  # fmt: skip
    """Black out what names a person, in every frame, and let the images go on.

    [bold]Examples[/]

      midas spoke review mask 17 --box 0,0,512,40 --why "name in the top line"
    """
    _decide(home, items, reason, "mask", why, box, json)


@app.command("reject")
def review_reject(
    why: Why, items: Items = None, home: Home = None, reason: ByReason = "", json: Json = False
) -> None:
    """Refuse held items for good.

    [bold]Examples[/]

      midas spoke review reject --reason bad-row --why "corrected in the new table"
    """
    _decide(home, items, reason, "reject", why, [], json)
