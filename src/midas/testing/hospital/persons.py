"""Synthetic persons of India: names in two scripts, numbers with right check digits, everything that could name one.

In comes a seed; out come frozen persons. None is real: names are put together from common ones, numbers are random.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from stdnum import verhoeff

Basis = str
"""`consent`, `guardian consent`, `waiver`, `withdrawn` or `none`: what the consent table will say of a person."""


@dataclass(frozen=True)
class Person:
    """One synthetic person. `key` is our own name for them; it never stands in the export."""

    key: str
    given: str
    family: str
    local: str
    sex: str
    born: date
    relation: str
    guardian: str
    physician: str
    uhid: str
    other_uhid: str
    abha: str
    aadhaar: str
    phone: str
    email: str
    house: str
    village: str
    state: str
    pin: str
    basis: Basis

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}"

    @property
    def dicom_name(self) -> str:
        """The name as a DICOM PN with its own script in the ideographic group."""
        given, family = self.local.split(" ", 1)
        return f"{self.family}^{self.given}={family}^{given}"

    @property
    def address(self) -> str:
        return f"{self.house}, {self.village}, {self.state} {self.pin}"

    @property
    def guardian_line(self) -> str:
        return f"{self.relation} {self.guardian}"

    def planted(self) -> Iterator[str]:
        """Yield every string that stands for this person somewhere in the export, with the ways to write it."""
        yield from (
            self.name,
            f"{self.family}^{self.given}",
            f"{self.given}_{self.family}",
            self.given,
            self.family,
        )
        yield from (self.local, *self.local.split(" ", 1))
        yield from (self.guardian, self.physician, self.email, self.house, self.village, self.pin)
        yield from (self.uhid, self.uhid.replace("/", "-"), self.uhid.replace("/", ""))
        if self.other_uhid:
            yield self.other_uhid
        yield from (self.abha, self.abha.replace("-", ""))
        yield from (self.aadhaar, self.aadhaar.replace(" ", ""))
        yield from (self.phone, self.phone.replace(" ", ""), self.phone.removeprefix("+91 ").replace(" ", ""))
        yield from (self.born.strftime("%Y%m%d"), self.born.isoformat(), self.born.strftime("%d/%m/%Y"))


@dataclass(frozen=True)
class Sketch:
    """The hand-written part of a person; numbers are drawn from the seed."""

    given: str
    family: str
    local: str
    sex: str
    born: str
    guardian: str
    village: str
    state: str
    basis: Basis
    two_uhids: bool = False


MAHARASHTRA, TAMIL_NADU, DELHI, UTTAR_PRADESH = "Maharashtra", "Tamil Nadu", "Delhi", "Uttar Pradesh"

ORAL = (
    Sketch("Ramesh", "Deshmukhwar", "रमेश देशमुखवार", "M", "1964-03-17", "Vitthalrao Deshmukhwar",
           "Pulgaonkhurd", MAHARASHTRA, "consent"),
    Sketch("Sunanda", "Wankhedekar", "सुनंदा वानखेडेकर", "F", "1971-11-02", "Prabhakar Wankhedekar",
           "Hinganghatpeth", MAHARASHTRA, "consent", two_uhids=True),
    Sketch("Murugesan", "Thirunavukkarasu", "முருகேசன் திருநாவுக்கரசு", "M", "1958-07-29", "Ponnusamy Gounder",
           "Melapalayamkottai", TAMIL_NADU, "consent"),
    Sketch("Jaiprakash", "Bhoyarkar", "जयप्रकाश भोयरकर", "M", "1969-01-09", "Namdeorao Bhoyarkar",
           "Samudrapurwadi", MAHARASHTRA, "waiver"),
    Sketch("Pratiksha", "Meshramkar", "प्रतीक्षा मेश्रामकर", "F", "2009-05-21", "Sangeeta Meshramkar",
           "Arvitaluka", MAHARASHTRA, "guardian consent"),
    Sketch("Dnyaneshwar", "Kakdewale", "ज्ञानेश्वर काकडेवाले", "M", "1960-09-14", "Tukaram Kakdewale",
           "Deolinagar", MAHARASHTRA, "none"),
    Sketch("Kamlabai", "Uikeypatil", "कमलाबाई उईकेपाटील", "F", "1955-12-30", "Budhaji Uikeypatil",
           "Selutaluka", MAHARASHTRA, "withdrawn"),
    Sketch("Meenakshi", "Sundaravadivel", "மீனாட்சி சுந்தரவடிவேல்", "F", "1966-02-11", "Arumugam Sundaravadivel",
           "Thiruvanmiyurpet", TAMIL_NADU, "consent"),
)  # fmt: skip

BRAIN = (
    Sketch("Harbhajan", "Ahluwaliasingh", "हरभजन अहलूवालियासिंह", "M", "1959-06-08", "Gurdialsingh Ahluwalia",
           "Tilaknagarext", DELHI, "consent"),
    Sketch("Shakuntala", "Chaturvedini", "शकुंतला चतुर्वेदिनी", "F", "1963-10-25", "Ramnarayan Chaturvedi",
           "Karolbaghpura", DELHI, "consent", two_uhids=True),
    Sketch("Mohammed", "Siddiquiwala", "मोहम्मद सिद्दीकीवाला", "M", "1972-04-03", "Abdulrehman Siddiqui",
           "Chandnimahal", DELHI, "waiver"),
    Sketch("Rukmini", "Venkatachalapathy", "ருக்மிணி வெங்கடாசலபதி", "F", "1968-08-19", "Seshadri Venkatachalam",
           "Munirkavihar", DELHI, "waiver"),
    Sketch("Aarav", "Bhatnagarwal", "आरव भटनागरवाल", "M", "2010-02-27", "Nalini Bhatnagarwal",
           "Sarojinipura", DELHI, "guardian consent"),
    Sketch("Phoolmati", "Yadavendra", "फूलमती यादवेन्द्र", "F", "1957-01-15", "Ramsevak Yadavendra",
           "Mughalsaraiganj", UTTAR_PRADESH, "none"),
    Sketch("Lalitmohan", "Srivastavkar", "ललितमोहन श्रीवास्तवकर", "M", "1961-12-05", "Krishnakant Srivastav",
           "Civilnagarlines", UTTAR_PRADESH, "withdrawn"),
    Sketch("Bhuvaneshwari", "Ramanathapuram", "புவனேஸ்வரி ராமநாதபுரம்", "F", "1974-09-09",
           "Chidambaram Ramanathan", "Ramakrishnapuri", DELHI, "consent"),
)  # fmt: skip

PHYSICIANS = ("Dr. Anantrao Gawandeshastri", "Dr. Sulabha Kirtikarnath", "Dr. Thamizharasi Elangovan")


def _aadhaar(draw: random.Random) -> str:
    """Twelve digits, the first 2–9, the last a Verhoeff check digit, in groups of four."""
    body = str(draw.randint(2, 9)) + "".join(str(draw.randint(0, 9)) for _ in range(10))
    full = body + str(verhoeff.calc_check_digit(body))
    return f"{full[:4]} {full[4:8]} {full[8:]}"


def _abha(draw: random.Random) -> str:
    digits = "91" + "".join(str(draw.randint(0, 9)) for _ in range(12))
    return f"{digits[:2]}-{digits[2:6]}-{digits[6:10]}-{digits[10:]}"


def people(sketches: tuple[Sketch, ...], *, prefix: str, seed: int) -> tuple[Person, ...]:
    """Return the persons of one hospital; the same seed gives the same persons."""
    draw = random.Random(f"{prefix}/{seed}")  # noqa: S311 - synthetic persons, not secrets
    made = []
    for number, sketch in enumerate(sketches, start=1):
        serial = draw.randint(10_000, 99_999)
        mobile = f"{draw.randint(60_000, 99_999)} {draw.randint(10_000, 99_999)}"
        made.append(
            Person(
                key=f"{prefix}{number}",
                given=sketch.given,
                family=sketch.family,
                local=sketch.local,
                sex=sketch.sex,
                born=date.fromisoformat(sketch.born),
                relation="W/o" if sketch.sex == "F" else "S/o",
                guardian=sketch.guardian,
                physician=PHYSICIANS[number % len(PHYSICIANS)],
                uhid=f"{prefix}/2023/{serial:06d}",
                other_uhid=f"OLD{prefix}{draw.randint(1_000_000, 9_999_999)}" if sketch.two_uhids else "",
                abha=_abha(draw),
                aadhaar=_aadhaar(draw),
                phone=f"+91 {mobile}",
                email=f"{sketch.given.lower()}.{serial}@example.in",
                house=f"H.No. {draw.randint(11, 99)}/{draw.randint(100, 999)}",
                village=sketch.village,
                state=sketch.state,
                pin=str(draw.randint(400_001, 799_999)),
                basis=sketch.basis,
            )
        )
    return tuple(made)
