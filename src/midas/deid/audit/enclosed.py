"""Documents that are enclosed whole: a PDF and a clinical document, made for a person, and the text of any PDF.

In come a person's sheet and a random source, out come datasets whose enclosed bytes name the person in streams, metadata
and text, written down on the sheet.
"""

from __future__ import annotations

import random
import zlib

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from midas.deid.audit.made import bare, coded
from midas.deid.audit.sheet import Sheet

Rng = random.Random


def pdf(sheet: Sheet, rng: Rng) -> Dataset:
    """A one-page PDF report with Flate streams, document information and XMP, all of which name the person."""
    ds = bare("104.1", "DOC", rng.choice((ExplicitVRLittleEndian, ImplicitVRLittleEndian)))
    facts = sheet.person.facts
    lines = [
        facts["hospital"],
        f"Patient: {facts['name']}  UHID: {facts['uhid']}",
        f"Date: {sheet.person.say('date.slashes', sheet.study)}",
        "CT neck with contrast: enhancing lesion of left buccal mucosa.",
        f"Reported by Dr {sheet.person.say('reader.plain', sheet.study)}",
    ]
    data = written_pdf(
        lines, title=f"Report {facts['name']}", author=sheet.person.say("reader.plain", sheet.study)
    )
    ds.DocumentTitle, ds.MIMETypeOfEncapsulatedDocument, ds.BurnedInAnnotation = (
        f"Report of {facts['name']}",
        "application/pdf",
        "YES",
    )
    ds.EncapsulatedDocument, ds.EncapsulatedDocumentLength = data + b"\0" * (len(data) % 2), len(data)
    ds.ConceptNameCodeSequence = Sequence([coded("18748-4", "LN", "Diagnostic imaging report")])
    sheet.removed(0x00420010, (), "name", facts["name"], area="pdf")
    for kind in ("name", "uhid", "hospital", "date.slashes", "reader.plain"):
        sheet.removed(0x00420011, (), kind, sheet.person.say(kind, sheet.study), area="pdf")
    sheet.must("text_notnull", "dicom", 0x00420011, area="pdf")
    return ds


def cda(sheet: Sheet, rng: Rng) -> Dataset:
    """A clinical document (HL7 CDA R2) that names patient, author and hospital beside a finding."""
    ds = bare("104.2", "DOC", rng.choice((ExplicitVRLittleEndian, ImplicitVRLittleEndian)))
    facts, told = sheet.person.facts, sheet.person.say
    text = (
        '<?xml version="1.0" encoding="UTF-8"?><ClinicalDocument xmlns="urn:hl7-org:v3"><title>Discharge summary</title>'
        f'<recordTarget><patientRole><id extension="{facts["uhid"]}"/><telecom value="tel:{facts["mobile.joined"]}"/>'
        f"<patient><name><given>{facts['given']}</given><family>{facts['family']}</family></name>"
        f'<birthTime value="{told("born.da", sheet.study)}"/></patient></patientRole></recordTarget>'
        f"<author><assignedPerson><name>{told('reader.plain', sheet.study)}</name></assignedPerson></author>"
        f"<text>Meningioma of left frontal lobe. {facts['name']} seen on {told('date.slashes', sheet.study)} at "
        f"{facts['hospital']}.</text></ClinicalDocument>"
    ).encode()
    ds.DocumentTitle, ds.MIMETypeOfEncapsulatedDocument = f"Summary {facts['uhid']}", "text/XML"
    ds.EncapsulatedDocument, ds.EncapsulatedDocumentLength = text + b" " * (len(text) % 2), len(text)
    ds.ConceptNameCodeSequence = Sequence([coded("18842-5", "LN", "Discharge summary")])
    sheet.removed(0x00420010, (), "uhid", facts["uhid"], area="cda")
    for kind in ("name", "uhid", "mobile.joined", "hospital", "date.slashes", "reader.plain"):
        sheet.removed(0x00420011, (), kind, told(kind, sheet.study), area="cda")
    sheet.must("text_notnull", "dicom", 0x00420011, area="cda")
    return ds


def written_pdf(lines: list[str], *, title: str, author: str) -> bytes:
    """Return a small PDF 1.4 (ISO 32000-1) with a compressed content stream, metadata and document information."""
    body = (
        "BT /F1 12 Tf 60 760 Td 18 TL "
        + " ".join(f"({line.replace('(', '').replace(')', '')}) Tj T*" for line in lines)
        + " ET"
    )
    packed = zlib.compress(body.encode("latin-1"))
    xmp = f"<?xpacket?><x:xmpmeta xmlns:x='adobe:ns:meta/'><dc:creator>{author}</dc:creator></x:xmpmeta>".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Metadata 6 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Type /Metadata /Subtype /XML /Length %d >>\nstream\n%s\nendstream" % (len(xmp), xmp),
        f"<< /Title ({title}) /Author ({author}) /Producer (MediPrint) >>".encode("latin-1"),
    ]
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, one in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(
        b"%010d 00000 n \n" % at for at in offsets
    )
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info 7 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )
    return bytes(out)


def text_of_pdf(data: bytes) -> str:
    """Return the text of a PDF's pages and streams and all that it holds uncompressed; of other bytes these alone."""
    import pypdfium2

    text = data.decode("latin-1")
    for start in (
        at
        for at in range(len(data))
        if data.startswith(b"stream", at) and not data.startswith(b"endstream", at - 3)
    ):
        try:
            text += (
                zlib.decompressobj().decompress(data[start + 6 :].lstrip(b"\r\n"), 1 << 22).decode("latin-1")
            )
        except zlib.error:
            continue
    try:
        document = pypdfium2.PdfDocument(data)
        return text + " ".join(page.get_textpage().get_text_range() for page in document)
    except pypdfium2.PdfiumError:
        return text
