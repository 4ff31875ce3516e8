"""What each route needs. `@needs(act)` stands on every view; a route without it fails the tests.

In come a request and the act that its view needs; on goes the request with `request.caller`, or an answer says no. A
browser is sent to sign in; a program gets a problem (RFC 9457). The rule itself is `midas.people`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import URLResolver, get_resolver

from midas.kernel import Forbidden, SystemClock, Unavailable
from midas.people.models import Account, Institution
from midas.people.rule import NOBODY, Act, Standing, allows, allows_somewhere, spoke_may
from midas.people.tokens import key_of_account, key_stands, scope_of, spoke_of_token
from midas.web.bootstrap import address, current_home
from midas.web.noting import note_refusal
from midas.web.standing import hold, standing_of
from midas.web.throttle import address_of, seconds_to_wait

View = Callable[..., HttpResponseBase]
Place = tuple[Act, str | None] | tuple[Act, str | None, str | None]
Choice = Callable[..., Place]
"""Act and dataset, and the version where a grant to that release is what counts."""
READING = frozenset({"GET", "HEAD"})
ANYWHERE = "*"
"""In place of a dataset: the act must be allowed on some dataset, and the view shows only those (`visible`)."""


class TooMany(Unavailable):
    """More requests than a key or an address has a minute; `wait_s` seconds until the next may come."""

    def __init__(self, wait_s: int) -> None:
        super().__init__("Too many requests this minute.", advice=f"Wait {wait_s} seconds, then go on.")
        self.wait_s = wait_s


class SignInFirst(Forbidden):
    """Nobody has signed in, or the token is not a standing one."""


@dataclass(frozen=True)
class Caller:
    """Who asks: an account, a spoke (never both), or nobody in particular."""

    account: Account | None = None
    spoke: Institution | None = None
    scope: frozenset[Act] | None = None
    key: int | None = None
    """Number of the token that was shown."""

    @cached_property
    def standing(self) -> Standing:
        return standing_of(self.account, scope=self.scope)

    def may(self, act: Act, dataset: str | None = None, version: str | None = None) -> bool:
        if self.spoke is not None:
            return spoke_may(self.spoke, act) or allows(NOBODY, act, dataset)
        if dataset == ANYWHERE:
            return allows_somewhere(self.standing, act)
        return allows(self.standing, act, dataset, version)


@dataclass(frozen=True)
class Need:
    """What a view needs; with `choose`, the act depends on what is asked for and is one of `acts`."""

    acts: frozenset[Act]
    dataset: str | None


def caller_of(request: HttpRequest) -> Caller:
    """Return who asks, by bearer token or by session. `SignInFirst` for a token that is not a standing one."""
    header = request.headers.get("Authorization", "")
    if header:
        kind, _, token = header.partition(" ")
        now = SystemClock().now()
        if kind.lower() == "bearer":
            if (key := key_of_account(token.strip(), now=now)) is not None:
                return Caller(account=key.account, scope=scope_of(key), key=key.pk)
            if (spoke := spoke_of_token(token.strip(), now=now)) is not None:
                return Caller(spoke=spoke)
        raise SignInFirst("The token is not known, or it has ended.", advice="Ask the hub for a new one.")
    user = getattr(request, "user", None)
    return Caller(account=user if isinstance(user, Account) else None)


def _counted(request: HttpRequest) -> Caller:
    """Return who asks. A program is counted by the key that it shows or, where that is none that stands, by its address."""
    if _is_page(request):
        return caller_of(request)
    config, shown = current_home().config, request.headers.get("Authorization", "")
    try:
        caller = caller_of(request)
    except SignInFirst:
        _within(address_of(request), config.api_per_minute_unknown)
        raise
    if shown:
        _within(shown, config.api_per_minute)
    else:
        _within(address_of(request), config.api_per_minute_unknown)
    return caller


def _within(who: str, limit: int) -> None:
    if wait_s := seconds_to_wait(who, limit):
        raise TooMany(wait_s)


def require(caller: Caller, act: Act, dataset: str | None = None, version: str | None = None) -> None:
    """Raise `SignInFirst` or `Forbidden` unless the caller may do `act` there."""
    if caller.may(act, dataset, version):
        return
    if caller.account is None and caller.spoke is None:
        raise SignInFirst(f"To {act.value} you must sign in.", advice="Sign in, or give your token.")
    raise Forbidden(f"You may not {act.value} here.", advice=_advice(act, dataset, version))


def _advice(act: Act, dataset: str | None, version: str | None) -> str:
    if act is not Act.DOWNLOAD:
        return "Ask the hub's administrator for the role that it needs."
    if not (dataset and version):
        return "Ask for access on the page of a release."
    page = address(f"/datasets/{dataset}/releases/{version}/ask")
    return f'Ask for access at {page}, or by client.request_access("{dataset}@{version}", …).'


def still_may(caller: Caller, act: Act, dataset: str | None = None, version: str | None = None) -> bool:
    """Ask the record again whether a caller, who may have been answered long ago, may do `act` now."""
    if caller.account is None:
        return caller.may(act, dataset, version)
    now, account = SystemClock().now(), Account.objects.filter(pk=caller.account.pk).first()
    if account is None or (caller.key is not None and not key_stands(caller.key, now=now)):
        return False
    return allows(standing_of(account, scope=caller.scope), act, dataset, version)


def asks_again(request: HttpRequest) -> Callable[[], bool]:
    """Return what says, while an answer to this request goes out, whether it may go on."""
    caller, need = getattr(request, "caller", Caller()), getattr(request, "allowed", None)
    return lambda: need is None or still_may(caller, *need)


def needs(*acts: Act, dataset: str | None = None, choose: Choice | None = None) -> Callable[[View], View]:
    """Declare what a view needs.

    `dataset` names the URL argument that holds the dataset, or is `ANYWHERE`. Where the act depends on what is asked
    for, `choose(request, **arguments)` returns the act, one of `acts`, and the dataset.
    """
    if not acts or (len(acts) > 1 and choose is None):
        raise TypeError("name one act, or several with `choose`")

    def declare(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            caller, act, where = None, acts[0], [dataset and kwargs.get(dataset)]
            try:
                caller = _counted(request)
                request.caller = caller  # type: ignore[attr-defined]
                if request.method in READING and caller.account is not None:
                    hold(caller.account, caller.standing)
                act, *where = choose(request, **kwargs) if choose else (acts[0], _where(dataset, kwargs))
                if act not in acts:
                    raise Forbidden(f"This route does not offer to {act.value}.")
                require(caller, act, *where)
                request.allowed = (act, *where)  # type: ignore[attr-defined]
            except Forbidden as error:
                if isinstance(error, SignInFirst) and _is_page(request):
                    return HttpResponseRedirect(
                        f"{settings.LOGIN_URL}?{urlencode({'next': request.get_full_path()})}"
                    )
                note_refusal(caller, act, dataset=where[0], address=address_of(request))
                raise
            return view(request, *args, **kwargs)

        guarded.need = Need(frozenset(acts), dataset)  # type: ignore[attr-defined]
        return guarded

    return declare


def needs_of_routes() -> list[Need | None]:
    """Return what each route of the hub needs; none where a view declares nothing."""

    def below(resolver: URLResolver) -> Iterator[Need | None]:
        for one in resolver.url_patterns:
            if isinstance(one, URLResolver):
                yield from below(one)
            else:
                yield getattr(one.callback, "need", None)

    return list(below(get_resolver()))


def _where(dataset: str | None, kwargs: dict[str, Any]) -> str | None:
    return dataset if dataset is None or dataset == ANYWHERE else str(kwargs[dataset])


def _is_page(request: HttpRequest) -> bool:
    return not request.path.startswith("/api/") and "Authorization" not in request.headers
