"""What each gate of a release finds wrong: one look at one `Case` each, in the order of the table in `gates`.

In comes a `Case`; out come findings that say what is wrong, of whom (by pseudonym) and what to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import pyarrow as pa

from midas.kernel import Finding, Severity
from midas.protocol.duo import duo_label
from midas.quality import examine_line
from midas.quality.coverage import Coverage, measure
from midas.release.cases import Case
from midas.release.excluding import concerned
from midas.release.floor import below
from midas.release.leakage import SAYS
from midas.release.licences import KNOWN

NAMED = 20
"""Pseudonyms that a message names; all of them stand in the finding's scope."""
ORDER = ("open", "controlled", "restricted")
"""Access classes, from the widest to the narrowest."""
LOWEST_BAND = "remediation"
OPAQUE_COLUMNS = frozenset({
    "path", "sha256", "subject", "study_uid", "series_uid", "sop_instance_uid", "sop_class_uid", "transfer_syntax_uid",
    "uid", "tracking_uid", "specimen_uid", "object_uid", "object_path", "segmentation_path", "reader",
})  # fmt: skip
"""Columns of digests, UIDs, pseudonyms and paths of these: nothing that a person wrote."""


def integrity(case: Case) -> Iterator[Finding]:
    held = case.held
    if held.absent:
        yield _wrong(
            "integrity.absent", f"{len(held.absent)} images of this draft are not in the store.",
            "Let the spoke send again, or restore the store from a copy.",
        )  # fmt: skip
    if held.wrong:
        yield _wrong(
            "integrity.wrong", f"{len(held.wrong)} images do not hold the bytes that they are named for.",
            "Restore them from a copy; midas hub verify names what else is damaged.",
        )  # fmt: skip


def splits(case: Case) -> Iterator[Finding]:
    report = case.leakage
    for kind, pairs in report.across.items():
        if pairs:
            told = "; ".join(
                f"{one.one} ({one.parts[0]}) and {one.other} ({one.parts[1]})" for one in pairs[:NAMED]
            )
            more = f"; and {len(pairs) - NAMED:,} more" if len(pairs) > NAMED else ""
            yield Finding(
                f"gate.split.{kind}", Severity.ERROR,
                " ".join(sorted({name for one in pairs for name in (one.one, one.other)})),
                f"The split leaks: {SAYS[kind]} across parts: {told}{more}.",
                "Note them as a pair (here, or by midas release pair), so that they stay in one part, and check again; or "
                "leave the wrong copy out: exclude it in the work queue and draft anew, or have it withdrawn.",
            )  # fmt: skip
    if case.brought.unseen:
        yield _wrong(
            "split.unseen", f"{case.brought.unseen:,} pairs of pictures that may be the same were not compared yet.",
            "Run midas hub check on the dataset until none is left.", severity=Severity.WARNING,
        )  # fmt: skip
    if case.brought.unsigned:
        yield _wrong(
            "split.unsearched", f"{case.brought.unsigned:,} series of slices were not searched for the same scan yet.",
            "Run midas hub check on the dataset.", severity=Severity.WARNING,
        )  # fmt: skip
    if report.unplaced:
        yield _wrong(
            "split.without-part", "Persons have images and no part.", "Draft again.", names=report.unplaced
        )
    if report.by_site and report.sites:
        yield _wrong(
            "split.site", f"The protocol keeps a hospital in one part; these are in several: {', '.join(report.sites)}.",
            "Draft again; or take by_site out of the protocol's split.",
        )  # fmt: skip
    if report.crossed:
        yield _wrong(
            "split.hidden", "Persons would come into the hidden part, or leave it, who stood on its other side in an "
            "earlier version: what models were made from is never tested with.",
            "Take back what the protocol now says of the split (its parts, or by_site). Where a late tie holds two "
            "hospitals together, exclude the persons of the later one. Or release it as another dataset.",
            names=report.crossed,
        )  # fmt: skip
    if report.moved:
        yield _wrong(
            "split.moved", "Persons stand in another part than in the version before, because of whom they were found "
            "to belong to.", "Say so in the notes: results on the versions are not comparable for them.",
            names=(name for name, _, _ in report.moved), severity=Severity.WARNING,
        )  # fmt: skip


def deid(case: Case) -> Iterator[Finding]:
    content = case.content
    about = content.about
    if wrong := below(
        about.protocol, content.report, protocol_sha256=about.protocol_sha256, alike=about.alike
    ):
        yield _wrong(
            "deid.floor", "De-identification lies below the protocol's floor. " + "; ".join(wrong) + ".",
            "Have the spoke run midas spoke audit, correct what it shows, and send again; or leave it out.",
        )  # fmt: skip
    for name, table in content.tables.items():
        for column in table.schema:
            if pa.types.is_string(column.type) and column.name not in OPAQUE_COLUMNS:
                yield from _identifiers(name, column.name, table)
    if examine_line({"notes": content.about.notes}):
        yield _wrong(
            "deid.identifier", "The draft's notes hold what looks like an identifier of a person.",
            "Draft the version with other words.",
        )  # fmt: skip


def _identifiers(name: str, column: str, table: pa.Table) -> Iterator[Finding]:
    bad = [value for value in table[column].unique().to_pylist() if value and examine_line({column: value})]
    if bad:
        here = table.filter(pa.compute.is_in(table[column], value_set=pa.array(bad)))
        yield _wrong(
            "deid.identifier", f"What looks like an identifier of a person stands in {name}, column {column}, of",
            "Have the hospital correct the rows and send them again, or withdraw the persons; nothing is edited here.",
            names=set(here["subject"].to_pylist()),
        )  # fmt: skip


def basis(case: Case) -> Iterator[Finding]:
    by_why: dict[tuple[str, ...], list[str]] = {}
    for name, one in case.allowed.items():
        if one.beyond:
            by_why.setdefault(one.beyond, []).append(name)
    common = _common(case)
    for beyond, names in sorted(by_why.items()):
        yield _wrong(
            "basis.scope",
            f"The release's terms go beyond what was allowed ({'; '.join(map(duo_label, beyond))}). Who falls out,",
            f"All persons together allow: {', '.join(map(duo_label, common)) or 'nothing that can be asked for'}. Narrow "
            "access.uses in the protocol to that and carry the persons' conditions there, then draft again; or have the "
            "hospitals ask these persons anew.",
            names=names,
        )  # fmt: skip


def _common(case: Case) -> list[str]:
    allowed = [one.purposes for one in case.allowed.values() if not one.lapsed]
    return sorted(frozenset.intersection(*allowed)) if allowed else []


def ethics(case: Case) -> Iterator[Finding]:
    by_why: dict[tuple[str, ...], list[str]] = {}
    for name, one in case.allowed.items():
        if one.lapsed:
            by_why.setdefault(one.lapsed, []).append(name)
    for lapsed, names in sorted(by_why.items()):
        yield _wrong(
            "ethics.validity",
            f"On {case.day.isoformat()} no ethics decision covers these persons: {'; '.join(lapsed)}. Who rests on it,",
            "Have the committee renew its decision, register the protocol with the new dates and draft again; or leave "
            "these persons out.",
            names=names,
        )  # fmt: skip


def quality(case: Case) -> Iterator[Finding]:
    open_ones = [one for one in case.brought.undecided if one.severity is Severity.ERROR]
    for rule, count in sorted(Counter(one.rule for one in open_ones).items()):
        scopes = [one.scope for one in open_ones if one.rule == rule]
        more = f" and {count - NAMED:,} more" if count > NAMED else ""
        yield Finding(
            "gate.quality.undecided", Severity.ERROR, " ".join(scopes),
            f"Nobody decided on {count:,} errors of {rule}: {', '.join(scopes[:NAMED])}{more}.",
            "Decide each in the curators' work queue: accept with a reason, ask the hospital, or exclude.",
        )  # fmt: skip
    if names := set(
        concerned(case.content, case.brought.since)
    ):  # it would be released as if nobody had decided
        yield _wrong(
            "quality.since", "Curators excluded or corrected something of this draft after it was made. Of whom,",
            "Draft the next version: it follows these decisions. This one never will.", names=names,
        )  # fmt: skip


def representation(case: Case) -> Iterator[Finding]:
    population = case.content.about.protocol.population
    asked, subjects = population.release, case.content.tables["subjects"]
    if asked is None:
        return
    sites = sorted({one for one in subjects["spoke"].to_pylist() if one})
    if len(sites) < asked.hospitals:
        yield _wrong(
            "representation.hospitals",
            f"The protocol asks for persons of {asked.hospitals} hospitals at least; all {subjects.num_rows:,} come from "
            f"{', '.join(sites) or 'none that is named'}: a convenience sample.",
            "Collect at the other hospitals and draft again; or say in the protocol whom the dataset really stands for "
            "(population.description) and take population.release out.",
        )  # fmt: skip
    if asked.distance is not None:
        for one in measure(case.content.about.protocol, case.content.frames())[""]:
            if one.low > asked.distance or not one.persons:
                yield _off_target(one, asked.distance)


def _off_target(one: Coverage, most: float) -> Finding:
    seen = (
        f"nobody's {one.variable} is known" if not one.persons else
        f"{one.distance:.0%} of {one.persons:,} persons (at least {one.low:.0%}, with 95 % confidence) would have to be "
        f"others by {one.variable}"
    )  # fmt: skip
    return _wrong(
        "representation.distance",
        f"The dataset is too far from whom it should stand for: {seen}; the protocol allows {most:.0%}.",
        "The coverage page says whom to collect next. Collect, and draft again; or correct the target and its source.",
    )


def grade(case: Case) -> Iterator[Finding]:
    graded = case.brought.graded
    if graded is None:
        yield _wrong("grade.none", "The draft has no grade.", "Have it graded, then check again.")
        return
    if graded.early:
        yield _wrong(
            "grade.early", "The grade's facts were gathered before this draft was made: it may hold something else.",
            "Draft the next version first, then have that draft graded.",
        )  # fmt: skip
    if graded.withdrawn_since:
        yield _wrong(
            "grade.withdrawn", "Persons of the dataset withdrew after the grade's facts were gathered: shares and counts in "
            "it are those of before.", "Say so in the notes of the next version.", severity=Severity.WARNING,
        )  # fmt: skip
    if graded.stops:
        yield _wrong(
            "grade.stop", f"The grade has a hard stop: {'; '.join(graded.stops)}.",
            "Put right what it names and have it graded anew: no index makes up for a hard stop.",
        )  # fmt: skip
    if graded.band.lower() == LOWEST_BAND:
        yield _wrong(
            "grade.band", f"A CQI of {graded.cqi:.2f} means remediation; nothing of it is released.",
            "Follow the grade's list of what would raise it, and have it graded anew.",
        )  # fmt: skip


def matrix(case: Case) -> Iterator[Finding]:
    graded, level = case.brought.graded, case.content.about.protocol.access.level
    if graded is None:
        yield _wrong(
            "matrix.none", "Without a grade the release matrix has no answer.", "Have the draft graded."
        )
        return
    widest = graded.access.lower()
    if widest not in ORDER or ORDER.index(level) < ORDER.index(widest):
        yield _wrong(
            "matrix.access", f"The matrix allows {graded.access} access; the protocol asks for {level}.",
            "Set access.level in the protocol to what the matrix allows, or raise the grade; then draft again.",
        )  # fmt: skip


def licence(case: Case) -> Iterator[Finding]:
    access = case.content.about.protocol.access
    commercial = KNOWN.get(access.license)
    if commercial is None and not access.license_url:
        yield _wrong(
            "licence.unknown", f"The licence {access.license} is not known, and nobody can read its terms.",
            f"Use one of {', '.join(sorted(KNOWN))}, or give license_url in the protocol.",
        )  # fmt: skip
    if commercial is not None and commercial != access.commercial:
        allows, says = ("allows", "forbid") if commercial else ("forbids", "allow")
        yield _wrong(
            "licence.terms", f"{access.license} {allows} commercial use; the protocol's terms {says} it.",
            "Choose another licence or correct access.commercial in the protocol, then draft again.",
        )  # fmt: skip
    barred = [name for name, one in case.allowed.items() if one.no_commerce]
    if barred and (access.commercial or commercial):
        yield _wrong(
            "licence.scope", f"{access.license} would allow commercial use, which persons or their committee forbade.",
            "Choose a licence without commercial use (such as CC-BY-NC-4.0) and set access.commercial: false, then draft "
            "again; or have the hospitals ask these persons anew.",
            names=barred,
        )  # fmt: skip


def approval(case: Case) -> Iterator[Finding]:
    if case.approvals < case.brought.needs_approvals:
        yield _wrong(
            "approval.few",
            f"{case.approvals} of {case.brought.needs_approvals} people approved this draft as it is now.",
            "Have different curators approve it on the draft's page; a changed draft needs everyone anew.",
        )  # fmt: skip
        for name in case.lapsed:
            yield _wrong(
                "approval.lapsed", f"The approval of {name} counts no more: they may not cut releases of this dataset now.",
                "Have another curator approve it; or, if the role was taken away by mistake, give it back.",
            )  # fmt: skip


def _wrong(
    rule: str, message: str, advice: str, *, names: Iterable[str] = (), severity: Severity = Severity.ERROR
) -> Finding:
    who = sorted(names)
    said = f"{message} {_named(who)}" if who else message
    return Finding(f"gate.{rule}", severity, " ".join(who) or "release", said, advice)


def _named(names: list[str]) -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return f"{len(names):,} of them: {', '.join(names[:NAMED])}{more}."
