"""A hub's home: one folder with its settings, database, keys and blobs, for its owner alone. Settings are frozen."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from midas.kernel import BadInput, Conflict, NotFound, whole_file

CONFIG = """\
# Settings of this MIDAS hub. Every line may be left out; what stands here after a # is the default.

# How people reach the hub. https:// turns on cookies that travel only encrypted, and HSTS.
public_url = {public_url}

# Further host names under which it may be reached.
# hosts = []

# Pages are shown in this language until a reader chooses: en or hi.
# language = "en"

# Where the database is; DATABASE_URL in the environment wins. Without either: hub.sqlite3 in this folder.
# database_url = "postgres://user@host/name"

# Years that the ledger keeps its rows; 1 is the least.
# ledger_years = 1

# Where blobs stand; MIDAS_BLOBS_URL in the environment wins. Without either: blobs/ in this folder.
# blobs_url = "s3://bucket/prefix"
"""


class HubConfig(BaseModel):
    """What `config.toml` says. Unknown settings are refused: a misspelt safe setting must not pass silently."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    public_url: str = Field(
        default="http://127.0.0.1:8000", description="loopback, so that a new hub is seen by nobody else"
    )
    hosts: tuple[str, ...] = Field(default=(), description="host names besides that of `public_url`")
    language: str = Field(default="en", pattern="^(en|hi)$", description="until a reader chooses")
    database_url: str = Field(default="", description="empty: SQLite in the home")
    blobs_url: str = Field(default="", description="empty: a folder in the home")
    session_hours: int = Field(
        default=12, ge=1, le=24 * 14, description="hours until sign-in again: a working day"
    )
    sign_in_tries: int = Field(default=10, ge=3, description="failed sign-ins per name and address a window")
    sign_in_window_minutes: int = Field(default=15, ge=1, description="minutes that failed sign-ins count")
    page_upload_mib: int = Field(
        default=64, ge=1, description="MiB of a request that is no blob; a submission's header needs far less"
    )
    ledger_years: int = Field(
        default=1,
        ge=1,
        description="years that the ledger keeps rows: DPDP Rules 2025, rules 6(1)(e) and 8(3), ask for one",
    )
    object_upload_mib: int = Field(
        default=1024, ge=1, description="MiB of DICOM objects that are stored at once (STOW-RS)"
    )
    trust_proxy: bool = Field(
        default=False, description="believe X-Forwarded-Proto; only behind a proxy that sets it itself"
    )


class HubHome(BaseModel):
    """Where everything of a hub is."""

    model_config = ConfigDict(frozen=True)

    path: Path
    config: HubConfig
    database_url: str = ""
    blobs_url: str = ""

    @property
    def database(self) -> Path:
        return self.path / "hub.sqlite3"

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    @property
    def scratch(self) -> Path:
        return self.path / "scratch"

    @property
    def blobs(self) -> str:
        return self.blobs_url or self.config.blobs_url or str(self.path / "blobs")

    @property
    def https(self) -> bool:
        return self.config.public_url.startswith("https://")

    @property
    def allowed_hosts(self) -> list[str]:
        name = urlsplit(self.config.public_url).hostname or "127.0.0.1"
        return sorted({name, *self.config.hosts, "127.0.0.1", "localhost", "[::1]"})


def create(path: Path, *, public_url: str = "http://127.0.0.1:8000") -> None:
    """Make a home (mode 0700) with its settings file; `Conflict` where there is one already."""
    if (path / "config.toml").exists():
        raise Conflict(f"{path} is a hub's home already.", advice="Give another --home.")
    address = urlsplit(public_url)
    if address.scheme not in {"http", "https"} or not address.hostname or set(public_url) & set('"\\\n'):
        raise BadInput(
            "The public address is not an http:// or https:// address.",
            advice="Such as https://midas.example.org.",
        )
    for folder in (path, path / "keys", path / "scratch"):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    with whole_file(path / "config.toml", mode=0o600) as stream:
        stream.write(CONFIG.format(public_url=f'"{public_url}"').encode())


def open_home(path: Path, *, database_url: str = "", blobs_url: str = "") -> HubHome:
    """Read a home's settings; `NotFound` where there is none, `BadInput` where the file cannot be used."""
    try:
        text = (path / "config.toml").read_text("utf-8")
    except FileNotFoundError:
        raise NotFound(
            f"{path} is not a hub's home.", advice="Make one with `midas hub init --home DIR`."
        ) from None
    try:
        config = HubConfig.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path}/config.toml: {error}", advice="Correct the line.") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(
            f"{path}/config.toml: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}",
            advice="Correct the setting or take it out.",
        ) from None
    return HubHome(path=path.absolute(), config=config, database_url=database_url, blobs_url=blobs_url)


def secret(path: Path) -> str:
    """Return 64 random hex digits kept in a file only its owner reads; made at first use."""
    if not path.exists():
        with whole_file(path, mode=0o600) as stream:
            stream.write(os.urandom(32).hex().encode())
    return path.read_text("ascii")
