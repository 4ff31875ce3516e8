"""The words for people: README, licence, and the datasheet (after Gebru et al., "Datasheets for Datasets", 2021).

Every figure is counted from the tables, every statement taken from the protocol; where neither knows, nothing is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape

import pyarrow as pa
import pyarrow.compute as pc
from markdown_it import MarkdownIt

from midas.protocol.duo import duo_label
from midas.protocol.model import Institution, Protocol
from midas.quality.coverage import Group, measure
from midas.release.content import About, Content, path_of
from midas.release.croissant import column_says, says
from midas.release.floor import summary
from midas.release.page import bars, page
from midas.release.readings import MADE_HERE, tasks_read

_TWIN = (
    "**This is a synthetic twin.** It has the layout, the tables and the code paths of the real release, and no person "
    "behind any row or picture. Values are drawn column by column from what the protocol allows, so nothing can be "
    "learned from it about the disease or about anyone."
)

TARGET = "### Persons beside the target"
"""The heading under which the imbalance of a release is described."""

_CC_BY = """Creative Commons Attribution 4.0 International (CC BY 4.0)

You are free to share (copy and redistribute in any medium or format) and adapt (remix, transform and build upon) this
material for any purpose, even commercially, as long as you give appropriate credit, provide a link to the licence, and
indicate if changes were made. You may not apply legal terms or technological measures that legally restrict others from
doing anything the licence permits. No warranties are given.

This is a summary and not a substitute for the licence, whose text stands at
https://creativecommons.org/licenses/by/4.0/legalcode
"""


def _count(table: pa.Table, column: str) -> list[tuple[str, int]]:
    """Count a column's values, most frequent first."""
    held = table[column].value_counts().to_pylist()
    counts = (("not stated" if one["values"] is None else str(one["values"]), one["counts"]) for one in held)
    return sorted(counts, key=lambda pair: (-pair[1], pair[0]))


def _bytes(size: int) -> str:
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def _figures(content: Content) -> list[tuple[str, str]]:
    held = content.tables
    names = ("subjects", "visits", "lesions", "specimens", "series")
    sizes = [(name, f"{held[name].num_rows:,}") for name in names if held[name].num_rows]
    total = pc.sum(held["manifest"]["size"]).as_py() or 0
    return [
        *sizes,
        ("images (instances)", f"{held['manifest'].num_rows:,}"),
        ("size of the images", _bytes(total)),
    ]


def _plain(text: str) -> str:
    """Make text from the protocol safe inside a Markdown table or line."""
    flat = " ".join(text.split())
    return "".join(f"\\{one}" if one in "\\`*_[]<>|#" else one for one in flat)


def _grid(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(headings) + " |", "|" + " --- |" * len(headings)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _counts(heading: str, counts: list[tuple[str, int]]) -> str:
    return _grid((heading, "count"), [(_plain(name), f"{count:,}") for name, count in counts])


def datasheet(content: Content) -> str:
    """Return `DATASHEET.md`."""
    about, protocol = content.about, content.about.protocol
    parts = [f"# {_plain(about.title)}, {about.version}\n", f"Published on {about.published_on}.\n"]
    if about.twin:
        parts.append(f"> {_TWIN}\n")
    for title, text in (
        ("Motivation", _motivation(protocol)), ("Composition", _composition(content)),
        ("Collection process", _collection(content)), ("Cleaning and labelling", _cleaning(content)),
        ("Uses", _uses(protocol)), ("Distribution", _distribution(about)), ("Maintenance", _maintenance(content)),
    ):  # fmt: skip
        parts.append(f"## {title}\n\n{text}\n")
    return "\n".join(parts)


def _motivation(protocol: Protocol) -> str:
    diseases = ", ".join(f"{_plain(code.meaning)} ({code.scheme} {code.value})" for code in protocol.disease)
    asked = "\n".join(
        f"- {_plain(one.title.get('en', one.id))} (`{one.id}`, per {one.level})" for one in protocol.targets
    )
    return (
        f"{_plain(protocol.summary.get('en', ''))}\n\nDisease: {diseases}.\n\nMade by {_plain(_where(protocol.hub))}.\n\n"
        f"Questions it is meant to answer:\n\n{asked}"
    )


def _composition(content: Content) -> str:
    held, protocol = content.tables, content.about.protocol
    parts = [
        "A release follows the clinic: subject → visit → lesion → specimen → item.",
        _grid(("what", "how many"), _figures(content)),
        f"The dataset is meant to stand for: {_plain(protocol.population.description)}"
        + (f" Source of the figures: {_plain(protocol.population.source)}" if protocol.population.source else ""),
        "### Images by modality", _counts("modality", _count(held["manifest"], "modality")),
        "### Images by item", _counts("item", _count(held["manifest"], "item")),
        *_beside_target(content), "### Subjects by sex", _counts("sex", _count(held["subjects"], "sex")),
        "### Subjects by hospital", _counts("hospital", _count(held["subjects"], "spoke")),
        "### Subjects by part", _counts("part", _count(held["splits"], "part")),
        ("A person is in one part only. Parts are drawn by a keyed hash of the person, so that they stay as they are "
        "when the dataset grows."),
    ]  # fmt: skip
    for target in protocol.targets:
        labels = held["labels"].filter(pa.compute.equal(held["labels"]["target"], target.id))
        if labels.num_rows:
            shown = _count(labels, "value") if target.type == "category" else [("labels", labels.num_rows)]
            parts += [f"### Labels: {_plain(target.title.get('en', target.id))}", _counts("value", shown)]
    parts += ["### Files", _files(content)]
    return "\n\n".join(parts)


def _beside_target(content: Content) -> Iterator[str]:
    """Yield each share beside what the protocol aims at, under `TARGET`; nothing for a twin, or without a target."""
    asked = content.about.protocol.population.variable and not content.about.twin
    found = measure(content.about.protocol, content.frames())[""] if asked else ()
    if not any(one.persons for one in found):
        return
    yield TARGET
    yield _grid(
        ("variable", "value", "share (95 % interval)", "target", ""),
        [
            (f"`{_plain(one.variable)}`", _plain(group.value), f"{group.share:.0%} ({group.low:.0%} to {group.high:.0%})",
             f"{group.target:.0%}", _imbalance(group))
            for one in found if one.persons for group in one.groups
        ],
    )  # fmt: skip


def _imbalance(group: Group) -> str:
    if not group.off_target:
        return "within chance"
    return "too few" if group.difference < 0 else "more than aimed at"


def _files(content: Content) -> str:
    text = [_grid(("file", "rows", "what"), [
        (f"`{path_of(name)}`", f"{table.num_rows:,}", _plain(says(name, content.about)))
        for name, table in sorted(content.tables.items())
    ])]  # fmt: skip
    for name, table in sorted(content.tables.items()):
        if name.startswith("clinical/"):
            rows = [
                (f"`{column}`", _plain(column_says(name, column, content.about)))
                for column in table.column_names[4:]
            ]
            text += [f"#### `{path_of(name)}`", _grid(("column", "what"), rows)]
    return "\n\n".join(text)


def _collection(content: Content) -> str:
    protocol = content.about.protocol
    if content.about.twin:
        return "Nothing was collected: see the note at the top."
    spokes = set(content.tables["subjects"]["spoke"].to_pylist())
    names = {one.id: _where(one) for one in protocol.spokes}
    where = "\n".join(f"- {_plain(names.get(one, one))}" for one in sorted(spokes))
    used = {one for row in content.tables["subjects"]["ethics"].to_pylist() for one in row}
    decisions = [
        (_plain(one.id), one.kind, _plain(one.committee), _plain(one.reference), ", ".join(one.scope))
        for one in protocol.ethics if one.id in used
    ]  # fmt: skip
    left = Counter(
        (one.why, "series" if one.series else "subjects")
        for one in content.left_out
        if one.why != "withdrawn"
    )
    out = "".join(f"- {why}: {count:,} {what}\n" for (why, what), count in sorted(left.items()))
    return (
        f"Collected in routine care at:\n\n{where}\n\nLawful basis:\n\n"
        + _grid(("decision", "kind", "committee", "reference", "allows"), decisions)
        + (f"\n\nLeft out of this version:\n\n{out}" if out else "")
    )


def _cleaning(content: Content) -> str:
    if content.about.twin:
        return "The files are written as de-identified files are, by the same rules, from invented content."
    deid = content.about.protocol.deid
    engines = sorted(
        {str(one) for one in content.tables["manifest"]["deid"].unique().to_pylist()} - {MADE_HERE}
    )
    options = "".join(f"- {one}\n" for one in deid.options)
    exceptions = "".join(
        f"- `{one.keyword}`: {one.action}. {_plain(one.reason)}\n" for one in deid.exceptions
    )
    sources = _counts("source", _count(content.tables["labels"], "source"))
    return (
        "De-identified inside the hospital under the DICOM PS3.15 Basic Application Confidentiality Profile"
        + (f" with these options:\n\n{options}" if options else ".\n")
        + (f"\nException to the profile, with its reason:\n\n{exceptions}" if exceptions else "")
        + f"\n{_dates(deid.options)} What was done, rule by rule, stands in `deid/report.html`.\n\nProfile and engine: "
        + ", ".join(f"`{one}`" for one in engines)
        + f"\n\n{_measured(content)}"
        + (f"\n\nWhere the labels come from:\n\n{sources}" if content.tables["labels"].num_rows else "")
        + _read(content)
    )


def _read(content: Content) -> str:
    """Say what was read, by how many, and how far they agreed before anything was settled."""
    told = tasks_read(content)
    if not told:
        return ""
    return (
        "\n\nRead by specialists who did not see one another's answers; where they differed, another settled it with a "
        "reason. Every reading stands in `readings.parquet`, under codes in place of names.\n\n"
        + _grid(
            ("task", "items", "readings", "settled by agreement", "agreement (95 % interval)"),
            [
                (f"`{_plain(one.task)}`", f"{one.items:,}", f"{one.readings:,}", f"{one.agreed:,}", _plain(one.agreement))
                for one in told
            ],
        )
    )  # fmt: skip


def _measured(content: Content) -> str:
    """Say how each spoke's de-identification did on identifiers that were planted in copies of its own files."""
    audits = summary(content.report)
    if not audits:
        return "Its de-identification was not measured: the protocol sets no floor."
    floor = content.about.protocol.deid.audit
    asked = f" The protocol asks for at least {100 * floor.floor:g} %." if floor else ""
    return f"Measured with identifiers planted in copies of each spoke's own files:{asked}\n\n" + _grid(
        ("spoke", "files planted", "required actions", "done rightly", "at least (95 %)", "identifiers left"),
        [
            (
                _plain(one["spoke"]), f"{one['files']:,}", f"{one['actions']:,}", f"{one['right_percent']} %",
                f"{one['low_percent']} %", f"{one['leaks']:,}",
            )
            for one in audits
        ],
    )  # fmt: skip


def _dates(options: Sequence[str]) -> str:
    if "retain-longitudinal-modified-dates" in options:
        return "Dates are moved by a secret number of days, one for each person: intervals within a person are true."
    return "Dates are kept." if "retain-longitudinal-full-dates" in options else "Dates were taken out."


def _where(place: Institution) -> str:
    """Name an institution with its city and state, each once."""
    named = place.name
    for part in (place.city, place.state):
        named += f", {part}" if part and part not in named else ""
    return named


def _uses(protocol: Protocol) -> str:
    commerce = (
        "Commercial use is allowed." if protocol.access.commercial else "Commercial use is not allowed."
    )
    return (
        f"Allowed uses (Data Use Ontology): {'; '.join(map(duo_label, protocol.access.uses))}. {commerce}\n\n"
        "No one may try to find out who a subject is. What a model learns here holds for the hospitals, devices and "
        "persons listed above and must be tested anew elsewhere."
    )


def _distribution(about: About) -> str:
    access = about.protocol.access
    link = f" <{access.license_url}>" if access.license_url else ""
    level = "open" if about.twin else access.level
    return f"Access: {level}. Licence: {_plain(access.license)}.{link}\n\nTo cite:\n\n> {_plain(access.citation)}"


def _maintenance(content: Content) -> str:
    about = content.about
    contact = f"\n\nContact: {_plain(about.protocol.contact)}" if about.protocol.contact else ""
    notes = f"\n\nNotes on this version:\n\n{_plain(about.notes)}" if about.notes else ""
    return (
        "A version never changes. Corrections and new subjects come as a new version. A subject who withdraws is taken out "
        "of every version; the rest still verifies under the same key (`midas release verify FOLDER`).\n\n"
        f"Protocol: `{about.protocol.id}` {about.protocol.version}, SHA-256 `{about.protocol_sha256}`{notes}{contact}"
    )


def as_page(content: Content, markdown: str) -> str:
    """Return `DATASHEET.html` from the Markdown: tiles and bars on top, the whole text below, one file, printable."""
    about, held = content.about, content.tables
    _, _, text = markdown.partition("## ")
    tiles = "".join(
        f"<div class='tile'><b>{value}</b><span>{escape(name)}</span></div>"
        for name, value in _figures(content)
    )
    mark = (
        f"<div class='mark'>{MarkdownIt('commonmark', {'html': False}).render(_TWIN)}</div>"
        if about.twin
        else ""
    )
    charts = "".join(
        f"<h3>{title}</h3>{bars(_count(held[table], column)[:12])}"
        for title, table, column in (
            ("Images by item", "manifest", "item"),
            ("Subjects by part", "splits", "part"),
        )
    )
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(f"## {text}")
    return page(
        title=about.title, eyebrow=f"Datasheet · {about.dataset} {about.version}",
        under=f"Published on {about.published_on} · {about.protocol.access.license}",
        body=f"{mark}<div class='tiles'>{tiles}</div>{charts}{body}",
    )  # fmt: skip


def licence(about: About) -> str:
    """Return `LICENSE.txt`: the summary of an open licence, or the terms of controlled access."""
    access = about.protocol.access
    head = f"{about.title}, version {about.version}\n\n"
    if access.license.upper().replace(" ", "-") in {"CC-BY-4.0", "CC-BY-4.0-INTERNATIONAL"}:
        text = _CC_BY
    else:
        where = f"The full text stands at {access.license_url}\n" if access.license_url else ""
        text = f"Licence: {access.license}\n{where}"
    if access.level != "open" and not about.twin:
        text += (
            f"\nAccess is {access.level}: this copy is for the person and the purpose it was granted to.\n\n"
            "- Use it only for the granted purpose"
            f" (Data Use Ontology: {'; '.join(map(duo_label, access.uses))}).\n"
            f"- {'Commercial use is allowed.' if access.commercial else 'Commercial use is not allowed.'}\n"
            "- Do not try to find out who a subject is, and do not link it with data that could.\n"
            "- Do not pass it on. Delete it when the grant ends, and delete a subject's data when told of a withdrawal.\n"
            f"- Cite it in everything made with it:\n  {access.citation}\n"
        )
    return head + text


def readme(content: Content) -> str:
    """Return `README.md`: what this is, and the first five minutes with it."""
    about = content.about
    twin = f"> {_TWIN}\n\n" if about.twin else ""
    first = about.protocol.targets[0].id
    return (
        f"# {_plain(about.title)}, {about.version}\n\n{twin}{_plain(about.protocol.summary.get('en', ''))}\n\n"
        + _grid(("what", "how many"), _figures(content))
        + "\n\n## Look at it\n\n```python\nimport midas\n\n"
        'release = midas.open(".")  # this folder\n'
        'print(release.tables)\nfor image in release.images():\n'
        '    print(image.subject, image.array.shape, image.spacing_mm)\n'
        f'    break\n\ntraining = release.torch(target="{first}", part="{next(iter(about.protocol.split.parts))}")\n```\n\n'
        "Or without MIDAS: the tables are Parquet, the images DICOM, and `croissant.json` describes both:\n\n"
        "```python\nimport mlcroissant\n\n"
        'dataset = mlcroissant.Dataset("croissant.json")\nprint(next(iter(dataset.records("manifest"))))\n```\n\n'
        "## Check it\n\n```\nmidas release verify .\n```\n\n"
        "Each file is right, withdrawn or wrong. Without MIDAS, `sha256sum --check SHA256SUMS` checks the files, "
        "though not the signature.\n\n## Files\n\n"
        + _grid(("file", "what"), [
            ("`DATASHEET.md`, `DATASHEET.html`", "where it comes from, what it is for, what it lacks"),
            ("`manifest.parquet`", "one row per DICOM instance: start here"),
            *((f"`{path_of(name)}`", _plain(says(name, about))) for name in sorted(content.tables) if name != "manifest"),
            ("`data/<subject>/<study>/<series>/<instance>.dcm`", "the images"),
            ("`protocol.yaml`", "what was to be collected, and the rules"), ("`croissant.json`", "the same for machines"),
            ("`datacite.json`", "who is credited, for registering a DOI"),
            ("`deid/`", "what de-identification did"), ("`LICENSE.txt`", "what you may do"),
            ("`SHA256SUMS`, `seal/`", "what keeps it whole"),
        ])
        + f"\n\nTo cite:\n\n> {_plain(about.protocol.access.citation)}\n"
    )  # fmt: skip
