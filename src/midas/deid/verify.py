"""The independent verifier: an output is read again as a stranger would, and searched byte by byte.

In come the path of an output and what is known of the person; out come findings, an `error` for each promise broken.
It shares pydicom and the generated tables with the engine, no code: a mistake there must not be repeated here.
"""

from __future__ import annotations

import mmap
import re
import struct
import unicodedata
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from midas.deid import documents_again, tables
from midas.deid.model import Card, Placement, Profile
from midas.deid.rereading import Data, Reread, decoded, reread
from midas.deid.search import FileBytes, Wanted, wanted
from midas.kernel import Finding, Severity
from midas.protocol.model import NUMBER_FORM

META = frozenset({0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013})
DUMMIES = frozenset(
    {"19000101", "000000", "19000101000000", "REMOVED", "000Y", "0", "0.0", "urn:removed", str(b"\0\0")}
)
REQUIRED = {
    "PatientIdentityRemoved": "YES", "LongitudinalTemporalInformationModified": None, "DeidentificationMethod": None,
    "SOPInstanceUID": None, "StudyInstanceUID": None, "SeriesInstanceUID": None, "ClinicalTrialSponsorName": "MIDAS",
}  # fmt: skip
NEEDED = frozenset(
    int(tag_for_keyword(keyword) or 0)
    for keyword in (*REQUIRED, "DeidentificationMethodCodeSequence", "PatientID", "PatientName")
)
DOCUMENT = 0x00420011
NUMBERS = frozenset({"DS", "IS", "SQ"})
"""Forms that may hold long lists of written numbers, themselves or in items (contours)."""
META_UIDS = frozenset({0x00020002, 0x00020003, 0x00020010, 0x00020012})
SMALL, LARGE, MANY = 1 << 23, 1 << 16, 8192
"""Bytes of a file that is read at once and of an element whose verdict is kept; verdicts kept for one person."""
PUBLISHED = re.compile(
    r"^(1\.2\.840\.10008|2\.16\.840\.1\.113883\.[56]|1\.0\.639|1\.2\.840\.10065)(\.\d{1,5}){1,10}$"
)
"""Arcs of more than five digits are no standard's: they hold a date or a number."""
TEXTS = frozenset(
    {"LO", "SH", "LT", "ST", "UT", "UC", "PN", "AE", "CS", "UR", "DA", "DT", "TM", "AS", "IS", "DS", "UI"}
)
_WORD = re.compile(r"(?<![^\W_])(?:[^\W\d_]|[\u0900-\u0963\u0971-\u0dff]){2,}+(?!\d)")
"""Runs of letters, and of the letters and vowel signs of Indian scripts, that no digit makes a code of."""
_CASED = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|.")
_NUMBERS = re.compile(rb"[0-9+\-.eE \\\\]*")


def verify(
    path: Path,
    *,
    card: Card,
    profile: Profile,
    placement: Placement,
    source_uids: frozenset[str] = frozenset(),
) -> tuple[Finding, ...]:
    """Return what is wrong with the output at `path`; nothing means that every promise was found kept."""
    return tuple(_verifier(card.known, profile, placement).examine(path, source_uids))


@lru_cache(maxsize=16)
def _verifier(known: tuple[tuple[str, str], ...], profile: Profile, placement: Placement) -> _Verifier:
    return _Verifier(known, profile, placement)


@dataclass(frozen=True)
class _Verdict:
    """What is wrong with one element, and the UIDs of instances that it holds, each with the keyword it stands under."""

    findings: tuple[Finding, ...]
    uids: tuple[tuple[str, str], ...]


def _wrong(rule: str, message: str, cites: str = "PS3.15 E.2") -> Finding:
    advice = "The file is held; tell the makers of MIDAS which kind of object it was."
    return Finding(
        f"deid.verify.{rule}", Severity.ERROR, "instance", message, advice, cites, "midas.deid.verify"
    )


def _allowed(word: str) -> bool:
    """Say whether a table lets a word stand in a cleaned text, as it is or as words glued by their case."""
    low = word.casefold()
    listed = (
        low in tables.vocabulary() or low in tables.doubtful() or tables.composed(low) or low == "removed"
    )
    if listed or not word.isascii():
        bare = "".join(char for char in unicodedata.normalize("NFD", low) if not unicodedata.combining(char))
        return listed or low in tables.indic_words() or bare in tables.vocabulary()
    pieces = _CASED.findall(word)
    return len(pieces) > 1 and all(piece.casefold() in tables.vocabulary() for piece in pieces)


def _pseudonymous(element: DataElement) -> bool:
    """Say whether nothing but pseudonyms of numbers stands in the element."""
    values = element.value if element.VM > 1 else [element.value]
    return element.is_empty or all(re.fullmatch(NUMBER_FORM, str(value)) for value in values)


def _place(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


class _Verifier:
    """Judges outputs of one person. The verdict on an element is kept under all bytes that were judged."""

    def __init__(self, known: tuple[tuple[str, str], ...], profile: Profile, placement: Placement) -> None:
        self.profile, self.placement = profile, placement
        self.wanted: Wanted = wanted(known)
        self._verdicts: dict[Hashable, _Verdict] = {}
        self._uids_seen: list[tuple[str, str]] = []
        self._metas: set[bytes] = set()
        self._complete: set[tuple[bytes, ...]] = set()
        self.exceptions = {e.keyword: e.action for e in profile.exceptions}
        self.written = {
            "PatientName": placement.subject, "PatientID": placement.subject, "PatientSex": None,
            "ClinicalTrialSponsorName": "MIDAS", "ClinicalTrialProtocolID": placement.dataset,
            "ClinicalTrialSubjectID": placement.subject, "ClinicalTrialTimePointID": placement.visit or "",
            "ContainerIdentifier": placement.specimen, "SpecimenIdentifier": None, "TrackingUID": None,
            "SpecimenUID": None,
        }  # fmt: skip

    def examine(self, path: Path, source: frozenset[str]) -> Iterator[Finding]:
        with path.open("rb") as stream:
            if path.stat().st_size <= SMALL:
                data = stream.read()
                yield from self._read(data, data, source)
            else:
                with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as header:
                    yield from self._read(header, FileBytes(stream), source)

    def _read(self, data: Data, body: Data | FileBytes, source: frozenset[str]) -> Iterator[Finding]:
        if data[:132] != b"\0" * 128 + b"DICM":
            yield _wrong("preamble", "The preamble is not empty.", "PS3.10 7.1")
        file = reread(data)
        if file is None:
            yield _wrong("malformed", "The file is not well formed.", "PS3.5 7.1")
            return
        strange = sorted(file.meta.keys() - META)
        if strange:
            yield _wrong("file-meta", f"File meta information holds {_place(strange[0])}.", "PS3.10 7.1")
        if self._named(b"".join(raw for tag, raw in file.meta.items() if tag not in META_UIDS)):
            yield _wrong(
                "identifier", "A known identifier is found in the file meta information.", "PS3.10 7.1"
            )
        yield from self._end(data, file.at, implicit=file.implicit)
        for tag, raw in file.elements.items():
            verdict = self._verdict(file, tag, raw)
            if verdict.findings:
                yield from verdict.findings
            for keyword, uid in verdict.uids:
                if uid in source:
                    yield _wrong("uid", f"{keyword} still has a UID of the source.", "PS3.15 E.3.9")
        yield from self._required(file)
        for kind in self.wanted.in_pixels(body, file.at):
            yield _wrong(
                "identifier", f"A known identifier ({kind}) is found in the bytes of the pixel data."
            )

    def _named(self, meta: bytes) -> bool:
        """Say whether the file meta information names the person; the same bytes are searched once."""
        if meta in self._metas:
            return False
        if any(self.wanted.in_header(meta)):
            return True
        self._metas = {meta}
        return False

    def _verdict(self, file: Reread, tag: int, raw: bytes) -> _Verdict:
        key = (raw, file.ground, file.implicit, file.creator(tag) if tag >> 16 & 1 else ())
        verdict = self._verdicts.get(key)
        if verdict is None:
            verdict = self._judge(file.read_with(tag), tag, raw)
            if len(raw) <= LARGE:
                if len(self._verdicts) >= MANY:
                    self._verdicts.clear()
                self._verdicts[key] = verdict
        return verdict

    def _judge(self, ds: Dataset, tag: int, raw: bytes) -> _Verdict:
        self._uids_seen = []
        findings = list(self._element(ds, ds[tag], 0))
        for kind, form in self.wanted.in_header(raw, numeric=ds[tag].VR in NUMBERS):
            message = f"A known identifier ({kind}) is found in the header's bytes ({form})."
            findings.append(_wrong("identifier", message))
        return _Verdict(tuple(findings), tuple(self._uids_seen))

    def _end(self, data: Data, at: int, *, implicit: bool) -> Iterator[Finding]:
        if at < len(data):
            group, element = struct.unpack("<HH", data[at : at + 4])
            length = struct.unpack("<I", data[at + 4 : at + 8] if implicit else data[at + 8 : at + 12])[0]
            at += 8 if implicit else 12
            if group != 0x7FE0 or element not in (0x08, 0x09, 0x10):
                yield _wrong("trailing", "Elements stand where the pixel data should be.", "PS3.5 7.1")
                return
            while length == 0xFFFFFFFF or (group, element) == (0xFFFE, 0xE000):
                group, element, size = struct.unpack("<HHI", data[at : at + 8])
                at, length = at + 8 + size, size
                if (group, element) == (0xFFFE, 0xE0DD):
                    length = 0
                    break
            else:
                at += length
        if at != len(data):
            yield _wrong("trailing", "The file does not end with its last element.", "PS3.10 7.2")

    def _element(self, ds: Dataset, element: DataElement, depth: int) -> Iterator[Finding]:
        tag = int(element.tag)
        if (tag >> 16) % 2:
            yield from self._private(ds, element)
        elif tag & 0xFFFF == 0 or not dictionary_has_tag(tag) or not self._formed(element):
            yield _wrong("unknown", f"{_place(tag)} is not known or has no known form.", "PS3.6")
        else:
            yield from self._outcome(element, depth)
        if element.VR in TEXTS:
            yield from self._text(element)
        if element.VR == "SQ":
            for item in element.value:
                for inner in item:
                    yield from self._element(item, inner, depth + 1)

    def _formed(self, element: DataElement) -> bool:
        """An element has a form; numbers too many for a length of two bytes are written without (PS3.5 6.2.2)."""
        if element.VR != "UN":
            return True
        numbers = dictionary_VR(element.tag) in {"DS", "IS"} and isinstance(element.value, bytes)
        return numbers and _NUMBERS.fullmatch(element.value) is not None

    def _private(self, ds: Dataset, element: DataElement) -> Iterator[Finding]:
        tag, group = int(element.tag), int(element.tag) >> 16
        block = (tag & 0xFFFF) >> 8 or tag & 0xFF
        name = str(ds[group, block].value).strip().casefold() if (group, block) in ds else ""
        known = tables.safe_private()
        creators = tag & 0xFFFF < 0x1000 and any(key[0] == name and key[1] == group for key in known)
        listed = creators or (name, group, tag & 0xFF) in known
        if "retain-safe-private" not in self.profile.options or not listed:
            yield _wrong(
                "private", f"Private element {_place(tag)} is not known to be safe.", "PS3.15 E.3.10"
            )

    def _outcome(self, element: DataElement, depth: int) -> Iterator[Finding]:
        tag, keyword = int(element.tag), keyword_for_tag(element.tag)
        if element.VR == "UI":
            self._uids(element, keyword)
        group = tag >> 16
        if 0x5000 <= group <= 0x50FF or 0x6000 <= group <= 0x60FF:
            yield _wrong("graphics", f"Curve or overlay {_place(tag)} is left.", "PS3.15 E.3.3")
        row, special = tables.attributes().get(tag), self.exceptions.get(keyword)
        if special or row is None or self._ours(element, keyword, depth):
            if special == "pseudonym" and not _pseudonymous(element):
                yield _wrong("rule", f"{keyword} should be a pseudonym or empty.", "PS3.15 Table E.1-1a")
            if special == "remove":
                yield _wrong("rule", f"{keyword} should have been removed.", "protocol exception")
            return
        active = {action for option, action in row.options if option in self.profile.options}
        if active == {"K"}:
            return
        if active:
            yield from self._cleaned(element, keyword)
        elif not self._basic(element, row.basic):
            yield _wrong(
                "rule", f"{keyword} {_place(tag)} breaks its rule {row.basic}.", "PS3.15 Table E.1-1"
            )

    def _ours(self, element: DataElement, keyword: str, depth: int) -> bool:
        if keyword not in self.written or (
            depth and keyword in {"PatientName", "PatientID"} and not element.is_empty
        ):
            return False
        expected = self.written[keyword]
        if keyword in {"SpecimenUID", "TrackingUID"}:
            return str(element.value) in {self.placement.specimen_uid, self.placement.tracking_uid}
        if keyword == "SpecimenIdentifier":
            return bool(self.placement.specimen) and str(element.value).startswith(
                str(self.placement.specimen)
            )
        return expected is None or str(element.value) == expected

    def _basic(self, element: DataElement, basic: str) -> bool:
        if basic == "X":
            return False
        if element.is_empty:
            return True
        if element.VR == "SQ":
            return basic != "Z"
        if int(element.tag) == DOCUMENT:
            return documents_again.clean_document(element.value, _allowed)
        values = element.value if element.VM > 1 else [element.value]
        if "U" in basic or element.VR == "UI":
            return all(str(v).startswith("2.25.") or PUBLISHED.match(str(v)) for v in values)
        return basic != "Z" and all(str(value) in DUMMIES for value in values)

    def _cleaned(self, element: DataElement, keyword: str) -> Iterator[Finding]:
        if element.VR not in {"LO", "SH", "LT", "ST", "UT", "UC", "PN"} or element.is_empty:
            return
        if not all(map(_allowed, _WORD.findall(unicodedata.normalize("NFC", str(element.value))))):
            yield _wrong("words", f"{keyword} holds a word outside the vocabulary.", "PS3.15 E.3.5")

    def _uids(self, element: DataElement, keyword: str) -> None:
        """Note the UIDs that must not be the source's: all but published, kept and pseudonymous ones."""
        row = tables.attributes().get(int(element.tag))
        kept = row is not None and any(o in self.profile.options and a == "K" for o, a in row.options)
        ours = {self.placement.specimen_uid, self.placement.tracking_uid}
        for value in [element.value] if element.VM < 2 else element.value:
            uid = str(value or "")
            if uid and not kept and uid not in ours and not PUBLISHED.match(uid):
                self._uids_seen.append((keyword, uid))

    def _text(self, element: DataElement) -> Iterator[Finding]:
        for kind in self.wanted.in_value(
            str(element.value), numeric=element.VR in {"IS", "DS", "UI", "TM", "DT"}
        ):
            yield _wrong("identifier", f"{_place(int(element.tag))} holds a known identifier ({kind}).")

    def _required(self, file: Reread) -> Iterator[Finding]:
        raws = tuple(file.elements.get(tag, b"") for tag in sorted(NEEDED))
        if raws not in self._complete:
            ds = decoded(b"".join(raws), implicit=file.implicit)
            found = tuple(self._missing(ds))
            if found:
                yield from found
                return
            if len(self._complete) >= MANY:
                self._complete.clear()
            self._complete.add(raws)

    def _missing(self, ds: Dataset) -> Iterator[Finding]:
        for keyword, value in REQUIRED.items():
            if keyword not in ds or (value is not None and str(ds[keyword].value) != value):
                yield _wrong("required", f"{keyword} is missing or wrong.", "PS3.15 E.1.1")
        codes = {str(item.CodeValue) for item in ds.get("DeidentificationMethodCodeSequence") or ()}
        if "113100" not in codes:
            message = "De-identification Method Code Sequence does not name the Basic Profile."
            yield _wrong("required", message, "PS3.16 CID 7050")
        ours = {str(ds.get("PatientID", "")), str(ds.get("PatientName", ""))}
        if ours != {self.placement.subject}:
            yield _wrong("required", "Patient's Name or ID is not the pseudonym.", "PS3.15 E.1.1")
