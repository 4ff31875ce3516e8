"""What came in, and in which one of four states each thing is: waiting, held, refused or sent.

Everything in = waiting + held + refused + sent, always; the database holds each item in one state by constraint.
"""

from django.conf import settings
from django.db import models

from midas.spoke.vault.models import LesionFact, Person, Project, SpecimenFact, VisitFact


class Batch(models.Model):
    """One `receive`: a folder, an archive, an upload."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="batches")
    origin = models.BinaryField(help_text="where it came from, encrypted: folder names can name people")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)


class State(models.TextChoices):
    WAITING = "waiting", "Waiting"
    HELD = "held", "Held"
    REFUSED = "refused", "Refused"
    SENT = "sent", "Sent"


class Item(models.Model):
    """An unpacked file, a received object or a table row.

    `reason` is a code of `midas.spoke.reasons` and is set exactly when the item is held or refused.
    """

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="items")
    kind = models.CharField(max_length=24, help_text="midas.formats.Kind, or `row`")
    name = models.BinaryField(help_text="relative path, archive member or table row, encrypted")
    lookup = models.CharField(
        max_length=64, help_text="HMAC of batch-independent identity: same bytes, same item"
    )
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(default=0)
    stored = models.CharField(
        max_length=100, blank=True, help_text="path in the intake folder; named by digest"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=40, blank=True)
    detail = models.TextField(blank=True, help_text="for people; never holds an identified value")
    stage = models.CharField(
        max_length=12, default="received", help_text="received, matched, cleaned, packed"
    )
    person = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")
    definition = models.SlugField(
        max_length=64, blank=True, help_text="the protocol item or table it answers"
    )
    key = models.CharField(
        max_length=64, blank=True, db_index=True, help_text="HMAC of a table row's key: the newest row counts"
    )
    visit = models.ForeignKey(VisitFact, on_delete=models.SET_NULL, null=True, related_name="+")
    lesion = models.ForeignKey(LesionFact, on_delete=models.SET_NULL, null=True, related_name="+")
    specimen = models.ForeignKey(SpecimenFact, on_delete=models.SET_NULL, null=True, related_name="+")
    view = models.CharField(max_length=64, blank=True)
    group = models.CharField(
        max_length=64, blank=True, help_text="neutral id of its series or table: reviewed together"
    )
    findings = models.JSONField(default=list)
    payload = models.BinaryField(
        null=True, help_text="a table row's cells or what a header says of the person, encrypted"
    )
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["state", "reason"]), models.Index(fields=["sha256"])]
        constraints = [
            models.UniqueConstraint(fields=["lookup"], name="item_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "held", "refused", "sent"]), name="one_state"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["held", "refused"]) ^ models.Q(reason=""),
                name="reason_iff_stopped",
            ),
        ]


class Decision(models.Model):
    """What a person decided on held items, and why."""

    items = models.ManyToManyField(Item, related_name="decisions")
    verdict = models.CharField(
        max_length=10, choices=[("accept", "Accept"), ("mask", "Mask"), ("reject", "Reject")]
    )
    boxes = models.JSONField(
        default=list, help_text="x, y, width, height in pixels, to be masked in every frame"
    )
    why = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    by_name = models.CharField(max_length=150)
    at = models.DateTimeField()


class Look(models.Model):
    """One view of an identified image by a person at the spoke: who, what, when."""

    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="looks")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
