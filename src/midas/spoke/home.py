"""A spoke's home on disk: where things stand, and what its `config.toml` says.

    config.toml      name, hub, project settings          0600
    spoke.sqlite3    the database                         0600
    keys/            storage.key, spoke.key, django.key   0700, files 0600
    intake/          what came in, by digest (identified) 0700
    outbox/          what goes out, by digest             0700
    scratch/         wiped at every start                 0700

In comes a path; out goes a frozen `Home`. Nothing here reads the environment or the database.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from midas.kernel import BadInput, NotFound, whole_file
from midas.wire.v1 import Slug

LOCAL = ("127.0.0.1", "::1", "localhost")
FOLDERS = ("keys", "intake", "outbox", "scratch")


class Config(BaseModel):
    """The frozen settings of one spoke; every field has a default that is safe, or none where it must be chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Slug = Field(description="the spoke's id at the hub, e.g. spdc-wardha")
    hub: str = Field(
        default="",
        pattern=r"^(https?://\S+)?$",
        description="address of the hub; empty: nothing can be sent yet",
    )
    token: str = Field(default="", description="the spoke's token at the hub; the file is mode 0600")
    hub_key: str = Field(
        default="", description="hub's public key (64 hex); empty: the first receipt's key is kept"
    )
    project: Slug = Field(
        description="the protocol's id; one spoke home may hold several, this one is the default"
    )
    language: str = Field(default="en", description="language of pages and advice: en or hi")
    processes: int = Field(default=0, ge=0, description="worker processes; 0: one for each processor")
    energy_counters: bool = Field(
        default=True,
        description="read this machine's counters of energy; they count all programs, so not where it does much else",
    )
    watts_per_core: float = Field(
        default=0,
        ge=0,
        le=200,
        description="watts that one busy core draws, to estimate energy by where no counter tells it; 0: nobody measured it",
    )
    bind: str = Field(
        default="127.0.0.1", description="address of the site; others need tls_cert and tls_key"
    )
    port: int = Field(default=8040, ge=1, le=65535, description="port of the site")
    watch: tuple[str, ...] = Field(default=(), description="folders whose files are taken in as they arrive")
    tls_cert: str = Field(
        default="", description="PEM file; required for an address other than this machine's own"
    )
    tls_key: str = Field(default="", description="PEM file of the certificate's key")


@dataclass(frozen=True)
class Home:
    path: Path
    config: Config

    @property
    def database(self) -> Path:
        return self.path / "spoke.sqlite3"

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    @property
    def intake(self) -> Path:
        return self.path / "intake"

    @property
    def outbox(self) -> Path:
        return self.path / "outbox"

    @property
    def scratch(self) -> Path:
        return self.path / "scratch"


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner may enter (mode 0700), whatever the umask."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def key_file(path: Path, *, size: int = 32) -> bytes:
    """Return the random key kept in `path` (mode 0600), making it first where there is none."""
    if not path.exists():
        with whole_file(path, mode=0o600) as stream:
            stream.write(os.urandom(size))
    return path.read_bytes()


def checked(values: dict[str, object]) -> Config:
    """Return the settings; `BadInput` that names the first one that does not fit, without its value."""
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise BadInput(
            f"The setting {'.'.join(map(str, first['loc']))} does not fit: {first['msg']}.",
            advice="Correct it, on the command line or in config.toml.",
        ) from None


def _toml(config: Config) -> str:
    values = config.model_dump()
    return "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())


def create(path: Path, config: Config) -> Home:
    """Make the folders and write `config.toml`."""
    home = Home(private_folder(path.resolve()), config)
    for name in FOLDERS:
        private_folder(home.path / name)
    with whole_file(home.path / "config.toml", mode=0o600) as stream:
        stream.write(_toml(config).encode())
    return home


def reconfigure(home: Home, **changes: object) -> Home:
    """Write changed settings; `BadInput` where one does not fit."""
    return create(home.path, checked({**home.config.model_dump(), **changes}))


def serving(
    config: Config, *, host: str | None, port: int | None, cert: Path | None, key: Path | None
) -> Config:
    """Return where the site is served. `BadInput` for an address other than this machine's own without TLS."""
    place = config.model_copy(update={
        "bind": host or config.bind, "port": port or config.port,
        "tls_cert": str(cert) if cert else config.tls_cert, "tls_key": str(key) if key else config.tls_key,
    })  # fmt: skip
    if bool(place.tls_cert) != bool(place.tls_key):
        raise BadInput("TLS needs a certificate and its key.", advice="Give both --cert and --key.")
    if place.bind not in LOCAL and not place.tls_cert:
        raise BadInput(
            "The site shows identified images, so it is served on this machine only, unless TLS is set up.",
            advice="Leave --host out, or give --cert and --key.",
        )
    return place


def open_home(path: Path) -> Home:
    """Read a home; `NotFound` where there is none, `BadInput` where its config does not fit."""
    try:
        values = tomllib.loads((path / "config.toml").read_text(encoding="utf-8"))
        return Home(path.resolve(), checked(values))
    except FileNotFoundError:
        raise NotFound(
            f"There is no spoke home at {path}.", advice="Make one with `midas spoke init`, or give --home."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise BadInput(
            f"config.toml cannot be read: {error}.", advice="Correct the line that is named."
        ) from None


@contextmanager
def at_work(home: Home) -> Iterator[None]:
    """Let others know that files are being received: the lock is shared, and ends with the program, however it ends."""
    with (home.path / "receiving.lock").open("a+") as held:
        with suppress(OSError):  # a file system without locks: then nobody can say that nobody is at work
            fcntl.flock(held, fcntl.LOCK_SH)
        yield


@contextmanager
def nobody_at_work(home: Home) -> Iterator[bool]:
    """Say whether no program receives files here, and let none begin meanwhile."""
    with (home.path / "receiving.lock").open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


@contextmanager
def scratch_folder(home: Home) -> Iterator[Path]:
    """Yield a new private folder that is gone afterwards, whatever happens."""
    folder = Path(mkdtemp(dir=private_folder(home.scratch)))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
