"""A hub's home: one folder with its settings, database, keys and blobs, for its owner alone. Settings are frozen."""

from __future__ import annotations

import os
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

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

# Who may make an account: "invited" (an administrator's link) or "open" (anyone whose address answers; needs [mail]).
# registration = "invited"

# Roles that hold only while their account has a second factor (an authenticator app or a passkey).
# require_second_factor = ["admin", "access-officer"]

# How many different people must approve a draft before it is cut, and whether it must be graded.
# release_approvals = 0
# release_needs_grade = false

# What energy and carbon are worked out by, in the evidence for a grade; without it they are said only where they are known.
# [footprint]
# counters = true
# watts_per_core = 11.0
# grid_kg_per_kwh = 0.7
# grid_source = "who published the factor, and for which year"

# Where mail goes. Without it mail is written to files in mail/, and administrators hand over links.
# [mail]
# host = "smtp.example.org"
# sender = "MIDAS <midas@example.org>"
# user = "midas"
# and password_file: the name of a file in this folder, mode 600

# Sign-in with an institution's provider (OpenID Connect); repeat the block for more.
# [[oidc]]
# id = "aiims"
# name = "AIIMS"
# issuer = "https://login.example.org/realms/aiims"
# client_id = "midas"
# and secret_file: the name of a file in this folder, mode 600
"""
CLOSED = ConfigDict(frozen=True, extra="forbid")


class Mail(BaseModel):
    """A mail server. Its password stands in a file of its own."""

    model_config = CLOSED

    host: str
    sender: str
    port: int = Field(default=587, ge=1, le=65535, description="587: submission (RFC 6409)")
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password_file: str = Field(default="", description="relative to the home, mode 600")


class Provider(BaseModel):
    """An OpenID Connect provider that people may sign in with."""

    model_config = CLOSED

    id: str = Field(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", description="part of the address that it answers to")
    name: str = Field(min_length=1, max_length=60, description="what its button says")
    issuer: str = Field(description="https://, or http:// on this machine")
    client_id: str
    secret_file: str = Field(description="relative to the home, mode 600")

    @field_validator("issuer")
    @classmethod
    def _travels_encrypted(cls, issuer: str) -> str:
        address = urlsplit(issuer)
        here = address.hostname in {"127.0.0.1", "localhost", "::1"}
        if not address.hostname or not (address.scheme == "https" or (address.scheme == "http" and here)):
            raise ValueError("an issuer's address begins with https://")
        return issuer.rstrip("/")


class Footprint(BaseModel):
    """Numbers by which energy and carbon are estimated. None has a default: a number that nobody chose says nothing."""

    model_config = CLOSED

    counters: bool = Field(
        default=True,
        description="read this machine's counters of energy; they count all programs, so not where it does much else",
    )
    watts_per_core: float = Field(
        default=0,
        ge=0,
        le=200,
        description="watts that one busy core of this hub draws, where no counter tells its energy; 0: not estimated",
    )
    grid_kg_per_kwh: float | None = Field(
        default=None, gt=0, le=3, description="kg of CO2 a kWh of the grid; needs its source, no grid emits 3"
    )
    grid_source: str = Field(
        default="", max_length=200, description="who published the factor, for which year"
    )

    @model_validator(mode="after")
    def _has_a_source(self) -> Footprint:
        if (self.grid_kg_per_kwh is None) != (not self.grid_source.strip()):
            raise ValueError("grid_kg_per_kwh and grid_source belong together")
        return self


RoleName = Literal[
    "operator", "curator", "annotator", "adjudicator", "ethics", "access-officer", "researcher", "policy", "admin",
    "auditor", "nodal",
]  # fmt: skip


class HubConfig(BaseModel):
    """What `config.toml` says. Unknown settings are refused: a misspelt safe setting must not pass silently."""

    model_config = CLOSED

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
        default=False,
        description="believe X-Forwarded-Proto and the last X-Forwarded-For; only behind a proxy that sets them itself",
    )
    registration: Literal["invited", "open"] = Field(
        default="invited", description="open: anyone whose address answers gets an account without roles"
    )
    require_second_factor: tuple[RoleName, ...] = Field(
        default=(), description="roles that hold only while their account has a second factor"
    )
    release_approvals: int = Field(
        default=0,
        ge=0,
        le=5,
        description="different people who must approve a draft; a hub of one curator has one",
    )
    release_needs_grade: bool = Field(
        default=False, description="whether a draft without a grade, or below its matrix, is refused"
    )
    invitation_days: int = Field(default=7, ge=1, le=60, description="days that an invitation stands")
    api_per_minute: int = Field(
        default=12_000, ge=60, description="API requests a minute with one account's key: 200 a second"
    )
    api_per_minute_unknown: int = Field(
        default=1_200, ge=60, description="API requests a minute from an address that shows no key"
    )
    mail: Mail | None = Field(default=None, description="none: mail is written to files in mail/")
    footprint: Footprint = Field(default=Footprint(), description="what energy and carbon are estimated by")
    oidc: tuple[Provider, ...] = Field(default=(), description="providers to sign in with")

    @model_validator(mode="after")
    def _fits(self) -> HubConfig:
        if self.registration == "open" and self.mail is None:
            raise ValueError('registration = "open" needs [mail]: an address must answer')
        if len({one.id for one in self.oidc}) < len(self.oidc):
            raise ValueError("two providers have the same id")
        return self


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

    @cached_property
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
