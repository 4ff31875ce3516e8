"""Why an item is held or refused: a closed table, with what to do, in plain English and Hindi.

*Held*: a person here can act so that this very item passes. *Refused*: final for these bytes. Nothing is stopped for a
reason that is not in this table, and no text of it ever holds an identified value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from midas.kernel import BrokenPromise


@dataclass(frozen=True, slots=True)
class Reason:
    """`again`: looked at anew at every `receive`, since a new table may have settled it.

    `review`: a person who looks at it can settle it. `again_by_looks`: what was decided for one screen layout of a device
    is decided for later images that look the same.
    """

    code: str
    state: Literal["held", "refused"]
    title: str
    advice: str
    title_hi: str
    advice_hi: str
    review: bool = False
    again: bool = False
    again_by_looks: bool = False

    def words(self, language: str = "en") -> tuple[str, str]:
        """Return title and advice in `en` or `hi`; any other language gets English."""
        return (self.title_hi, self.advice_hi) if language == "hi" else (self.title, self.advice)


def _held(
    code: str, *words: str, review: bool = False, again: bool = False, again_by_looks: bool = False
) -> Reason:
    title, advice, title_hi, advice_hi = words
    return Reason(code, "held", title, advice, title_hi, advice_hi, review, again, again_by_looks)


def _refused(code: str, *words: str) -> Reason:
    title, advice, title_hi, advice_hi = words
    return Reason(code, "refused", title, advice, title_hi, advice_hi)


_ALL = (
    _refused("truncated", "The file is cut short",
        "Export it again from its source (PACS, camera, scanner) and receive the new file.",
        "फ़ाइल अधूरी है", "इसे स्रोत (PACS, कैमरा, स्कैनर) से फिर निर्यात करें और नई फ़ाइल दें।"),
    _refused("unreadable", "The file cannot be read",
        "Open it where it comes from; if it opens there, export it again in its own format.",
        "फ़ाइल पढ़ी नहीं जा सकी", "इसे मूल प्रणाली में खोलें; वहाँ खुले तो फिर निर्यात करें।"),
    _refused("unknown-kind", "Not a kind of file that is collected",
        "Nothing to do if it does not belong to the dataset; otherwise export it as DICOM, photograph, slide or table.",
        "इस प्रकार की फ़ाइल नहीं ली जाती",
        "यदि यह डेटासेट की नहीं है तो कुछ न करें; अन्यथा DICOM, फ़ोटो, स्लाइड या तालिका के रूप में दें।"),
    _refused("index-file", "An index of a disc, not an image",
        "Nothing to do: the images that it lists are received by themselves.",
        "यह डिस्क की सूची है, चित्र नहीं", "कुछ न करें: इसमें बताए चित्र अपने आप लिए जाते हैं।"),
    _refused("archive-bomb", "The archive unpacks to far more than it should",
        "Unpack it on a machine that you trust, look at it, and receive the folder.",
        "संग्रह असामान्य रूप से बड़ा खुलता है", "इसे भरोसेमंद मशीन पर खोलकर जाँचें और फ़ोल्डर दें।"),
    _refused("unsafe-path", "The archive or folder points outside itself",
        "Unpack it on a machine that you trust and receive the folder without links.",
        "संग्रह अपने बाहर की ओर इशारा करता है", "इसे भरोसेमंद मशीन पर खोलें और बिना लिंक का फ़ोल्डर दें।"),
    _refused("encrypted", "The archive is locked with a password",
        "Unpack it here with its password and receive the folder.",
        "संग्रह पासवर्ड से बंद है", "पासवर्ड से खोलकर फ़ोल्डर दें।"),
    _refused("duplicate", "The same bytes are here already",
        "Nothing to do: the first copy goes its way.",
        "यही फ़ाइल पहले से है", "कुछ न करें: पहली प्रति आगे जाएगी।"),
    _refused("superseded", "A newer row took its place",
        "Nothing to do: the corrected row goes its way.",
        "नई पंक्ति ने इसकी जगह ली", "कुछ न करें: सुधारी गई पंक्ति आगे जाएगी।"),
    _refused("withdrawn", "The person withdrew",
        "Nothing to do: data of this person is not used any more.",
        "व्यक्ति ने सहमति वापस ली", "कुछ न करें: इस व्यक्ति का डेटा अब उपयोग नहीं होगा।"),
    _refused("wrong-modality", "The protocol does not ask for this kind of image",
        "Nothing to do, unless the protocol should ask for it: then write to the hub's contact.",
        "प्रोटोकॉल में इस प्रकार का चित्र नहीं माँगा गया", "कुछ न करें; यदि माँगा जाना चाहिए तो हब को लिखें।"),
    _refused("rejected", "A person here rejected it",
        "Nothing to do: the reason is kept with the decision.",
        "यहाँ किसी व्यक्ति ने इसे अस्वीकार किया", "कुछ न करें: कारण निर्णय के साथ रखा है।"),
    _held("no-person", "It is not known whose it is",
        "Add the person's row (hospital number, file name or specimen number) to a table and receive that table.",
        "पता नहीं यह किसका है",
        "तालिका में व्यक्ति की पंक्ति (अस्पताल क्रमांक, फ़ाइल नाम या नमूना क्रमांक) जोड़कर तालिका फिर दें।", again=True),
    _held("ambiguous-person", "It could belong to more than one person",
        "Correct the numbers in the table so that they name one person, and receive the table again.",
        "यह एक से अधिक व्यक्तियों का हो सकता है",
        "तालिका में क्रमांक ठीक करें ताकि एक ही व्यक्ति बने, फिर तालिका दें।", again=True),
    _held("no-basis", "There is no consent or waiver that covers it",
        "Enter the person's consent, the guardian's consent or the waiver in the consent table and receive it; "
        "a waiver covers only data collected up to its last day.",
        "इसके लिए सहमति या छूट नहीं है",
        "सहमति तालिका में सहमति, अभिभावक की सहमति या छूट लिखकर फिर दें; छूट केवल उसकी अंतिम तिथि तक के डेटा पर लागू है।", again=True),
    _held("no-visit", "No visit lies near enough to its date",
        "Add the visit with its date to the visit table, or correct the date, and receive the table again.",
        "इसकी तिथि के पास कोई विज़िट नहीं है",
        "विज़िट तालिका में तिथि सहित विज़िट जोड़ें या तिथि ठीक करें, फिर तालिका दें।", again=True),
    _held("no-lesion", "It is not known which lesion it shows",
        "Name the lesion in the table of photographs or specimens and receive the table again.",
        "पता नहीं यह कौन-सा घाव है", "फ़ोटो या नमूनों की तालिका में घाव लिखकर तालिका फिर दें।", again=True),
    _held("no-specimen", "The specimen is not known",
        "Add the specimen number to the specimen table and receive it again.",
        "नमूना ज्ञात नहीं है", "नमूना तालिका में नमूना क्रमांक जोड़कर फिर दें।", again=True),
    _held("no-item", "The protocol asks for this kind of image, but not for this view or visit",
        "Correct view or visit in the table of photographs, or reject it.",
        "प्रोटोकॉल में यह दृश्य या विज़िट नहीं है",
        "फ़ोटो तालिका में दृश्य या विज़िट ठीक करें, या अस्वीकार करें।", again=True),
    _held("unknown-table", "The table's headings are not known",
        "Name the headings as the protocol does (`midas protocol show`), and receive the table again.",
        "तालिका के शीर्षक ज्ञात नहीं हैं",
        "शीर्षक प्रोटोकॉल के अनुसार लिखें (`midas protocol show`) और तालिका फिर दें।", again=True),
    _held("bad-row", "A cell of the row cannot be used",
        "Correct the cell that is named, and receive the table again.",
        "पंक्ति का कोई खाना ठीक नहीं है", "बताया गया खाना सुधारें और तालिका फिर दें।"),
    _held("labels-unlinked", "The labels name no image that is here",
        "Receive the images that the label file names, or reject it.",
        "लेबल किसी उपलब्ध चित्र से नहीं जुड़ते", "जिन चित्रों के लेबल हैं वे भी दें, या अस्वीकार करें।", again=True),
    _held("unmastered-sop-class", "De-identification does not master this kind of DICOM object",
        "It stays here. Reject it, or wait for a version that masters it.",
        "इस प्रकार के DICOM का पहचान-मुक्तिकरण संभव नहीं", "यह यहीं रहेगा। अस्वीकार करें या नए संस्करण की प्रतीक्षा करें।"),
    _held("burned-in-risk", "Names may be written into the picture",
        "Look at it: accept it if nothing names a person, mask what does, or reject it.",
        "चित्र में नाम लिखा हो सकता है",
        "देखें: कोई नाम न हो तो स्वीकार करें, हो तो ढकें, या अस्वीकार करें।", review=True, again_by_looks=True),
    _held("masked-too-much", "The machine would mask a large part of the picture",
        "Look at the boxes: take away those that cover no name, then mask, or reject it.",
        "मशीन चित्र का बड़ा भाग ढक देती",
        "खाने देखें: जिनमें नाम नहीं है उन्हें हटाएँ, फिर ढकें या अस्वीकार करें।", review=True, again_by_looks=True),
    _held("masked-unseen", "The protocol wants a person to see what the machine masked",
        "Look at the boxes: mask if they cover every name, correct them, or reject it.",
        "प्रोटोकॉल के अनुसार मशीन द्वारा ढके भाग को किसी को देखना है",
        "खाने देखें: सब नाम ढके हों तो ढकें, अन्यथा सुधारें या अस्वीकार करें।", review=True, again_by_looks=True),
    _held("handwriting", "Something may be written by hand",
        "Look at it: mask what names a person, accept it if nothing does, or reject it.",
        "हाथ से कुछ लिखा हो सकता है", "देखें: नाम हो तो ढकें, न हो तो स्वीकार करें, या अस्वीकार करें।", review=True),
    _held("slide-label", "The slide's paper label may be in the picture",
        "Look at it: mask the label, accept it if there is none, or reject it.",
        "चित्र में स्लाइड का लेबल हो सकता है",
        "देखें: लेबल हो तो ढकें, न हो तो स्वीकार करें, या अस्वीकार करें।", review=True),
    _held("recognisable-face", "A face may be recognised in it",
        "Look at it: accept it only if the protocol's access rules allow for it, mask the face, or reject it.",
        "इसमें चेहरा पहचाना जा सकता है",
        "देखें: नियम अनुमति दें तभी स्वीकार करें, चेहरा ढकें, या अस्वीकार करें।", review=True),
    _held("review", "The protocol asks a person to look at it",
        "Look at it: accept, mask or reject it.",
        "प्रोटोकॉल के अनुसार किसी को देखना है", "देखें: स्वीकार करें, ढकें या अस्वीकार करें।", review=True),
    _held("verify-failed", "The check after de-identification found something",
        "It stays here. Look at the findings; reject it, or mask what was found.",
        "पहचान-मुक्तिकरण के बाद की जाँच में कुछ मिला",
        "यह यहीं रहेगा। निष्कर्ष देखें; अस्वीकार करें या मिला हुआ ढकें।", review=True),
    _held("binary-text", "Binary data in it holds text that cannot be proven clean",
        "It stays here. Export it again without private or binary parts, or reject it.",
        "इसके बाइनरी डेटा में ऐसा पाठ है जिसे शुद्ध सिद्ध नहीं किया जा सकता",
        "यह यहीं रहेगा। निजी या बाइनरी भागों के बिना फिर निर्यात करें या अस्वीकार करें।"),
    _held("pixels-not-opened", "Its pixels cannot be opened or masked with certainty",
        "Export it again, uncompressed or as JPEG 2000, or reject it.",
        "इसके पिक्सेल निश्चितता से खोले या ढके नहीं जा सकते",
        "इसे बिना संपीड़न या JPEG 2000 में फिर निर्यात करें, या अस्वीकार करें।"),
    _held("document", "It encloses a document that cannot be proven clean",
        "It stays here. Send the document's findings as a table, or reject it.",
        "इसमें ऐसा दस्तावेज़ है जिसे शुद्ध सिद्ध नहीं किया जा सकता",
        "यह यहीं रहेगा। दस्तावेज़ के निष्कर्ष तालिका में दें, या अस्वीकार करें।"),
    _held("video", "It is a video, which may carry sound and captions",
        "It stays here. Export single pictures or an uncompressed loop, or reject it.",
        "यह वीडियो है, जिसमें ध्वनि और शीर्षक हो सकते हैं",
        "यह यहीं रहेगा। अलग चित्र या बिना संपीड़न का लूप निर्यात करें, या अस्वीकार करें।"),
    _held("profile", "The protocol's de-identification options do not allow it",
        "Write to the hub's contact: the protocol must name the option, or not ask for this kind of object.",
        "प्रोटोकॉल के पहचान-मुक्तिकरण विकल्प इसकी अनुमति नहीं देते",
        "हब को लिखें: प्रोटोकॉल में विकल्प जोड़ा जाए, या इस प्रकार की वस्तु न माँगी जाए।"),
    _held("deid-failed", "De-identification could not be done",
        "It stays here. Export it again from its source, or reject it.",
        "पहचान-मुक्तिकरण नहीं हो सका", "यह यहीं रहेगा। स्रोत से फिर निर्यात करें या अस्वीकार करें।"),
    _held("worker-died", "Its cleaning ended without a result, three times",
        "It may need more memory than there is: make room and run `midas spoke receive --again --processes 1`, which tries "
        "it once more, or reject it. If it ends again, open it where it comes from and export it anew.",
        "इसकी सफ़ाई तीन बार बिना परिणाम रुक गई",
        "शायद मेमोरी कम है: जगह बनाएँ और `midas spoke receive --again --processes 1` चलाएँ, जो इसे एक बार और आज़माता है, "
        "या अस्वीकार करें। फिर रुके तो मूल प्रणाली में खोलकर नया निर्यात करें।"),
    _held("convert-failed", "It could not be turned into DICOM",
        "Open it where it comes from and export it again, or reject it.",
        "इसे DICOM में नहीं बदला जा सका", "मूल प्रणाली में खोलकर फिर निर्यात करें या अस्वीकार करें।"),
    _held("quality", "It is outside what the protocol allows",
        "Look at the findings; a new image is better than a bad one. Reject it, or accept it with a reason.",
        "यह प्रोटोकॉल की सीमा से बाहर है", "निष्कर्ष देखें; कारण लिखकर स्वीकार करें या अस्वीकार करें।", review=True),
    _held("hub-refused", "The hub refused it",
        "Look at the hub's findings; reject it, or correct it and receive it again.",
        "हब ने इसे अस्वीकार किया", "हब के निष्कर्ष देखें; अस्वीकार करें या सुधारकर फिर दें।"),
)  # fmt: skip

REASONS: dict[str, Reason] = {reason.code: reason for reason in _ALL}
AGAIN = tuple(reason.code for reason in _ALL if reason.again)
"""Reasons that a new table may settle."""


TROUBLES = {
    "path-escape": "unsafe-path", "link": "unsafe-path", "special": "unsafe-path", "same-name": "unsafe-path",
    "bomb": "archive-bomb", "too-large": "archive-bomb", "too-many-members": "archive-bomb",
    "nested-too-deep": "archive-bomb", "encrypted": "encrypted", "empty": "truncated", "damaged-archive": "truncated",
    "damaged-member": "truncated", "missing": "unreadable", "unreadable": "unreadable",
    "unsupported-archive": "unreadable",
}  # fmt: skip
"""What a walk through files says → the reason here; anything else is `unreadable`."""


DEID = {
    "sop-class-not-mastered": "unmastered-sop-class", "video-stream": "video", "encapsulated-document": "document",
    "document-not-understood": "document", "structured-report": "profile", "profile-contradicts-itself": "profile",
    "sound": "video", "model": "document",
    "truncated": "truncated", "unreadable": "unreadable", "not-an-instance": "unreadable",
    "text-in-binary": "binary-text", "compressed-data-not-understood": "pixels-not-opened",
    "pixels-unreadable": "pixels-not-opened", "transfer-syntax-not-mastered": "pixels-not-opened",
    "masking-not-mastered": "pixels-not-opened", "overlay-in-pixels": "pixels-not-opened",
    "burned-in-text": "burned-in-risk", "recognisable-face": "recognisable-face", "slide-label": "slide-label",
    "verification-failed": "verify-failed", "wrong-card": "deid-failed", "not-processed": "deid-failed",
    "not-understood": "deid-failed", "incomplete-identity": "deid-failed",
    "table-of-nobody": "no-person", "table-unreadable": "unreadable", "column-unknown": "bad-row",
}  # fmt: skip
"""What de-identification says of a file that it holds → the reason here; a test holds the two together."""


def deid_reason(code: str) -> str:
    """Return the reason for a word of `midas.deid` or of the bench; what is not known is a failure of de-identification."""
    return DEID.get(code) or (code if code in REASONS else "deid-failed")


USUAL = {
    "accept": ("Looked at: nothing in it names a person.", "देखा: इसमें किसी का नाम नहीं है।"),
    "mask": ("Looked at: what names a person is masked.", "देखा: जो नाम बताता है वह ढका है।"),
    "reject": ("Looked at: it cannot be made clean.", "देखा: इसे शुद्ध नहीं किया जा सकता।"),
}
"""What a person means who gives a verdict without further words, in English (as it is kept) and Hindi."""


def reason(code: str) -> Reason:
    """Return the reason; `BrokenPromise` for a code that is not in the table."""
    try:
        return REASONS[code]
    except KeyError:
        raise BrokenPromise(
            f"{code} is not a known reason.", advice="Report this as an error of MIDAS."
        ) from None
