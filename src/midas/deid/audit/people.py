"""Made-up persons with every kind of identifier that an Indian hospital writes down; a seed decides all of them.

In comes a random source, out come `Person`s whose `say` gives any identifier in any spelling. None of them exists:
numbers with a check digit are valid in form only.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any

from stdnum import luhn, verhoeff

SCRIPTS = ("devanagari", "kannada", "tamil")
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


@lru_cache(maxsize=1)
def _lists() -> dict[str, Any]:
    given: dict[str, Any] = json.loads(
        files(__package__).joinpath("persons.json").read_text(encoding="utf-8")
    )
    return given


@dataclass(frozen=True)
class Study:
    """One visit: its day, its numbers and who was there."""

    day: date
    accession: str
    study_id: str
    request: str
    referrer: str
    reader: str
    operator: str
    station: str
    serial: str


@dataclass(frozen=True)
class Person:
    """One synthetic patient; `facts` holds the identifiers by kind, `studies` one to three visits."""

    number: int
    sex: str
    born: date
    script: str
    facts: dict[str, str] = field(repr=False)
    studies: tuple[Study, ...] = field(repr=False)

    def age(self, day: date) -> int:
        return (day - self.born).days * 100 // 36525

    def say(self, what: str, study: Study) -> str:
        """Return one identifier in one spelling, such as `name.initials`, `date.dots` or `uhid`."""
        kind, _, form = what.partition(".")
        if kind in {"date", "born"}:
            return written(study.day if kind == "date" else self.born, form or "slashes")
        if kind in {
            "accession",
            "study_id",
            "request",
            "referrer",
            "reader",
            "operator",
            "station",
            "serial",
        }:
            said: str = getattr(study, kind)
            return said.replace("^", " ").strip() if form == "plain" else said
        if kind == "age":
            return f"{self.age(study.day):03d}Y" if form != "plain" else f"{self.age(study.day)} years"
        return self.facts[what]


def written(day: date, form: str) -> str:
    """Return a day as India writes it: 14/06/2019, 14-06-2019, 14.06.19, 14-Jun-2019, 14 June 2019, 20190614."""
    month = _MONTHS[day.month - 1]
    return {
        "slashes": f"{day:%d/%m/%Y}",
        "dashes": f"{day:%d-%m-%Y}",
        "dots": f"{day:%d.%m.%y}",
        "dotslong": f"{day:%d.%m.%Y}",
        "month": f"{day.day:02d}-{month}-{day.year}",
        "words": f"{day.day} {day:%B} {day.year}",
        "da": f"{day:%Y%m%d}",
        "iso": f"{day:%Y-%m-%d}",
        "th": f"{day.day}{_th(day.day)} {month} {day.year}",
    }[form]


def _th(day: int) -> str:
    return "th" if 10 <= day % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def people(number: int, rng: random.Random) -> tuple[Person, ...]:
    """Return `number` persons, no two of whom share a family name as long as there are enough of them."""
    lists = _lists()
    family = list(lists["family"])
    rng.shuffle(family)
    return tuple(_person(n, family[n % len(family)], rng, lists) for n in range(number))


def _person(number: int, family: list[str], rng: random.Random, lists: dict[str, Any]) -> Person:
    given = rng.choice(lists["given"])
    father = rng.choice([row for row in lists["given"] if row[1] == "M" and row[0] != given[0]])
    script = number % len(SCRIPTS)
    age = rng.choice((8, 23, 34, 41, 47, 52, 58, 63, 69, 74, 81, 91, 93, 97) if number else (92,))
    born = date(2020, 6, 1) - timedelta(days=int(age * 365.25) + rng.randrange(40, 300))
    town = rng.choice(lists["towns"])
    facts = {
        **_names(given, father, family, script, lists),
        **_numbers(rng, town),
        **_place(rng, town, lists),
    }
    facts["email"] = (
        f"{given[0].lower()}.{family[0].lower()}{born:%y}@{rng.choice(('gmail.com', 'yahoo.co.in', 'rediffmail.com'))}"
    )
    facts["abha.address"] = f"{given[0].lower()}{born:%Y}@abdm"
    return Person(number, given[1], born, SCRIPTS[script], facts, _studies(rng, lists, facts))


def _names(
    given: list[str], father: list[str], family: list[str], script: int, lists: dict[str, Any]
) -> dict[str, str]:
    first, middle, last = given[0], father[0], family[0]
    own = (given[2 + script], father[2 + script], family[1 + script])
    wrong = last[:2] + last[1:]
    for right, false in lists["misspelt"].items():
        if right in last.lower():
            wrong = last.lower().replace(right, false, 1).capitalize()
            break
    return {
        "given": first,
        "family": last,
        "name": f"{first} {middle} {last}",
        "name.short": f"{first} {last}",
        "name.upper": f"{last} {first}".upper(),
        "name.dicom": f"{last}^{first}^{middle}",
        "name.pn": f"{last}^{first}^{middle}={own[2]}^{own[0]}={own[2]}^{own[0]} {own[1]}",
        "name.initials": f"{first[0]}. {middle[0]}. {last}",
        "name.trailing": f"{first} {middle[0]}.",
        "name.native": f"{own[0]} {own[2]}",
        "name.hindi": f"{given[2]} {family[1]}",
        "name.misspelt": f"{first} {wrong}",
        "name.joined": f"{last}_{first}",
        "guardian": f"{middle} {last}",
        "mother": f"{'Sushila' if first != 'Sushila' else 'Kamala'} {last}",
        "mother.dicom": f"{last}^Sushila",
        "title": "Shri" if given[1] == "M" else "Smt",
    }


def _numbers(rng: random.Random, town: list[str]) -> dict[str, str]:
    def digits(n: int) -> str:
        return "".join(rng.choice("0123456789") for _ in range(n))

    aadhaar = rng.choice("23456789") + digits(10)
    aadhaar += verhoeff.calc_check_digit(aadhaar)
    abha = f"91{digits(12)}"
    mobile = rng.choice("6789") + digits(9)
    serial, roll = digits(6), digits(6)
    letters = "".join(rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(12))
    uhid = rng.choice(
        (
            f"UH-{rng.randrange(2012, 2023)}-{serial}",
            f"UHID{serial}{digits(2)}",
            f"{letters[:3]}/{rng.randrange(2012, 2023)}/{serial}",
        )
    )
    return {
        "uhid": uhid,
        "mrn": f"MRD{digits(7)}",
        "ipd": f"IP/{rng.randrange(18, 24)}/{digits(5)}",
        "aadhaar": f"{aadhaar[:4]} {aadhaar[4:8]} {aadhaar[8:]}",
        "aadhaar.joined": aadhaar,
        "aadhaar.last": f"XXXX XXXX {aadhaar[8:]}",
        "abha": f"{abha[:2]}-{abha[2:6]}-{abha[6:10]}-{abha[10:]}",
        "abha.joined": abha,
        "epic": letters[:3] + roll + luhn.calc_check_digit(roll),
        "pan": f"{letters[3:6]}P{letters[6]}{digits(3)}7{letters[7]}",
        "passport": f"{letters[8]}{rng.randrange(1, 9)}{digits(5)}{rng.randrange(1, 9)}",
        "mobile": f"+91 {mobile[:5]} {mobile[5:]}",
        "mobile.joined": mobile,
        "mobile.zero": f"0{mobile}",
        "landline": f"{town[3]}-2{digits(12 - len(town[3]))[:6]}",
        "licence": f"{town[4]} 20{rng.randrange(10, 22)}00{digits(5)}",
        "vehicle": f"{town[4]} {letters[9:11]} {digits(4)}",
        "policy": f"PMJAY/{digits(9)}",
        "ration": f"RC{digits(9)}",
        "employee": f"EMP-{digits(6)}",
        "specimen": f"HP/{rng.randrange(2016, 2023)}/{digits(4)}",
        "block": f"S{rng.randrange(16, 23)}-{digits(5)}-A2",
        "bed": f"Ward 7 Bed {rng.randrange(11, 99)}",
    }


def _place(rng: random.Random, town: list[str], lists: dict[str, Any]) -> dict[str, str]:
    street, pin = rng.choice(lists["streets"]), f"{town[2]}{rng.randrange(10, 99)}"
    hospital = rng.choice(lists["hospitals"])
    house = f"{rng.randrange(2, 299)}/{rng.choice('ABCD')}"
    return {
        "address": f"{house} {street}, {town[0]} {pin}",
        "address.long": f"H.No. {house}, {street}, {town[0]}, {town[1]} - {pin}",
        "street": street,
        "town": town[0],
        "state": town[1],
        "pin": pin,
        "hospital": f"{hospital}, {town[0]}",
        "hospital.short": hospital,
        "hospital.address": f"NH-{rng.randrange(4, 66)} Bypass, {town[0]} {pin}",
        "department": rng.choice(lists["departments"]),
        "religion": rng.choice(lists["religions"]),
        "trade": rng.choice(lists["trades"]),
    }


def _studies(rng: random.Random, lists: dict[str, Any], facts: dict[str, str]) -> tuple[Study, ...]:
    first = date(2018, 1, 15) + timedelta(days=rng.randrange(1200))
    days = [first + timedelta(days=gap) for gap in (0, rng.randrange(9, 80), rng.randrange(95, 400))]
    family = [row[0] for row in lists["family"] if row[0] != facts["family"]]

    def someone() -> str:
        return f"{rng.choice(family)}^{rng.choice(lists['physicians'])}^^Dr"

    return tuple(
        Study(
            day,
            f"ACC{rng.randrange(10**7, 10**8)}",
            f"ST{rng.randrange(10**4, 10**5)}",
            f"RQ-{rng.randrange(10**5, 10**6)}",
            someone(),
            someone(),
            f"{rng.choice(family)}^{rng.choice(lists['physicians'])}",
            f"{facts['town'][:3].upper()}CT{rng.randrange(10, 99)}",
            f"SN{rng.randrange(10**6, 10**7)}",
        )
        for day in days
    )
