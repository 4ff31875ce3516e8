"""The ledger on paper: lines for a program (NDJSON) or a sheet (CSV), each with the digests that prove it.

An NDJSON export is whole in itself: a first line that says what was asked, a line for each row, and a last one with
the hub's signature over the bytes of all lines before it. `check_lines` needs no hub and no database.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from midas.kernel import BadInput, BrokenPromise, Clock, canonical
from midas.kernel.sheets import plain_cell
from midas.ledger.chain import SAFE_WHOLE, digest_of, instant, said
from midas.manifest import PrivateKey, sign, verify_signature
from midas.wire.v1 import Signed

SCHEMA = "midas-ledger-export/1"
COLUMNS = (
    "number", "at", "deed", "who", "dataset", "version", "target", "why", "details", "by", "entry", "once", "before",
    "digest",
)  # fmt: skip
BUNDLE = 500
"""Lines that go out together: a million rows are not a million steps."""

Rows = Iterable[tuple[Any, ...]]
"""What `reading.sealed` yields."""


def _told(rows: Rows, before: dict[int, str]) -> Iterator[dict[str, Any]]:
    """Yield each row with its number and digests; `before` finds the digest of the link before the first of a run."""
    last, digest_before = -1, ""
    for number, digest, *row in rows:
        digest_before = digest_before if number == last + 1 else before[number]
        yield {"number": number, "before": digest_before, "digest": digest, **said(tuple(row))}
        last, digest_before = number, digest


class Before(dict[int, str]):
    """Finds the digest that a link follows, when it is asked for."""

    def __missing__(self, number: int) -> str:
        from midas.ledger.models import Link
        from midas.ledger.sealing import before_first

        found = Link.objects.filter(number=number - 1).values_list("digest", flat=True).first()
        return found or before_first()[1]


def ndjson(
    rows: Rows, *, asked: dict[str, str], whole: bool, signer: PrivateKey, clock: Clock
) -> Iterator[bytes]:
    """Yield the lines of an export in bundles. `whole` says that no row between the first and the last is left out."""
    sha256, count = hashlib.sha256(), 0
    first = (
        canonical({"schema": SCHEMA, "asked": asked, "whole": whole, "time": instant(clock.now())}) + b"\n"
    )
    bundle = [first]
    for one in _told(rows, Before()):
        bundle.append(canonical(one) + b"\n")
        count += 1
        if len(bundle) == BUNDLE:
            sha256.update(data := b"".join(bundle))
            yield data
            bundle.clear()
    sha256.update(data := b"".join(bundle))
    yield data
    end = {
        "schema": f"{SCHEMA}-end",
        "rows": count,
        "sha256": sha256.hexdigest(),
        "time": instant(clock.now()),
    }
    yield canonical(sign(end, signer).model_dump()) + b"\n"


def sheet(rows: Rows) -> Iterator[bytes]:
    """Yield the same as CSV (RFC 4180, UTF-8); no cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for count, one in enumerate(_told(rows, Before()), 1):
        one["details"] = (
            json.dumps(one["details"], ensure_ascii=False, sort_keys=True) if one["details"] else ""
        )
        writer.writerow([plain_cell(one[name]) for name in COLUMNS])
        if count % BUNDLE == 0:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


@dataclass(frozen=True)
class Checked:
    """What an export proves: how many rows, from which number to which, without a gap or not, signed by whom."""

    rows: int
    first: int
    last: int
    whole: bool
    public_key: str


def check_lines(lines: Iterable[bytes], *, trusted: str | None = None) -> Checked:
    """Verify an NDJSON export without a hub: every row's digest, how rows follow one another, and the signature.

    Raise `BrokenPromise` that names the first wrong row, `BadInput` for another kind of file. `trusted` is the hub's
    public key; without it the signature only shows that whoever made the file did not change it since.
    """
    stream = iter(lines)
    first = next(stream, b"")
    about = _read(first)
    if about.get("schema") != SCHEMA:
        raise BadInput("This is not an export of a ledger.", advice="Give the NDJSON file that /ledger gave.")
    sha256 = hashlib.sha256(first)
    count, began, number, digest = 0, 0, 0, ""
    held: bytes | None = None
    for line in chain(stream, (b"",)):
        if held is not None and line:
            number, digest = _row(held, number, digest, whole=about["whole"] is True and count > 0)
            sha256.update(held)
            count, began = count + 1, began or number
        elif held is not None:
            key = _end(held, sha256.hexdigest(), count, trusted)
            return Checked(count, began, number, about["whole"] is True, key)
        held = line or None
    raise BrokenPromise("The export has no end: it was cut off.", advice="Export it again.")


def _row(line: bytes, last: int, digest: str, *, whole: bool) -> tuple[int, str]:
    """Take one line; return its number and digest."""
    row = _read(line)
    try:
        number, before, claimed = int(row.pop("number")), str(row.pop("before")), str(row.pop("digest"))
        right = digest_of(number, before, row)
    except (KeyError, TypeError, ValueError):
        raise BrokenPromise(f"The line after row {last} cannot be read.", advice="Export it again.") from None
    if number <= last or (whole and number != last + 1):
        raise BrokenPromise(
            f"Row {last + 1} is missing: the next one is {number}.", advice="Export it again and compare."
        )
    if claimed != right or (number == last + 1 and last and before != digest):
        raise BrokenPromise(
            f"Row {number} is not what was sealed.",
            advice="It was changed after the export; export it again.",
        )
    return number, claimed


def _end(line: bytes, sha256: str, count: int, trusted: str | None) -> str:
    try:
        signed = Signed.model_validate(_read(line))
        end = json.loads(signed.payload)
    except ValueError:
        raise BrokenPromise("The export has no end: it was cut off.", advice="Export it again.") from None
    verify_signature(signed, trusted=trusted)
    if end.get("sha256") != sha256 or end.get("rows") != count or end.get("schema") != f"{SCHEMA}-end":
        raise BrokenPromise("The export is not what was signed.", advice="It was changed; export it again.")
    return signed.public_key


def _read(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        value = None
    if not isinstance(value, dict) or any(
        isinstance(one, int) and abs(one) >= SAFE_WHOLE for one in value.values()
    ):
        raise BadInput(
            "A line of the file is no JSON object.", advice="Give the NDJSON file that /ledger gave."
        )
    return value
