"""The nouns of de-identification: what may be asked, what is known of a person, what was decided, what came out.

All are frozen. `Card` and `Job` are the only ones that stand near identified values: a `Job` holds paths alone, and a
`Card` is never printed (its `repr` is empty of values) and rests encrypted on disk between processes.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from midas.deid import tables
from midas.kernel import BadInput, Finding
from midas.protocol.model import Deid, DeidException, Protocol
from midas.wire.v1 import Code

if TYPE_CHECKING:
    from midas.deid.loose import Picture

ENGINE = "midas-deid 0.3.0"


@dataclass(frozen=True)
class Thresholds:
    """What may pass without a person; set by the protocol (`deid.thresholds`) or a profile file."""

    masked_share: float = 0.6
    """Share of one frame (0 to 1) that may be blackened; a picture that would lose more is no use and goes to a person."""
    face_overlap: float = 0.80
    """Least overlap (Dice, 0 to 1) of the registered template's head with the patient's before a face mask counts."""
    unattended: bool = True
    """Whether pictures in which text was found and masked, and volumes whose face was cut, may pass unseen."""

    def __post_init__(self) -> None:
        if not (0 <= self.masked_share <= 1 and 0 <= self.face_overlap <= 1):
            raise BadInput("A threshold lies outside 0 to 1.", advice="Correct `thresholds` in the protocol.")


@dataclass(frozen=True)
class Profile:
    """The Basic Application Level Confidentiality Profile (PS3.15 E.2) with options and reasoned exceptions."""

    name: str
    digest: str
    options: frozenset[str]
    exceptions: tuple[DeidException, ...] = ()
    thresholds: Thresholds = field(default_factory=Thresholds)
    face_keep: frozenset[str] = frozenset()
    """Parts of the face that the dataset needs (`faces.KEEPABLE`): the skin over them is cut, their shape stays."""

    @classmethod
    def of(cls, protocol: Protocol, digest: str) -> Profile:
        return cls.of_section(protocol.deid, name=f"{protocol.id}@{protocol.version}", digest=digest)

    @classmethod
    def of_section(cls, deid: Deid, *, name: str, digest: str) -> Profile:
        """Return what a protocol's `deid:` section, or a profile file, asks for; `BadInput` for what the table forbids."""
        for one in deid.exceptions:
            if one.action == "pseudonym" and not tables.may_be_replaced(one.keyword):
                raise BadInput(
                    f"{name}: {one.keyword} may not become a pseudonym (PS3.15 Table E.1-1).",
                    advice="A pseudonym may stand only in a short text whose action is Z; use remove or empty.",
                )
        return cls(
            name, digest, frozenset(deid.options), deid.exceptions, Thresholds(**deid.thresholds.model_dump()),
            frozenset(deid.face_keep),
        )  # fmt: skip


@dataclass(frozen=True)
class Keys:
    """Keys derived from a project's root key; neither can be computed from the other (RFC 5869)."""

    uid: bytes = field(repr=False)
    provenance: bytes = field(repr=False)
    number: bytes = field(repr=False)

    @classmethod
    def from_root(cls, root: bytes) -> Keys:
        if len(root) < 32:
            raise BadInput(
                "The project's root key is shorter than 32 bytes.", advice="Restore the spoke's keys folder."
            )
        return cls(
            uid=_derived(root, b"midas/deid/uid/1"),
            provenance=_derived(root, b"midas/deid/provenance/1"),
            number=_derived(root, b"midas/deid/number/1"),
        )


def _derived(root: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(root)


def source_hmac(keys: Keys, sha256: str) -> str:
    """Return the keyed commitment to a source file's SHA-256 that may leave the hospital."""
    return hmac.new(keys.provenance, bytes.fromhex(sha256), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Placement:
    """Where an instance stands in the subject tree; pseudonymous throughout."""

    subject: str
    dataset: str
    item: str
    visit: str | None = None
    lesion: str | None = None
    tracking_uid: str | None = None
    site: Code | None = None
    laterality: str | None = None
    specimen: str | None = None
    specimen_uid: str | None = None
    anatomy: Code | None = None


@dataclass(frozen=True)
class Card:
    """All that is known of one person, for finding it again. `known` holds (kind, value); `shift_days` is negative."""

    subject: str
    shift_days: int
    sex: str = "U"
    known: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if not -730 <= self.shift_days <= -1:
            raise BadInput(
                "A date shift lies outside -730 to -1 days.", advice="Issue the person's card anew."
            )


@dataclass(frozen=True)
class Region:
    """A box of pixels to be blackened, (left, top) counted from 0. `evidence` says how it was found, never what it says."""

    left: int
    top: int
    width: int
    height: int
    rule: str
    evidence: str
    frames: tuple[int, int] | None = None
    """Frames from the first up to, but without, the second, counted from 0; None stands for all."""


@dataclass(frozen=True)
class Glass:
    """What was found on one level of a slide, for all others: boxes as shares (left, top, right, bottom) of its size.

    `person` says why a person must look first, if so.
    """

    shares: tuple[tuple[float, float, float, float], ...] = ()
    person: str = ""


@dataclass(frozen=True)
class PartStep:
    """What becomes of a part of the file that is no element: preamble, file meta, trailing bytes, compressed comments."""

    part: str
    act: str
    cites: str
    evidence: str = ""


@dataclass(frozen=True)
class Job:
    """One file to clean. `accepted_risk` and `boxes` (left, top, width, height in pixels) come from a person's decision.

    `face` is a file with the mask of the series' face in patient space, where one was found. `face_seen` says that the
    series was looked at (`faces.of_series`): without a mask, then, nothing of it shows a face. `suspect` says that text
    was found in another slice of the series, `glass` what was found on another level of the slide (`ahead`).
    """

    source: Path
    target: Path
    card: Path
    key_file: Path
    profile: Profile
    placement: Placement
    accepted_risk: bool = False
    boxes: tuple[tuple[int, int, int, int], ...] = ()
    face: Path | None = None
    face_seen: bool = False
    suspect: bool = False
    glass: Glass | None = None
    picture: Picture | None = None
    """How a photograph or slide becomes DICOM first; None for a file that is DICOM already."""


@dataclass(frozen=True)
class Uids:
    """The mapped UIDs of one cleaned object; "" where it was held before it had any."""

    study: str = ""
    series: str = ""
    instance: str = ""
    sop_class: str = ""
    transfer_syntax: str = ""


@dataclass(frozen=True)
class RuleRow:
    """One line of the report: what was done to one attribute, how often and under which clause. No value."""

    tag: str
    name: str
    action: str
    cites: str
    count: int


@dataclass(frozen=True)
class Outcome:
    """What became of one file. Held: `reason` is a stable word, `detail` a sentence without an identified value."""

    state: Literal["cleaned", "held"]
    reason: str = ""
    detail: str = ""
    sha256: str = ""
    size: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    uids: Uids = field(default_factory=Uids)
    findings: tuple[Finding, ...] = ()
    actions: dict[str, int] = field(default_factory=dict)
    rules: tuple[RuleRow, ...] = ()
    profile: str = ""
    digest: str = ""
    engine: str = ENGINE
    output: str = ""
    regions: tuple[Region, ...] = ()
    masked: int = 0
    """How many pixels and voxels were blackened, over all frames."""


class Held(Exception):
    """This file cannot be cleaned with certainty; a person must act. `regions` is what the machine would have masked."""

    def __init__(
        self, reason: str, detail: str, findings: tuple[Finding, ...] = (), regions: tuple[Region, ...] = ()
    ) -> None:
        super().__init__(reason)
        self.reason, self.detail, self.findings, self.regions = reason, detail, findings, regions
