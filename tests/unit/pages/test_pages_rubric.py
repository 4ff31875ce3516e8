"""The rubric's page, and its review by experts: each rates alone, and results come from three on."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from midas.grading import rubric_named
from midas.grading.models import Rating
from midas.grading.rating import items_of
from midas.ledger.models import Entry
from midas.people.models import Account, Membership, Role

spec = importlib.util.spec_from_file_location("page_rules", Path(__file__).parent / "page_rules.py")
page_rules = importlib.util.module_from_spec(spec)
spec.loader.exec_module(page_rules)
ITEMS = list(items_of(rubric_named(), 1))


def rated(client: Any, rating: int, items: list[str] = ITEMS) -> str:
    told = {"domain": "1"} | {f"rating-{item}": str(rating) for item in items}
    return client.post("/grading/delphi/rate", told, follow=True).content.decode()


def test_the_rubric_says_what_it_is_and_which_numbers_are_published(hub: Any, enter: Any) -> None:
    shown = enter("nodal").get("/grading/rubric")
    assert page_rules.complaints(shown) == []
    text = shown.content.decode()
    assert "draft for expert validation" in text
    assert "MIDAS default, not published" in text
    assert "Open / Controlled" in text
    assert text.count('<details class="card fold">') == 15


def test_nobody_sees_results_before_rating_nor_from_fewer_than_three(hub: Any, enter: Any) -> None:
    for name in ("second", "third"):
        account = Account.objects.create_user(username=name, password="look-and-see-1")
        Membership.objects.create(account=account, role=Role.NODAL)
    assert "Nothing to show yet" in enter("nodal").get("/grading/delphi").content.decode()
    shown = rated(enter("nodal"), 4)
    assert f"{len(ITEMS)} ratings were kept" in shown
    assert "Nothing to show yet" in shown
    rated(enter("second"), 3)
    last = enter("third")
    assert "S-CVI/Ave" not in last.get("/grading/delphi").content.decode()  # two have rated, and not this one
    shown = rated(last, 3, ITEMS[:1])
    assert "S-CVI/Ave" in shown
    assert ">1.00<" in shown  # 3 and 4 agree on the scale 0-4 …
    assert ">0.33<" in shown  # … 4 alone on the scale 1-5
    table = shown.split("What the experts say")[1].split("</table>")[0]
    assert table.count("<tr>") == 3  # two of titles, and the one that this expert rated
    assert page_rules.complaints(last.get("/grading/delphi")) == []
    assert Entry.objects.filter(deed="rate").count() == 3


def test_a_later_rating_stands_in_the_place_of_an_earlier_one(hub: Any, enter: Any) -> None:
    rated(enter("nodal"), 2)
    rated(enter("nodal"), 4, ITEMS[:1])
    own = dict(Rating.objects.values_list("item", "rating"))
    assert (own[ITEMS[0]], own[ITEMS[1]], len(own)) == (4, 2, len(ITEMS))
    assert "Nothing was rated" in rated(enter("nodal"), 4, [])
    assert "Rate from 1 to 4" in rated(enter("nodal"), 9)


def test_a_table_from_elsewhere_is_judged_and_not_kept(hub: Any, enter: Any) -> None:
    def sent(text: bytes) -> Any:
        table = SimpleUploadedFile("ratings.csv", text, content_type="text/csv")
        return enter("curator").post("/grading/delphi/table", {"ratings": table}, follow=True)

    shown = sent(b"item,a,b,c\nclarity,4,4,3\nscope,2,4,\n")
    assert page_rules.complaints(shown) == []
    text = shown.content.decode()
    assert "ratings.csv" in text
    assert "scope" in text
    assert "Scale 0-4" in text
    assert "Scale 1-5" in text
    text = sent(b"clarity,5,4,4\n").content.decode()
    assert "Scale 1-5" in text
    assert "Scale 0-4" not in text  # nobody can have rated 5 on it
    assert "whole number" in sent(b"clarity,4,x\n").content.decode()
    assert "on neither scale" in sent(b"clarity,0,5\n").content.decode()
    assert "A table of ratings is needed" in (
        enter("curator").post("/grading/delphi/table", follow=True).content.decode()
    )
    assert not Rating.objects.exists()


def test_nobody_else_rates(hub: Any, enter: Any) -> None:
    for name in ("visitor", "researcher", "auditor"):
        assert enter(name).get("/grading/delphi").status_code == 403
        assert enter(name).post("/grading/delphi/rate", {"domain": "1"}).status_code == 403
    assert not Rating.objects.exists()
