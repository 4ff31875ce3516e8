"""A hostile or careless insider before and during a cut: what nobody looked at as it is now is not released."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.release.conftest import Ward
from tests.unit.release.test_release_gates import GOLD, cut, refused

from midas.catalogue import findings
from midas.catalogue.findings.standing import Since
from midas.catalogue.models import Subject
from midas.kernel import BadInput, Conflict
from midas.people.accounts import give_role
from midas.people.models import Account, Membership, Role
from midas.release import cut as verb
from midas.release.approving import approve, take_approval_back
from midas.release.cases import Brought
from midas.release.drafting import version_order
from midas.release.leakage import Ties, leakage
from midas.release.models import Release, ReleaseFile


def since(ward: Ward) -> Brought:
    return Brought(since=findings.decided_since(ward.dataset, ()))


@pytest.mark.parametrize("covers", ["subject", "series"])
def test_what_is_excluded_after_the_draft_is_not_released_with_it(
    ward: Ward, judge: Any, covers: str
) -> None:
    person = ward.names()[0]
    draft = ward.draft()
    made = judge(person, covers=covers)
    told = Since(made.finding.rule, person, "" if covers == "subject" else made.finding.series.uid)
    assert findings.decided_since(ward.dataset, draft.judged) == (told,)
    for brought in (Brought(since=(told,)), None):  # the gate says it, and the last look before writing does
        with pytest.raises(Conflict, match=r"after it was made|changed while it was cut"):
            verb(draft=draft, store=ward.store, signer=ward.signer, clock=ward.clock, brought=brought)
    later = ward.draft("1.1.0")
    assert findings.decided_since(ward.dataset, later.judged) == ()


def test_a_decision_that_does_not_touch_the_draft_is_in_nobodys_way(ward: Ward, judge: Any) -> None:
    draft = ward.draft()
    judge(ward.names()[0], "accept")
    elsewhere = Brought(
        since=(Since("image.blur", "P-00000-00000"), Since("image.blur", ward.names()[1], "2.25.1"))
    )
    assert verb(draft=draft, store=ward.store, signer=ward.signer, clock=ward.clock, brought=elsewhere).key


class Meanwhile:
    """A store at which something happens when the cut writes its first file."""

    def __init__(self, store: Any, deed: Callable[[], object]) -> None:
        self.store, self.deed, self.done = store, deed, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def put_chunks(self, chunks: Iterable[bytes], **more: Any) -> str:
        if not self.done:
            self.done = True
            self.deed()
        return str(self.store.put_chunks(chunks, **more))


@pytest.mark.parametrize("what", ["approval", "account", "role", "consent", "withdrawal", "exclusion"])
def test_what_changes_between_the_gates_and_the_release_stops_it(ward: Ward, judge: Any, what: str) -> None:
    draft, who = ward.draft(), Subject.objects.filter(pseudonym=ward.names()[0])
    first, second = (Account.objects.create(username=name) for name in ("asha", "ravi"))
    for one in (first, second):
        give_role(account=one, role=Role.CURATOR)
        approve(draft=draft, by=one, clock=ward.clock)
    narrower = [{"kind": "consent", "ethics": "consented", "scope": ["DUO:0000007"]}]
    deeds = {
        "approval": lambda: take_approval_back(draft=draft, by=first, clock=ward.clock),
        "account": lambda: Account.objects.filter(pk=first.pk).update(is_active=False),
        "role": lambda: Membership.objects.filter(account=first).delete(),
        "consent": lambda: who.update(basis=narrower),
        "withdrawal": lambda: who.update(withdrawn_at=ward.clock.now()),
        "exclusion": lambda: judge(who.get().pseudonym, covers="subject"),
    }
    store: Any = Meanwhile(ward.store, deeds[what])
    with pytest.raises(Conflict, match=r"withdrew while|changed while it was cut"):
        verb(
            draft=draft, store=store, signer=ward.signer, clock=ward.clock, brought=Brought(needs_approvals=2)
        )
    assert store.done
    assert not Release.objects.exists()


def test_a_grade_of_something_else_is_no_grade_of_this_draft(ward: Ward) -> None:
    early = Brought(graded=replace(GOLD, early=True), needs_grade=True)
    refused(ward, "grade", "gathered before this draft was made", early)


@pytest.mark.parametrize("early", [True, False])
def test_only_a_grade_of_this_draft_is_sealed_with_it(ward: Ward, early: bool) -> None:
    made = cut(ward, Brought(graded=replace(GOLD, access="open", early=early)))
    assert ReleaseFile.objects.filter(release=made, path="grade.json").exists() is not early


def test_a_grade_from_before_a_withdrawal_is_told_and_lets_pass(ward: Ward) -> None:
    brought = Brought(graded=replace(GOLD, access="open", withdrawn_since=True), needs_grade=True)
    assert cut(ward, brought).key


@pytest.mark.parametrize(
    "bad", ["1१.0.0", "1.0.1٣", "1.0.0\n", " 1.0.0", "1.0", "01.0.0", "1.0.0-rc1", "+1.0.0", "1.0.٣", "1,0,0", ""]
)  # fmt: skip
def test_a_version_is_three_plain_numbers(bad: str) -> None:
    with pytest.raises(BadInput):
        version_order(bad)


def test_versions_are_ordered_as_numbers() -> None:
    said = ["1.10.0", "1.9.0", "1.9.10", "10.0.0", "2.0.0"]
    assert sorted(said, key=version_order) == ["1.9.0", "1.9.10", "1.10.0", "2.0.0", "10.0.0"]


def test_who_is_not_in_the_release_does_not_hide_a_leak_between_two_who_are() -> None:
    held = [("d" * 64, "left-out"), ("d" * 64, "one"), ("d" * 64, "other")]
    found = leakage([("one", "train"), ("other", "test")], Ties(same_source=held))
    assert [(one.one, one.other) for one in found.across["source"]] == [("one", "other")]


ODD = "<script>alert(1)</script>\"quotes\" 'and' & ../../x | `code` ![p](https://a.example/p.png) क् 🦷 =1+1 {{x}} ${y}"


def test_odd_words_of_a_protocol_leave_all_papers_valid_and_are_mark_up_in_none(ward: Ward) -> None:
    """Titles, summary, hospital and citation as a hostile or careless hub would write them."""
    from midas.release.documents import whole_files
    from midas.release.gathering import gather
    from midas.release.validating import CROISSANT, DATACITE, validated

    quoted = json.dumps(ODD, ensure_ascii=False)
    source = ward.protocol.source
    for told, odd in (
        ("  en: Meningioma before and after treatment\n", f"  en: {quoted}\n"),
        (
            'name: "Department of Neurosurgery, All India Institute of Medical Sciences, New Delhi"',
            f"name: {quoted}",
        ),
        ("meaning: Benign neoplasm of cerebral meninges}", f"meaning: {quoted}}}"),
        ("committee: Institutional Ethics Committee (demonstration)", f"committee: {quoted}"),
    ):
        assert told in source
        source = source.replace(told, odd)
    source = re.sub(r"(?m)^  citation: .*$", lambda _: f"  citation: {quoted}", source)
    source = re.sub(
        r"(?ms)^  en: >-\n.*?(?=^  hi:)",
        lambda _: f"  en: {json.dumps(ODD * 30, ensure_ascii=False)}\n",
        source,
    )
    assert source.count("<script>") > 34
    ward.protocol.source = source
    ward.protocol.save()
    draft = ward.draft()
    draft.notes = ODD
    files = whole_files(gather(draft=draft, store=ward.store))
    assert validated(files) == [CROISSANT, DATACITE]
    for path in ("DATASHEET.html", "deid/report.html"):
        page = files[path].decode()
        assert "<script" not in page, path
        assert "<img" not in page, path
    assert "&lt;script&gt;alert(1)" in files["DATASHEET.html"].decode()
    assert json.loads(files["datacite.json"])["titles"][0]["title"] == ODD
