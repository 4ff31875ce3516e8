"""`midas spoke questions` and `midas spoke answer`: what curators ask this hospital. No logic of its own."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from midas.cli import show
from midas.cli.at_spoke import Home, Json, opened
from midas.kernel import MidasError, NotFound, SystemClock


def questions(
    home: Home = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not ask the hub; show what is here.")
    ] = False,
    json: Json = False,
) -> None:
    """Fetch what curators ask about what was sent, send the answers that are ready, and list both.

    Without the hub the questions that are known are listed all the same.

    [bold]Examples[/]

      midas spoke questions
      midas spoke questions --offline --json
    """
    made = opened(home)
    from midas.spoke.outbox import questions as asking
    from midas.spoke.outbox.sending import hub_of
    from midas.spoke.vault.projects import desk

    work, problem = desk(home=made), ""
    if not offline:
        try:
            with hub_of(work, attempts=2) as hub:
                asking.exchange(work, hub=hub, clock=SystemClock())
        except MidasError as error:
            problem = str(error)
    rows = list(asking.questions(work))
    language = 1 if made.config.language == "hi" else 0
    if json:
        show.as_json({"problem": problem, "questions": [
            {"number": one.number, "state": one.state, "asked": one.asked, "kind": one.kind,
             "items": [item.pk for item in asking.items_of(work, one)], "held_for": one.held_for}
            for one in rows
        ]})  # fmt: skip
        return
    if problem:
        show.err.print(problem, highlight=False)
    show.table(
        "Questions of curators", ["number", "state", "person", "asked", "finding", "items", "held because"],
        [
            (one.number, one.state, one.asked.get("subject") or "–", one.asked["why"], one.asked["message"],
             ", ".join(str(item.pk) for item in asking.items_of(work, one)[:6]),
             asking.HELD.get(one.held_for, ("", ""))[language])
            for one in rows
        ],
    )  # fmt: skip


def answer(
    number: Annotated[int, typer.Argument(help="Number of the question.", show_default=False)],
    words: Annotated[str, typer.Argument(help="The answer; it must name nobody.")] = "",
    corrected: Annotated[
        bool, typer.Option("--corrected", help="A corrected copy was sent, or is in the outbox.")
    ] = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Answer a question, and send the answer when the hub can be reached. An answer that may name somebody is held here.

    [bold]Examples[/]

      midas spoke answer 12 "The image is right, the table was wrong."
      midas spoke answer 12 --corrected
    """
    made = opened(home)
    from midas.spoke.outbox import questions as asking
    from midas.spoke.outbox.sending import hub_of
    from midas.spoke.vault.projects import desk

    work, clock = desk(home=made), SystemClock()
    one = asking.questions(work).filter(number=number).first()
    if one is None:
        raise NotFound(f"There is no question {number} here.", advice="See `midas spoke questions`.")
    kind = "corrected" if corrected else "words"
    one = asking.answer(work, one, kind=kind, words=words, by_name=getpass.getuser(), clock=clock)
    problem = ""
    if one.state == one.State.READY:
        try:
            with hub_of(work, attempts=2) as hub:
                asking.send_answers(work, hub=hub, clock=clock)
        except MidasError as error:
            problem = str(error)
    one.refresh_from_db()
    why = asking.HELD.get(one.held_for, ("", ""))[1 if made.config.language == "hi" else 0]
    if json:
        show.as_json({"number": number, "state": one.state, "held_for": one.held_for, "problem": problem})
    else:
        said = {
            "held": f"Held, not sent: {why}",
            "ready": f"Kept; it is sent later. {problem}",
            "sent": "Sent.",
        }
        show.out.print(said.get(one.state, one.state), highlight=False)
    if one.state == one.State.HELD:
        raise typer.Exit(1)
