"""The nouns of a rubric: what a grade is judged by, as one frozen value. Read by `midas.grading.rubric.load`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from midas.kernel import Evidence, Ink

Form = Literal["lite", "technical"]
FORMS: tuple[Form, ...] = ("lite", "technical")
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
Kind = Annotated[str, Field(pattern=r"^[a-z]+\.[a-z_]+$")]
Says = Annotated[str, Field(min_length=1)]
Source = Literal["published", "default"]
"""Whether the framework prints a number, or MIDAS chose it ("MIDAS default, not published")."""


class Access(StrEnum):
    """Who may have a release; later members are stricter."""

    OPEN = "open"
    CONTROLLED = "controlled"
    RESTRICTED = "restricted"

    @property
    def strictness(self) -> int:
        return list(Access).index(self)


def stricter(*classes: Access) -> Access:
    """Return the strictest of access classes."""
    return max(classes, key=lambda one: one.strictness)


class Node(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)


class Parameter(Node):
    """A number that statements refer to as `$name`."""

    value: float = Field(ge=0)
    source: Source
    says: str


class FactKind(Node):
    """One kind of evidence: what it says, in which unit, who may speak of it, and which document stands for it."""

    by: Literal["computed", "attested", "either"]
    says: str
    unit: str = ""
    document: str = ""

    def hears(self, ink: Ink) -> bool:
        """Say whether this kind of evidence may come in such ink."""
        return self.by in {"either", ink.value}


Operator = Literal["=", ">=", ">", "<=", "<", "bounded", "known"]
WORDS = {"=": "is", ">=": "at least", ">": "more than", "<=": "at most", "<": "less than"}


class Comparison(Node):
    """One fact beside one value: `[kind, operator, value]` in the file; `bounded` (an interval) and `known` take none."""

    kind: Kind
    operator: Operator
    value: bool | float | str | None = None

    @model_validator(mode="after")
    def _sound(self) -> Comparison:
        if (self.operator in {"bounded", "known"}) is not (self.value is None):
            raise ValueError("`bounded` and `known` take no value; every other operator takes one")
        if self.operator != "=" and isinstance(self.value, bool):
            raise ValueError("true and false are only compared with =")
        return self

    def holds(self, fact: Evidence) -> bool:
        """Say whether a fact passes; one of another type never does."""
        said, wanted = fact.value, self.value
        if self.operator == "known":
            return said is not False
        if self.operator == "bounded":
            return fact.low is not None and fact.high is not None
        if isinstance(said, bool) or isinstance(wanted, bool):
            return isinstance(said, bool) and said is wanted
        if self.operator == "=" or isinstance(said, str) or isinstance(wanted, str) or wanted is None:
            return self.operator == "=" and said == wanted
        match self.operator:
            case ">=":
                return said >= wanted
            case ">":
                return said > wanted
            case "<=":
                return said <= wanted
            case "<":
                return said < wanted
        return False

    @property
    def wanted(self) -> str:
        """What the fact would have to be, in words."""
        if self.operator == "bounded":
            return "with its 95 % interval"
        if self.operator == "known":
            return "recorded"
        value = {True: "true", False: "false"}[self.value] if isinstance(self.value, bool) else self.value
        return (
            f"{WORDS[self.operator]} {value:g}"
            if isinstance(value, float)
            else f"{WORDS[self.operator]} {value}"
        )


def _listed(value: object) -> object:
    """Read `[kind, operator, value]`."""
    if not isinstance(value, list | tuple):
        return value
    return dict(zip(("kind", "operator", "value"), value, strict=False)) if 2 <= len(value) <= 3 else value


Written = Annotated[Comparison, BeforeValidator(_listed)]


class Statement(Node):
    """One sentence of a ladder and how it is known to be true. `id` is `<domain><L|T><level><letter>`."""

    id: str = ""
    says: str
    all: tuple[Written, ...] = ()
    any: tuple[Written, ...] = ()
    each: tuple[Written, ...] = ()

    @model_validator(mode="after")
    def _one_test(self) -> Statement:
        if sum(bool(one) for one in (self.all, self.any, self.each)) != 1:
            raise ValueError("a statement has exactly one of all, any, each")
        return self

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        return self.all or self.any or self.each

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of evidence that it looks at, each once."""
        return tuple(dict.fromkeys(one.kind for one in self.comparisons))


Level = Annotated[tuple[Statement, ...], Field(min_length=1)]
Ladder = tuple[Level, Level, Level, Level]
"""What has to be true for levels 1, 2, 3 and 4; level 0 asks nothing."""


def _in_both(told: dict[Form, str]) -> dict[Form, str]:
    if set(told) != set(FORMS):
        raise ValueError("the words of the Lite and the Technical form both stand here")
    return told


InBoth = Annotated[dict[Form, Says], AfterValidator(_in_both)]


class Domain(Node):
    """One of the domains, with the ladder and the name of each form; `zero` says what level 0 looks like."""

    number: int = Field(ge=1)
    group: Slug
    names: InBoth
    zero: InBoth
    lite: Ladder
    technical: Ladder
    applies_if: Kind | None = Field(
        default=None, description="left out of the sum where this fact is known to be false"
    )

    def ladder(self, form: Form) -> Ladder:
        return self.lite if form == "lite" else self.technical


class Band(Node):
    """A band of the CQI: from this value upwards."""

    id: Slug
    lowest: float = Field(alias="from", ge=0, le=100)
    then: str


class RiskBand(Node):
    """A band of the PRS: up to and including this value."""

    id: Slug
    highest: int = Field(alias="to", ge=0, le=100)
    then: str


class Baseline(Node):
    """A technical baseline: `percent` is 100·x, `epsilon` min(100, factor·x)."""

    kind: Kind
    formula: Literal["percent", "epsilon"]
    source: Source


class Privacy(Node):
    """The tables of the privacy-risk score."""

    bands: tuple[RiskBand, ...] = Field(min_length=1)
    identification: dict[str, Annotated[float, Field(ge=0, le=100)]] = Field(min_length=1)
    sensitivity: dict[str, Annotated[float, Field(gt=0)]] = Field(min_length=1)
    technical: tuple[Baseline, ...] = Field(min_length=1)
    epsilon_factor: float = Field(gt=0)
    baseline: Literal["highest"]
    adjustment: Literal["sensitivity"]
    rounding: Literal["half-up"]


class Override(Node):
    """Where it applies, the access class is at least `access`, unless the PRS is in a band and a fact holds."""

    kinds: tuple[Kind, ...]
    sensitivity: tuple[str, ...]
    access: Access
    unless_prs: Slug
    unless_kind: Kind


class HardStop(Node):
    """What is not releasable whatever the CQI: a domain at a level, or a band."""

    id: Slug
    says: str
    source: Source
    domain: int | None = None
    level: int | None = None
    band: Slug | None = None

    @model_validator(mode="after")
    def _one_condition(self) -> HardStop:
        if (self.band is None) is (self.domain is None) or (self.domain is None) is not (self.level is None):
            raise ValueError("a hard stop has a domain with its level, or a band")
        return self


class Rubric(Node):
    """A version of the framework. `sha256` is of the file's bytes; `status` says how far it is agreed."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    title: str
    status: Literal["draft for expert validation"]
    source: str
    sha256: str = ""
    groups: dict[Slug, dict[str, Says]] = Field(min_length=1)
    parameters: dict[str, Parameter]
    kinds: dict[Kind, FactKind]
    domains: tuple[Domain, ...] = Field(min_length=1)
    bands: tuple[Band, ...] = Field(min_length=1)
    prs: Privacy
    matrix: dict[Slug, dict[Slug, tuple[Access, ...]]]
    override: Override
    hard_stops: tuple[HardStop, ...]

    def domain(self, number: int) -> Domain:
        return next(one for one in self.domains if one.number == number)

    @property
    def lasting(self) -> frozenset[str]:
        """The kinds that say what the data are. A last day of theirs would loosen a grade, so they have none."""
        applies = (one.applies_if for one in self.domains if one.applies_if)
        return frozenset((*applies, *self.override.kinds))
