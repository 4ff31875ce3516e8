"""What was done, by whom, to what. Rows are only ever added; what chains them stands beside them, not in them."""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models

from midas.kernel import BrokenPromise


class Deed(models.TextChoices):
    """The closed list of what is written down."""

    SIGN_IN = "sign-in", "signed in"
    SIGN_IN_REFUSED = "sign-in-refused", "was refused at sign-in"
    SIGN_OUT = "sign-out", "signed out"
    ACCOUNT = "account", "changed an account, its roles or its keys"
    PROTOCOL = "protocol", "registered a protocol"
    SUBMIT = "submit", "sent a submission"
    REGISTER = "register", "registered or refused a submission"
    CHECK = "check", "ran the quality checks"
    JUDGE = "judge", "decided on a finding"
    ANSWER = "answer", "answered a question about a finding"
    DRAFT = "draft", "drafted a release"
    PAIR = "pair", "noted persons with the same picture"
    APPROVE = "approve", "approved a draft"
    CUT = "cut", "cut a release"
    WITHDRAW = "withdraw", "withdrew a subject"
    TASK = "task", "set a reading task"
    READ = "read", "kept a reading"
    SETTLE = "settle", "settled a disagreement"
    ASSESS = "assess", "worked on an assessment"
    VALIDATE = "validate", "decided about an assessment"
    RATE = "rate", "rated statements of a rubric"
    CREDIT = "credit", "recorded a citation or issued a certificate"
    ASK = "ask", "asked for access"
    GRANT = "grant", "gave access"
    DECLINE = "decline", "declined access"
    REVOKE = "revoke", "took access back"
    VIEW = "view", "looked at a study"
    QUERY = "query", "asked tables a question"
    DOWNLOAD = "download", "downloaded"
    DENIED = "denied", "was denied"
    PRUNE = "prune", "pruned the ledger"


class Kept(models.QuerySet[Any]):
    """Rows that are only ever added: neither changed nor deleted from here. The database refuses too (`guarding`)."""

    def update(self, **_: Any) -> NoReturn:
        _refuse()

    def delete(self) -> NoReturn:
        _refuse()


def _refuse() -> NoReturn:
    raise BrokenPromise(
        "The ledger's rows are never changed.", advice="Enter a new row; only pruning removes old ones."
    )


class Added(models.Model):
    """A row that is written once."""

    objects = Kept.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            _refuse()
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        _refuse()


class Entry(Added):
    """One deed. `by` is empty for a spoke or nobody in particular; `who` keeps the name as it was then.

    `target` names what it was done to (a pseudonym, a study's UID, a grant's number), `why` is the reason that was given.
    `once` is what makes a row the only one of its person, place and hour; most rows have none.
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
    once = models.CharField(max_length=64, unique=True, null=True, default=None)

    class Meta:
        indexes = [
            models.Index(fields=["who", "at"]),
            models.Index(fields=["deed", "at"]),
            models.Index(fields=["dataset", "at"]),
        ]


class Waiting(models.Model):
    """An entry that no link holds yet. The database adds it with the entry; the sealer takes it away with the link."""

    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, primary_key=True, related_name="+")


class Link(Added):
    """One link of the chain: `number` counts 1, 2, 3 … without a gap; `digest` commits to this row and all before it."""

    number = models.BigIntegerField(primary_key=True)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64)


class Head(models.Model):
    """The chain's end, signed by the hub; the last of each day is kept. `day` is in the hub's time zone."""

    day = models.DateField(unique=True)
    number = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    signed = models.JSONField()


class Checkpoint(Added):
    """Where the chain goes on from after pruning: rows up to `number` are gone, `count` of them in this pruning."""

    number = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    count = models.BigIntegerField()
    at = models.DateTimeField()
    signed = models.JSONField()


class Check(models.Model):
    """One verification of the whole chain: up to which link, and what was wrong first (empty: nothing)."""

    at = models.DateTimeField()
    number = models.BigIntegerField()
    rows = models.BigIntegerField()
    wrong = models.CharField(max_length=300, blank=True)


class Refusal(models.Model):
    """How often somebody was denied an act in an hour; becomes an `Entry` when the hour has passed."""

    hour = models.DateTimeField()
    deed = models.CharField(max_length=20, choices=Deed.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    who = models.CharField(max_length=150)
    act = models.CharField(max_length=100)
    dataset = models.CharField(max_length=64, blank=True)
    times = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "deed", "who", "act", "dataset"], name="one_count_an_hour"
            )
        ]
