"""Signing in, second factors, invitations, recovery, keys and browsers: what each page does, and what it never tells."""

from __future__ import annotations

import importlib.util
import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.test import Client

from midas.kernel import SystemClock
from midas.ledger.models import Deed, Entry

spec = importlib.util.spec_from_file_location("page_rules", Path(__file__).parent / "page_rules.py")
page_rules = importlib.util.module_from_spec(spec)
spec.loader.exec_module(page_rules)
complaints = page_rules.complaints

PASSWORD = "look-and-see-1"
NEW = "seven rivers meet here"


def at_the_door(name: str = "curator", password: str = PASSWORD, client: Client | None = None, **more: str):
    client = client or Client()
    return client, client.post("/sign-in", {"username": name, "password": password, **more})


def code(secret: str, ahead: int = 0) -> str:
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + ahead))


def with_app(client: Client) -> tuple[str, list[str]]:
    """Add an authenticator app to the account that has just signed in; return its secret and the recovery codes."""
    assert client.get("/account/second/app").headers["Location"].startswith("/account/confirm?")
    client.post("/account/confirm", {"password": PASSWORD})
    page = client.get("/account/second/app")
    assert complaints(page) == []
    secret = page.context["form"].secret
    added = client.post("/account/second/app", {"code": code(secret)})
    assert added.headers["Location"] == "/account/second/codes"
    shown = client.get("/account/second/codes")
    assert complaints(shown) == []
    codes = shown.context["unused_codes"]
    assert len(codes) == 10
    return secret, codes


# -- second factors --------------------------------------------------------------------------------------------------


def test_an_app_is_added_asked_for_and_written_down(hub, settings) -> None:
    from allauth.mfa.models import Authenticator

    client, answer = at_the_door()
    assert answer.headers["Location"] == "/"
    secret, _codes = with_app(client)
    assert secret not in str(Authenticator.objects.get(type="totp").data), "kept encrypted"
    client.post("/sign-out")
    half, answer = at_the_door()
    assert answer.headers["Location"] == "/sign-in/second"
    assert half.get("/account").status_code == 302, "a password alone is not enough"
    page = half.get("/sign-in/second")
    assert complaints(page) == []
    wrong = half.post("/sign-in/second", {"code": "000000"})
    assert wrong.status_code == 200
    assert half.get("/account").status_code == 302
    done = half.post("/sign-in/second", {"code": code(secret, ahead=1)})
    assert done.headers["Location"] == "/"
    assert half.get("/account").status_code == 200
    whats = list(
        Entry.objects.filter(deed=Deed.ACCOUNT, who="curator").values_list("details__what", flat=True)
    )
    assert sorted(whats) == ["recovery_codes added", "totp added"]
    assert Entry.objects.filter(deed=Deed.SIGN_IN, who="curator").count() == 2


def test_a_recovery_code_signs_in_once(hub) -> None:
    client, _ = at_the_door()
    _secret, codes = with_app(client)
    for attempt, location in ((codes[0], "/"), (codes[0], None)):
        half, _ = at_the_door()
        answer = half.post("/sign-in/second", {"code": attempt})
        assert answer.headers.get("Location") == location


def test_codes_are_tried_a_few_times_only(hub) -> None:
    client, _ = at_the_door()
    secret, _codes = with_app(client)
    half, _ = at_the_door()
    for _try in range(12):
        half.post("/sign-in/second", {"code": "123456"})
    half.post("/sign-in/second", {"code": code(secret, ahead=1)})
    assert half.get("/account").status_code == 302


def test_a_required_factor_puts_the_role_to_sleep(hub, settings, enter) -> None:
    settings.SECOND_FACTOR_ROLES = ("admin", "curator")
    client, _ = at_the_door()
    assert client.get("/curation").status_code == 403
    asked = client.get("/account")
    assert complaints(asked) == []
    assert asked.context["asleep"] == ["Curator"]
    with_app(client)
    assert client.get("/curation").status_code == 200
    assert enter("researcher").get("/account").context["asleep"] == []


def test_what_guards_the_account_is_asked_for_again(hub) -> None:
    client, _ = at_the_door()
    answer = client.get("/account/second/passkeys/add")
    assert answer.headers["Location"].startswith("/account/confirm?")
    page = client.get(answer.headers["Location"])
    assert complaints(page) == []
    assert client.post(answer.headers["Location"], {"password": "wrong"}).status_code == 200
    assert client.post(answer.headers["Location"], {"password": PASSWORD}).status_code == 302
    added = client.get("/account/second/passkeys/add")
    assert added.status_code == 200
    assert complaints(added) == []


def test_pages_of_factors_are_whole(hub) -> None:
    client, _ = at_the_door()
    with_app(client)
    for path in (
        "/account/second",
        "/account/second/codes/make",
        "/account/second/app/remove",
        "/account/password",
    ):
        page = client.get(path)
        assert page.status_code == 200, path
        assert complaints(page) == [], path
    assert client.post("/account/second/app/remove").status_code == 302
    assert client.get("/account/second").context["is_mfa_enabled"] is False


def said(answer) -> str:
    """Return a page's text without what differs from request to request anyhow: tokens and what was typed."""
    return re.sub(r"value=\"[^\"]*\"", "", answer.content.decode())


# -- what is told to strangers ---------------------------------------------------------------------------------------


def test_a_wrong_name_and_a_wrong_password_look_the_same(hub) -> None:
    texts = []
    for name in ("curator", "nobody-of-this-name"):
        _client, answer = at_the_door(name, "wrong password here")
        assert answer.status_code == 400
        texts.append(said(answer))
    assert texts[0] == texts[1]


def mailing(settings) -> None:
    from midas.web.home import Mail

    home = settings.MIDAS_HUB
    config = home.config.model_copy(update={"mail": Mail(host="localhost", sender="m@example.org")})
    settings.MIDAS_HUB = home.model_copy(update={"config": config})


@pytest.fixture
def posted(monkeypatch, settings):
    """Mail goes to Django's outbox, at once."""
    from midas.web.identity import adapters

    class Now:
        def __init__(self, target, kwargs):
            self.start = lambda: target(**kwargs)

    monkeypatch.setattr(adapters, "Thread", Now)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mailing(settings)
    mail.outbox.clear()
    return mail.outbox


@pytest.mark.django_db(transaction=True)
def test_a_reset_link_is_mailed_works_once_and_ends_sessions(hub, posted) -> None:
    inside, _ = at_the_door()
    client = Client()
    known = client.post("/reset", {"email": "curator@example.org"})
    unknown = client.post("/reset", {"email": "stranger@example.org"})
    assert (known.status_code, known.headers["Location"]) == (
        unknown.status_code,
        unknown.headers["Location"],
    )
    assert [one.to for one in posted] == [["curator@example.org"]]
    link = re.search(r"http://testserver(/reset/\S+)", posted[0].body).group(1)
    form = client.get(link, follow=True)
    assert complaints(form) == []
    where = form.redirect_chain[-1][0]
    weak = client.post(where, {"password1": "curator12", "password2": "curator12"})
    assert weak.status_code == 200
    done = client.post(where, {"password1": NEW, "password2": NEW})
    assert done.headers["Location"] == "/reset/done"
    assert complaints(client.get("/reset/done")) == []
    assert inside.get("/account").status_code == 302, "who was signed in is out"
    again = Client().get(link, follow=True)
    assert "expired" in again.content.decode()
    assert at_the_door(password=NEW)[1].status_code == 302
    assert at_the_door(password=PASSWORD)[1].status_code == 400


def test_without_mail_an_administrator_makes_the_link(hub, enter) -> None:
    page = Client().get("/reset")
    assert complaints(page) == []
    assert "administrator" in page.content.decode()
    assert Client().post("/reset", {"email": "curator@example.org"}).status_code == 200
    made = enter("admin").post("/people/curator/reset")
    assert complaints(made) == []
    link = made.context["fresh"]
    client = Client()
    form = client.get(link.removeprefix("http://testserver"), follow=True)
    done = client.post(form.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})
    assert done.status_code == 302
    assert at_the_door(password=NEW)[1].status_code == 302
    assert Entry.objects.filter(details__what="reset link made", target="curator").exists()


@pytest.mark.parametrize(
    "where", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_nobody_is_sent_elsewhere(hub, where: str) -> None:
    _client, answer = at_the_door(next=where)
    assert answer.headers["Location"] == "/"
    inside, _ = at_the_door()
    assert inside.post("/preferences", {"theme": "dark", "next": where}).headers["Location"] == "/"
    assert inside.get(f"/sign-in?next={where}").headers["Location"] == "/"


def test_every_form_asks_for_its_token(hub) -> None:
    client = Client(enforce_csrf_checks=True)
    for path in ("/sign-in", "/sign-out", "/reset", "/sign-in/passkey", "/preferences", "/people/invite"):
        assert client.post(path, {}).status_code == 403, path


def test_signing_in_begins_a_new_session(hub) -> None:
    client = Client()
    client.get("/sign-in")
    session = client.session
    session["planted"] = "by another"
    session.save()
    before = session.session_key
    at_the_door(client=client)
    assert client.session.session_key != before


# -- invitations -----------------------------------------------------------------------------------------------------


def invited(admin: Client, **told: str) -> str:
    made = admin.post("/people/invite", {"email": "", "institution": "", "role": "", "dataset": "", **told})
    assert complaints(made) == []
    return made.context["fresh"].removeprefix("http://testserver")


def test_an_invitation_makes_one_account_once(hub, enter) -> None:
    from midas.people.models import Account, Invitation, Membership

    link = invited(
        enter("admin"),
        email="asha@example.org",
        role="curator",
        dataset="meningioma",
        institution="aiims-neuro",
    )
    assert link.rpartition("/")[2] not in str(list(Invitation.objects.values()))
    page = Client().get(link)
    assert complaints(page) == []
    weak = Client().post(link, {"username": "asha", "password": "asha-asha"})
    assert weak.status_code == 400
    assert complaints(weak) == []
    made = Client().post(link, {"username": "asha", "password": NEW, "full_name": "Dr Asha Rao"})
    assert made.headers["Location"] == "/sign-in"
    asha = Account.objects.get(username="asha")
    assert (asha.email, asha.full_name, asha.institution.slug) == (
        "asha@example.org",
        "Dr Asha Rao",
        "aiims-neuro",
    )
    assert Membership.objects.get(account=asha).dataset == "meningioma"
    assert Client().get(link).status_code == 404
    assert Client().post(link, {"username": "asha2", "password": NEW}).status_code == 404
    assert at_the_door("asha", NEW)[1].status_code == 302


def test_an_invitation_expires(hub, enter) -> None:
    from midas.people.models import Invitation

    link = invited(enter("admin"))
    Invitation.objects.update(expires_at=SystemClock().now() - timedelta(seconds=1))
    assert Client().get(link).status_code == 404


def test_nobody_registers_where_it_is_closed(hub) -> None:
    assert Client().get("/join").status_code == 403
    assert Client().post("/join", {"email": "x@example.org"}).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_open_registration_tells_the_same_to_all_and_mails_the_owner(hub, settings, posted) -> None:
    home = settings.MIDAS_HUB
    settings.MIDAS_HUB = home.model_copy(
        update={"config": home.config.model_copy(update={"registration": "open"})}
    )
    texts = []
    for email in ("new@example.org", "curator@example.org"):
        client = Client()
        page = client.get("/join")
        assert complaints(page) == []
        texts.append(said(client.post("/join", {"email": email})))
    assert texts[0] == texts[1]
    assert [one.to[0] for one in posted] == ["new@example.org", "curator@example.org"]
    assert "/join/" in posted[0].body
    assert "/join/" not in posted[1].body
    link = re.search(r"http://testserver(/join/\S+)", posted[0].body).group(1)
    assert Client().post(link, {"username": "new", "password": NEW}).status_code == 302


# -- administrators --------------------------------------------------------------------------------------------------


def test_a_change_without_a_reason_is_not_made(hub, enter) -> None:
    from midas.people.models import Account, Membership

    admin = enter("admin")
    admin.post("/people/roles/give", {"account": "visitor", "role": "curator", "dataset": "", "why": " "})
    assert not Membership.objects.filter(account__username="visitor").exists()
    admin.post("/people/visitor/state", {"active": "no", "why": ""})
    assert Account.objects.get(username="visitor").is_active


def test_closing_an_account_ends_its_sessions_and_keys(hub, enter) -> None:
    from midas.people.models import Account
    from midas.people.tokens import account_of_token, issue_token

    inside, _ = at_the_door("researcher")
    clock = SystemClock()
    token = issue_token(title="t", clock=clock, account=Account.objects.get(username="researcher"))
    admin = enter("admin")
    admin.post("/people/researcher/state", {"active": "no", "why": "Left the institute."})
    assert inside.get("/account").status_code == 302
    assert account_of_token(token, now=clock.now()) is None
    _client, answer = at_the_door("researcher")
    assert answer.status_code == 400, "as for a wrong password: who is closed is told to nobody"
    row = Entry.objects.get(details__what="account closed")
    assert (row.by.username, row.target, row.why) == ("admin", "researcher", "Left the institute.")
    admin.post("/people/admin/state", {"active": "no", "why": "x"})
    assert Account.objects.get(username="admin").is_active
    assert complaints(admin.get("/people/researcher/account")) == []
    assert complaints(admin.get("/people")) == []


def test_factors_are_taken_off_with_a_reason(hub, enter) -> None:
    from allauth.mfa.models import Authenticator

    client, _ = at_the_door()
    with_app(client)
    enter("admin").post("/people/curator/factors", {"why": "Lost the phone; seen in person."})
    assert not Authenticator.objects.exists()
    assert client.get("/account").status_code == 302
    assert at_the_door()[1].headers["Location"] == "/"


def test_institutions_are_checked_and_changed(hub, enter) -> None:
    from midas.people.models import Institution

    admin = enter("admin")
    told = {
        "name": "AIIMS",
        "city": "New Delhi",
        "state": "Delhi",
        "contact": "Data desk, room 12",
        "spoke_key": "",
    }
    page = admin.get("/institutions/aiims-neuro")
    assert complaints(page) == []
    wrong = admin.post("/institutions/aiims-neuro", {**told, "ror": "https://ror.org/02mpq6x42"})
    assert wrong.status_code == 400
    assert complaints(wrong) == []
    assert admin.post("/institutions/aiims-neuro", {**told, "ror": "02mpq6x41"}).status_code == 302
    made = Institution.objects.get(slug="aiims-neuro")
    assert (made.ror, made.contact) == ("https://ror.org/02mpq6x41", "Data desk, room 12")
    assert complaints(admin.get("/institutions")) == []


def test_credit_has_a_true_orcid(hub, enter) -> None:
    from midas.people.models import Account

    client = enter("researcher")
    client.post("/account/credit", {"full_name": "Dr Ravi Kumar", "orcid": "0000-0002-1825-0098"})
    assert Account.objects.get(username="researcher").orcid == ""
    client.post(
        "/account/credit", {"full_name": "Dr Ravi Kumar", "orcid": "https://orcid.org/0000-0002-1825-0097"}
    )
    found = Account.objects.get(username="researcher")
    assert (found.full_name, found.orcid) == ("Dr Ravi Kumar", "0000-0002-1825-0097")


# -- keys and browsers -----------------------------------------------------------------------------------------------


def key(client: Client, *scopes: str, days: str = "30") -> dict[str, str]:
    made = client.post("/account/keys", {"title": "k", "days": days, "scope": list(scopes)})
    return {"authorization": f"Bearer {made.context['fresh']}"}


FILE = "/api/v1/releases/oral-cancer@1.1.0/files/manifest.parquet"


def test_a_key_may_what_its_scope_says(hub, enter) -> None:
    researcher = enter("researcher")
    assert Client().head(FILE, headers=key(researcher, "download")).status_code == 200
    assert Client().head(FILE, headers=key(researcher, "catalogue")).status_code == 403
    assert Client().head(FILE, headers=key(researcher)).status_code == 200
    assert enter("researcher").post("/account/keys", {"title": "k", "scope": ["all"]}).status_code == 400


def test_people_are_managed_with_a_key_that_says_so_only(hub, enter) -> None:
    admin = enter("admin")
    assert Client().get("/people", headers=key(admin)).status_code == 403
    assert Client().get("/people", headers=key(admin, "people")).status_code == 200
    assert Client().get("/people", headers=key(enter("curator"), "people")).status_code == 403
    assert Client().get("/account", headers=key(admin)).status_code == 403, "a key makes no keys"


def test_a_revoked_and_an_expired_key_are_refused(hub, enter) -> None:
    from midas.people.models import Token

    client = enter("researcher")
    shown = key(client, "download")
    assert Client().head(FILE, headers=shown).status_code == 200
    assert Token.objects.get(title="k").used_on == SystemClock().now().date()
    client.post(f"/account/keys/{Token.objects.get(title='k').pk}/revoke")
    assert Client().head(FILE, headers=shown).status_code == 401
    late = key(client, "download")
    Token.objects.update(expires_at=SystemClock().now())
    assert Client().head(FILE, headers=late).status_code == 401
    assert complaints(client.get("/account")) == []


def test_browsers_are_listed_coarsely_and_ended(hub) -> None:
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    here = Client(headers={"user-agent": firefox})
    at_the_door(client=here)
    there = Client()
    at_the_door(client=there)
    page = here.get("/account")
    assert complaints(page) == []
    listed = page.context["sessions"]
    assert {one["row"].device for one in listed} == {"Firefox, Linux", ""}
    assert all(one["row"].session_key not in page.content.decode() for one in listed)
    [other] = [one for one in listed if not one["this"]]
    here.post("/account/sessions/end", {"number": other["number"]})
    assert there.get("/account").status_code == 302
    assert here.get("/account").status_code == 200


def test_another_accounts_browser_cannot_be_ended(hub) -> None:
    mine, theirs = Client(), Client()
    at_the_door("researcher", client=mine)
    at_the_door("curator", client=theirs)
    [row] = theirs.get("/account").context["sessions"]
    mine.post("/account/sessions/end", {"number": row["number"]})
    mine.post("/account/sessions/end", {})
    assert theirs.get("/account").status_code == 200


def test_a_new_password_signs_the_others_out(hub) -> None:
    here, there = Client(), Client()
    at_the_door(client=here)
    at_the_door(client=there)
    told = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert here.post("/account/password", {**told, "oldpassword": "no"}).status_code == 200
    assert here.post("/account/password", told).status_code == 302
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 302
    assert Entry.objects.filter(details__what="password changed").count() == 1


def test_the_api_says_when_to_come_back(hub, settings, enter) -> None:
    home = settings.MIDAS_HUB
    config = home.config.model_copy(update={"api_per_minute": 3, "api_per_minute_unknown": 2})
    settings.MIDAS_HUB = home.model_copy(update={"config": config})
    shown = key(enter("researcher"), "catalogue")
    codes = [Client().get("/api/v1/datasets", headers=shown).status_code for _ in range(5)]
    assert codes in ([200, 200, 200, 429, 429], [200] * 5)  # the second: a new minute began in between
    last = [Client().get("/api/v1/datasets") for _ in range(4)][-1]
    if last.status_code == 429:
        assert 1 <= int(last.headers["Retry-After"]) <= 60
        assert last.headers["Content-Type"] == "application/problem+json"
