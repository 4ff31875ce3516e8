"""What was done, by whom, to what. Rows are only ever added; what chains them stands beside them, not in them."""

from django.conf import settings
from django.db import models


class Deed(models.TextChoices):
    """The closed list of what is written down."""

    SIGN_IN = "sign-in", "signed in"
    SIGN_IN_REFUSED = "sign-in-refused", "was refused at sign-in"
    SIGN_OUT = "sign-out", "signed out"
    ACCOUNT = "account", "changed an account, its roles or its keys"
    SUBMIT = "submit", "sent a submission"
    REGISTER = "register", "registered or refused a submission"
    DRAFT = "draft", "drafted a release"
    CUT = "cut", "cut a release"
    WITHDRAW = "withdraw", "withdrew a subject"
    TASK = "task", "set a reading task"
    READ = "read", "kept a reading"
    SETTLE = "settle", "settled a disagreement"
    ASK = "ask", "asked for access"
    GRANT = "grant", "gave access"
    DECLINE = "decline", "declined access"
    REVOKE = "revoke", "took access back"
    VIEW = "view", "looked at a study"
    QUERY = "query", "asked tables a question"
    DOWNLOAD = "download", "downloaded"
    DENIED = "denied", "was denied"
    PRUNE = "prune", "pruned the ledger"


class Entry(models.Model):
    """One deed. `by` is empty for a spoke or nobody in particular; `who` keeps the name as it was then.

    `target` names what it was done to (a pseudonym, a study's UID, a grant's number), `why` is the reason that was given.
    """

    at = models.DateTimeField(db_index=True)
    deed = models.CharField(max_length=20, choices=Deed.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    who = models.CharField(max_length=150)
    dataset = models.SlugField(max_length=64, blank=True)
    version = models.CharField(max_length=32, blank=True)
    target = models.CharField(max_length=100, blank=True)
    why = models.CharField(max_length=500, blank=True)
    details = models.JSONField(default=dict)
