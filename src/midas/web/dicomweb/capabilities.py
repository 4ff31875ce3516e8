"""What this root offers (PS3.18 §8.9), written from the table of routes: as WADL, or as JSON where that is wanted."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

from midas.web.dicomweb.messages import JSON, Answer, Asked, NotAcceptable

WADL = "application/vnd.sun.wadl+xml"
_NAMED = re.compile(r"\(\?P<(\w+)>[^)]*\)")


def _resources() -> dict[str, list[str]]:
    from midas.web.dicomweb.routes import ROUTES

    found: dict[str, list[str]] = {}
    for route in ROUTES:
        path = _NAMED.sub(r"{\1}", route.path).replace("/?", "/")
        found.setdefault(path, []).append(route.method)
    return found


def describe(asked: Asked) -> Answer:
    """Return resources and methods below this root."""
    wanted = [one.partition(";")[0].strip().lower() for one in asked.accepts]
    for one in wanted:
        if one in {WADL, "application/xml", "text/xml", "*/*", "application/*"}:
            return Answer(200, _wadl(asked.root), WADL)
        if one in {JSON, "application/dicom+json"}:
            value = {"root": asked.root, "resources": _resources()}
            return Answer(200, json.dumps(value).encode(), JSON)
    raise NotAcceptable("Capabilities come as WADL or JSON.", advice=f"Accept {WADL} or {JSON}.")


def _wadl(root: str) -> bytes:
    space = "http://wadl.dev.java.net/2009/02"
    top = ET.Element("application", xmlns=space)
    resources = ET.SubElement(top, "resources", base=root)
    for path, methods in _resources().items():
        resource = ET.SubElement(resources, "resource", path=path)
        for method in methods:
            ET.SubElement(resource, "method", name=method)
    return b'<?xml version="1.0" encoding="UTF-8"?>' + ET.tostring(top)
