"""Free text: every row of the pattern table, every way to write a name, and useful texts that come back byte for byte."""
# ruff: noqa: E501 - texts stand on one line as they are typed

import re

import pytest
from tests.text_corpus import DESCRIPTORS, left, texts

from midas.deid import tables
from midas.deid.dates_in_text import date_spans
from midas.deid.patterns import TABLE, spans
from midas.deid.scripts import key
from midas.deid.words import Known, clean_text, suspicious, unknown_words

RAMESH = Known.of(
    [
        ("name", "Ramesh Kumar Deshmukh"), ("name-local", "रमेश कुमार देशमुख"), ("uhid", "UH-2019-004512"),
        ("phone", "+91 98230 41577"), ("address", "H.No. 16/397, Dhantoli, Nagpur"),
    ]
)  # fmt: skip
LAKSHMI = Known.of([("name", "Lakshmi Krishnan"), ("name-local", "முருகன்")])
NOBODY = Known.of(())


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.kind}:{row.good[0]}")
def test_each_pattern_finds_its_examples_and_leaves_the_others(row):
    expression = re.compile(row.expression, row.flags)
    assert row.source
    for good in row.good:
        assert any(row.check(match.group()) for match in expression.finditer(good)), good
    for evil in row.evil:
        assert not any(row.check(match.group()) for match in expression.finditer(evil)), evil


@pytest.mark.parametrize("text", [
    "12/03/2024", "12.03.24", "5th Jan 2024", "5 of January, 2024", "12-Mar-24", "20240512", "12 03 2024", "2024-01-05T10:35:00Z", "10.35 am",
    "Jan 2024", "Mar 12 1971", "JUL31", "5 जनवरी 2024", "3 மார்ச் 2020", "12 ಜನವರಿ 2019", "01_05_2024", "2023-24", "03/2024", "05MAR2023", "10:35:20",
])  # fmt: skip
def test_days_and_times_are_found_as_india_writes_them(text):
    found = list(date_spans(f"CT {text} neck"))
    assert found
    assert not any(char.isdigit() for char in clean_text(f"CT {text} neck", NOBODY, prose=False))


@pytest.mark.parametrize(
    "text",
    ["TR 2000 TE 30", "b2000", "3 may be seen", "1.5x1.5x3.0", "mar 2 cm", "5 of 12", "since 3 months"],
)
def test_measures_are_no_days(text):
    assert list(date_spans(text)) == []


@pytest.mark.parametrize("text", [
    *DESCRIPTORS, "Topogram  0.6  T20s", "SE 5 mm T2 256x256 TE80 b1000 120kV 1.5T", "MRI w/o contrast", "MR BRAIN", "DR CHEST PA", ">Perfusion (Color)",
    "*tfi3d1_12", "US LIVER LONG", "ep2d_diff_b50_400_800_tra_ADC", "MRBRAIN", "HeadNeck", "WHITE MATTER", "T/A/P LIVER W/C",
    "2,OPA,GE,LSQX,STANDARD,356,2.5,120,64,0.1,1.5", "PA CHEST 45Y/M", "T1W/SE/1024", "DIAGNOSTICS", "abdomen^liver", "PS LAX MR & AI",
    "R-L MRtrix 60 directions interleaved B0 ep2d_diff_p2", "Cervical OBLI 1", "MRT oberes Abdomen", "E11C_new_sequences^E11C_ResearchSequences",
])  # fmt: skip
def test_descriptors_of_scanners_come_back_byte_for_byte(text):
    assert clean_text(text, RAMESH, prose=False) == text


@pytest.mark.parametrize("text", [
    "A well defined hyperintense lesion measuring 3.2 x 2.1 cm is seen in the right parietal lobe. No midline shift.",
    "Known case of squamous cell carcinoma of buccal mucosa (pT2N1M0), post-op. s/o recurrence. BP 120/80 mmHg.",
    "Brown tumour of mandible, long axis, gray white differentiation, green stick fracture", "Bell's palsy on left side, power 4/5",
    "Impression:\n1. Acute infarct in left MCA territory.\n2. No haemorrhage.", "Mareez ko 2 mahine se muh mein chhala hai",
    "Chest X-ray PA, x ray of knee, X-RAY", "TLC 12000, platelets 45000/cumm, WBC 2019 cells", "compression ratio 2.1113 (JPEG 2000) at 2097:1",
    "10 rows of (255,128,128), 10 rows of (0,255,0)", "45/F with pain", "Bacterial cross section, optic path",
    "सिर में दर्द और बुखार है", "வலது கால் வலி, வீக்கம்", "ತಲೆನೋವು ಮತ್ತು ಜ್ವರ ಇದೆ",
])  # fmt: skip
def test_useful_prose_comes_back_byte_for_byte(text):
    assert clean_text(text, RAMESH, prose=True) == text


@pytest.mark.parametrize(("text", "stays"), [
    ("CT Neck with contrast - Ramesh Deshmukh UH-2019-004512", "CT Neck with contrast"), ("BRAIN_RAMESH_KUMAR_T2", "BRAIN_T2"),
    ("(RAMESH) CHEST PA (ERECT)", "CHEST PA (ERECT)"), ("CT BRAIN - RAMESH - PLAIN", "CT BRAIN - PLAIN"), ("KUMAR_R_20240512", ""),
    ("R KNEE KUMAR", "R KNEE"), ("CT ABDOMEN APOLLO HOSPITAL PUNE", "CT ABDOMEN"), ("Dr Meenal Kulkarni, OPG", "OPG"),
    ("RameshKumarCT", ""), ("Ramesh's knee", "knee"), ("C-SPINE DESHMUKH", "C-SPINE"), ("MR LONG LEG", "MR LONG LEG"),
    ("98 x 76 x 51 x 23 x 45", ""), ("CT neck (12.03.24)", "CT neck"), ("IOPA 36 Ramesh", "IOPA 36"), ("Ramesh 1024 brain", "brain"), ("CT 45123", "CT"),
    ("CT Sunrise DIAGNOSTICS", "CT"), ("HP/2019/0873 CT", "CT"), ("CT/2019/1024", ""), ("Ramesh^abdomen^liver", "abdomen^liver"),
    ("UH123/AB456 CT", "CT"),
    ("Long^Bell knee", "knee"), ("Ward B 4512 CT", "Ward B CT"), ("series 5013 CT", "series 5013 CT"), ("4512 T CT", "T CT"), ("MX8000 CT", "MX8000 CT"),
    ("1,OPA,SE,VZOOM,B50f,301,5,120,60,30,na", "1,OPA,SE,VZOOM,B50f,301,5,120,60,30,na"), ("bVals=0,100,600,800", "bVals=0,100,600,800"),
])  # fmt: skip
def test_what_names_a_person_leaves_a_descriptor(text, stays):
    assert clean_text(text, RAMESH, prose=False) == stays


@pytest.mark.parametrize(("text", "stays"), [
    ("Pt Grace Thomas complains of burning sensation.", "Pt complains of burning sensation."),
    ("W/o Ramesh r/o H.No. 16/397 Nagpur", ""), ("Dr. R. K. Sharma MD (Radiology)", "(Radiology)"), ("Reported by Dr. K.", "Reported by."), ("Rao S K, MRI brain", "MRI brain"),
    ("S. R. Kulkarni: knee", "knee"), ("174/A Railway Colony, Nagpur 440013, knee", "knee"), ("stays at 174/A MG Road, Wardha", "stays at"),
    ("Pain, 12-B Shivaji Nagar", "Pain"), ("Pain, 36/C Civil Lines", "Pain"), ("Ramesh, MG Road, RT PATH", "RT PATH"), ("Seen 2019, token 98230", "Seen, token"),
    ("Discussed with Long regarding the biopsy", "Discussed with regarding the biopsy"), ("मरीज रमेश को सिर में दर्द", "मरीज को सिर में दर्द"),
    ("Transferred from Sunshine Heart Hospital, Wardha with fever", "Transferred from with fever"),
    ("seen at the dental clinic for pain", "seen at the dental for pain"), ("Voter id WKH1186253, fracture", "Voter, fracture"),
])  # fmt: skip
def test_what_names_a_person_leaves_prose(text, stays):
    assert clean_text(text, RAMESH, prose=True) == stays


@pytest.mark.parametrize("way", [
    "RAMESH", "ramesh", "Deshmukh Ramesh", "DESHMUKH^RAMESH", "रमेश", "ರಮೇಶ್", "ரமேஷ்", "Rameesh", "Ramesh_K", "deshmuk", "Deshmukk", "RAMESHCT",
    "RameshDeshmukh", "DESHMUKHRAMESHKUMAR", "KUMAR_R_20240512", "ramesh2", "UH2019004512", "UH 2019 004512", "UH2OI9OO4512", "98230-41577",
    "9823041577", "Dhantoli",
])  # fmt: skip
def test_a_known_person_is_known_however_written(way):
    assert RAMESH.names(way)
    assert RAMESH.names(f"CT {way} neck")
    assert clean_text(f"CT {way} neck", RAMESH, prose=False) in {"CT neck", "CT"}


@pytest.mark.parametrize(
    "way", ["Laxmi", "LAKSHMI", "Lakshmy", "लक्ष्मी", "Krishna", "Krishnaan", "Murugan", "Murugaan"]
)
def test_usual_spellings_of_a_name_are_one(way):
    assert LAKSHMI.names(way)


@pytest.mark.parametrize(
    "text", ["axial T2 FLAIR chest", "marsh", "comar", "SOMATOM Emotion", "rash", "Signa HDxt", "2019"]
)
def test_other_words_are_not_taken_for_the_person(text):
    assert not RAMESH.names(text)


@pytest.mark.parametrize(("one", "other"), [
    ("lakshmi", "laxmi"), ("deshmukh", "देशमुख"), ("venkatesh", "ವೆಂಕಟೇಶ್"), ("savitri", "savithri"), ("pooja", "puja"), ("shivaji", "sivaji"),
    ("wankhede", "vankhede"), ("kulkarni", "कुलकर्णी"),
])  # fmt: skip
def test_scripts_and_spellings_share_a_key(one, other):
    assert key(one) == key(other)


def test_a_name_of_the_vocabulary_is_never_kept():
    known = Known.of([("name", "Brain Head")])
    assert clean_text("CT BRAIN HEAD NECK", known, prose=False) == "CT NECK"


def test_what_is_known_is_made_once_and_shown_never():
    values = [("name", "Ramesh Deshmukh"), ("uhid", "UH-1234567")]
    assert Known.of(values) is Known.of(list(values))
    assert "amesh" not in repr(Known.of(values))
    assert "1234567" not in repr(Known.of(values))


def test_a_devices_words_are_told_from_a_persons():
    assert not any(
        suspicious(text, RAMESH)
        for text in ("syngo MR 2004V", "5.0.0.3", "HDI-5000", "LightSpeed VCT", "B17")
    )
    assert all(
        suspicious(text, RAMESH) for text in ("Ramesh", "12/03/2024", "9823041577", "Dr A", "रमेश", "a@b.in")
    )
    assert unknown_words("Zubeida")
    assert not unknown_words("hyperintense lesion")


def test_tables_share_no_word_between_sure_and_strong():
    strong = {word for word, doubt in tables.doubtful().items() if doubt == "strong"}
    assert not strong & tables.vocabulary()
    assert len(tables.vocabulary()) > 50_000
    assert {"meningioma", "parasymphysis", "mprage", "radiolucency", "osmf"} <= tables.vocabulary()
    assert not {"kulkarni", "deshmukh", "wardha", "fatima", "venkatesh"} & tables.vocabulary()
    assert tables.composed("ctabdomen")
    assert tables.composed("temporomandibular".replace("mandibular", "parietal"))
    assert not tables.composed("ramesh")


@pytest.mark.parametrize("knows", [True, False])
def test_labelled_texts_are_cleaned_and_their_words_stay(knows):
    corpus = texts(2400, seed=20260122)
    assert {one.language for one in corpus} == {"descriptor", "en", "hinglish", "hi", "ta", "kn"}
    planted = missed = words = kept = own = 0
    for one in corpus:
        cleaned = clean_text(one.text, Known.of(one.person if knows else ()), prose=one.prose)
        planted += len(one.planted)
        gone = [mark for mark in one.planted if left(mark, cleaned, one.stays)]
        missed += len(gone)
        own += sum(mark.known for mark in gone)
        words += len(one.stays)
        kept += sum(word.casefold() in cleaned.casefold() for word in one.stays)
    assert planted > 3000
    assert missed / planted <= 0.001
    assert own == 0
    assert kept / words >= 0.98


def test_nothing_found_is_longer_than_its_text():
    for one in texts(300, seed=5):
        assert len(clean_text(one.text, NOBODY, prose=one.prose)) <= len(one.text)
        assert all(0 <= span.start < span.end <= len(one.text) for span in spans(one.text))
