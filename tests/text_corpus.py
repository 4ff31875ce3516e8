"""Labelled free text as hospitals of India write it: reports, histories, comments and descriptors with planted identifiers.

In comes a seed and a number; out come `Labelled` texts: the text, what is known of its person, the planted strings with
their kinds, and the words that must stay. All persons, numbers and places are made up. Names come from two sources: a
list, and syllables put together at random, so that no list of names can know them.
"""
# ruff: noqa: E501 - texts stand on one line as they are typed

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from stdnum import luhn, verhoeff

GIVEN = """Ramesh Suresh Mahesh Lakshmi Sunita Savitri Krishnan Meenakshi Venkatesh Gurpreet Harjeet Fatima Ayesha Imran Salman
Joseph Mariamma Thangaraj Muthulakshmi Kavitha Shanthi Bhavana Chandrakant Dnyaneshwar Eknath Prabhakar Shobha Pushpa
Kamala Vasantha Jagadeesh Basavaraj Shivakumar Nagamma Rukmini Ganpat Tukaram Babasaheb Zubeida Rehana Nafisa
Debashish Subrata Anindita Hemlata Girija Urmila Vimala Yashoda Omprakash Bhagwan Chhaya Dattatraya Ishwarlal
Jaswinder Kulwant Lalitha Manjunath""".split()
FAMILY = """Deshmukh Kulkarni Sharma Verma Iyer Iyengar Reddy Naidu Chettiar Mudaliar Gowda Hegde Shetty Patil Jadhav Shinde Pawar
Bhosale Choudhary Yadav Mishra Tiwari Chaturvedi Banerjee Mukherjee Chattopadhyay Bhattacharya Dasgupta Qureshi Ansari
Siddiqui Shaikh Fernandes DSouza Kurian Varghese Nambiar Warrier Pillai Subramaniam Ramanathan Venkataraman Gill
Sandhu Dhillon Bedi Mahapatra Sahoo Hembram Borah Gogoi Wankhede Meshram Khobragade Kamble Gaikwad""".split()
ALSO_WORDS = "Grace Long Brown Hardy Rose Sunny Jaya Bala Mani Lily Young King Bell Joy Pearl Prince Basil Miles Frank Marshal".split()
"""Names that are words too."""
NATIVE = {
    "hi": [("Ramesh Deshmukh", "रमेश देशमुख"), ("Sunita Sharma", "सुनीता शर्मा"), ("Lakshmi Iyer", "लक्ष्मी अय्यर"), ("Imran Qureshi", "इमरान कुरैशी")],
    "ta": [("Murugan Selvam", "முருகன் செல்வம்"), ("Kavitha Raman", "கவிதா ராமன்"), ("Thangaraj Mani", "தங்கராஜ் மணி")],
    "kn": [("Basavaraj Gowda", "ಬಸವರಾಜ್ ಗೌಡ"), ("Manjunath Hegde", "ಮಂಜುನಾಥ್ ಹೆಗಡೆ"), ("Lalitha Shetty", "ಲಲಿತಾ ಶೆಟ್ಟಿ")],
}  # fmt: skip
STRANGERS = {
    "hi": "गोविंद हेमलता द्वारकाप्रसाद रुक्मिणी चंद्रकांत भगवानदीन".split(),
    "ta": "மீனாட்சி சுப்பிரமணியன் வேலுச்சாமி கல்யாணி".split(),
    "kn": "ಶಿವಕುಮಾರ್ ನಾಗಮ್ಮ ಗಿರಿಜಾ ಜಗದೀಶ್".split(),
}
PLACES = """Wardha Nagpur Hinganghat Chandrapur Tirunelveli Thanjavur Dharwad Hubballi Shivamogga Muzaffarpur Gorakhpur Bhagalpur
Warangal Kurnool Guntur Kottayam Thrissur Jorhat Cuttack Sambalpur Ludhiana Bathinda Rohtak Panipat Jhansi Gwalior
Indore""".split()
QUARTERS = "Dhantoli Ramdaspeth Jayanagar Malleshwaram Mylapore Adyar Dadar Kothrud Shivajinagar Civil_Lines Gandhi_Chowk".split()
HOSPITALS = """Sahyadri_Hospital Sevagram_Rural_Hospital Kamalnayan_Bajaj_Hospital Meenakshi_Mission_Hospital Sunshine_Heart_Hospital
Ganga_Diagnostics Vijaya_Scan_Centre Apollo_Hospitals Shree_Sai_Clinic Annapurna_Dental_College Lokmanya_Nursing_Home
Ruby_Hall_Clinic""".split()
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
LONG = "January February March April May June July August September October November December".split()
HINDI = "जनवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर".split()
TAMIL = "ஜனவரி பிப்ரவரி மார்ச் ஏப்ரல் மே ஜூன் ஜூலை ஆகஸ்ட் செப்டம்பர் அக்டோபர் நவம்பர் டிசம்பர்".split()
KANNADA = "ಜನವರಿ ಫೆಬ್ರವರಿ ಮಾರ್ಚ್ ಏಪ್ರಿಲ್ ಮೇ ಜೂನ್ ಜುಲೈ ಆಗಸ್ಟ್ ಸೆಪ್ಟೆಂಬರ್ ಅಕ್ಟೋಬರ್ ನವೆಂಬರ್ ಡಿಸೆಂಬರ್".split()

PROSE = """45 yr old male c/o pain in left knee since 3 months, h/o fall. Referred by Dr. {stranger}, {hospital}, {place}. Ph: {phone}
Patient {known} S/o {stranger}, aged 47 yrs, came with swelling over right cheek for 2 weeks.
{known} complains of headache and vomiting. MRI brain advised on {date}.
Known case of squamous cell carcinoma of left buccal mucosa, post operative. UHID: {mrn}. Seen by Dr {stranger} on {date}.
Well defined hyperintense lesion measuring 3.2 x 2.1 cm in the right parietal lobe with mild perilesional edema. Reported by Dr. {stranger}.
Non healing ulcer on lateral border of tongue, history of tobacco chewing for 10 years. Contact {phone}, {email}.
Aadhaar {aadhaar} verified. CT neck with contrast shows enlarged level II lymph nodes.
ABHA no {abha}; PAN {pan}. Diabetic and hypertensive on treatment.
Resident of {address}. Breathlessness on exertion, fever and cough with expectoration.
W/o {stranger}. Trismus with reduced mouth opening of 18 mm, burning sensation on eating spicy food.
Smt {stranger} accompanied the patient. Chest radiograph shows right lower zone consolidation.
Compared with the previous scan dated {date}: interval increase in size of the mass. No midline shift.
Transferred from {hospital}, {place} on {date}. Acute infarct in left MCA territory.
Voter id {epic}, passport {passport}. Healing fracture of left clavicle noted.
Age {oldage}, dementia. Diffuse cerebral atrophy with periventricular ischemic changes.
Vehicle {vehicle} road accident, extradural hemorrhage in left temporal region with mass effect.
Mr. {stranger} signed the consent. Biopsy of gingival growth sent for histopathology, {specimen}.
Grade 2 moderately differentiated squamous cell carcinoma, depth of invasion 6 mm, margins free. Pathologist Dr {stranger}
No evidence of pulmonary embolism. Mild bilateral pleural effusion is seen. -- {stranger}, MD Radiology
Follow up after 3 months. Call {phone} for appointment. WhatsApp {phone}
Name: {known} Age: 52 years Sex: Female. Findings are suggestive of pulpitis with periapical abscess.
Dr {word} advised repeat scan. Extra axial dural based enhancing mass in left frontal region.
Pt {word} {family} has been operated for meningioma. Post contrast images show residual lesion.
Ref: {stranger} ({place}). Root canal treatment done in lower left first molar.
Sent from {email} at {time}. Small pleural based nodule, stable.
PIN {pin}. MLC no {mlc}. Fracture of mandible at left parasymphysis and right condyle.
Impression: normal study. Dr. {initials}
Informant: {stranger} (brother). Loss of weight and appetite since 6 months.
Insurance policy {policy}, UPI {upi}. Calculus in right renal pelvis with mild hydronephrosis.
Reviewed with Prof {stranger} and Dr {stranger} in tumour board on {date}. Advised chemoradiation 60 Gy in 30 fractions.
BP 120/80 mmHg, pulse 82 per min, temp 98.6 F. Power 4/5 in both lower limbs. Attendant {stranger}
{known} | {mrn} | {date} | MRI lumbar spine: disc bulge at L4-L5 with left foraminal narrowing""".splitlines()
HINGLISH = """Mareez {known} ko 2 mahine se muh mein chhala hai, gaon {place}, mobile {phone}
Pet mein dard aur ulti 3 din se, {stranger} ke saath aaye hain
Gala dard aur bukhar, dawa li par aaram nahi. Pati ka naam {stranger}
{known} ko saans lene mein takleef, pehle {hospital} mein bharti the
Daant mein dard, gutka khane ki aadat 10 saal se, pata {address}""".splitlines()
INDIC = {
    "hi": """मरीज {native} को सिर में दर्द है। आयु 45 वर्ष।
{strange} ने बताया कि मुंह में छाला है और बुखार है। दिनांक {hdate}
रोगी {native}, निवासी {strange}, को खांसी और सांस में दर्द है। फोन {phone}
बायां घुटना सूजन, {native} का एक्सरे {hdate}
नाम: {native} शिकायत: पेट दर्द, उल्टी, कमजोरी""".splitlines(),
    "ta": """நோயாளி {native} தலைவலி மற்றும் காய்ச்சல் உள்ளது. வயது 52
{strange} வலது கால் வலி, வீக்கம் {hdate}
நோயாளி {native} நெஞ்சு வலி, இருமல், தொலைபேசி {phone}
வாய் புண் 3 மாதம், புகையிலை பழக்கம் உண்டு - {native}""".splitlines(),
    "kn": """ರೋಗಿ {native} ತಲೆನೋವು ಮತ್ತು ಜ್ವರ ಇದೆ. ವಯಸ್ಸು 48
{strange} ಬಲ ಕಾಲು ನೋವು, ಊತ {hdate}
ರೋಗಿ {native} ಎದೆ ನೋವು, ಕೆಮ್ಮು, ಮೊಬೈಲ್ {phone}
ಬಾಯಿ ಹುಣ್ಣು 3 ತಿಂಗಳು, ತಂಬಾಕು ಅಭ್ಯಾಸ ಇದೆ - {native}""".splitlines(),
}
DESCRIPTORS = """AX T2 FLAIR|t1_mprage_sag_p2_iso|ep2d_diff_3scan_trace_p2_ADC|CHEST PA|3D SPGR POST GD|Topogram 0.6 T20s|localizer
OPG|CBCT MANDIBLE 0.2mm|SAG T1 3D_FSPGR (POST)|Axial 5.0 B30f soft tissue|Thorax 1.0 B80f|CT NECK WITH CONTRAST|MRI BRAIN PLAIN
T2W_TSE SAG|sT2W_FLAIR SENSE|DWI b1000|ADC map|SWI minIP|MRCP 3D radial|HRCT CHEST|KUB PLAIN|LS SPINE AP/LAT|C-SPINE LATERAL
CT ABDOMEN TRIPHASIC|Arterial phase 1.25 mm|Bone 0.75 Hr60|MPR cor 3.0|VRT|PET CT WHOLE BODY|CTAC 3.27mm|USG ABDOMEN|DOPPLER LOWER LIMB (L)
MAMMOGRAPHY MLO L|IOPA 36|Lateral cephalogram|BIOPSY LEFT BUCCAL MUCOSA|H&E 40x|IHC Ki67|Dose Report|AAHead_Scout|tfl3d1_16ns|fl2d1
Perfusion MTT|cine_retro_SA|LGE PSIR|TOF 3D multislab|MIP TOF|Survey|Screen Save|SMART PREP SERIES|LUNG 1.0 FC51|Ax LAVA+C DYN""".replace("\n", "|").split("|")  # fmt: skip
AROUND = (
    "{d}", "{d} - {planted}", "{planted} {d}", "{d}_{planted_}", "{planted_}_{d}", "({planted}) {d}", "{d} {date}", "{d} {mrn}",
    "{d} {hospital}", "{d}^{planted}", "{d} REF DR {stranger}", "{d} {phone}", "{d} {known_glued}",
)  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """One planted string. `known`: the person's own, told to the cleaner beforehand."""

    kind: str
    text: str
    known: bool = False


@dataclass(frozen=True)
class Labelled:
    """A text with everything that must go and every word that must stay."""

    text: str
    person: tuple[tuple[str, str], ...]
    planted: tuple[Planted, ...]
    stays: tuple[str, ...]
    prose: bool
    language: str


_SYLLABLES = "bha cha dha gha jha kha tha sha ra ri ru va vi ma mu na ni ka ki su sa ja da di pa pra ya la li thi ndra nka tra shwa".split()
_ENDS = "swamy nathan esh endra appa amma kanth lingam prasad murthy reddy raj wati bai deep jeet preet ullah uddin".split()


class Maker:
    """Makes identifiers from one random source."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def _digits(self, count: int, first: str = "123456789") -> str:
        return self.random.choice(first) + "".join(self.random.choice("0123456789") for _ in range(count - 1))

    def _set_apart(self, digits: str, *groups: int) -> str:
        sep, at, out = self.random.choice(" -" if self.random.random() < 0.7 else " "), 0, []
        for group in groups:
            out.append(digits[at : at + group])
            at += group
        return sep.join(out) if self.random.random() < 0.7 else digits

    def name(self) -> str:
        if self.random.random() < 0.4:
            made = "".join(self.random.choice(_SYLLABLES) for _ in range(self.random.randint(1, 2)))
            return (made + self.random.choice(_ENDS)).capitalize()
        given, family = self.random.choice(GIVEN), self.random.choice(FAMILY)
        return self.random.choice(
            [
                f"{given} {family}",
                f"{given[0]}. {family}",
                family,
                f"{given} {family[0]}",
                f"{given} {self.random.choice(GIVEN)} {family}",
            ]
        )

    def word(self) -> str:
        return self.random.choice(ALSO_WORDS)

    def family(self) -> str:
        return self.random.choice(FAMILY)

    def initials(self) -> str:
        return (
            f"{self.random.choice('ABKMNRSV')}.{self.random.choice('KLMNPRS')}. {self.random.choice(FAMILY)}"
        )

    def place(self) -> str:
        return self.random.choice(PLACES)

    def hospital(self) -> str:
        return self.random.choice(HOSPITALS).replace("_", " ")

    def address(self) -> str:
        quarter, place = self.random.choice(QUARTERS).replace("_", " "), self.place()
        return self.random.choice([
            f"H.No. {self._digits(2)}/{self._digits(3)}, {quarter}, {place} {self.pin()}",
            f"Flat No {self._digits(3)}, {quarter}, {place}", f"Plot {self._digits(2)}, {quarter} Road, {place}-{self.pin()}",
            f"{self._digits(2)} {quarter}, {place}",
        ])  # fmt: skip

    def pin(self) -> str:
        pin = self._digits(6, "12345678")
        return self.random.choice([pin, f"{pin[:3]} {pin[3:]}"])

    def phone(self) -> str:
        mobile = self._digits(10, "6789")
        land = f"0{self._digits(3)}-{self._digits(7, '2345')}"
        return self.random.choice(
            [
                mobile,
                f"+91 {mobile[:5]} {mobile[5:]}",
                f"{mobile[:5]}-{mobile[5:]}",
                f"0{mobile}",
                f"+91-{mobile}",
                land,
            ]
        )

    def email(self) -> str:
        return f"{self.random.choice(GIVEN).lower()}.{self.random.choice(FAMILY).lower()}{self._digits(2)}@{self.random.choice(['gmail.com', 'mail.co.in', 'aiims.example', 'abdm', 'clinic.health'])}"

    def upi(self) -> str:
        return f"{self._digits(10, '6789')}@{self.random.choice(['ybl', 'okicici', 'paytm'])}"

    def aadhaar(self) -> str:
        base = self._digits(11, "23456789")
        return self._set_apart(base + verhoeff.calc_check_digit(base), 4, 4, 4)

    def abha(self) -> str:
        return self._set_apart(self._digits(14), 2, 4, 4, 4)

    def pan(self) -> str:
        return (
            "".join(self.random.choice("ABCDEFGHKLMNPRST") for _ in range(3))
            + "P"
            + self.random.choice("ABKRS")
            + self._digits(4)
            + self.random.choice("ABCDEFGH")
        )

    def epic(self) -> str:
        base = self._digits(6)
        return self.random.choice(["WKH", "XYZ", "ABT", "TNM"]) + base + luhn.calc_check_digit(base)

    def passport(self) -> str:
        return self.random.choice("KLMNPRSTUV") + self._digits(6) + self.random.choice("123456789")

    def vehicle(self) -> str:
        return (
            self.random.choice(["MH", "KA", "TN", "UP"])
            + self.random.choice([" ", "", "-"])
            + self._digits(2)
            + self.random.choice([" ", "", "-"])
            + "AB"
            + self.random.choice([" ", ""])
            + self._digits(4)
        )

    def mrn(self) -> str:
        return self.random.choice(
            [
                f"UH-{self._digits(4)}-{self._digits(6)}",
                f"MRD{self._digits(7)}",
                f"WH/{self._digits(2)}/{self._digits(5)}",
                f"IP{self._digits(6)}",
                self._digits(8),
                f"CR-{self._digits(5)}/24",
            ]
        )

    def specimen(self) -> str:
        return f"HP/{self._digits(4)}/24"

    def mlc(self) -> str:
        return f"{self._digits(4)}/2024"

    def policy(self) -> str:
        return f"P/{self._digits(6)}/01/2024/{self._digits(6)}"

    def oldage(self) -> str:
        return f"{self.random.randint(90, 109)} {self.random.choice(['yrs', 'years', 'Y'])}"

    def time(self) -> str:
        return f"{self.random.randint(1, 12)}:{self.random.randint(10, 59)} {self.random.choice(['AM', 'PM', 'hrs'])}"

    def _day(self) -> tuple[int, int, int]:
        return self.random.randint(1, 28), self.random.randint(1, 12), self.random.randint(1935, 2026)

    def date(self) -> str:
        d, m, y = self._day()
        suffix = {1: "st", 2: "nd", 3: "rd"}.get(d, "th")
        return self.random.choice([
            f"{d:02}/{m:02}/{y}", f"{d}.{m}.{y % 100:02}", f"{d:02}-{m:02}-{y}", f"{d:02}-{MONTHS[m - 1]}-{y % 100:02}", f"{d}{suffix} {LONG[m - 1]} {y}",
            f"{d} {MONTHS[m - 1]} {y}", f"{MONTHS[m - 1]} {d}, {y}", f"{y}{m:02}{d:02}", f"{y}-{m:02}-{d:02}", f"{d:02}{MONTHS[m - 1].upper()}{y}",
        ])  # fmt: skip

    def indic_date(self, language: str) -> str:
        d, m, y = self._day()
        months = {"hi": HINDI, "ta": TAMIL, "kn": KANNADA}[language]
        zero = {"hi": 0x966, "ta": 0xBE6, "kn": 0xCE6}[language]
        digits = f"{d} {months[m - 1]} {y}" if self.random.random() < 0.6 else f"{d}/{m}/{y}"
        if self.random.random() < 0.5:
            return "".join(chr(zero + int(c)) if c.isdigit() else c for c in digits)
        return digits


def _ways(maker: Maker, name: str) -> str:
    """Return one of the ways in which a person's own name is written."""
    given, _, family = name.partition(" ")
    near = (
        re.sub("ee", "i", given)
        if "ee" in given
        else re.sub("sh", "s", given)
        if "sh" in given
        else given + given[-1]
    )
    return maker.random.choice([
        name, name.upper(), name.lower(), f"{family} {given}", f"{family.upper()}, {given.upper()}", f"{given[0]}. {family}", f"{given} {family[0]}",
        f"{near} {family}", f"{given}{family}", f"{given}.{family}", f"{family}^{given}", f"{given}_{family}",
    ])  # fmt: skip


def _fill(
    maker: Maker, template: str, slots: dict[str, Callable[[], Planted]]
) -> tuple[str, list[Planted], str]:
    """Return the text, what was planted, and the template's own words."""
    planted: list[Planted] = []
    out: list[str] = []
    at = 0
    for match in re.finditer(r"{(\w+)}", template):
        one = slots[match[1]]()
        planted.append(one)
        out += [template[at : match.start()], one.text]
        at = match.end()
    return "".join([*out, template[at:]]), planted, re.sub(r"{\w+}", " \0 ", template)


_LABELS = frozenset(
    """dr prof smt mr s/o w/o uhid aadhaar abha pan ph no id ref by name mlc pin upi whatsapp contact call mobile age yrs mrd
vehicle voter passport policy insurance naam gaon pata pati ka from md phone phon f male female road sent at on signed
फोन नाम निवासी दिनांक தொலைபேசி ಮೊಬೈಲ್ resident of referred reported seen dated and is bharti bataya ने बताया कि बताया
ने h i ii mr. bhajan khane li par""".split()
)
_KEEP = re.compile(r"(?:[^\W_]|[\u0900-\u0963\u0966-\u096f\u0971-\u0dff])+(?:\.\d+)?")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in _KEEP.findall(text) if word.casefold() not in _LABELS)


def _slots(
    maker: Maker, person: tuple[tuple[str, str], ...], name: str, language: str
) -> dict[str, Callable[[], Planted]]:
    own = dict(person)
    kinds = (
        "place hospital address pin phone email upi aadhaar abha pan epic passport vehicle mrn specimen mlc policy oldage time date initials family word"
    ).split()
    named = {
        "initials": "name",
        "family": "name",
        "word": "name-word",
        "upi": "email",
        "specimen": "mrn",
        "mlc": "mrn",
        "policy": "mrn",
        "time": "date",
        "hospital": "place",
    }
    slots: dict[str, Callable[[], Planted]] = {
        kind: (lambda kind=kind: Planted(named.get(kind, kind), getattr(maker, kind)())) for kind in kinds
    }
    slots["stranger"] = lambda: Planted("name", maker.name())
    slots["known"] = lambda: Planted("name", _ways(maker, name), True)
    slots["native"] = lambda: Planted("name", own.get("name-local", name), True)
    if language in STRANGERS:
        slots["strange"] = lambda: Planted("name", maker.random.choice(STRANGERS[language]))
        slots["hdate"] = lambda: Planted("date", maker.indic_date(language))
    return slots


def _person(maker: Maker, language: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    if language in NATIVE:
        name, native = maker.random.choice(NATIVE[language])
        return name, (("name", name), ("name-local", native), ("uhid", maker.mrn()))
    name = f"{maker.random.choice(GIVEN)} {maker.random.choice(FAMILY)}"
    return name, (("name", name), ("uhid", maker.mrn()), ("phone", maker.phone()))


def texts(count: int = 2400, *, seed: int = 2026) -> list[Labelled]:
    """Return `count` labelled texts: about a third descriptors, the rest prose in five languages."""
    maker = Maker(seed)
    found: list[Labelled] = []
    for number in range(count):
        kind = ("descriptor", "en", "descriptor", "en", "hinglish", "en", "hi", "en", "ta", "kn")[number % 10]
        name, person = _person(maker, kind)
        if kind == "descriptor":
            found.append(_descriptor(maker, name, person))
            continue
        lines = PROSE if kind == "en" else HINGLISH if kind == "hinglish" else INDIC[kind]
        text, planted, frame = _fill(maker, maker.random.choice(lines), _slots(maker, person, name, kind))
        if kind == "en" and maker.random.random() < 0.15:
            text, frame = text.upper(), frame.upper()
            planted = [Planted(one.kind, one.text.upper(), one.known) for one in planted]
        found.append(Labelled(text, person, tuple(planted), _words(frame.replace("\0", " ")), True, kind))
    return found


def _descriptor(maker: Maker, name: str, person: tuple[tuple[str, str], ...]) -> Labelled:
    words = maker.random.choice(DESCRIPTORS)
    slots = _slots(maker, person, name, "descriptor")
    own = dict(person)
    slots["d"] = lambda: Planted("", words)
    slots["planted"] = lambda: (
        Planted("name", _ways(maker, name), True)
        if maker.random.random() < 0.6
        else Planted("mrn", own["uhid"], True)
    )
    slots["planted_"] = lambda: Planted("name", name.replace(" ", "_").upper(), True)
    slots["known_glued"] = lambda: Planted("name", name.replace(" ", ""), True)
    text, planted, _ = _fill(maker, maker.random.choice(AROUND), slots)
    return Labelled(
        text,
        person,
        tuple(one for one in planted if one.kind),
        _words(words.replace("_", " ")),
        False,
        "descriptor",
    )


def left(planted: Planted, cleaned: str, frame: tuple[str, ...]) -> bool:
    """Say whether anything of a planted string is left: a word of it, its letters and digits in a row, or half its digits."""
    allowed = {word.casefold() for word in frame}
    have = {word.casefold() for word in _KEEP.findall(cleaned.replace("_", " "))} - allowed
    bare = re.sub(r"[\W_]", "", cleaned).casefold()
    whole = re.sub(r"[\W_]", "", planted.text).casefold()
    if planted.kind in {"name", "name-word", "place", "address"}:
        words = {word.casefold() for word in _KEEP.findall(planted.text.replace("_", " ").replace("^", " "))}
        words -= {"hospital", "road", "no", "plot", "flat", "h", "centre"}
        return any(word in have for word in words if len(word) > 2 or word.isdigit()) or (
            len(whole) > 4 and whole in bare
        )
    digits = re.sub(r"\D", "", whole)
    return (
        (len(whole) > 4 and whole in bare)
        or (len(digits) >= 4 and digits in re.sub(r"\D", "", bare))
        or whole in have
    )
