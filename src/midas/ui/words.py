"""How India writes numbers, sizes, days and keys; the same rules for pages, in English and in Hindi.

Pure functions: values in, text out. Digits are the international ones in both languages (Constitution of India,
article 343(1)).
"""

from __future__ import annotations

from datetime import date, datetime

from django.utils import dateformat, timezone
from django.utils.translation import get_language

HINDI_MONTHS = (
    "जनवरी", "फ़रवरी", "मार्च", "अप्रैल", "मई", "जून", "जुलाई", "अगस्त", "सितंबर", "अक्तूबर", "नवंबर", "दिसंबर",
)  # fmt: skip
"""Django's short Hindi months are cut inside a letter, so they are written out here."""
UNITS = ("B", "KB", "MB", "GB", "TB")


def count(value: float | str | None) -> str:
    """Group digits the Indian way: 1234567 → `12,34,567`; a fraction keeps two places."""
    if value is None or value == "":
        return "–"
    number = float(value)
    sign, number = ("−" if number < 0 else ""), abs(number)
    whole, _, fraction = f"{number:.2f}".partition(".")
    head, tail = whole[:-3], whole[-3:]
    pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)][::-1]
    text = ",".join([*pairs, tail])
    fraction = fraction.rstrip("0")
    return f"{sign}{text}.{fraction}" if fraction else f"{sign}{text}"


def size(value: int | None) -> str:
    """Give a number of bytes in decimal units: 1536000 → `1.5 MB`."""
    if value is None:
        return "–"
    amount, unit = float(value), UNITS[0]
    for unit in UNITS:
        if amount < 1000 or unit == UNITS[-1]:
            break
        amount /= 1000
    digits = 0 if unit == "B" or amount >= 100 else 1
    return f"{count(float(f'{amount:.{digits}f}'))}\N{NO-BREAK SPACE}{unit}"


def day(value: date | datetime | str | None) -> str:
    """Write a day as `22 Nov 2026`, months in the page's language; a moment is shown in the site's time zone."""
    if not value:
        return "–"
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime) and timezone.is_aware(value):
        value = timezone.localtime(value)
    if (get_language() or "en").startswith("hi"):
        return f"{value.day} {HINDI_MONTHS[value.month - 1]} {value.year}"
    return dateformat.format(value, "j M Y")


def moment(value: datetime | str | None) -> str:
    """Write a moment as `22 Nov 2026, 14:05`."""
    if not value:
        return "–"
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    local = timezone.localtime(value) if timezone.is_aware(value) else value
    return f"{day(local)}, {dateformat.format(local, 'H:i')}"


def short_key(value: str | None) -> str:
    """Shorten a hash for reading; the whole of it stays available to copy."""
    return f"{value[:8]}…{value[-6:]}" if value and len(value) > 20 else value or "–"


def short_path(value: str) -> str:
    """Keep the folders that say whose a file is and the end of its name: `data/P-…/…/…123456.dcm`."""
    parts = value.split("/")
    if len(parts) < 4:
        return value
    name = parts[-1] if len(parts[-1]) < 24 else f"…{parts[-1][-14:]}"
    return "/".join([*parts[:2], "…", name])
