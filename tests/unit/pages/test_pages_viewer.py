"""The viewer's page and the studies that lead to it: who may look, under which policy, and what a card says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midas.ui import viewer
from midas.web.pages.viewer import viewer_url

RELEASE, TWIN, DRAFT = "releases/oral-cancer@1.1.0", "twins/oral-cancer@1.1.0", "drafts/oral-cancer"
LOOK = f"/viewer/{RELEASE}/viewer?StudyInstanceUIDs=1.2.3"
VIEWS = Path(viewer.__file__).parent / "static/ui/viewer/views.js"
BUILT = any((viewer.STATIC / viewer.AT).glob("*/app.bundle.*.js"))
needs_build = pytest.mark.skipif(
    not BUILT, reason="front-end files are not built here: run tools/build_assets.py"
)


@pytest.fixture
def granted(hub):
    """The accounts of a hub where the visitor holds a grant to release 1.1.0."""
    from datetime import timedelta

    from django.utils import timezone

    from midas.access.models import Grant, Terms
    from midas.people.models import Account
    from midas.release.models import Release

    now = timezone.now()
    Grant.objects.create(
        account=Account.objects.get(username="visitor"), release=Release.objects.get(version="1.1.0", twin=False),
        purpose="HMB", terms=Terms.objects.create(sha256="0" * 64, title="t", text="t", added_at=now),
        given_by=hub["admin"], given_at=now, expires_at=now + timedelta(days=1), why="for the test",
    )  # fmt: skip
    return hub


def test_slides_open_under_the_microscope_and_all_else_in_the_radiology_viewer() -> None:
    assert (
        viewer_url("releases", "a@1.0.0", "1.2", {"SM"})
        == "/viewer/releases/a@1.0.0/microscopy?StudyInstanceUIDs=1.2"
    )
    assert "/microscopy?" in viewer_url("drafts", "a", "1.2", {"SM", "ANN", "SR"})
    for modalities in ((), {"MR", "SEG"}, {"XC"}, {"SM", "CT"}, {"SEG"}):
        assert "/viewer?Study" in viewer_url("drafts", "a", "1.2", modalities)


@needs_build
def test_the_page_has_a_policy_of_its_own_without_inline_script_or_other_hosts(hub, enter) -> None:
    answer = enter("").get(f"/viewer/{TWIN}/")
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    script = re.search(r"script-src ([^;]*)", policy)
    assert script
    assert script.group(1) == "'self' 'wasm-unsafe-eval'"
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    body = answer.content.decode()
    assert re.findall(r"<script(?![^>]* src=)", body) == []
    assert re.findall(r'(?:src|href)="(?!/static/)', body) == []
    assert "serviceWorker" not in body
    assert "'unsafe" not in enter("").get("/").headers["Content-Security-Policy"]


@needs_build
@pytest.mark.parametrize("below", ["", "/", "/viewer", "/microscopy"])
def test_every_address_below_a_root_is_the_viewers_page(hub, enter, below: str) -> None:
    assert b'id="root"' in enter("").get(f"/viewer/{TWIN}{below}").content


@needs_build
def test_who_may_not_look_gets_no_viewer(granted, enter) -> None:
    assert enter("").get(LOOK).headers["Location"].startswith("/sign-in?next=%2Fviewer")
    assert {name: enter(name).get(LOOK).status_code for name in ("admin", "curator")} == {
        "admin": 403, "curator": 403,
    }  # fmt: skip
    assert enter("visitor").get(LOOK).status_code == 200
    assert {name: enter(name).get(f"/viewer/{DRAFT}/").status_code for name in ("visitor", "curator")} == {
        "visitor": 403, "curator": 200,
    }  # fmt: skip
    for nothing in ("releases/oral-cancer@9.9.9", "twins/nothing@1.0.0", "drafts/nothing"):
        assert enter("curator").get(f"/viewer/{nothing}/").status_code == 404


@needs_build
def test_only_the_two_decoders_may_evaluate_text() -> None:
    freed = set()
    folder = viewer.STATIC / viewer.vendored().folder
    for place in folder.rglob("*.js"):
        headers: dict[str, str] = {}
        viewer.static_headers(headers, "", f"/static/{place.relative_to(viewer.STATIC)}")
        assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        if "'unsafe-eval'" in headers["Content-Security-Policy"]:
            freed.add(re.sub(r"[0-9a-f]{16}", "…", place.name))
    assert freed == {"8097.bundle.….js", "dataLoader.worker.min.js"}
    other: dict[str, str] = {}
    viewer.static_headers(other, "", "/static/ui/base.css")
    assert other == {}


@needs_build
def test_what_was_vendored_is_licensed_and_holds_no_service_worker_map_or_neural_network() -> None:
    folder = viewer.STATIC / viewer.vendored().folder
    names = {str(place.relative_to(folder)) for place in folder.rglob("*")}
    assert {
        "LICENSE",
        "index.html",
        "app.bundle.css",
        "dicom-microscopy-viewer/dataLoader.worker.min.js",
    } <= names
    assert [
        name
        for name in names
        if name.endswith(".map") or name.startswith("ort") or name in {"sw.js", "app-config.js"}
    ] == []


# -- the class that stands for ndarray's own -------------------------------------------------------------------------

NDARRAY = """
const fs = require('fs'), vm = require('vm');
const [views, app, questions] = [process.argv[1], process.argv[2], JSON.parse(fs.readFileSync(0, 'utf8'))];
const source = fs.readFileSync(app, 'utf8');
const code = source.slice(source.indexOf('var iota_1;'), source.indexOf('var ndarrayExports = requireNdarray();'));
const load = shim => {
  const context = vm.createContext({});
  context.window = context;
  if (shim) vm.runInContext(fs.readFileSync(views, 'utf8'), context);
  vm.runInContext(code + ';globalThis.nd = requireNdarray();', context);
  return context.nd;
};
const told = view => view && typeof view === 'object'
  ? [view.shape, view.stride, view.offset, view.dimension, view.size, view.order, view.dtype] : view;
const ask = (nd, { shape, steps }) => {
  const data = Uint16Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => at);
  let view = nd(data, shape);
  for (const [verb, ...args] of steps) { if (view && view[verb]) view = view[verb](...args); }
  return [told(view), [...data].reduce((sum, value, at) => (sum + value * (at + 1)) % 1000003, 0)];
};
const [theirs, ours] = [load(false), load(true)];
const differ = questions.filter(one => JSON.stringify(ask(theirs, one)) !== JSON.stringify(ask(ours, one)));
console.log(JSON.stringify(differ));
"""
MAYBE = st.one_of(st.none(), st.integers(0, 3))
STEP = st.one_of(
    st.tuples(st.sampled_from(["hi", "lo", "pick"]), MAYBE, MAYBE, MAYBE),
    st.tuples(st.just("step"), *[st.one_of(st.none(), st.sampled_from([-2, -1, 1, 2]))] * 3),
    st.permutations([0, 1]).map(lambda axes: ("transpose", *axes)),
    st.tuples(st.sampled_from(["get", "index", "set"]), *[st.integers(0, 2)] * 4),
)
QUESTION = st.fixed_dictionaries({
    "shape": st.lists(st.integers(3, 5), min_size=1, max_size=3), "steps": st.lists(STEP, max_size=3),
})  # fmt: skip


def node() -> str:
    beside = Path(sys.executable).with_name("node")
    return shutil.which("node") or (str(beside) if beside.is_file() else "")


@needs_build
@pytest.mark.skipif(not node(), reason="no Node.js here")
@settings(max_examples=3)
@given(st.lists(QUESTION, min_size=200, max_size=200))
def test_the_views_are_what_ndarray_would_have_made(questions) -> None:
    app = viewer.STATIC / viewer.vendored().script
    done = subprocess.run(
        [node(), "-e", NDARRAY, str(VIEWS), str(app)], input=json.dumps(questions), capture_output=True, text=True,
        check=True, timeout=60,
    )  # fmt: skip
    assert json.loads(done.stdout) == []
