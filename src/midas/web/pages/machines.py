"""What machines read of the catalogue: Croissant, schema.org and DCAT as JSON-LD, the sitemap, and what robots may fetch.

In come public tables and protocols; out goes nothing that the pages do not tell anyone.
"""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import escape

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from midas.catalogue.models import Dataset
from midas.kernel import Digest
from midas.people.rule import Act
from midas.protocol.model import Protocol
from midas.release.models import Release, ReleaseFile
from midas.release.publication import NOTHING, latest
from midas.release.searching import cells, entries
from midas.web.bootstrap import store
from midas.web.guard import needs

LD = "application/ld+json"


def _address(request: HttpRequest, name: str, *args: str) -> str:
    return request.build_absolute_uri(reverse(name, args=args))


def described(
    request: HttpRequest, dataset: Dataset, protocol: Protocol, told: Any, version: str
) -> dict[str, Any]:
    """Describe a dataset as a schema.org Dataset, in all languages of its protocol."""
    page, access, ror = _address(request, "hub:dataset", dataset.slug), protocol.access, protocol.hub.ror
    found: dict[str, Any] = {
        "@type": "Dataset", "@id": page, "url": page, "identifier": dataset.slug,
        "name": [{"@language": language, "@value": text} for language, text in protocol.title.items()],
        "description": [{"@language": language, "@value": text} for language, text in protocol.summary.items()],
        "keywords": [*(code.meaning for code in protocol.disease), *cells(told, "site"), *cells(told, "modality")],
        "about": [{"@type": "MedicalCondition", "name": code.meaning,
                   "code": {"@type": "MedicalCode", "codeValue": code.value, "codingSystem": code.scheme}}
                  for code in protocol.disease],
        "license": access.license_url or access.license, "isAccessibleForFree": True,
        "conditionsOfAccess": access.level, "creditText": access.citation,
        "creator": {"@type": "Organization", "name": protocol.hub.name, **({"@id": ror} if ror else {})},
        "contributor": [{"@type": "Organization", "name": one.name} for one in protocol.spokes],
        "spatialCoverage": {"@type": "Place", "name": "India"}, "inLanguage": "en",
        "includedInDataCatalog": {"@id": _address(request, "hub:catalogue")},
    }  # fmt: skip
    if version:
        found |= {
            "version": version,
            "size": f"about {told['people']} persons, {told['images']} images",
            "distribution": [{
                "@type": "DataDownload", "encodingFormat": 'application/ld+json; profile="http://mlcommons.org/croissant/1.1"',
                "contentUrl": _address(request, "hub:croissant", dataset.slug),
            }],
        }  # fmt: skip
    return found


def as_data_block(value: dict[str, Any]) -> SafeString:
    """Write JSON for a `<script type="application/ld+json">`: data that no browser executes, and cannot end early."""
    text = json.dumps({"@context": "https://schema.org/", **value}, ensure_ascii=False)
    for one in "<>&":
        text = text.replace(one, f"\\u{ord(one):04x}")
    return SafeString(text)  # every character that could leave the block is escaped above


@needs(Act.BROWSE)
def croissant(request: HttpRequest, dataset: str) -> HttpResponse:
    """Serve the newest release's Croissant; sizes of tables are left out where only people with access may know them."""
    release = Release.objects.filter(dataset__slug=dataset, twin=False).order_by("-cut_at", "-pk").first()
    found = ReleaseFile.objects.filter(release=release, path="croissant.json").first() if release else None
    if release is None or found is None or not store().has(Digest(found.sha256)):
        raise Http404
    document = json.loads(b"".join(store().read(Digest(found.sha256))))
    document["url"] = _address(request, "hub:dataset", dataset)
    for file in document.get("distribution", ()):
        if release.access != "open":
            file.pop("contentSize", None)
        if "contentUrl" in file:
            file["contentUrl"] = _address(request, "hub:file", dataset, release.version, file["contentUrl"])
    return HttpResponse(json.dumps(document, ensure_ascii=False, indent=1), content_type=LD)


@needs(Act.BROWSE)
def catalogue(request: HttpRequest) -> HttpResponse:
    """Serve the whole catalogue for harvesters, as DCAT (W3C DCAT 3) over schema.org's terms."""
    found = []
    for entry in entries().entries:
        page = _address(request, "hub:dataset", entry.slug)
        about: dict[str, Any] = {
            "@type": "dcat:Dataset", "@id": page, "dct:identifier": entry.slug, "dcat:landingPage": {"@id": page},
            "dct:title": [{"@language": language, "@value": text} for language, text in entry.title.items()],
            "dct:description": [{"@language": language, "@value": text} for language, text in entry.summary.items()],
            "dcat:keyword": sorted(entry.facets["disease"]), "dct:license": min(entry.facets["license"]),
            "dct:accessRights": min(entry.facets["access"]),
        }  # fmt: skip
        if entry.version:
            about |= {"dcat:version": entry.version, "dcat:distribution": {
                "@type": "dcat:Distribution", "dct:format": "Croissant 1.1",
                "dcat:downloadURL": {"@id": _address(request, "hub:croissant", entry.slug)},
            }}  # fmt: skip
        found.append(about)
    document = {
        "@context": {"dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/", "foaf": "http://xmlns.com/foaf/0.1/"},
        "@type": "dcat:Catalog", "@id": _address(request, "hub:catalogue"), "dct:title": "MIDAS", "dcat:dataset": found,
    }  # fmt: skip
    return HttpResponse(json.dumps(document, ensure_ascii=False), content_type=LD)


@needs(Act.BROWSE)
def sitemap(request: HttpRequest) -> HttpResponse:
    """List the pages that anyone may see (sitemaps.org 0.9)."""
    known = entries().entries
    pages = [_address(request, name) for name in ("hub:home", "hub:catalogue", "hub:spokes")]
    pages += [_address(request, "hub:dataset", entry.slug) for entry in known]
    pages += [_address(request, "hub:release", entry.slug, entry.version) for entry in known if entry.version]
    lines = "".join(f"<url><loc>{escape(one)}</loc></url>" for one in pages)
    text = f'<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{lines}</urlset>'
    return HttpResponse(text, content_type="application/xml")


NOT_FOR_ROBOTS = (
    "/account", "/api/", "/curation", "/people", "/pictures/", "/sign-in", "/viewer/", "/dicomweb/",
    "/datasets/*/people", "/datasets/*/releases/*/people", "/datasets/*/releases/*/files/",
)  # fmt: skip


@needs(Act.BROWSE)
def robots(request: HttpRequest) -> HttpResponse:
    """Say which pages robots may fetch (RFC 9309): none of persons, of studies or of work."""
    rules = "".join(f"Disallow: {one}\n" for one in NOT_FOR_ROBOTS)
    text = f"User-agent: *\n{rules}\nSitemap: {_address(request, 'hub:sitemap')}\n"
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


def block_of(request: HttpRequest, dataset: Dataset, protocol: Protocol) -> SafeString:
    """Return the data block of a dataset's page: what everyone is told, whoever looks."""
    figures = latest(dataset)
    told, version = (figures.told, figures.release.version) if figures else (NOTHING, "")
    return as_data_block(described(request, dataset, protocol, told, version))
