"""What goes to the hub: packed, signed, sent, and the receipt that came back; what the work on it took; what curators ask,
and what is answered; whom all hospitals have collected."""

from django.db import models

from midas.spoke.intake.models import Item
from midas.spoke.vault.models import Person, Project


class Parcel(models.Model):
    """A signed submission. It is `packed` once every file stands whole in the outbox, `acknowledged` with a receipt."""

    class State(models.TextChoices):
        PACKED = "packed"
        SENDING = "sending"
        ACKNOWLEDGED = "acknowledged"
        REFUSED = "refused"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="parcels")
    root = models.CharField(max_length=64, unique=True)
    header = models.JSONField()
    signed = models.JSONField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.PACKED)
    receipt = models.JSONField(null=True)
    findings = models.JSONField(default=list)
    packed_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)


class Output(models.Model):
    """One de-identified instance or row, ready to go; it names the items it was made from."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="outputs")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    sources = models.ManyToManyField(Item, related_name="outputs")
    kind = models.CharField(max_length=24)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(default=0)
    line = models.JSONField(help_text="an ItemLine, RecordLine or LabelLine of midas.wire.v1")
    report = models.JSONField(default=dict)
    parcel = models.ForeignKey(Parcel, on_delete=models.SET_NULL, null=True, related_name="outputs")


class Work(models.Model):
    """What one stretch of work on a project took; the next parcel tells the sum. `spent` is a Spent of midas.wire.v1."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    began_at = models.DateTimeField()
    spent = models.JSONField()
    parcel = models.ForeignKey(Parcel, on_delete=models.SET_NULL, null=True, related_name="+")


class Question(models.Model):
    """What a curator asks about something that was sent, and the answer. `asked` is an AskedLine of midas.wire.v1.

    An answer is `ready` until the hub has it, `held` while it looks as if it named somebody.
    """

    class State(models.TextChoices):
        OPEN = "open"
        HELD = "held"
        READY = "ready"
        SENT = "sent"
        CLOSED = "closed"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="questions")
    number = models.PositiveIntegerField()
    asked = models.JSONField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    kind = models.CharField(max_length=10, blank=True, help_text="words or corrected")
    words = models.BinaryField(null=True, help_text="the answer, encrypted: what is held may name somebody")
    held_for = models.CharField(max_length=40, blank=True, help_text="a code of `questions.HELD`")
    by_name = models.CharField(max_length=150, blank=True)
    fetched_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="question_once")]


class Together(models.Model):
    """Whom all hospitals have collected, as the hub told it last: `told` is a CoverageTotal of midas.wire.v1."""

    project = models.OneToOneField(Project, on_delete=models.PROTECT, related_name="+")
    told = models.JSONField(null=True)
    told_at = models.DateTimeField(null=True)
    missed_at = models.DateTimeField(null=True, help_text="when the hub was last asked in vain since then")
