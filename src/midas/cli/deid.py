"""`midas deid`: de-identify folders, alone. It wires `midas.deid` to the terminal; it decides nothing."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from midas.cli import custody
from midas.cli.show import Bar, as_json, audited, out, table
from midas.kernel import NoProgress

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
ProfileName = Annotated[
    str, typer.Option("--profile", help="research, basic, or a profile file.", show_default=True)
]
SecretFile = Annotated[
    Path,
    typer.Option("--secret-file", help="At least 32 random bytes; see `midas deid key`.", show_default=False),
]

RUN_EXAMPLES = """Examples:

  midas deid key site.key

  midas deid run incoming clean --profile research --secret-file site.key --report owners --jobs 2

  midas deid run export.zip clean --profile my.yaml --secret-file site.key --report owners --json
"""


@app.command("run", epilog=RUN_EXAMPLES)
def run(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="A folder, file or archive.", show_default=False)
    ],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="The folder for what is clean.", show_default=False)
    ],
    secret_file: SecretFile,
    report: Annotated[
        Path,
        typer.Option(
            "--report",
            help="The key owner's folder: reports, held.csv and the maps that lead back.",
            show_default=False,
        ),
    ],
    profile: ProfileName = "research",
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Worker processes; 1 works in this one.")] = 1,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Write plan.jsonl into the report folder and touch nothing else."),
    ] = False,
    columns: Annotated[
        Path | None, typer.Option("--columns", help="A YAML file that says what columns of tables are.")
    ] = None,
    json_: Json = False,
) -> None:
    """De-identify a folder: what is proven clean lands in OUT under neutral names, what is not stays out with its reason.

    Run again, it goes on where it stopped. The report folder names persons: its mode is 0700, and it may not lie in OUT.

    Exit codes: 0 all clean · 1 some files are held (see held.csv) · 2 cannot be used as typed · 3 not found.
    """
    from midas.compute import here, processes
    from midas.deid import Secret, load_profile
    from midas.deid.columns import load_columns
    from midas.deid.folder import folder, plan_folder
    from midas.ingest import loose_to_dicom

    asked, secret = load_profile(profile), Secret.read(secret_file)
    given = load_columns(columns) if columns else None
    watch = NoProgress() if json_ else Bar()
    with here() if jobs == 1 else processes(jobs, forked=True) as runner:
        if dry_run:
            planned = plan_folder(
                source, target, profile=asked, secret=secret, report=report, runner=runner, progress=watch
            )
            _told_plan(planned, report, json_)
            return
        done = folder(
            source, target, profile=asked, secret=secret, report=report, runner=runner, progress=watch,
            make=loose_to_dicom, columns=given,
        )  # fmt: skip
    told = {**asdict(done), "out": str(target), "report": str(report)}
    if json_:
        as_json(told)
    else:
        _told(told)
    if done.held:
        raise typer.Exit(1)


def _told(told: dict[str, object]) -> None:
    reasons = told["reasons"]
    rows = [(f"  {reason}", count) for reason, count in reasons.items()] if isinstance(reasons, dict) else []
    table(
        "De-identified", ("", "files"),
        [("in", told["found"]), ("cleaned", told["cleaned"]), ("held", told["held"]), *rows],
    )  # fmt: skip
    out.print(
        f"{told['persons']} persons · clean files in {told['out']} · report, held.csv and maps in {told['report']}. "
        f"The maps name persons: keep that folder with the key.", highlight=False,
    )  # fmt: skip


def _told_plan(planned: dict[str, int], report: Path, json_: bool) -> None:
    if json_:
        as_json({**planned, "plan": str(report / "plan.jsonl")})
        return
    table("Planned", ("", "files"), list(planned.items()))
    out.print(f"Each file's plan stands in {report / 'plan.jsonl'}; nothing was cleaned.", highlight=False)


@app.command(
    "audit",
    epilog="Example:  midas deid audit incoming --profile research --report audit --files 100 --jobs 2",
)
def audit(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="A folder of your own images.", show_default=False)
    ],
    report: Annotated[
        Path,
        typer.Option("--report", help="The folder for audit.json and what went wrong.", show_default=False),
    ],
    profile: ProfileName = "research",
    protocol: Annotated[
        str | None, typer.Option("--protocol", help="Audit a protocol's section instead; its floor counts.")
    ] = None,
    number: Annotated[int, typer.Option("--files", min=1, help="Files to plant identifiers in.")] = 60,
    seed: Annotated[
        int | None, typer.Option(help="Plant the same again; without it, another corpus each time.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Worker processes.")] = 1,
    json_: Json = False,
) -> None:
    """Measure: identifiers of nobody are planted in copies of your files, cleaned under the profile, and looked for.

    Exit codes: 0 nothing left and above the floor · 1 below it, or an identifier was left · 2 cannot be used as typed.
    """
    import secrets

    from midas.cli.protocol import open_protocol
    from midas.compute import here, processes
    from midas.deid import Profile, load_profile
    from midas.deid.measured import dicom_below, measure, write_audit

    loaded = open_protocol(protocol) if protocol else None
    asked = Profile.of(loaded.protocol, loaded.sha256) if loaded else load_profile(profile)
    with here() if jobs == 1 else processes(jobs, forked=True) as runner:
        measured = measure(
            dicom_below(source), profile=asked, seed=secrets.randbelow(1 << 31) if seed is None else seed, runner=runner,
            number=number, progress=NoProgress() if json_ else Bar(),
        )  # fmt: skip
    write_audit(measured, report)
    floor = loaded.protocol.deid.audit if loaded else None
    audited(measured.score, json_, floor=floor, digest=asked.digest)


@app.command("key", epilog="Example:  midas deid key site.key")
def key(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to write; it must not exist.", show_default=False)
    ],
    json_: Json = False,
) -> None:
    """Make a secret: 32 random bytes that only you can read. Pseudonyms, shifts and UIDs follow from it: keep a copy."""
    from midas.deid.secret import make_secret

    make_secret(path)
    if json_:
        as_json({"written": str(path)})
    else:
        out.print(
            f"Wrote {path}. Keep a copy in a safe: without it the same person gets another name.",
            highlight=False,
        )


@app.command("plan", epilog="Example:  midas deid plan image.dcm --profile research --secret-file site.key")
def plan(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="One DICOM file.", show_default=False)],
    secret_file: SecretFile,
    profile: ProfileName = "research",
    json_: Json = False,
) -> None:
    """Show what would become of each element, region and part of one file, and why. Nothing is written, no value shown.

    Exit codes: 0 it can be cleaned · 1 it would be held · 2 cannot be used as typed · 3 not found.
    """
    from midas.deid import Secret, load_profile
    from midas.deid.planning import plan_file

    planned = plan_file(path, profile=load_profile(profile), secret=Secret.read(secret_file))
    if json_:
        as_json(planned.to_dict())
    else:
        table("Elements", ("tag", "attribute", "where", "becomes", "clause"), planned.lines())
        if planned.regions:
            table(
                "Regions", ("left, top, width, height", "frames", "rule", "evidence"), planned.region_lines()
            )
        if planned.parts:
            table("Parts of the file", ("part", "becomes", "clause"), planned.part_lines())
        if planned.face:
            out.print(f"[bold]Face:[/] {planned.face}", highlight=False)
        if planned.reason:
            out.print(f"[bold]It would be held:[/] {planned.reason}. {planned.detail}", highlight=False)
    if planned.reason:
        raise typer.Exit(1)


app.registered_commands += custody.app.registered_commands
