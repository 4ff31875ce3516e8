"""The running hub keeps to its own description: schemathesis asks it, and the SDK's calls are all in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from tests.hub_submission import parcel
from tests.integration.test_hub_serves import Hub, _served, send

from midas.kernel import MidasError, sha256_bytes
from midas.sdk import Client

pytestmark = pytest.mark.xdist_group("api-described")


MORE = b"further bytes"
OF_NO_CALL = {
    "GET /openapi.json", "POST /datasets/{dataset}/tasks", "GET /tasks/{task}", "GET /tasks/{task}/items/{item}",
}  # fmt: skip
"""What the SDK does not ask; schemathesis asks all of it."""
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance"
)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    for one in _served(tmp_path_factory.mktemp("described"), {}):
        send(one, parcel(one.spoke_key))
        yield one


@pytest.mark.timeout(170)
@pytest.mark.parametrize("who", ["nobody", "researcher", "spoke"])
def test_schemathesis_finds_no_failure(hub: Hub, who: str, tmp_path: Path) -> None:
    token = {"researcher": hub.researcher_token, "spoke": hub.spoke_token}.get(who)
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{hub.address}/api/v1/openapi.json",
        "--max-examples", "15", "--seed", "1", "--generation-database", "none", "--no-color", "--phases", "examples,fuzzing",
        "--checks", CHECKS, *(["--header", f"Authorization: Bearer {token}"] if token else []),
    ]  # fmt: skip
    plain = {**os.environ, "TERM": "dumb"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=plain, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def _pattern(template: str) -> re.Pattern[str]:
    one = re.sub(r"\\{(?!name)[a-z_0-9]+\\}", "[^/@]+", re.escape(template))
    return re.compile(one.replace(r"\{name\}", ".+"))


class Described(httpx.HTTPTransport):
    """Pass requests on, and hold each against the description."""

    def __init__(self, spec: dict[str, Any]) -> None:
        super().__init__()
        self.spec, self.seen = spec, set[str]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().partition("?")[0].removeprefix("/api/v1")
        found = [
            (template, methods[request.method.lower()])
            for template, methods in self.spec["paths"].items()
            if request.method.lower() in methods
            and _pattern(template).fullmatch(path)
        ]  # fmt: skip
        assert len(found) == 1, (request.method, path, found)
        template, told = found[0]
        self.seen.add(f"{request.method} {template}")
        response = super().handle_request(request)
        assert str(response.status_code) in told["responses"], (template, response.status_code)
        response.read()
        content = told["responses"][str(response.status_code)]["content"]
        if (kind := response.headers["content-type"].partition(";")[0]) in content and "json" in kind.split(
            "/"
        ):
            schema = {**content[kind]["schema"], "components": self.spec["components"]}
            jsonschema_rs.validate(schema, response.json())
        return response


def test_every_call_of_the_sdk_is_described(hub: Hub) -> None:
    transport = Described(httpx.get(f"{hub.address}/api/v1/openapi.json").json())
    with Client(hub.address, hub.spoke_token, transport=transport) as client:
        made = parcel(hub.spoke_key)
        client.missing(made.blobs)
        client.put_blob([MORE], sha256_bytes(MORE))
        client.submission(client.submit(made.seal()).root)
        assert client.asked() == ()
        assert client.coverage("oral-cancer").dataset == "oral-cancer"
        with pytest.raises(MidasError):
            client.answer(1, kind="corrected")
    with Client(hub.address, hub.researcher_token, transport=transport) as client:
        assert client.datasets()
        assert client.dataset("oral-cancer").dataset == "oral-cancer"
        for ask in (client.release, client.seal, client.tree):
            with pytest.raises(MidasError):
                ask("oral-cancer@9.9.9")
        with pytest.raises(MidasError):
            client.file("oral-cancer@9.9.9", "a/b.dcm", take=lambda _: None)
        client.access("oral-cancer")
        client.my_access()
        none = "oral-cancer@9.9.9"
        for refused in (
            lambda: client.ask(none, "select 1"), lambda: client.terms(none),
            lambda: client.request_access(none, purpose="HMB", words="None.", accepted="0" * 64),
            client.tasks, lambda: list(client.task_items(1)), lambda: client.read(1, 1, "a"), lambda: client.said(1, 1),
            lambda: client.settle(1, 1, value="a", why="None."), lambda: client.agreement(1),
        ):  # fmt: skip
            with pytest.raises(MidasError):
                refused()
    described = {
        f"{method.upper()} {path}" for path, methods in transport.spec["paths"].items() for method in methods
    }
    assert described - transport.seen == OF_NO_CALL
