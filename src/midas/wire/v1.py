"""Version 1 of the words between spoke, hub and SDK.

A *submission* is a set of content-addressed files described by one signed `SubmissionHeader`:

    protocol.yaml        the protocol file the items were collected under, byte for byte
    subjects.ndjson      one `SubjectLine` per subject: visits, lesions, specimens, lawful basis
    items.ndjson         one `ItemLine` per DICOM instance: its blob, place in the subject tree, provenance
    records.ndjson       one `RecordLine` per accepted row of a clinical table
    labels.ndjson        one `LabelLine` per label that came with the data ("imported")
    report.json          the de-identification report of the batch (`midas.deid.Report`)
    report.html          the same for people
    <subject>/<study>/<series>/<instance>.dcm   the instances themselves

NDJSON lines are canonical JSON (RFC 8785), sorted by their first field, so that equal content has equal bytes.
Dates do not travel in these lines; time is carried as whole days since the subject's first visit.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Uid = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)*$", max_length=64)]
SubjectId = Annotated[str, Field(pattern=r"^P-[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}$")]
"""A random pseudonym in Crockford's base 32, unique over all spokes."""
LocalId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]

BasisKind = Literal["consent", "guardian-consent", "waiver"]
Level = Literal["subject", "visit", "lesion", "specimen", "study", "series", "instance"]


class Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Code(Wire):
    """A coded concept (PS3.16): `scheme` is SCT, LN, ICD10, ICDO3, DCM …"""

    scheme: str
    value: str
    meaning: str


class BasisLine(Wire):
    """Why this subject's data may be used: the protocol's ethics entry and what the person (or committee) allowed."""

    kind: BasisKind
    ethics: Slug
    scope: tuple[str, ...] = ()


class VisitLine(Wire):
    visit: LocalId
    day: int = Field(description="whole days since the subject's first visit")
    age_years: int | None = Field(default=None, ge=0, le=90, description="90 stands for 90 and over")


class LesionLine(Wire):
    lesion: LocalId
    tracking_uid: Uid
    site: Code | None = None
    laterality: Literal["left", "right", "midline", "bilateral"] | None = None


class SpecimenLine(Wire):
    specimen: LocalId
    uid: Uid
    kind: str | None = None
    lesion: LocalId | None = None
    visit: LocalId | None = None


class SubjectLine(Wire):
    subject: SubjectId
    sex: Literal["F", "M", "O", "U"] = "U"
    basis: tuple[BasisLine, ...]
    visits: tuple[VisitLine, ...] = ()
    lesions: tuple[LesionLine, ...] = ()
    specimens: tuple[SpecimenLine, ...] = ()
    links: tuple[SubjectId, ...] = Field(
        default=(), description="pseudonyms found to be the same person after both were sent; never reissued"
    )


class FindingLine(Wire):
    rule: str
    severity: Literal["info", "warning", "error"]
    scope: str
    message: str
    advice: str = ""
    cites: str = ""
    origin: str = "midas"


class ItemLine(Wire):
    """One DICOM instance: where its bytes are, where it stands in the subject tree, what it was made from."""

    path: str
    sha256: Sha256
    size: int = Field(ge=1)
    subject: SubjectId
    visit: LocalId | None = None
    lesion: LocalId | None = None
    specimen: LocalId | None = None
    item: Slug = Field(description="the protocol's item definition that this instance answers")
    kind: Literal["dicom", "photo", "slide", "waveform", "video", "label"]
    view: str | None = None
    modality: str
    sop_class_uid: Uid
    sop_instance_uid: Uid
    series_uid: Uid
    study_uid: Uid
    transfer_syntax_uid: Uid
    facts: dict[str, str | int | float | None] = Field(
        default_factory=dict, description="DICOM keyword → value: Rows, Columns, PixelSpacing …"
    )
    sources: tuple[Sha256, ...] = Field(
        min_length=1, description="HMAC-SHA-256 (spoke's provenance key) of each source file's SHA-256"
    )
    deid: str = Field(description="profile and engine: `oral-cancer@<protocol digest>/midas-deid 0.1.0`")
    findings: tuple[FindingLine, ...] = ()


class RecordLine(Wire):
    """One row of a clinical table after its identifying columns were taken away."""

    table: Slug
    record: Sha256 = Field(description="HMAC of table and row key: stable over resubmission")
    subject: SubjectId
    visit: LocalId | None = None
    lesion: LocalId | None = None
    specimen: LocalId | None = None
    values: dict[str, str | int | float | bool | None]


class LabelLine(Wire):
    """A value for a target at one place of the subject tree, with where it comes from.

    `segmentation_uid` names the SEG/SR instance (an `ItemLine` of kind `label`) that carries it where it is spatial.
    """

    level: Level
    subject: SubjectId
    visit: LocalId | None = None
    lesion: LocalId | None = None
    specimen: LocalId | None = None
    uid: Uid | None = Field(default=None, description="of the study, series or instance, at these levels")
    target: Slug
    value: str | int | float | bool | None
    source: str = Field(description="`table:<id>.<column>`, `imported:<format>` or `reading:<task>`")
    readers: tuple[str, ...] = ()
    segmentation_uid: Uid | None = None


class AuditShare(Wire):
    """Of `of` required actions, `right` were done; `low` is the lower end of the 95 % interval (Wilson), in per cent."""

    right: int = Field(ge=0)
    of: int = Field(ge=0)
    low: float = Field(ge=0, le=100)


class AuditScore(Wire):
    """How well a spoke's de-identification did on synthetic identifiers planted in copies of its own files.

    It travels in the submission's `report.json` as `audit`, and stands in the release. It names nobody.
    """

    schema_: Literal["midas-deid-audit/1"] = Field(default="midas-deid-audit/1", alias="schema")
    profile: str = Field(description="digest of the protocol or profile file that was audited")
    engine: str
    rules: str = Field(
        default="", description="SHA-256 over the tables of rules and words that the engine went by"
    )
    seed: int
    files: int = Field(ge=0)
    released: int = Field(ge=0)
    all: AuditShare = Field(
        description="over all files; a file that was held is wrong in all that it should have kept"
    )
    on_released: AuditShare
    actions: dict[str, AuditShare] = Field(default_factory=dict, description="by the ten kinds of MIDI-B")
    leaks: dict[str, int] = Field(
        default_factory=dict, description="identifier, date, uid, path: found by bytes"
    )
    wrong_shifts: int = Field(ge=0, description="persons whose days were not moved by one shift")

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Part(Wire):
    path: str
    sha256: Sha256
    size: int = Field(ge=0)


Amount = Annotated[float, Field(ge=0, le=1e12)]


class Spent(Wire):
    """What work took: sums over jobs and processes, which say nothing about any one item.

    The energy of a part of the processor's seconds may be worked out (`estimated_s`) or known to nobody (`unknown_s`).
    """

    processor_s: Amount = Field(description="seconds of processor, of all processes together")
    wall_s: Amount = Field(description="seconds by the clock")
    peak_bytes: int = Field(
        default=0, ge=0, le=1 << 50, description="the most memory that one process has held"
    )
    measured_j: Amount = Field(default=0, description="joules read from the machines' counters")
    estimated_j: Amount = Field(
        default=0, description="joules worked out from `estimated_s` and an operator's number"
    )
    estimated_s: Amount = Field(default=0, description="of `processor_s`: those whose energy is estimated")
    unknown_s: Amount = Field(default=0, description="of `processor_s`: those whose energy nobody knows")


class SubmissionHeader(Wire):
    """What the spoke signs. `root` is the Merkle root over all files (`midas.manifest`)."""

    schema_: Literal["midas-submission/1"] = Field(default="midas-submission/1", alias="schema")
    spoke: Slug
    dataset: Slug
    protocol_sha256: Sha256
    root: Sha256
    salts_sha256: Sha256
    parts: tuple[Part, ...] = Field(description="every file that is not an instance, salts.json included")
    subjects: int = Field(ge=0)
    instances: int = Field(ge=0)
    records: int = Field(ge=0)
    labels: int = Field(ge=0)
    bytes: int = Field(ge=0)
    tally: dict[str, int] = Field(description="waiting, held, refused, sent at the spoke when it was packed")
    software: str
    spent: Spent | None = Field(
        default=None,
        description="what the spoke's work took since its last submission; older spokes do not say",
    )

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Signed(Wire):
    """Canonical JSON text with an Ed25519 signature (RFC 8032) over its UTF-8 bytes, in hexadecimal."""

    payload: str
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]
    public_key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Missing(Wire):
    """`POST /api/v1/blobs/missing`: of these digests, which does the hub not have? At most 1,000 a call."""

    sha256: tuple[Sha256, ...] = Field(max_length=1000)


SubmissionState = Literal["received", "verifying", "registered", "refused"]


class SubmissionStatus(Wire):
    """`GET /api/v1/submissions/{root}`; also what `POST /api/v1/submissions` answers (202, or 200 when known)."""

    root: Sha256
    state: SubmissionState
    findings: tuple[FindingLine, ...] = ()
    receipt: Signed | None = Field(default=None, description="a signed `Receipt`, once registered")


class Receipt(Wire):
    schema_: Literal["midas-receipt/1"] = Field(default="midas-receipt/1", alias="schema")
    root: Sha256
    spoke: Slug
    dataset: Slug
    instances: int
    registered_at: str

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ReleaseCard(Wire):
    """`GET /api/v1/datasets` and `…/datasets/{id}`: what the SDK needs to find and name a release."""

    dataset: Slug
    version: str
    key: Sha256
    title: str
    access: Literal["open", "controlled", "restricted"]
    license: str
    subjects: int
    instances: int
    bytes: int
    cut_on: str
    twin: bool = False
    may_download: bool = False


class DatasetCard(Wire):
    dataset: Slug
    title: str
    summary: str
    releases: tuple[ReleaseCard, ...] = ()


class DatasetPage(Wire):
    """`GET /api/v1/datasets`: datasets by name; `next` is what to give as `after` for those that follow."""

    datasets: tuple[DatasetCard, ...]
    next: str | None = None


class DatasetQuery(Wire):
    limit: int = Field(default=100, ge=1, le=1000, description="datasets in one answer")
    after: str = Field(default="", max_length=64, description="name of the last dataset that you have")


class DuoUse(Wire):
    """A term of the Data Use Ontology."""

    id: str
    label: str


class AccessAnswers(Wire):
    """`GET /api/v1/datasets/{id}/access`: who may use a dataset, for what and where, and how long access takes.

    `says` holds the same in English, one line each. `median_days` is null where fewer than five requests were decided
    in the last two years.
    """

    dataset: Slug
    release: str | None
    level: Literal["open", "controlled", "restricted"]
    commercial: bool
    where: Literal["anywhere", "region", "institution"]
    uses: tuple[DuoUse, ...]
    median_days: float | None
    decided: int
    twin: str | None = Field(description="address of the open synthetic twin")
    ask: str | None = Field(description="address of the page on which access is asked for")
    says: dict[str, str]


class AccessTerms(Wire):
    """`GET …/terms`: the words that must be accepted, by their SHA-256, and what a release may be asked for."""

    release: str
    sha256: Sha256
    text: str
    purposes: tuple[DuoUse, ...]
    commercial: bool


class AccessAsk(Wire):
    """`POST …/requests`: `accepted` is the SHA-256 of the terms that you have read."""

    purpose: str = Field(max_length=20, description="a DUO id, such as DUO:0000006, or its abbreviation")
    words: str = Field(max_length=4000, description="what you want to find out or build")
    accepted: Sha256
    commercial: bool = False


class AccessRequest(Wire):
    number: int
    release: str
    purpose: str
    words: str
    terms: Sha256
    asked_at: str
    state: Literal["waiting", "declined"]
    why: str = Field(default="", description="why it was declined")


class AccessGrant(Wire):
    number: int
    release: str
    purpose: str
    terms: Sha256
    given_at: str
    until: str
    state: Literal["stands", "ended", "taken back", "institution changed"]
    why: str = Field(default="", description="why it was taken back")


class MyAccess(Wire):
    """`GET /api/v1/access`: what you asked for and what you have, the newest first."""

    requests: tuple[AccessRequest, ...]
    grants: tuple[AccessGrant, ...]


class TwinQuery(Wire):
    twin: Literal["0", "1"] = Field(default="0", description="1: the open synthetic twin of this release")


class SealAnswer(Wire):
    """`GET …/seal`: the signed seal, the salts of owners, and the signed tombstones."""

    seal: Signed
    salts: dict[str, str]
    tombstones: tuple[Signed, ...] = ()


class Question(Wire):
    """`POST /api/v1/releases/{dataset}@{version}/question`: one SELECT over the release's tables."""

    sql: str = Field(min_length=1, max_length=10_000)


class Rows(Wire):
    """What a question was answered; `more`: there were more rows than one answer has (10,000)."""

    columns: tuple[str, ...]
    types: tuple[str, ...] = Field(description="DuckDB's name of each column's type")
    rows: tuple[tuple[Any, ...], ...]
    more: bool = False


class AskedLine(Wire):
    """What a curator asks a hospital about a finding: of a series or image, of a row, or of a whole table (no `subject`).

    `why` are the curator's words; `message` and `advice` are the finding's.
    """

    number: int
    dataset: Slug
    asked_at: str
    rule: str
    severity: Literal["info", "warning", "error"]
    message: str
    advice: str = ""
    why: str
    subject: SubjectId | None = None
    study_uid: Uid | None = None
    series_uid: Uid | None = None
    sop_instance_uid: Uid | None = None
    table: Slug | None = None
    record: Sha256 | None = None


class AskedPage(Wire):
    """`GET /api/v1/asked`: what curators ask this spoke and nobody has answered; `next` is what to give as `after`."""

    asked: tuple[AskedLine, ...] = ()
    next: int | None = None


class AskedQuery(Wire):
    after: int = Field(default=0, ge=0, description="number of the last question that you have")
    dataset: str = Field(default="", max_length=64)


class AnswerSent(Wire):
    """`POST /api/v1/asked/{number}/answer`: words that name nobody, or that a corrected copy was or will be sent."""

    kind: Literal["words", "corrected"]
    words: str = Field(default="", max_length=1000)


class AnswerKept(Wire):
    """The answer as it stands; the same answer again is answered alike."""

    number: int
    kind: Literal["words", "corrected"]
    words: str = ""
    at: str


class CoveredVariable(Wire):
    """Persons by value of one variable of the target, and the target's shares (0 to 1); `unknown` persons have no value."""

    variable: str
    persons: dict[str, int]
    target: dict[str, float]
    unknown: int = 0


class CoverageTotal(Wire):
    """`GET /api/v1/datasets/{dataset}/coverage`: a dataset's persons of all hospitals against its target, for one spoke.

    All hospitals together are told as the public tables of a release would tell them: in whole fives, groups of fewer
    than five as nobody, no table under 30 persons or in age bands that part the public ones. Where more persons are the
    spoke's own (`mine`), these are told to it; `others` is what is told of all, less its own.
    """

    dataset: Slug
    protocol: str = Field(description="version of the protocol whose target it is")
    mine: int
    others: int
    variables: tuple[CoveredVariable, ...] = ()


class BlobKept(Wire):
    """`PUT /api/v1/blobs/{sha256}`: 201 where it is new, 200 where it was there."""

    sha256: Sha256


class TaskProgress(Wire):
    """How far a reading task is: readings count once for each reader of an item; `waiting` items wait for an adjudicator."""

    items: int
    readings: int
    submitted: int
    settled: int
    waiting: int


class TaskCard(Wire):
    """`GET /api/v1/tasks/{task}`: one question put to readers. `progress` is for who set it, `items` for who reads."""

    task: int
    dataset: Slug
    name: Slug
    title: str
    target: Slug
    kind: Literal["category", "number", "segmentation", "regions"]
    level: Level
    values: tuple[str, ...] = ()
    ordinal: bool = False
    instructions: str = ""
    readers_per_item: int
    adjudication: Literal["none", "third-reader", "consensus"]
    agree_at: float | None = Field(
        default=None, description="least Dice coefficient of outlines, or largest difference of numbers"
    )
    closed: bool = False
    items: int = Field(default=0, description="items that this caller has to read")
    done: int = Field(default=0, description="of these, how many are done")
    dicomweb: str = Field(description="root below which this caller's images and own objects are")
    progress: TaskProgress | None = None


class TaskList(Wire):
    """`GET /api/v1/tasks`: those in which the caller reads, and those on datasets where the caller sets tasks."""

    tasks: tuple[TaskCard, ...] = ()


class TaskSent(Wire):
    """`POST /api/v1/datasets/{dataset}/tasks`: a reading task of the protocol, set for these accounts."""

    annotation: Slug = Field(description="the id of the protocol's annotation task")
    readers: tuple[str, ...] = Field(min_length=1, max_length=200, description="names of accounts")
    adjudicators: tuple[str, ...] = Field(default=(), max_length=50)
    ordinal: bool = Field(default=False, description="the values stand in an order: κ is weighted")
    agree_at: float | None = None
    most: int | None = Field(
        default=None, ge=1, le=10_000_000, description="read so many items only, drawn evenly"
    )


class ItemQuery(Wire):
    """Which items to list: those after a number, so many at most."""

    after: int = Field(default=0, ge=0, le=2_000_000_000)
    limit: int = Field(default=100, ge=1, le=1000)


class ReadingItem(Wire):
    """One item of a task as its reader sees it, with what they keep so far. Nothing of another reader is here."""

    task: int
    item: int
    role: Literal["reader", "adjudicator"]
    subject: SubjectId
    study_uids: tuple[Uid, ...]
    sop_instance_uids: tuple[Uid, ...] = Field(description="the images to read, at most 1,000")
    value: str | float | None = None
    object_uid: Uid | None = Field(default=None, description="SOP instance UID of what was drawn")
    revision: int = 0
    submitted: bool = False


class ReadingItemPage(Wire):
    """`GET /api/v1/tasks/{task}/items`; `next` is what to give as `after` for the following page."""

    items: tuple[ReadingItem, ...] = ()
    next: int | None = None


class ReadingSent(Wire):
    """`POST …/items/{item}/reading`: keep a value, submit what is kept, or both at once."""

    value: str | float | None = None
    submit: bool = False


class SaidLine(Wire):
    """What one reader said, by a letter: an adjudicator is not told who it was."""

    reader: str
    value: str | float | None = None
    object_uid: Uid | None = None


class SettlementLine(Wire):
    """What stands for an item, and how that came about."""

    value: str | float | None = None
    object_uid: Uid | None = None
    how: Literal["agreement", "adjudicator"]
    agreement: float | None = Field(default=None, ge=0, le=1)
    why: str = ""


class ItemSaid(Wire):
    """`GET …/items/{item}/readings`: for its adjudicator once all readers submitted, for who set the task once settled."""

    task: int
    item: int
    readings: tuple[SaidLine, ...]
    settlement: SettlementLine | None = None


class SettlementSent(Wire):
    """`POST …/items/{item}/settlement`: a value, the letter of a reading that stands, or neither: the own stored object."""

    value: str | float | None = None
    reading: Annotated[str, Field(pattern=r"^[A-Z]$")] | None = None
    why: Annotated[str, Field(min_length=1, max_length=500)]


class CoefficientLine(Wire):
    """A coefficient of agreement with its 95 % confidence interval; empty where it is not defined."""

    name: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    items: int


class PairLine(Wire):
    """Two readers, by the codes under which they stand in releases."""

    first: str
    second: str
    coefficients: tuple[CoefficientLine, ...]


class AgreementAnswer(Wire):
    """`GET /api/v1/tasks/{task}/agreement`: of settled items only."""

    task: int
    settled: int
    pairs: tuple[PairLine, ...]


class Problem(Wire):
    """An error as RFC 9457 problem details; `detail` says what happened, `advice` what to do."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    advice: str = ""
    extra: dict[str, Any] = Field(default_factory=dict)
