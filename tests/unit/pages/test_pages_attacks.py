"""What strangers, other sites and hostile words try at the pages, and what stops it."""

from __future__ import annotations

import ast
import csv
import io
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.test import Client
from pydantic import ValidationError

from midas.kernel.sheets import RUN, plain_cell
from midas.web.home import Provider

SRC = Path(__file__).parents[3] / "src" / "midas"
HUB = (
    "web",
    "people",
    "ledger",
    "catalogue",
    "annotate",
    "release",
    "access",
    "quality",
    "ui",
    "formats",
    "manifest",
)
FETCHERS = {
    "httpx",
    "requests",
    "urllib3",
    "aiohttp",
    "http.client",
    "urllib.request",
    "ftplib",
    "socket",
    "smtplib",
}
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def test_an_unknown_picture_answers_as_a_refused_one(hub, enter) -> None:
    from midas.catalogue.models import Instance

    digest = Instance.objects.exclude(preview="").first().preview
    for name in ("", "visitor", "operator", "admin"):
        there, nowhere = (enter(name).get(f"/pictures/{one}") for one in (digest, "0" * 64))
        assert there.status_code == nowhere.status_code, name
        same = enter(name).get(f"/pictures/{digest}", headers={"If-None-Match": f'"{digest}"'})
        assert same.status_code == there.status_code


def test_private_answers_are_kept_by_no_cache(hub, enter) -> None:
    from midas.catalogue.models import Instance

    digest = Instance.objects.exclude(preview="").first().preview
    client = enter("curator")
    for path in (
        "/",
        "/account",
        "/curation",
        "/datasets/oral-cancer",
        "/api/v1/datasets",
        f"/pictures/{digest}",
    ):
        told = client.get(path).headers["Cache-Control"]
        assert "no-store" in told or ("private" in told and "no-cache" in told), (path, told)


def test_words_from_outside_are_never_markup(hub, enter) -> None:
    """In addresses, queries and forms, and where a protocol, a person or a purpose says them."""
    from midas.catalogue.models import Series
    from midas.people.models import Account, Institution

    Series.objects.update(**{
        one.name: HOSTILE[: one.max_length] for one in Series._meta.fields
        if one.get_internal_type() == "CharField" and one.name not in {"uid", "modality", "series_uid"} and not one.unique
    })  # fmt: skip
    Institution.objects.update(name=HOSTILE)
    Account.objects.filter(username="curator").update(full_name=HOSTILE)
    client = enter("curator")
    for path in (
        "/", f"/datasets?q={HOSTILE}", "/datasets/oral-cancer", "/hospitals", "/account", "/curation", "/ledger",
        f"/sign-in?next={HOSTILE}", f"/datasets/{HOSTILE}", "/datasets/oral-cancer/releases/1.1.0",
        f"/datasets/oral-cancer/releases/1.1.0/explore?sex={HOSTILE}", f"/programs?{HOSTILE}", "/people",
    ):  # fmt: skip
        for who in (client, enter("admin")):
            text = who.get(path).content.decode(errors="replace")
            assert "<script>alert" not in text, path
            assert "<img src=x" not in text, path


@pytest.mark.parametrize("first", RUN)
def test_a_cell_is_never_a_formula(first: str) -> None:
    assert plain_cell(f"{first}cmd|' /C calc'!A0") == f"'{first}cmd|' /C calc'!A0"
    assert (plain_cell(-3), plain_cell(None), plain_cell("a=b")) == (-3, "", "a=b")


@pytest.mark.parametrize("number", ["-3", "-0.5", "-12.25", "-1.5e-07", "-1E+20"])
def test_a_number_below_zero_stays_a_number(number: str) -> None:
    """Sums of decimals come out of a question as exact text."""
    assert plain_cell(number) == number


@pytest.mark.parametrize(
    "text", ["-1+cmd|' /C calc'!A0", "--1", "-1-1", "-", "-.", "-1\n=2", "-A1", "-१", "+5"]
)
def test_what_only_begins_like_a_number_is_text(text: str) -> None:
    assert plain_cell(text) == f"'{text}"


def test_nothing_that_a_public_table_says_is_a_formula(hub, enter, monkeypatch) -> None:
    from midas.web.pages import exports

    run = '=HYPERLINK("https://elsewhere.example","Open")'
    parts = [SimpleNamespace(label=f"{run} {number}", told="", number=number) for number in (5, -5)]
    sheet = exports.Sheet(
        "a", run, SimpleNamespace(parts=parts), (("Dataset", run), ("Key", "-"), ("Note", "@x"))
    )
    monkeypatch.setattr(exports, "_sheet", lambda *_, **__: sheet)
    text = enter().get("/datasets/oral-cancer/releases/1.1.0/tables/sex.csv").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert [row[1] for row in rows[-2:]] == ["5", "-5"]
    rows[-1][1] = ""
    assert text.count("HYPERLINK") == 4
    assert not any(cell.startswith(RUN) for row in rows for cell in row)


def test_every_sheet_takes_the_rule_for_cells() -> None:
    writers = [
        path for path in SRC.rglob("*.py")
        if "csv.writer(" in path.read_text("utf-8") and path.parts[len(SRC.parts)] in HUB
    ]  # fmt: skip
    assert len(writers) >= 3
    assert [path.name for path in writers if "plain_cell(" not in path.read_text("utf-8")] == []


def test_exact_tables_are_not_for_strangers(hub, enter) -> None:
    where = "/datasets/oral-cancer/releases/1.1.0/tables/sex.csv"
    open_to_all = enter().get(where)
    assert open_to_all.status_code in {200, 404}
    for name, codes in (("", {302}), ("visitor", {403}), ("admin", {403})):
        assert enter(name).get(f"{where}?exact=1").status_code in codes, name


@pytest.mark.parametrize(
    ("issuer", "fits"),
    [
        ("https://login.example.org", True), ("http://127.0.0.1:9000", True), ("http://login.example.org", False),
        ("file:///etc/passwd", False), ("http://169.254.169.254/latest", False), ("gopher://x", False), ("https://", False),
    ],
)  # fmt: skip
def test_a_provider_is_reached_over_tls_only(issuer: str, fits: bool) -> None:
    told = {"id": "a", "name": "A", "issuer": issuer, "client_id": "midas", "secret_file": "keys/a"}
    if fits:
        assert Provider(**told).issuer
    else:
        with pytest.raises(ValidationError):
            Provider(**told)


def test_the_hub_fetches_nothing_by_itself() -> None:
    """No room of the hub holds a client of the network: only allauth asks providers, which the operator's file names."""
    found = []
    for room in HUB:
        for path in (SRC / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                names = []
                if isinstance(node, ast.Import):
                    names = [one.name for one in node.names]
                elif isinstance(node, ast.ImportFrom) and node.module:
                    names = [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
                found += [
                    (path.name, one) for one in names if one in FETCHERS or one.partition(".")[0] in FETCHERS
                ]
    assert found == []


def test_every_answer_has_its_policy_and_no_frame(hub, enter) -> None:
    for path in ("/", "/sign-in", "/nowhere", "/api/v1/datasets", "/datasets/oral-cancer"):
        headers = Client().get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], path
        assert not re.search(r"unsafe-inline|unsafe-eval|\*", headers["Content-Security-Policy"]), path
        assert "Access-Control-Allow-Origin" not in headers, path
