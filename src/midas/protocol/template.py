"""A first protocol file to start from: short, valid, with a comment at each choice."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from midas.kernel import Conflict, NotFound, whole_file
from midas.protocol.load import parse, shipped

PLACEHOLDER = "my-dataset"


def write_new(path: Path, *, name: str = PLACEHOLDER, like: str | None = None) -> Path:
    """Write a new protocol file at `path`, from the short template or like a shipped one; never over a file.

    `Conflict` where the file is there already, `NotFound` for an unknown `like`, `BadInput` for a bad `name`.
    """
    if path.exists():
        raise Conflict(f"{path} is there already.", advice="Choose another file name.")
    if like is not None and like not in shipped():
        raise NotFound(f"No protocol named {like} is shipped.", advice=f"Shipped: {', '.join(shipped())}.")
    folder = resources.files("midas.protocol")
    source = folder / "template.yaml" if like is None else folder / "shipped" / f"{like}.yaml"
    text = source.read_text(encoding="utf-8").replace(f"\nid: {like or PLACEHOLDER}\n", f"\nid: {name}\n", 1)
    parse(text.encode(), name=path.name)
    with whole_file(path) as stream:
        stream.write(text.encode())
    return path
