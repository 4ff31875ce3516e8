"""`midas spoke watch`: take in what is put into folders, until Ctrl-C. It decides nothing."""

from __future__ import annotations

import json as text
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from midas.cli import show
from midas.cli.at_spoke import Home, Json, opened, tally

if TYPE_CHECKING:
    from midas.spoke.intake.items import Tally

PATIENCE = 30
"""Seconds that the end of `midas spoke serve` waits for what its watching program has in hand."""
AGAIN = 30
"""Seconds after which a watching program that ended by itself is started again."""


def watch(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders; none: those of the setting `watch`.", show_default=False),
    ] = None,
    home: Home = None,
    settle: Annotated[
        float, typer.Option("--settle", min=0.1, help="Seconds for which a file must stay as it is.")
    ] = 2.0,
    processes: Annotated[
        int, typer.Option("--processes", min=0, help="Worker processes; 0: one per processor.")
    ] = 0,
    json: Json = False,
) -> None:
    """Take in what is put into folders as soon as it is whole, until Ctrl-C. What was put there meanwhile is taken in too.

    The files stay where they are; nothing is taken in twice. A second Ctrl-C does not wait for what is in hand.

    [bold]Examples[/]

      midas spoke watch /media/camera
      midas spoke watch /media/pacs /media/camera --settle 30
      midas spoke watch            (the folders that config.toml names)
    """
    made = opened(home)
    from midas.spoke.watching import checked
    from midas.spoke.watching import watch as look

    def told(number: int, count: Tally) -> None:
        if json:
            line = {"files": number, "in": count.items_in, **count.states()}
            sys.stdout.write(text.dumps(line) + "\n")
            sys.stdout.flush()
            return
        states = " · ".join(f"{many} {state}" for state, many in count.states().items())
        show.out.print(f"{time.strftime('%H:%M:%S')}  {number} taken in   [dim]{states}[/]", highlight=False)

    chosen = checked(made, folders) if folders else [Path(one) for one in made.config.watch]
    if away := sum(not one.is_dir() for one in chosen):
        show.err.print(
            f"{away} folder(s) to watch are not there now; they are looked for again.", highlight=False
        )
    with _until_interrupted() as stop:
        if not json:
            show.err.print(f"Watching {len(chosen)} folder(s)   [dim]Ctrl-C stops it[/]", highlight=False)
        look(
            home=made, folders=chosen, stop=stop, told=told, wrong=show.fail, settle=settle,
            processes=processes or None,
        )  # fmt: skip
    if not json:
        tally(made, json)


@contextmanager
def _until_interrupted() -> Iterator[threading.Event]:
    """Give what is set when this program is asked to end: once, it ends what is in hand; twice, it stops."""
    stop = threading.Event()

    def asked(number: int, frame: FrameType | None) -> None:
        del number, frame
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {one: signal.signal(one, asked) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


@contextmanager
def beside(made: Any) -> Iterator[None]:
    """Watch the folders that the settings name in a program of its own, for as long as the site is served."""
    if not made.config.watch:
        yield
        return
    stop = threading.Event()
    keeper = threading.Thread(target=_keep_watching, args=(made.path, stop))
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _keep_watching(home: Path, stop: threading.Event) -> None:
    """Have a program watch until `stop` is set; say so where it ends by itself, and start it again."""
    command = [
        sys.executable,
        "-c",
        "from midas.cli import main; main()",
        "spoke",
        "watch",
        "--home",
        str(home),
    ]
    while not stop.is_set():
        watching = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.DEVNULL, start_new_session=True
        )
        while watching.poll() is None and not stop.wait(0.5):
            pass
        if stop.is_set():
            _end(watching)
            return
        show.err.print(
            f"[bold red]✗[/] No folder is watched: that program ended ({watching.returncode}). "
            f"It is started again in {AGAIN} s.", highlight=False,
        )  # fmt: skip
        stop.wait(AGAIN)


def _end(watching: subprocess.Popen[bytes]) -> None:
    watching.terminate()
    try:
        watching.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        watching.terminate()
        watching.wait()
