"""The sheet on which planting writes down, for one file, what a right de-identification does to it.

In come planted values, out come the file's checks and secrets. Nothing here touches a dataset's values.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from midas.deid.audit.answers import Check, Line, Secret, Where
from midas.deid.audit.people import Person, Study

_FIELD = re.compile(r"<([a-z_.]+)>")
_WORD = re.compile(r"\w+")
_STAY_OUT = frozenset(
    "dr for of on at and by to in the is no a was from son father call mobile old years with seen "
    "under uhid aadhaar abha pan epic passport licence ration card vehicle policy village resident "
    "told signed marked contact inform informed admitted paid drawn id name brought verified patient "
    "interpreter".split()
)
"""Words that carry nothing without the identifier beside them: they may go with it."""
GENERIC = frozenset(
    "ward bed road nagar sector block dept department hospital centre center college institute "
    "clinic imaging medical unit wing house bypass east west rural diagnostic cancer dental the and "
    "research multispeciality oral medicine neurosurgery onco opd years headmistress clerk bank".split()
)
"""Words of identifiers that name nobody by themselves: alone they may stay."""


@dataclass
class Sheet:
    """Everything to check about file `number` of `person`, at `study`."""

    number: int
    person: Person
    study: Study
    checks: list[Check] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    def filled(self, template: str) -> tuple[str, list[tuple[str, str]], list[str]]:
        """Return the text, the (kind, value) pairs that were put in, and the useful words around them."""
        put: list[tuple[str, str]] = []

        def one(match: re.Match[str]) -> str:
            put.append((match[1], self.person.say(match[1], self.study)))
            return put[-1][1]

        text = _FIELD.sub(one, template)
        useful = [
            word for word in words(_FIELD.sub(" ", template)) if word not in _STAY_OUT and len(word) > 1
        ]
        return text, put, useful

    def removed(self, tag: int, where: Where, kind: str, value: str, *, area: str) -> None:
        """`value` may not stand at this place, nor anywhere else."""
        self.checks.append(Check(self.number, "text_removed", "hipaa", tag, value, where, area))
        self.hidden(kind, value, f"{area}:{tag:08x}")

    def hidden(self, kind: str, value: str, spot: str) -> None:
        """`value` may stand nowhere; PN groups are searched one by one, days as days of this person alone."""
        for part in value.split("=") if kind.endswith(("pn", "dicom")) else [value]:
            if len(part.strip("^ ")) >= 4 and not (part.isdigit() and len(part) == 8):
                self.secrets.append(Secret(self.number, part, kind, spot))

    def must(
        self,
        action: str,
        category: str,
        tag: int,
        value: str = "",
        where: Where = (),
        *,
        area: str = "attributes",
    ) -> None:
        self.checks.append(Check(self.number, action, category, tag, value, where, area))


def words(text: str) -> list[str]:
    """Return the words of a text as scoring compares them: folded, digits and letters of any script."""
    return _WORD.findall(re.sub(r"[^\w\s]", " ", _folded(text)))


def _folded(text: str) -> str:
    return "".join(
        c
        for c in unicodedata.normalize("NFKC", text).casefold()
        if unicodedata.category(c) not in {"Cf", "Mn", "Mc"}
    )
