"""What a release must pass before anything of it is written: a table of gates, each a pure look at one value.

In comes a `Case`: all that is known on the day of cutting; out come findings that say what is wrong, of whom (by pseudonym)
and what to do. A gate that nobody asked for says so; none is ever skipped in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from midas.kernel import Conflict, Finding, Severity
from midas.release import faults
from midas.release.cases import Case, Result, State

SCHEMA = "midas-release-gates/1"

Look = Callable[[Case], Iterator[Finding]]


@dataclass(frozen=True)
class Gate:
    """One condition. `needs` says it in a sentence, `look` finds what is wrong, `asked` whether anyone asks it.

    `title` and `needs` are in English (`en`) and Hindi (`hi`).
    """

    id: str
    title: Mapping[str, str]
    needs: Mapping[str, str]
    cites: str
    look: Look
    asked: Callable[[Case], bool] = lambda _: True


def results(case: Case) -> tuple[Result, ...]:
    """Return how each gate of the table stands."""
    return tuple(_result(gate, case) for gate in GATES)


def refuse_failed(found: Iterable[Result]) -> None:
    """Raise `Conflict` with what every failed gate found and what to do."""
    wrong = [one for result in found for one in result.findings if one.severity is Severity.ERROR]
    if wrong:
        raise Conflict(
            " ".join(one.message for one in wrong),
            advice=" ".join(dict.fromkeys(one.advice for one in wrong)),
        )


def paper(found: Iterable[Result], case: Case) -> dict[str, Any]:
    """Return what the release says of its gates. No day stands here: the seal has it, and the key must not hang on it."""
    by_id = {one.id: one for one in GATES}
    return {
        "schema": SCHEMA,
        "gates": [
            {**result.to_dict(), "title": by_id[result.gate].title["en"], "needs": by_id[result.gate].needs["en"],
             "cites": by_id[result.gate].cites}
            for result in found
        ],
        "hashed_again": case.held.read, "images": case.held.of, "approvals": case.approvals,
    }  # fmt: skip


def _result(gate: Gate, case: Case) -> Result:
    if not gate.asked(case):
        return Result(gate.id, State.NOT_ASKED)
    found = tuple(gate.look(case))
    wrong = any(one.severity is Severity.ERROR for one in found)
    return Result(gate.id, State.FAILED if wrong else State.PASSED, found)


GATES: tuple[Gate, ...] = (
    Gate(
        "integrity", {"en": "Every file is whole", "hi": "हर फ़ाइल पूरी है"},
        {"en": "All images are in the store and hold the bytes that the manifest names.",
         "hi": "सारी छवियाँ भंडार में हैं और उनमें वही बाइट हैं जो सूची में लिखी हैं।"}, "FIPS 180-4 (SHA-256)", faults.integrity,
    ),
    Gate(
        "split", {"en": "The split does not leak", "hi": "विभाजन से कुछ नहीं रिसता"},
        {"en": "Nobody, no copy and no near-copy of a picture leads from one part into another.",
         "hi": "कोई व्यक्ति, चित्र की कोई प्रति या लगभग वैसी प्रति एक भाग से दूसरे भाग में नहीं जाती।"},
        "MIDAS 2.0, domain 6 (AI readiness): duplicate-leakage checks", faults.splits,
    ),
    Gate(
        "deid", {"en": "Nobody can be named", "hi": "किसी की पहचान नहीं हो सकती"},
        {"en": "Each hospital's audit reaches the protocol's floor, and no text of the release looks like an identifier.",
         "hi": "हर अस्पताल की जाँच प्रोटोकॉल की न्यूनतम सीमा तक पहुँचती है, और रिलीज़ का कोई पाठ पहचान जैसा नहीं दिखता।"},
        "DICOM PS3.15 Annex E; DPDP Act 2023, section 8(5)", faults.deid,
    ),
    Gate(
        "basis", {"en": "Everyone allowed this use", "hi": "सबने इस उपयोग की अनुमति दी है"},
        {"en": "The terms of use lie within what every person and committee allowed.",
         "hi": "उपयोग की शर्तें उतनी ही हैं जितनी अनुमति हर व्यक्ति और समिति ने दी।"},
        "GA4GH Data Use Ontology; DPDP Act 2023, section 6(1)", faults.basis,
    ),
    Gate(
        "ethics", {"en": "Ethics approvals stand today", "hi": "नैतिक अनुमोदन आज मान्य हैं"},
        {"en": "On the day of cutting each person is covered by an ethics decision in force.",
         "hi": "रिलीज़ मुहरबंद करने के दिन हर व्यक्ति किसी लागू नैतिक निर्णय के अंतर्गत है।"},
        "ICMR National Ethical Guidelines 2017, section 4", faults.ethics,
    ),
    Gate(
        "quality", {"en": "Every error was decided on", "hi": "हर त्रुटि पर निर्णय हुआ है"},
        {"en": "No finding of severity error waits for a curator's decision.",
         "hi": "गंभीर त्रुटि वाला कोई निष्कर्ष क्यूरेटर के निर्णय की प्रतीक्षा में नहीं है।"},
        "the protocol's quality limits", faults.quality,
    ),
    Gate(
        "representation", {"en": "It shows whom it stands for", "hi": "जिनका प्रतिनिधित्व बताया है, वे ही इसमें हैं"},
        {"en": "Persons come from as many hospitals, and are as near to the target population, as the protocol asks.",
         "hi": "लोग उतने अस्पतालों से हैं और लक्ष्य-आबादी के उतने निकट हैं, जितना प्रोटोकॉल माँगता है।"},
        "the protocol, population.release; MIDAS 2.0 publishes no limit (domain 4 tells one site from several)",
        faults.representation, lambda case: case.content.about.protocol.population.release is not None,
    ),
    Gate(
        "grade", {"en": "Graded, with no hard stop", "hi": "श्रेणी मिली है, कोई पूर्ण रोक नहीं"},
        {"en": "The draft has a grade above remediation and no hard stop.",
         "hi": "मसौदे की श्रेणी सुधार-स्तर से ऊपर है और कोई पूर्ण रोक नहीं है।"},
        "MIDAS 2.0 (draft for expert validation)", faults.grade,
        lambda case: case.brought.needs_grade,
    ),
    Gate(
        "matrix", {"en": "The release matrix allows this access", "hi": "रिलीज़ मैट्रिक्स यह पहुँच देता है"},
        {"en": "The access class is no wider than the matrix of privacy risk and quality allows.",
         "hi": "पहुँच की श्रेणी उतनी ही खुली है जितनी गोपनीयता-जोखिम और गुणवत्ता का मैट्रिक्स देता है।"},
        "MIDAS 2.0 (draft for expert validation), release matrix", faults.matrix, lambda case: case.brought.needs_grade,
    ),
    Gate(
        "licence", {"en": "The licence fits", "hi": "लाइसेंस मेल खाता है"},
        {"en": "The licence is known, says what the terms say, and allows no commerce that anyone forbade.",
         "hi": "लाइसेंस जाना-पहचाना है, वही कहता है जो शर्तें कहती हैं, और कोई ऐसा व्यापार नहीं होने देता जिसे किसी ने मना किया हो।"},
        "SPDX licence list; DUO:0000018, DUO:0000046", faults.licence,
    ),
    Gate(
        "approval", {"en": "Approved by different people", "hi": "अलग-अलग लोगों ने स्वीकृति दी है"},
        {"en": "As many different people as the hub asks for approved the draft as it is now.",
         "hi": "हब जितने अलग-अलग लोग चाहता है, उतनों ने इस मसौदे को इसी रूप में स्वीकृति दी है।"},
        "the hub's own rule", faults.approval,
        lambda case: case.brought.needs_approvals > 0,
    ),
)  # fmt: skip
"""In the order in which they are shown."""
