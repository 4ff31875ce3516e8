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
    interrupted = models.BooleanField(
        default=False, help_text="its program ended before it was through; some of its files may be missing"
    )


class Watched(models.Model):
    """A file of a watched folder that was taken in, as it was then: it is not read again while it stays so.

    The row of a file that left goes after a while (`watching.KEPT`).
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    folder = models.CharField(max_length=64, db_index=True, help_text="HMAC of the watched folder")
    lookup = models.CharField(max_length=64, unique=True, help_text="HMAC of folder and path")
    stamp = models.CharField(max_length=80, help_text="size, time of writing and of change, in ns")
    gone_at = models.DateTimeField(null=True, help_text="since when it is not seen in its folder any more")


class Screen(models.Model):
    """How images of one device and one size are laid out: what one decision may be used for again.

    Two images look the same where the machine found text at the same places (`intake.screens`).
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="screens")
    device = models.CharField(max_length=64, db_index=True, help_text="HMAC of maker and model")
    name = models.BinaryField(help_text="maker and model, encrypted: people type into them")
    width = models.PositiveIntegerField(help_text="columns of a frame")
    height = models.PositiveIntegerField(help_text="rows of a frame")
    layout = models.JSONField(
        help_text="left, top, width, height of each place with text, in pixels; none: nothing tells its looks"
    )

    @property
    def tells(self) -> bool:
        """Whether its looks say enough that a decision on one image may count for another."""
        return bool(self.layout)


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
    regions = models.JSONField(
        default=list, help_text="boxes that the machine proposes to mask: how found, never what they say"
    )
    screen = models.ForeignKey(Screen, on_delete=models.SET_NULL, null=True, related_name="items")
    payload = models.BinaryField(
        null=True, help_text="a table row's cells or what a header says of the person, encrypted"
    )
    deaths = models.PositiveSmallIntegerField(
        default=0, help_text="worker processes that died, one after the other, with it in hand"
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


class Verdict(models.TextChoices):
    ACCEPT = "accept", "Accept"
    MASK = "mask", "Mask"
    REJECT = "reject", "Reject"


class Standing(models.TextChoices):
    PROPOSED = "proposed", "Waits for a second person"
    FINAL = "final", "Stands"
    REVOKED = "revoked", "Taken back"


class Decision(models.Model):
    """What a person decided on held items, and why. A row is never deleted; taking it back is written beside it.

    With `screen` it is used again for images of the same device that look the same; `reuses` names the first one.
    """

    items = models.ManyToManyField(Item, related_name="decisions")
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    boxes = models.JSONField(
        default=list, help_text="x, y, width, height in pixels, to be masked in every frame"
    )
    dropped = models.JSONField(
        default=list, help_text="proposed boxes that the person took away, likewise, and the ink of each"
    )
    looked_at = models.ForeignKey(
        Item,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="the item before the person's eyes",
    )
    scope = models.CharField(max_length=8, default="items", help_text="items, series or layout")
    standing = models.CharField(max_length=8, choices=Standing.choices, default=Standing.FINAL)
    was = models.JSONField(default=dict, help_text="item → reason and detail for which it was held")
    screen = models.ForeignKey(Screen, on_delete=models.PROTECT, null=True, related_name="decisions")
    reuses = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="uses")
    why = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    by_name = models.CharField(max_length=150)
    at = models.DateTimeField()
    second_name = models.CharField(
        max_length=150, blank=True, help_text="who decided the same, where two must"
    )
    second_at = models.DateTimeField(null=True)
    ended_name = models.CharField(
        max_length=150, blank=True, help_text="who took it back or decided otherwise"
    )
    ended_at = models.DateTimeField(null=True)


class Reviewer(models.Model):
    """An account that may see what is identified, and decide; the others see counts, states and reasons."""

    account = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")


class Look(models.Model):
    """One view of an identified image or header by a person at the spoke: who, what, when."""

    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="looks")
    what = models.CharField(max_length=8, default="picture", help_text="picture or header")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
