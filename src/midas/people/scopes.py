"""What a token may be limited to, in words a person chooses from. In come names of scopes; out come acts of the rule.

A scope only ever takes away: what the token's account may not do, the token may not either.
"""

from __future__ import annotations

from collections.abc import Iterable

from midas.kernel import BadInput
from midas.people.rule import ANYONE, Act

SCOPES: dict[str, frozenset[Act]] = {
    "catalogue": ANYONE | {Act.SEE_USE, Act.SEE_SPOKE},
    "download": ANYONE | {Act.DOWNLOAD_OPEN, Act.DOWNLOAD},
    "drafts": ANYONE | {Act.READ_DATASET, Act.SEE_SPOKE},
    "tasks": ANYONE | {Act.READ, Act.ADJUDICATE},
    "curate": ANYONE
    | {Act.READ_DATASET, Act.JUDGE_QUALITY, Act.DRAFT, Act.CUT, Act.WITHDRAW, Act.SET_READING},
    "ask": ANYONE | {Act.ASK_ACCESS},
    "audit": ANYONE | {Act.AUDIT, Act.SEE_GRANTS, Act.SEE_USE},
    "grant": ANYONE | {Act.SEE_GRANTS, Act.GRANT},
    "people": ANYONE | {Act.MANAGE_PEOPLE},
}
"""`download` covers a release's files and its images over DICOMweb; `drafts` and `tasks` are DICOMweb's other roots."""
BY_NAME_ONLY = frozenset({Act.GRANT, Act.MANAGE_PEOPLE})
"""Acts that a token has only where its scope says so; one without a scope has them not."""
BY_HAND = frozenset({Act.OWN_ACCOUNT})
"""Acts that no token has: a key must not make further keys."""


def acts_of(names: Iterable[str]) -> frozenset[Act]:
    """Return the acts of the scopes named; `BadInput` for none or for one that is not known."""
    chosen = list(names)
    unknown = sorted(set(chosen) - set(SCOPES))
    if unknown or not chosen:
        raise BadInput(
            f"There is no scope {unknown[0]}." if unknown else "A scope names something.",
            advice=f"Choose from {', '.join(SCOPES)}.",
        )
    return frozenset().union(*(SCOPES[name] for name in chosen))


def limited(scope: frozenset[Act] | None) -> frozenset[Act]:
    """Return the acts that a token with this scope could have at most; `None`: all but those by name only."""
    return (frozenset(Act) - BY_NAME_ONLY if scope is None else scope) - BY_HAND


def words_of(scope: Iterable[str] | None) -> list[str]:
    """Return the names of the scopes that a token's acts make up, for showing it; `None` gives none."""
    acts = set(scope or ())
    return [name for name, within in SCOPES.items() if scope is not None and {*within} <= acts]
