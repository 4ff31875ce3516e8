"""What goes to the hub: packed, signed, sent, and the receipt that came back."""

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
