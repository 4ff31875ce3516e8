"""Enclosed documents: a PDF or a CDA is read, and a new one is built that holds only words that may stay.

In come the bytes of a document (PS3.3 C.24) and a way to clean one text, out come the bytes of another document with the
same pages or elements. Nothing is copied from the source but cleaned words and where they stood: no metadata, pictures,
attachments, forms, annotations, scripts, links or revisions. What cannot be read raises `Held`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from pydicom.dataset import Dataset

from midas.deid.model import Held

Clean = Callable[[str], str]
PAGES, CHARACTERS = 500, 2_000_000
"""Larger documents are no reports; reading them would hold up a batch."""
REMOVED = "REMOVED"


def clean(ds: Dataset, text: Clean) -> bytes:
    """Return the document of `ds` with only words that may stay; `Held` where its kind is not mastered or unreadable."""
    data: bytes = bytes(ds.EncapsulatedDocument or b"")
    said = str(ds.get("MIMETypeOfEncapsulatedDocument", "")).strip().lower()
    if data.lstrip(b"\0\t\r\n ").startswith(b"%PDF"):
        return clean_pdf(data, text)
    if said in {"text/xml", "application/xml"} or data.lstrip(b"\xef\xbb\xbf\t\r\n ").startswith(b"<"):
        return clean_cda(data, text)
    raise Held("encapsulated-document", "The enclosed document is neither PDF nor CDA.")


@dataclass(frozen=True)
class Line:
    """Words on a page; left and bottom in points (1/72 inch) from the page's lower left corner, `size` of the letters."""

    left: float
    bottom: float
    size: float
    text: str


@dataclass(frozen=True)
class Page:
    """One page: its size in points and what may be read on it."""

    width: float
    height: float
    lines: tuple[Line, ...]


def clean_pdf(data: bytes, text: Clean) -> bytes:
    """Return a new PDF with the pages of `data` and only the words that `text` lets stay; pictures are left out."""
    return _even(written_pdf([_cleaned(page, text) for page in read_pdf(data)]))


def _cleaned(page: Page, text: Clean) -> Page:
    lines = [Line(line.left, line.bottom, line.size, text(line.text)) for line in page.lines]
    return Page(page.width, page.height, tuple(line for line in lines if line.text))


def read_pdf(data: bytes) -> list[Page]:
    """Return the pages of a PDF with the text lines that a reader would show; `Held` where it cannot be opened."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError:
        raise Held("document-not-understood", "The enclosed PDF is locked or damaged.") from None
    try:
        if not 0 < len(document) <= PAGES:
            raise Held("document-not-understood", "The enclosed PDF has no pages, or too many.")
        pages = [_read_page(document[number]) for number in range(len(document))]
    except pypdfium2.PdfiumError:
        raise Held("document-not-understood", "A page of the enclosed PDF is damaged.") from None
    finally:
        document.close()
    return pages


def _read_page(page: Any) -> Page:
    width, height = page.get_size()
    words = page.get_textpage()
    try:
        count = words.count_chars()
        if count > CHARACTERS:
            raise Held("document-not-understood", "A page of the enclosed PDF holds too much text.")
        whole = words.get_text_range() if count else ""
        lines = tuple(_lines(words, whole, height)) if len(whole) == count else tuple(_stacked(whole, height))
    finally:
        words.close()
        page.close()
    pictures = _pictures(page_lines=lines, height=height) if not lines else ()
    return Page(float(width), float(height), (*lines, *pictures))


def _pictures(*, page_lines: tuple[Line, ...], height: float) -> tuple[Line, ...]:
    """A page without text is a picture or empty; the new page says that something was taken away."""
    return page_lines or (Line(36.0, max(height - 48.0, 0.0), 10.0, REMOVED),)


def _lines(words: Any, whole: str, height: float) -> Iterator[Line]:
    for match in re.finditer(r"[^\r\n\x02]+", whole):
        shown = [at for at in range(match.start(), match.end()) if not whole[at].isspace()]
        if shown:
            left, bottom, _, top = words.get_charbox(shown[0], loose=True)
            size = min(max(top - bottom, 4.0), 72.0)
            yield Line(float(left), min(max(float(bottom), 0.0), height), float(size), match.group())


def _stacked(whole: str, height: float) -> Iterator[Line]:
    """Lines one under another, where their places are not told."""
    for number, line in enumerate(line for line in whole.splitlines() if line.strip()):
        yield Line(36.0, max(height - 48.0 - 12.0 * number, 0.0), 10.0, line)


def written_pdf(pages: list[Page]) -> bytes:
    """Return a PDF 1.4 with these pages in Helvetica: catalogue, pages, one font, and nothing else."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        body = b"\n".join(map(_shown, page.lines))
        box = f"[0 0 {page.width:.2f} {page.height:.2f}]"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Resources << /Font << /F1 3 0 R >> >>"
            f" /Contents {5 + 2 * number} 0 R >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n" % len(body) + body + b"\nendstream")
    return _assembled(objects)


def _shown(line: Line) -> bytes:
    text = line.text.encode("cp1252", "ignore")
    escaped = re.sub(rb"([\\()])", rb"\\\1", text)
    return (
        f"BT /F1 {line.size * 0.8:.1f} Tf {line.left:.2f} {line.bottom:.2f} Td (".encode()
        + escaped
        + b") Tj ET"
    )


def _assembled(objects: list[bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)


def _even(data: bytes) -> bytes:
    return data + b"\n" * (len(data) % 2)


V3 = "{urn:hl7-org:v3}"
STRUCTURE = frozenset(
    "classCode moodCode typeCode determinerCode contextControlCode contextConductionInd negationInd nullFlavor operator"
    " inversionInd independentInd institutionSpecified unit code codeSystem codeSystemName use mediaType styleCode"
    " {http://www.w3.org/2001/XMLSchema-instance}type listType colspan rowspan align valign".split()
)
"""Attributes of the CDA schema whose values are of a closed list, a code or a unit."""
CODED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/\[\]{}%-]{0,23}")
NUMBER = re.compile(r"[+-]?\d{1,5}(\.\d{1,6})?")
PERSONAL = frozenset(
    "name given family prefix suffix addr streetAddressLine houseNumber city district state country postalCode telecom"
    " birthTime id setId observationMedia nonXMLBody signatureText birthplace".split()
)
"""Elements of a CDA header whose whole content is about someone: they stay, empty, with nullFlavor MSK (masked)."""


def clean_cda(data: bytes, text: Clean) -> bytes:
    """Return the CDA document with its elements, codes and measured values, its texts cleaned, identities masked."""
    data = data.rstrip(b"\0 ")
    if b"\0" in data or b"<!DOCTYPE" in data or b"<!ENTITY" in data or len(data) > 8 * CHARACTERS:
        raise Held("document-not-understood", "The enclosed XML declares entities, is no UTF-8 or too large.")
    try:
        root = ET.fromstring(data)  # noqa: S314 - no entity can be declared here
    except (ET.ParseError, ValueError, LookupError):
        raise Held("document-not-understood", "The enclosed document is no well-formed XML.") from None
    if root.tag != f"{V3}ClinicalDocument":
        raise Held("document-not-understood", "The enclosed XML is no CDA document.")
    _element(root, text)
    ET.register_namespace("", V3.strip("{}"))
    return _even(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _element(element: ET.Element, text: Clean) -> None:
    element.tail = _words(element.tail, text)
    if element.tag.removeprefix(V3) in PERSONAL or not str(element.tag).startswith(V3):
        tail = element.tail
        element.clear()
        element.tag, element.tail = element.tag if element.tag.startswith(V3) else f"{V3}text", tail
        element.set("nullFlavor", "MSK")
        return
    element.text = _words(element.text, text)
    for name, value in list(element.attrib.items()):
        kept = _attribute(name, value, text, measured="unit" in element.attrib)
        if kept:
            element.set(name, kept)
        else:
            del element.attrib[name]
    for child in element:
        _element(child, text)


def _words(value: str | None, text: Clean) -> str | None:
    return text(value) if value and value.strip() else value


def _attribute(name: str, value: str, text: Clean, *, measured: bool) -> str:
    if name == "displayName":
        return text(value)
    if name == "value":
        return value if measured and NUMBER.fullmatch(value) else ""
    plain = name in STRUCTURE and CODED.fullmatch(value) and not re.search(r"\d{9}", value)
    return value if plain or (name == "codeSystem" and value.startswith("2.16.840.1.113883.6.")) else ""
