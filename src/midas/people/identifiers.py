"""Identifiers of researchers and institutions, each with its check digits. What a person typed becomes one form."""

from __future__ import annotations

import re

from midas.kernel import BadInput

_ORCID = re.compile(r"(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dX])")
_ROR = re.compile(r"0[0-9a-hj-km-np-tv-z]{6}\d{2}")
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def orcid(text: str) -> str:
    """Return an ORCID iD as `0000-0000-0000-0000`, or "" for none. Its last digit is checked (ISO 7064, MOD 11-2)."""
    told = text.strip().upper().removeprefix("HTTPS://ORCID.ORG/")
    if not told:
        return ""
    found = _ORCID.fullmatch(told)
    if found is not None:
        digits = "".join(found.groups())
        total = 0
        for digit in digits[:-1]:
            total = (total + int(digit)) * 2
        if "0123456789X"[(12 - total % 11) % 11] == digits[-1]:
            return "-".join(found.groups())
    raise BadInput("This is not an ORCID iD.", advice="It has 16 digits, such as 0000-0002-1825-0097.")


def ror(text: str) -> str:
    """Return a ROR ID as its address, or "" for none. Its last two digits are checked (ISO 7064, MOD 97-10)."""
    told = text.strip().lower().removeprefix("https://").removeprefix("ror.org/")
    if not told:
        return ""
    if _ROR.fullmatch(told):
        number = 0
        for letter in told[:-2]:
            number = number * 32 + _CROCKFORD.index(letter)
        if 98 - number * 100 % 97 == int(told[-2:]):
            return f"https://ror.org/{told}"
    raise BadInput(
        "This is not a ROR ID.", advice="Find the institution's at ror.org: https://ror.org/02mpq6x41."
    )
