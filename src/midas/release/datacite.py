"""`datacite.json`: the release as DataCite Metadata Schema 4.5 (https://datacite-metadata-schema.readthedocs.io/en/4.5/).

In comes a release's content; out comes JSON for whoever registers a DOI. Nothing is looked up, nothing is registered here,
and a fact that is not known is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from midas.protocol.model import Institution
from midas.release.content import Content

TYPES: Mapping[str, str] = {"hospital": "DataCollector", "curator": "DataCurator", "reader": "Other"}
"""What we call a contributor → contributorType (Appendix 1, table 5); a reader of images has no word of its own there."""
ORCID, ROR, SPDX = "https://orcid.org", "https://ror.org", "https://spdx.org/licenses/"
SPDX_FORMS = ("CC-", "CC0-", "PDDL-", "ODbL-", "ODC-By-")
"""How the names of data licences on the SPDX list begin."""


def datacite(content: Content) -> bytes:
    """Return the JSON, the same for the same content."""
    about, protocol = content.about, content.about.protocol
    found: dict[str, Any] = {
        "schemaVersion": "http://datacite.org/schema/kernel-4",
        "creators": [_organisation(protocol.hub)],
        "titles": [{"title": about.title, "lang": "en"}],
        "publisher": {"name": protocol.hub.name, **_publisher(protocol.hub)},
        "publicationYear": about.published_on[:4],
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Medical imaging dataset"},
        "subjects": [
            {"subject": code.meaning, "subjectScheme": code.scheme, "classificationCode": code.value}
            for code in protocol.disease
        ],
        "contributors": [
            {**_organisation(protocol.hub), "contributorType": "HostingInstitution"},
            *(_contributor(one) for one in about.contributors),
        ],
        "dates": [{"date": about.published_on, "dateType": "Issued"}],
        "language": "en",
        "formats": ["application/dicom", "application/vnd.apache.parquet"],
        "version": about.version,
        "rightsList": [_rights(content)],
        "descriptions": [{
            "description": protocol.summary.get("en", about.title), "descriptionType": "Abstract", "lang": "en",
        }],
    }  # fmt: skip
    return (json.dumps(found, ensure_ascii=False, indent=1) + "\n").encode()


def _organisation(one: Institution) -> dict[str, Any]:
    return _named(one.name, "Organizational", ror=one.ror or "")


def _contributor(one: Mapping[str, Any]) -> dict[str, Any]:
    kind = "Organizational" if one["role"] == "hospital" else "Personal"
    found = _named(one["name"], kind, ror=one.get("ror", ""), orcid=one.get("orcid", ""))
    if one.get("affiliation"):
        place = {"name": one["affiliation"]}
        if one.get("affiliation_ror"):
            place |= {
                "affiliationIdentifier": one["affiliation_ror"], "affiliationIdentifierScheme": "ROR", "schemeUri": ROR,
            }  # fmt: skip
        found["affiliation"] = [place]
    return {**found, "contributorType": TYPES[one["role"]]}


def _named(name: str, kind: str, *, ror: str = "", orcid: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "nameType": kind}
    if orcid:
        found["nameIdentifiers"] = [
            {"nameIdentifier": f"{ORCID}/{orcid}", "nameIdentifierScheme": "ORCID", "schemeUri": ORCID}
        ]
    elif ror:
        found["nameIdentifiers"] = [{"nameIdentifier": ror, "nameIdentifierScheme": "ROR", "schemeUri": ROR}]
    return found


def _publisher(hub: Institution) -> dict[str, str]:
    if not hub.ror:
        return {}
    return {"publisherIdentifier": hub.ror, "publisherIdentifierScheme": "ROR", "schemeUri": ROR}


def _rights(content: Content) -> dict[str, str]:
    access = content.about.protocol.access
    found = {"rights": access.license}
    if access.license_url:
        found["rightsUri"] = access.license_url
    if access.license.startswith(SPDX_FORMS):
        found |= {
            "rightsIdentifier": access.license, "rightsIdentifierScheme": "SPDX", "schemeUri": SPDX,
        }  # fmt: skip
    return found
