"""What a dataset answers about access, one sentence per question, in the reader's language."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from midas.access.look import FEWEST, Answers
from midas.protocol.duo import duo_terms
from midas.ui.words import count


def duo_words(code: str) -> str:
    """Return the label of a DUO term in the reader's language; the code itself where it is not in the table."""
    term = duo_terms().get(code)
    return _(term.label) if term else code


def sentences(told: Answers) -> dict[str, str]:
    """Return who, commercially or not, where, for what, and how long access takes; one line each."""
    return {
        "who": _("Everybody who signs in.")
        if told.level == "open"
        else _("A person whose request an access officer has granted."),
        "commercial": _("Commercial use is allowed.") if told.commercial else _("Not for commercial use."),
        "where": {
            "anywhere": _("At the hub and as a download."),
            "region": _("At the hub and as a download, inside the region that the terms name."),
            "institution": _("At the hub and as a download, inside an institution that was approved."),
        }[told.where],
        "uses": "; ".join(duo_words(code) for code in told.uses),
        "took": _took(told),
    }


def _took(told: Answers) -> str:
    if told.level == "open":
        return _("No waiting: sign in.")
    if told.days is None:
        return _("Not yet known: fewer than %(few)s requests were decided in the last two years.") % {
            "few": FEWEST
        }
    if told.days < 1:
        return _("Less than a day (median of %(number)s requests in two years).") % {
            "number": count(told.decided)
        }
    words = ngettext("%(days)s day", "%(days)s days", round(told.days)) % {"days": count(told.days)}
    return _("%(days)s (median of %(number)s requests in two years).") % {
        "days": words, "number": count(told.decided)
    }  # fmt: skip
