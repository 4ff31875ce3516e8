"""Profile files: what de-identification is asked to do where no protocol says it.

In comes the name of a shipped profile or a YAML file, out comes a frozen `Profile` whose digest is that of the file. A
file says what a protocol's `deid:` section says, plus `schema`, `name` and `title`. Nothing is guessed: a word that is
not known here is an error that names its line.
"""

from __future__ import annotations

import difflib
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydicom.datadict import tag_for_keyword

from midas.deid.model import Profile
from midas.kernel import BadInput, NotFound, sha256_bytes
from midas.protocol.model import Deid
from midas.protocol.yaml import MAX_BYTES, Loc, Unreadable, read_yaml


class ProfileFile(Deid):
    """A profile file as it is written."""

    schema_: Literal["midas-deid-profile/1"] = Field(alias="schema")
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    title: str = ""


def shipped() -> tuple[str, ...]:
    """Return the names of the profiles that come with the package."""
    return tuple(
        sorted(Path(one.name).stem for one in files(__name__).iterdir() if one.name.endswith(".yaml"))
    )


@lru_cache(maxsize=32)
def _parsed(data: bytes, name: str) -> tuple[ProfileFile, str]:
    if len(data) > MAX_BYTES:
        raise BadInput(f"{name} is larger than a profile can be.", advice="Give a profile file.")
    try:
        value, lines = read_yaml(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadInput(f"{name} is not UTF-8 text.", advice="Save it as UTF-8.") from None
    except Unreadable as error:
        raise BadInput(error.complaint.at(name)) from None
    if not isinstance(value, dict):
        raise BadInput(f"{name} is not a profile.", advice="Begin it with `schema: midas-deid-profile/1`.")
    try:
        made = ProfileFile.model_validate(value)
    except ValidationError as error:
        raise BadInput("\n".join(_explained(one, lines, name) for one in error.errors())) from None
    wrong = [one.keyword for one in made.exceptions if tag_for_keyword(one.keyword) is None]
    if wrong:
        raise BadInput(f"{name}: '{wrong[0]}' is not a DICOM keyword.", advice="Take it from PS3.6.")
    return made, sha256_bytes(data)


def _explained(error: Any, lines: dict[Loc, int], name: str) -> str:
    loc: Loc = tuple(error["loc"])
    at = loc
    while at and at not in lines:
        at = at[:-1]
    word = str(loc[-1]) if loc else ""
    where = f"{name}:{lines.get(at, 1)}: "
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(word, [*ProfileFile.model_fields, "schema"], n=1)
        return f"{where}'{word}' is not known here" + (f"; did you mean '{near[0]}'?" if near else "")
    if error["type"] == "literal_error":
        return f"{where}'{error['input']}' is not a choice; use one of {error['ctx']['expected']}"
    if error["type"] == "missing":
        return f"{where}'{word}' is missing"
    return f"{where}{'.'.join(map(str, loc))}: {error['msg']}"


def load_profile(name_or_path: str | Path) -> Profile:
    """Return a shipped profile by name, or the profile in a file.

    `NotFound` where there is neither; `BadInput` names every wrong line of the file.
    """
    path = Path(name_or_path)
    if path.is_file():
        data, name = path.read_bytes(), path.name
    elif str(name_or_path) in shipped():
        name = f"{name_or_path}.yaml"
        data = files(__name__).joinpath(name).read_bytes()
    else:
        raise NotFound(
            f"There is no profile {name_or_path}.",
            advice=f"Shipped: {', '.join(shipped())}; or give the path of a profile file.",
        )
    made, digest = _parsed(data, name)
    return Profile.of_section(made, name=made.name, digest=digest)
