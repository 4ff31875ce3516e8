"""All files of a release that belong to the whole, as bytes made from its content alone.

In comes a `Content`; out come paths and bytes. No clock, no database: the same content gives the same bytes, for a cut,
for a twin and again after a withdrawal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from midas.kernel import canonical, sha256_bytes
from midas.release import reports, tables
from midas.release.content import Content, path_of
from midas.release.croissant import croissant
from midas.release.datacite import datacite
from midas.release.datasheet import as_page, datasheet, licence, readme
from midas.release.floor import summary

SUMS = "SHA256SUMS"


def whole_files(content: Content) -> dict[str, bytes]:
    """Return every file that is not an instance, `SHA256SUMS` (which names all but itself and the seal) last."""
    about = content.about
    found = {name: tables.encode(table) for name, table in content.tables.items()}
    sheet = datasheet(content)
    kept = set(content.tables["subjects"]["subject"].to_pylist())
    report = reports.encode(content.report, kept=kept)
    papers = {path: canonical(one) + b"\n" for path, one in content.papers.items()}
    sealed = {name: (sha256_bytes(data), len(data)) for name, data in {**found, **papers}.items()}
    files = (
        {path_of(name): data for name, data in found.items()}
        | papers
        | {
            "README.md": readme(content).encode(),
            "DATASHEET.md": sheet.encode(),
            "DATASHEET.html": as_page(content, sheet).encode(),
            "LICENSE.txt": licence(about).encode(),
            "protocol.yaml": about.protocol_source.encode(),
            "croissant.json": croissant(content=content, sealed=sealed, audits=summary(content.report)),
            "datacite.json": datacite(content),
            "deid/report.json": report,
            "deid/report.html": reports.as_page(report, title=about.name).encode(),
        }
    )
    return files | {SUMS: _sums(files, content)}


def _sums(files: Mapping[str, bytes], content: Content) -> bytes:
    manifest = content.tables["manifest"]
    images = zip(manifest["path"].to_pylist(), manifest["sha256"].to_pylist(), strict=True)
    return checksums([*((path, sha256_bytes(data)) for path, data in files.items()), *images])


def checksums(digests: Iterable[tuple[str, str]]) -> bytes:
    """Return what `sha256sum --check` reads."""
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(digests)).encode()
