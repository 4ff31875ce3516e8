"""The nouns of a dataset protocol: one frozen value that everything about the dataset follows from.

Shaped as the clinic is: subject → visit → lesion → specimen → item. Read from YAML by `midas.protocol.load`.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from midas.wire.v1 import Code, LocalId, Slug

Modality = Annotated[str, Field(pattern=r"^[A-Z0-9_]{2,16}$")]
CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
)
"""Characters that no text needs: controls, and those that turn the direction of what stands beside them (Unicode UAX #9)."""


def _readable(text: str) -> str:
    if CONTROLS.search(text) or not text.strip():
        raise ValueError("words that people read, without control characters")
    return text


def _one_line(text: str) -> str:
    if "\n" in text or "\t" in text:
        raise ValueError("a name or title stands on one line")
    return text


Text = Annotated[str, Field(min_length=1, max_length=5000), AfterValidator(_readable)]
Line = Annotated[
    str, Field(min_length=1, max_length=300), AfterValidator(_readable), AfterValidator(_one_line)
]
Language = Literal["en", "hi", "mr", "ta", "kn"]
Words = dict[Language, Line]
"""The same title in several languages; `en` is always there."""

IsoDate = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class Node(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Institution(Node):
    id: Slug
    name: Line
    city: str = ""
    state: str = Field(default="", description="state or union territory of India, in English")
    ror: str | None = Field(default=None, pattern=r"^https://ror\.org/0[a-z0-9]{8}$")


class Ethics(Node):
    """One ethics committee decision, and the lawful basis that it gives."""

    id: Slug
    kind: Literal["consent", "waiver"]
    committee: Text
    reference: Text
    valid_from: IsoDate
    valid_until: IsoDate | None = None
    collected_until: IsoDate | None = Field(
        default=None, description="a waiver covers data collected up to this day; later data needs consent"
    )
    scope: tuple[str, ...] = Field(
        min_length=1, description="DUO terms, such as DUO:0000042 (general research use)"
    )
    cites: str = ""


class Visit(Node):
    """A moment of care. Rows of a visit table name it; an item joins the nearest visit within `window_days`."""

    id: LocalId
    title: Words
    window_days: int = Field(ge=0, description="an item belongs here when taken at most this many days away")
    required: bool = False


class LesionSite(Node):
    """A place that a lesion may have, by the word used in the tables."""

    value: Text
    aliases: tuple[str, ...] = ()
    code: Code


class Lesions(Node):
    sites: tuple[LesionSite, ...] = Field(min_length=1)
    laterality: bool = False


class SpecimenKind(Node):
    value: Text
    aliases: tuple[str, ...] = ()
    code: Code


class Range(Node):
    """An allowed range of a DICOM attribute, in the unit that the attribute has in PS3.3."""

    keyword: Text
    min: float | None = None
    max: float | None = None
    unit: str = ""
    one_of: tuple[str, ...] = ()
    severity: Literal["info", "warning", "error"] = "warning"
    cites: str = ""

    @model_validator(mode="after")
    def _bounded(self) -> Range:
        if self.min is None and self.max is None and not self.one_of:
            raise ValueError("give min, max or one_of: a range without a bound checks nothing")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is larger than max")
        return self


class Limit(Node):
    """What the protocol asks of one check of quality, instead of its default; docs/checks.md lists them."""

    check: Annotated[str, Field(pattern=r"^[a-z]+(\.[a-z0-9-]+)+$")]
    min: float | None = None
    max: float | None = None
    severity: Literal["info", "warning", "error"] | None = Field(
        default=None, description="error stops the item; empty: as the check says"
    )
    cites: str = ""

    @model_validator(mode="after")
    def _says_something(self) -> Limit:
        if self.min is None and self.max is None and self.severity is None:
            raise ValueError("give min, max or severity: a limit without them changes nothing")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is larger than max")
        return self


class Item(Node):
    """One kind of image (or signal) that a visit, lesion or specimen needs."""

    id: Slug
    title: Words
    kind: Literal["dicom", "photo", "slide", "waveform", "video"]
    modalities: tuple[Modality, ...] = Field(min_length=1, description="DICOM Modality after conversion")
    sop_classes: tuple[str, ...] = Field(
        default=(), description="SOP class UIDs allowed; empty: any that de-identification masters"
    )
    level: Literal["visit", "lesion", "specimen"]
    visits: tuple[LocalId, ...] = ()
    views: tuple[str, ...] = ()
    required: bool = False
    min_instances: int = Field(default=1, ge=1, description="per series")
    anatomy: Code | None = Field(default=None, description="AnatomicRegionSequence for photos and slides")
    acquisition: tuple[Range, ...] = ()
    quality: tuple[Limit, ...] = Field(
        default=(), description="thresholds and severities of single checks; the others keep their defaults"
    )
    review: Literal["always", "risk", "never"] = Field(
        default="risk",
        description="when a person at the spoke must look before sending; risk: as PS3.15 Clean Pixel Data asks",
    )
    second_reviewer: bool = Field(
        default=False,
        description="a held image of this kind goes on when two different people decided the same",
    )


class Column(Node):
    """One column of a clinical table: what it is for, and whether and how it leaves the hospital.

    Only `variable` columns leave, and `free-text` cleaned of the person: known words of the field stay, names, numbers,
    days and unknown words go. A role that names or places a person is used inside the hospital alone.
    """

    name: Slug
    title: Words | None = None
    aliases: tuple[str, ...] = Field(
        default=(), description="headings under which hospitals write this column"
    )
    role: Literal[
        "variable", "free-text", "person", "person-alias", "abha", "identifier", "name", "guardian", "visit", "visit-date",
        "lesion", "lesion-site", "laterality", "specimen", "specimen-kind", "file", "view", "sex", "birth-date", "age",
        "basis", "basis-reference", "basis-date", "scope", "withdrawn-on", "drop",
    ] = "variable"  # fmt: skip
    type: Literal["integer", "number", "boolean", "category", "date", "text"] = "text"
    unit: str = Field(default="", description="UCUM")
    code: Code | None = None
    values: tuple[str, ...] = ()
    aliases_of_values: dict[str, str] = Field(default_factory=dict)
    min: float | None = None
    max: float | None = None
    required: bool = False
    vocabulary: Literal["SCT", "LN", "ICD10", "ICDO3"] | None = Field(
        default=None, description="the cells are codes of this system; each value is one"
    )
    quasi_identifier: bool = Field(
        default=False, description="others may know it of a person, so it can single somebody out"
    )
    broader: dict[str, str] = Field(
        default_factory=dict, description="value → wider word → still wider word: how it may be made coarser"
    )
    sensitive: bool = Field(
        default=False, description="nobody should learn it by telling persons apart; targets always are"
    )

    @property
    def leaves(self) -> bool:
        """Whether something of this column is in what is sent and released."""
        return self.role in {"variable", "free-text"}

    @model_validator(mode="after")
    def _can_leave(self) -> Column:
        if self.role == "free-text" and self.type != "text":
            raise ValueError("free text has type: text; anything else is role: variable")
        if self.role == "variable":
            if self.type in {"text", "date"}:
                raise ValueError(
                    "free text and dates do not leave the hospital as they are: use another type, role: free-text or"
                    " role: drop"
                )
            if self.type == "category" and not self.values:
                raise ValueError("a category needs its values")
        return self


Scalar = StrictBool | StrictInt | StrictFloat | StrictStr


class Condition(Node):
    """What one cell of a row is: known or not, one of some values, in a range, or against another column of the row."""

    column: Slug
    known: bool | None = Field(default=None, description="whether the cell is filled")
    one_of: tuple[Scalar, ...] = ()
    none_of: tuple[Scalar, ...] = ()
    min: float | None = None
    max: float | None = None
    at_least: Slug | None = Field(default=None, description="another number column: not less than it")
    at_most: Slug | None = Field(default=None, description="another number column: not more than it")

    @model_validator(mode="after")
    def _says_something(self) -> Condition:
        if self.model_fields_set <= {"column"}:
            raise ValueError("say what the cell is: known, one_of, none_of, min, max, at_least or at_most")
        return self


class Logic(Node):
    """A rule between columns of one row: where all of `when` holds, all of `then` must hold.

    A cell that is empty fulfils only `known: false` and breaks only `known: true`.
    """

    id: Slug
    title: Words
    when: tuple[Condition, ...] = ()
    then: tuple[Condition, ...] = Field(min_length=1)
    severity: Literal["info", "warning", "error"] = "error"
    cites: str = ""


class Table(Node):
    """A clinical table, recognised by its headings. `grain` says what one row is about."""

    id: Slug
    title: Words
    grain: Literal["person", "basis", "visit", "lesion", "specimen", "item"]
    columns: tuple[Column, ...] = Field(min_length=1)
    rules: tuple[Logic, ...] = Field(default=(), description="what must hold between columns of one row")
    quality: tuple[Limit, ...] = Field(
        default=(), description="limits of the checks of tables, instead of their defaults"
    )
    required: bool = False

    def roles(self) -> dict[str, Column]:
        """Return the first column of each role other than `variable`."""
        found: dict[str, Column] = {}
        for column in self.columns:
            found.setdefault(column.role, column)
        return found


class Source(Node):
    """Where a target's value comes from: a table's column, or labels that come with the images."""

    table: Slug | None = None
    column: Slug | None = None
    labels: Literal["imported", "reading"] | None = None

    @model_validator(mode="after")
    def _one(self) -> Source:
        if bool(self.labels) == bool(self.table and self.column):
            raise ValueError("give either table and column, or labels")
        return self


class Target(Node):
    """What a model may be asked to predict."""

    id: Slug
    title: Words
    level: Literal["subject", "visit", "lesion", "specimen", "series", "instance"]
    type: Literal["category", "number", "segmentation", "regions"]
    values: tuple[str, ...] = ()
    codes: dict[str, Code] = Field(default_factory=dict)
    unit: str = ""
    source: Source
    items: tuple[Slug, ...] = Field(
        min_length=1, description="the item definitions that it is predicted from"
    )


DeidOption = Literal[
    "retain-safe-private", "retain-uids", "retain-device-identity", "retain-institution-identity",
    "retain-patient-characteristics", "retain-longitudinal-full-dates", "retain-longitudinal-modified-dates",
    "clean-descriptors", "clean-structured-content", "clean-graphics", "clean-pixel-data",
    "clean-recognizable-visual-features",
]  # fmt: skip
"""The options of PS3.15 Table E.1-1, in the order of its columns."""


NUMBER_FORM = r"N-[BCDFGHJKLMNPQRSTVWXZ]{14}"
"""What stands for a number under the action `pseudonym`; it names nobody."""


class DeidException(Node):
    """One attribute treated otherwise than the profile says, with the reason that the hub answers for."""

    keyword: Text
    action: Literal["keep", "remove", "empty", "pseudonym"] = Field(
        description="pseudonym: a keyed name of its own for each value of a person, so that objects can be joined by it"
    )
    reason: Annotated[str, Field(min_length=10)]


class DeidThresholds(Node):
    """What may pass without a person's eye."""

    masked_share: float = Field(
        default=0.6, ge=0, le=1, description="share of a frame that may be blackened before a person decides"
    )
    face_overlap: float = Field(
        default=0.8,
        ge=0,
        le=1,
        description="least overlap (Dice) of the head template before a face mask counts",
    )
    unattended: bool = Field(
        default=True, description="whether masked pictures and defaced volumes may pass unseen by a person"
    )


class DeidAudit(Node):
    """The floor under the spoke's own measurement with planted identifiers; below it no release is cut."""

    floor: float = Field(
        ge=0.5,
        le=1,
        description="least share of required actions that are right, over all files of the audit",
    )
    files: int = Field(default=20, ge=1, description="least number of files that the audit must have planted")
    leaks: int = Field(default=0, ge=0, description="planted identifiers that may be left in the bytes")


class Deid(Node):
    """De-identification: options of PS3.15, exceptions with reasons, what a person decides, what becomes of the link."""

    options: tuple[DeidOption, ...] = ()
    exceptions: tuple[DeidException, ...] = ()
    thresholds: DeidThresholds = Field(default_factory=DeidThresholds)
    link: Literal["kept", "destroyed"] = Field(
        default="kept",
        description="kept: coded data, custodians can lead back; destroyed: nobody can, once the project is closed",
    )
    face_keep: tuple[Literal["teeth", "jaw", "orbit", "lesion"], ...] = Field(
        default=(), description="parts of the face that the dataset needs; a recorded risk"
    )
    audit: DeidAudit | None = Field(
        default=None, description="floor of the spoke's audit; without it a release is not measured"
    )
    second_reviewer: bool = Field(
        default=False, description="any held image goes on only when two different people decided the same"
    )

    @model_validator(mode="after")
    def _dates_one_way(self) -> Deid:
        both = {"retain-longitudinal-full-dates", "retain-longitudinal-modified-dates"}
        if both <= set(self.options):
            raise ValueError("choose one of the two date options (PS3.15 E.3.6)")
        return self


class Annotation(Node):
    id: Slug
    target: Slug
    readers_per_item: int = Field(ge=1)
    blinded: bool = True
    adjudication: Literal["none", "third-reader", "consensus"]
    instructions: str = ""


class Share(Node):
    value: Text
    share: float = Field(ge=0, le=1)


class Representation(Node):
    """What a release must show of whom it stands for: fewest hospitals, and the farthest from any target.

    `distance` is the part of the persons who would have to be others (total variation, 0 to 1), beyond chance. MIDAS 2.0
    publishes no such limit: these are the protocol's own, and without them none is asked for.
    """

    hospitals: int = Field(default=1, ge=1)
    distance: float | None = Field(default=None, gt=0, lt=1)

    @model_validator(mode="after")
    def _asks(self) -> Representation:
        if self.hospitals == 1 and self.distance is None:
            raise ValueError("ask for at least two hospitals, or for a distance")
        return self


class Population(Node):
    """Whom the dataset stands for: target shares by a variable, with the source of the figures."""

    description: Text
    variable: dict[str, tuple[Share, ...]] = Field(default_factory=dict)
    source: str = ""
    release: Representation | None = Field(
        default=None, description="what a release must reach; nothing for an honest sample of one hospital"
    )

    @model_validator(mode="after")
    def _measurable(self) -> Population:
        if self.release and self.release.distance is not None and not self.variable:
            raise ValueError("release.distance needs a target: give shares under variable")
        return self


class Split(Node):
    """Parts of a release; a person is always in one part only, together with those declared the same."""

    parts: dict[Slug, Annotated[float, Field(ge=0, le=1)]] = Field(min_length=2)
    stratify: tuple[str, ...] = ()
    by_site: bool = Field(
        default=False,
        description="all persons of one hospital stay in one part; needs more hospitals than parts",
    )

    @model_validator(mode="after")
    def _whole(self) -> Split:
        if abs(sum(self.parts.values()) - 1) > 1e-9:
            raise ValueError("the parts must add up to 1")
        return self


class Upkeep(Node):
    """What is promised once the dataset is out: how often a release comes, and how soon questions are answered."""

    every_months: int | None = Field(
        default=None,
        ge=1,
        le=60,
        description="a release at least once in so many months, from the first one on",
    )
    answer_days: int | None = Field(
        default=None, ge=1, le=365,
        description="days within which each request for access, and each question to a hospital, is answered",
    )  # fmt: skip

    @model_validator(mode="after")
    def _promises(self) -> Upkeep:
        if self.every_months is None and self.answer_days is None:
            raise ValueError("give every_months or answer_days: without them nothing is promised")
        return self


class Access(Node):
    level: Literal["open", "controlled", "restricted"]
    license: Line
    license_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s<>\"'`\\]+)?$",
        description="where the licence is read: a page of the web",
    )
    uses: tuple[str, ...] = Field(min_length=1, description="DUO terms under which it may be used")
    commercial: bool
    citation: Text


class Protocol(Node):
    """The whole protocol. `digest` is the SHA-256 of the canonical form of the file's content: its version."""

    schema_: Literal["midas-protocol/1"] = Field(alias="schema")
    id: Slug
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    title: Words
    summary: dict[Language, Text]
    disease: tuple[Code, ...] = Field(min_length=1)
    hub: Institution
    spokes: tuple[Institution, ...] = ()
    contact: Line | Literal[""] = ""
    ethics: tuple[Ethics, ...] = Field(min_length=1)
    visits: tuple[Visit, ...] = Field(min_length=1)
    lesions: Lesions
    specimens: tuple[SpecimenKind, ...] = ()
    items: tuple[Item, ...] = Field(min_length=1)
    tables: tuple[Table, ...] = Field(min_length=1)
    targets: tuple[Target, ...] = Field(min_length=1)
    deid: Deid
    annotation: tuple[Annotation, ...] = ()
    population: Population
    split: Split
    access: Access
    upkeep: Upkeep | None = Field(
        default=None, description="how often it is released, and how soon questions are answered"
    )

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
