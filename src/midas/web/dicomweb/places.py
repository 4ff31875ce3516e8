"""Where one looks: a path below /dicomweb becomes a scope of the catalogue and the act that it needs."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from midas.catalogue.models import Dataset, Scope
from midas.kernel import Forbidden, NotFound
from midas.people.models import Account
from midas.people.rule import Act, Standing, allows, download_of
from midas.release.models import Release
from midas.web.guard import SignInFirst

KINDS = {
    "releases": Scope.Kind.RELEASE, "twins": Scope.Kind.TWIN, "drafts": Scope.Kind.DRAFT, "tasks": Scope.Kind.TASK
}  # fmt: skip
NOTHING = 0
"""The scope of a draft or release in which nothing stands: no row has it, so that every search finds nothing."""


@dataclass(frozen=True)
class Place:
    """A scope with what the rule asks: one of `acts` on the dataset (and version)."""

    scope_id: int
    kind: str
    name: str
    dataset: str
    version: str | None
    acts: tuple[Act, ...]


def nowhere() -> NotFound:
    return NotFound("There is nothing to look at here.", advice="Check the address.")


def place_of(kind: str, name: str, account: Account | None) -> Place:
    """Return the place that a path names. `NotFound` for what does not exist.

    Which scope a reading task shows depends on who asks (`midas.annotate.may_open`): `Forbidden` for who has no part in it.
    """
    match kind:
        case "releases" | "twins":
            return _release(kind, name)
        case "drafts":
            if not Dataset.objects.filter(slug=name).exists():
                raise nowhere()
            return Place(_scope(KINDS[kind], name), kind, name, name, None, (Act.READ_DATASET,))
        case "tasks":
            return _task(name, account)
    raise nowhere()


def _scope(kind: str, name: str) -> int:
    found = Scope.objects.filter(kind=kind, name=name).values_list("pk", flat=True).first()
    return NOTHING if found is None else found


def _release(kind: str, name: str) -> Place:
    dataset, _, version = name.partition("@")
    twin = kind == "twins"
    held = Release.objects.filter(dataset__slug=dataset, version=version, twin=twin)
    access = held.values_list("access", flat=True).first()
    if access is None:
        raise nowhere()
    return Place(_scope(KINDS[kind], name), kind, name, dataset, version, (download_of(access, twin=twin),))


def _task(name: str, account: Account | None) -> Place:
    opened = None
    if name.isdecimal() and len(name) < 19:
        opened = import_module("midas.annotate").may_open(int(name), account)
    if opened is None:
        raise Forbidden("This task is not yours.", advice="Ask who set the reading task.")
    scope = Scope.objects.filter(kind=Scope.Kind.TASK, name=opened).select_related("dataset").first()
    if scope is None:
        raise nowhere()
    return Place(scope.pk, "tasks", name, scope.dataset.slug, None, (Act.READ, Act.SET_READING))


def let_in(place: Place, standing: Standing) -> None:
    """Raise `SignInFirst` or `Forbidden` unless who stands so may look here."""
    for act in place.acts:
        if allows(standing, act, place.dataset, place.version):
            return
    if standing.roles is None:
        raise SignInFirst("To look at this you must sign in.", advice="Sign in, or give your token.")
    raise Forbidden(
        "You may not look at this.",
        advice="Ask for access to this release."
        if Act.DOWNLOAD in place.acts
        else "Ask the hub's curator for the role that it needs.",
    )
