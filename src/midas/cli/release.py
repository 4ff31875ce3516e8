"""`midas release`: draft, cut, verify, show, export and withdraw. It wires `midas.release` and `midas.manifest`.

`verify` needs no hub and no Django: only the folder.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from midas.cli import release_gates
from midas.cli.show import Bar, as_json, err, out, table
from midas.kernel import BadInput, NotFound, SystemClock

if TYPE_CHECKING:
    from midas.manifest import PrivateKey, Verdict
    from midas.release.models import Release
    from midas.store import Blobs

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Home = Annotated[
    Path | None,
    typer.Option("--home", help="The hub's home; default $MIDAS_HUB_HOME or ./hub.", show_default=False),
]
Name = Annotated[str, typer.Argument(help="Such as oral-cancer@1.0.0.", show_default=False)]
Twin = Annotated[bool, typer.Option("--twin", help="The open synthetic twin instead of the release itself.")]

_WRONG_SHOWN = 50
"""Wrong files that the terminal lists; `--json` has all."""


def open_hub(home: Path | None) -> tuple[Blobs, PrivateKey]:
    """Set Django up for a hub's home; return its store and the key that it signs with."""
    from midas.web import bootstrap

    bootstrap.configure(home)
    return bootstrap.store(), bootstrap.signer()


def split_name(name: str) -> tuple[str, str]:
    """Take `dataset@version` apart."""
    dataset, at, version = name.partition("@")
    if not (dataset and at and version):
        raise BadInput(f"'{name}' does not name a release.", advice="Write it as oral-cancer@1.0.0.")
    return dataset, version


def _day(text: str | None) -> date:
    try:
        return date.fromisoformat(text) if text else SystemClock().now().date()
    except ValueError:
        raise BadInput(f"'{text}' is not a date.", advice="Write it as 2026-12-31.") from None


@app.command(
    "draft",
    epilog="Examples:  midas release draft oral-cancer 1.0.0   ·   midas release draft oral-cancer 1.1.0 --notes Slides"
)  # fmt: skip
def draft(
    dataset: Annotated[str, typer.Argument(help="The dataset, such as oral-cancer.", show_default=False)],
    version: Annotated[str, typer.Argument(help="Three numbers, such as 1.0.0.", show_default=False)],
    published_on: Annotated[
        str | None, typer.Option(help="The date that the release carries; default today.", show_default=False)
    ] = None,
    notes: Annotated[str, typer.Option(help="What is new, for the datasheet and the page of changes.")] = "",
    home: Home = None,
    json_: Json = False,
) -> None:
    """Freeze what is registered now as the draft of a version."""
    open_hub(home)
    from midas.catalogue.models import Dataset
    from midas.release import new_draft

    found = Dataset.objects.filter(slug=dataset).first()
    if found is None:
        raise NotFound(f"There is no dataset {dataset}.", advice="`midas dataset list` shows what there is.")
    made = new_draft(
        dataset=found,
        version=version,
        by=None,
        clock=SystemClock(),
        published_on=_day(published_on),
        notes=notes,
    )
    told = {
        "draft": f"{dataset}@{version}",
        "submissions": len(made.submissions),
        "protocol": made.protocol.version,
    }
    if json_:
        as_json(told)
    else:
        out.print(
            f"Drafted {told['draft']} from {told['submissions']} submissions under protocol {told['protocol']}. "
            f"Next: midas release cut {dataset}@{version}",
            highlight=False,
        )


app.command(
    "check", epilog="Examples:  midas release check oral-cancer@1.0.0   ·   midas release check oral-cancer@1.0.0 --json"
)(release_gates.check)  # fmt: skip
app.command("pair", epilog="Example:  midas release pair oral-cancer P-3F7QK-9XW2A P-7K3QM-2XV9A")(
    release_gates.pair
)


@app.command(
    "cut",
    epilog="Examples:  midas release cut oral-cancer@1.0.0   ·   midas release cut oral-cancer@1.0.0 --twin",
)
def cut(
    name: Name,
    twin: Annotated[bool, typer.Option("--twin", help="Also write the open synthetic twin.")] = False,
    home: Home = None,
    json_: Json = False,
) -> None:
    """Cut a draft into an immutable release. Cutting the same draft again gives the same release."""
    store, signer = open_hub(home)
    from midas import release as rooms
    from midas.web.gating import brought
    from midas.web.spending import keep_cut

    found = rooms.look.draft(*split_name(name))
    clock = SystemClock()
    cuts = [
        keep_cut(
            lambda: rooms.cut(
                draft=found, store=store, signer=signer, clock=clock, progress=Bar(), brought=brought(found)
            ),
            clock=clock,
        )
    ]  # fmt: skip
    if twin:
        cuts.append(
            keep_cut(
                lambda: rooms.make_twin(
                    release=cuts[0], store=store, signer=signer, clock=clock, progress=Bar()
                ),
                clock=clock,
            )
        )
    if json_:
        as_json([_told(one) for one in cuts] if twin else _told(cuts[0]))
        return
    for one in cuts:
        _show(one)
    left_out = cuts[0].summary["left_out"]
    if left_out:
        rows = [(one["subject"], one.get("series", ""), one["why"]) for one in left_out]
        table("Left out", ("subject", "series", "why"), rows)


def _told(one: Release) -> dict[str, Any]:
    from midas.release import look

    counted = (
        "subjects",
        "visits",
        "lesions",
        "specimens",
        "series",
        "instances",
        "labels",
        "files",
        "bytes",
    )
    return {
        "release": f"{one.dataset.slug}@{one.version}", "twin": one.twin, "key": one.key, "access": one.access,
        "license": one.license, "cut_at": one.cut_at.isoformat(timespec="seconds"), "withdrawn": look.withdrawn(one),
        **{name: one.summary[name] for name in counted}, "parts": one.summary["parts"],
        "modalities": one.summary["modalities"], "left_out": one.summary["left_out"],
    }  # fmt: skip


def _show(one: Release) -> None:
    told = _told(one)
    title = f"{told['release']}{' (synthetic twin)' if one.twin else ''}"
    rows = [
        (key, value)
        for key, value in told.items()
        if not isinstance(value, dict | list) and key not in {"release", "twin"}
    ]
    rows += [
        (name, ", ".join(f"{key} {count}" for key, count in told[name].items()))
        for name in ("parts", "modalities")
    ]
    table(
        title,
        ("what", "value"),
        [(key, f"{value:,}" if isinstance(value, int) else value) for key, value in rows],
    )


@app.command(
    "publish-tables", epilog="Examples:  midas release publish-tables oral-cancer   ·   … --json"
)  # fmt: skip
def publish_tables(
    dataset: Annotated[str, typer.Argument(help="The dataset, such as oral-cancer.", show_default=False)],
    home: Home = None,
    json_: Json = False,
) -> None:
    """Write the public tables of releases that were cut before there were any. Those that have them keep them."""
    store, _ = open_hub(home)
    from midas import release as rooms

    done = [one.version for one in rooms.publish_tables(dataset=dataset, store=store)]
    if json_:
        as_json({"dataset": dataset, "published": done})
    elif done:
        out.print(f"Published the tables of {dataset}: {', '.join(done)}.", highlight=False)
    else:
        out.print(f"Every release of {dataset} has its public tables.", highlight=False)


@app.command(
    "verify", epilog="Examples:  midas release verify ./oral-cancer   ·   midas release verify ./oral-cancer --key 9f86d081…"
)  # fmt: skip
def verify(
    folder: Annotated[Path, typer.Argument(help="A downloaded or exported release.", show_default=False)],
    key: Annotated[
        str | None,
        typer.Option(help="The release's key as it was published; its first 12 digits are enough."),
    ] = None,
    signer: Annotated[str | None, typer.Option(help="The hub's public key (64 hexadecimal digits).")] = None,
    json_: Json = False,
) -> None:
    """Hash every file and compare with the signed key, without any hub. Exit code 1 where something is wrong.

    Each file is right, withdrawn (a signed tombstone stands for its subject) or wrong.
    """
    from midas.manifest import Answer, verify_folder
    from midas.sdk.graded import words

    if key is not None and (len(key) < 12 or set(key.lower()) - set("0123456789abcdef")):
        raise BadInput("This is not a key.", advice="Give at least 12 of its 64 hexadecimal digits.")
    verdict = verify_folder(folder, trusted=signer, progress=Bar())
    expected = key is None or verdict.key.startswith(key.lower())
    counts = {answer.value: verdict.count(answer) for answer in Answer}
    ok = verdict.ok and expected
    told = [file for file in verdict.files if file.answer is not Answer.RIGHT]
    graded = _graded(folder, verdict)
    name = f"{verdict.about.get('dataset', folder.name)}@{verdict.about.get('version', '?')}"
    if json_:
        as_json({
            "ok": ok, "release": name, "twin": bool(verdict.about.get("twin")), "key": verdict.key, "expected_key": expected,
            "signed_by": verdict.public_key, "grade": graded, **counts,
            "files": [{"path": file.path, "answer": file.answer.value, "why": file.why} for file in told],
        })  # fmt: skip
    else:
        if told:
            rows = [(file.path, file.answer.value, file.why) for file in told[:_WRONG_SHOWN]]
            table("Not simply right", ("file", "answer", "why"), rows)
        if len(told) > _WRONG_SHOWN:
            err.print(f"and {len(told) - _WRONG_SHOWN:,} more; --json lists all", highlight=False)
        if not expected:
            err.print(
                "[bold red]The key is not the one you gave:[/] this is another release.", highlight=False
            )
        said = ", ".join(f"{count:,} {answer}" for answer, count in counts.items())
        mark = "[bold green]verified[/]" if ok else "[bold red]not verified[/]"
        out.print(f"{name}: {mark} · {said}", highlight=False)
        out.print(f"key       {verdict.key}\nsigned by {verdict.public_key}", highlight=False, soft_wrap=True)
        if graded:
            out.print(f"grade     {words(graded)}", highlight=False, soft_wrap=True)
    if not ok:
        raise typer.Exit(1)


def _graded(folder: Path, verdict: Verdict) -> dict[str, Any] | None:
    """Return the few figures of the grade where its file is right; nothing of a file that is wrong is told."""
    from midas.manifest import Answer
    from midas.sdk.graded import PAPER, graded

    if not any(one.path == PAPER and one.answer is Answer.RIGHT for one in verdict.files):
        return None
    return {name: value for name, value in graded(folder / PAPER).items() if name != "grade"}


@app.command(
    "show",
    epilog="Examples:  midas release show oral-cancer@1.0.0   ·   midas release show oral-cancer@1.0.0 --json",
)
def show(name: Name, twin: Twin = False, home: Home = None, json_: Json = False) -> None:
    """Show a release: key, counts, who was left out, and what changed since the version before."""
    open_hub(home)
    from dataclasses import asdict

    from midas.release import look
    from midas.sdk.graded import words

    one = look.release(*split_name(name), twin=twin)
    changes = look.changes(one)
    if json_:
        as_json({**_told(one), "grade": one.summary.get("grade") or None, "changes": asdict(changes)})
        return
    _show(one)
    if graded := one.summary.get("grade"):
        out.print(f"grade  {words(graded)}", highlight=False, soft_wrap=True)
    if changes.since:
        rows = [(key, f"{count:+,}") for key, count in changes.counts.items() if count]
        table(f"Since {changes.since}", ("what", "change"), rows)


@app.command(
    "export",
    epilog="Examples:  midas release export oral-cancer@1.0.0 ./out  ·  midas release export oral-cancer@1.0.0 ./twin --twin"
)  # fmt: skip
def export(
    name: Name,
    folder: Annotated[
        Path, typer.Argument(help="An empty folder, or an earlier export of the same release.")
    ],
    twin: Twin = False,
    link: Annotated[
        bool,
        typer.Option(
            "--link", help="Hard links into the hub's store: quick, for folders that nobody writes to."
        ),
    ] = False,
    home: Home = None,
    json_: Json = False,
) -> None:
    """Write a release into a folder that verifies offline."""
    store, _ = open_hub(home)
    from midas import release as rooms
    from midas.ledger import Deed, enter

    one = rooms.look.release(*split_name(name), twin=twin)
    if not twin:
        enter(Deed.DOWNLOAD, by=None, clock=SystemClock(), dataset=one.dataset.slug, version=one.version)
    rooms.export(one, store=store, folder=folder, progress=Bar(), link=link)
    if json_:
        as_json({"release": name, "twin": twin, "folder": str(folder), "key": one.key})
    else:
        out.print(f"Wrote {name} to {folder}. Check it: midas release verify {folder}", highlight=False)


@app.command(
    "withdraw", epilog="Examples:  midas release withdraw oral-cancer --subject P-3F7QK-9XW2A --why person"
)  # fmt: skip
def withdraw(
    dataset: Annotated[str, typer.Argument(help="The dataset, such as oral-cancer.", show_default=False)],
    subject: Annotated[str, typer.Option(help="The pseudonym, such as P-3F7QK-9XW2A.", show_default=False)],
    why: Annotated[
        str, typer.Option(help="person, guardian, basis (it ended) or error.", show_default=False)
    ],
    home: Home = None,
    json_: Json = False,
) -> None:
    """Take one person out of all that the hub holds of a dataset. Keys stay; what was erased cannot be brought back.

    Linked pseudonyms leave together. Nothing of the person is taken again.
    """
    store, signer = open_hub(home)
    from midas.web import flows

    done = flows.withdraw(
        pseudonym=subject, dataset=dataset, store=store, signer=signer, clock=SystemClock(), why=why
    )
    names = [f"{one.dataset.slug}@{one.version}" for one in done.releases]
    if json_:
        as_json({"subject": subject, "subjects": done.subjects, "releases": names, "erased": done.erased})
    else:
        where = ", ".join(names) or "no release held it"
        out.print(
            f"{', '.join(done.subjects)} is withdrawn, will be in no later release and is not taken again. "
            f"Taken out of: {where}. Files erased: {done.erased:,}.",
            highlight=False,
        )
