"""`midas get`: download a release, or part of one, as it is or in the form that other tools read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from midas.cli.show import Bar, as_json, out
from midas.kernel import BadInput
from midas.sdk import Client

app = typer.Typer(rich_markup_mode="rich", context_settings={"help_option_names": ["-h", "--help"]})

EXAMPLES = """Examples:

  midas get oral-cancer@1.0.0 --hub https://hub.example --token … --to oral-cancer

  midas get oral-cancer@1.0.0 --hub https://hub.example --twin --to twin

  midas get oral-cancer@1.0.0 --hub https://hub.example --to pictures --as png --part train --item oral-photo

  midas get ./oral-cancer --to volumes --as nifti
"""


@app.command(epilog=EXAMPLES)
def get(
    name: Annotated[
        str,
        typer.Argument(help="dataset@version, or the folder of a downloaded release.", show_default=False),
    ],
    to: Annotated[Path, typer.Option("--to", help="The folder to write into.", show_default=False)],
    hub: Annotated[
        str | None, typer.Option(help="The hub's address.", envvar="MIDAS_HUB", show_default=False)
    ] = None,
    token: Annotated[
        str | None, typer.Option(help="Your token there.", envvar="MIDAS_TOKEN", show_default=False)
    ] = None,
    form: Annotated[
        Literal["release", "dicom", "nifti", "png"],
        typer.Option(
            "--as", help="The sealed release as it is, or its images as DICOM, NIfTI or PNG with index.csv."
        ),
    ] = "release",
    part: Annotated[str | None, typer.Option(help="Only this part of the split, such as train.")] = None,
    item: Annotated[str | None, typer.Option(help="Only images of this item, such as oral-photo.")] = None,
    target: Annotated[
        str | None, typer.Option(help="Only images with a label for this target; adds the label.")
    ] = None,
    twin: Annotated[bool, typer.Option("--twin", help="The synthetic twin, which anyone may see.")] = False,
    cache: Annotated[Path | None, typer.Option(help="Where fetched files are kept while converting.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Files fetched at the same time.")] = 8,
    json_: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Download a release with every hash checked; run again, it goes on where it stopped and applies withdrawals.

    Exit codes: 2 cannot be used · 3 not found · 4 not allowed · 6 the hub did not answer · 7 a hash or signature is wrong.
    """
    if form == "release":
        if part or item or target:
            raise BadInput(
                "A sealed release is whole.",
                advice="Choose a form for a part of it: --as dicom, nifti or png.",
            )
        _whole(name, to, hub=hub, token=token, twin=twin, jobs=jobs, json_=json_)
        return
    from midas.sdk.convert import convert
    from midas.sdk.release import open as open_release

    release = open_release(name, hub, token, cache, twin=twin)
    files = convert(release, to, form=form, target=target, item=item, part=part, progress=Bar())
    if json_:
        as_json({"key": release.key, "folder": str(to), "files": files, "form": form})
    else:
        out.print(f"Wrote {files} files and index.csv to {to}.", highlight=False)


def _whole(
    name: str, to: Path, *, hub: str | None, token: str | None, twin: bool, jobs: int, json_: bool
) -> None:
    from midas.sdk.download import download

    if hub is None:
        raise BadInput("Which hub?", advice="Give --hub https://… or set MIDAS_HUB.")
    with Client(hub, token) as client:
        done = download(client, name, folder=to, twin=twin, jobs=jobs, progress=Bar())
    if json_:
        as_json({
            "key": done.key, "folder": str(to), "files": done.files, "fetched": done.fetched, "kept": done.kept,
            "removed": done.removed, "bytes": done.size,
        })  # fmt: skip
        return
    out.print(
        f"{done.files} files ({done.size / 1e6:,.1f} MB) in {to}: {done.fetched} fetched, {done.kept} were right, "
        f"{done.removed} withdrawn and removed. Key {done.key}", highlight=False,
    )  # fmt: skip
