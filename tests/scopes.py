"""Scopes with synthetic instances, and DICOMweb requests to them without a server."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pydicom
from pydicom.dataset import Dataset

from midas.catalogue import lens
from midas.catalogue.models import Dataset as Collection
from midas.catalogue.models import Scope
from midas.people.models import Account, Membership
from midas.people.tokens import issue_token
from midas.web.dicomweb.app import answered
from midas.web.dicomweb.messages import Answer
from tests.hub_submission import CLOCK, ct


def dataset(slug: str) -> Collection:
    return Collection.objects.get_or_create(slug=slug, defaults={"created_at": CLOCK.now()})[0]


def fill(slug: str, instances: Iterable[bytes], *, kind: str = "draft", name: str = "") -> Scope:
    """Index and publish instances, as registering or cutting does."""
    entries = [lens.index_bytes(data) for data in instances]
    lens.keep(entries)
    return lens.publish(
        kind=kind, name=name or slug, dataset=dataset(slug), digests=[one.sha256 for one in entries]
    )


def study(subject: str, number: int, *, series: int = 1, slices: int = 2, **more: Any) -> list[bytes]:
    """A study of CT series; the UIDs follow from the numbers."""
    uid = f"2.25.7{number:04d}"
    return [
        ct(subject, at, study=uid, series=f"{uid}.{which}", SeriesNumber=str(which), **more)
        for which in range(1, series + 1)
        for at in range(1, slices + 1)
    ]


def read(data: bytes) -> Dataset:
    return pydicom.dcmread(io.BytesIO(data))


def reader(*roles: tuple[str, str], name: str = "reader") -> tuple[Account, str]:
    """Return an account with roles on datasets, and a token of it."""
    account = Account.objects.create_user(name)
    for role, where in roles:
        Membership.objects.create(account=account, role=role, dataset=where)
    return account, issue_token(title="tests", clock=CLOCK, account=account)


def ask(
    path: str, *, token: str = "", method: str = "GET", headers: dict[str, str] | None = None, **query: Any
) -> Any:
    """Ask as a client does; out come `status`, `headers`, `body`, and `json` where it is that."""
    answer = _answer(path, token, method, headers or {}, query)
    body = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)  # type: ignore[arg-type]
    is_json = "json" in answer.type and body
    return SimpleNamespace(
        status=answer.status, headers=answer.headers, type=answer.type, body=body,
        json=json.loads(body) if is_json else None,
    )  # fmt: skip


def stream(path: str, token: str) -> Iterator[bytes]:
    """Ask for what goes out in chunks."""
    body = _answer(path, token, "GET", {}, {}).body
    assert isinstance(body, Iterator)
    return body


def _answer(path: str, token: str, method: str, headers: dict[str, str], query: dict[str, Any]) -> Answer:
    listed = {"host": "testserver", **({"authorization": f"Bearer {token}"} if token else {}), **headers}
    where, _, text = path.partition("?")
    return answered({
        "type": "http", "method": method, "path": f"/dicomweb/{where}", "scheme": "http",
        "query_string": (text or urlencode(query, doseq=True)).encode(), "client": ("127.0.0.1", 1),
        "headers": [(key.encode(), value.encode()) for key, value in listed.items()],
    })  # fmt: skip
