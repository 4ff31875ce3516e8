"""Assessments and what persons state in them. What was submitted is not changed; it is sent back, or decided."""

from datetime import date

from django.conf import settings
from django.db import models

from midas.catalogue.models import Dataset


class Assessment(models.Model):
    """One form about one version of a dataset: Lite by the centre, Technical by the nodal centre on a submitted Lite one.

    `evidence` is what MIDAS computed, as it stood when it was last brought; it is frozen with the form. `grade` is the
    judgement as it was submitted or decided.
    """

    class Form(models.TextChoices):
        LITE = "lite"
        TECHNICAL = "technical"

    class Status(models.TextChoices):
        DRAFT = "draft"
        SUBMITTED = "submitted"
        REVISION = "revision_required"
        APPROVED = "approved"

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="+")
    version = models.CharField(max_length=32)
    form = models.CharField(max_length=10, choices=Form.choices)
    lite = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    rubric = models.CharField(max_length=64)
    rubric_sha256 = models.CharField(max_length=64)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.DRAFT)
    evidence = models.JSONField(default=list)
    evidence_at = models.DateTimeField()
    remarks = models.JSONField(default=dict, help_text="domain number → words")
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    submitted_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    why = models.CharField(max_length=500, blank=True, help_text="reason of the decision")
    access = models.CharField(
        max_length=12, blank=True, help_text="chosen where the matrix leaves two classes"
    )
    grade = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "version"], condition=models.Q(form="lite"), name="lite_once_a_version"
            ),
            models.UniqueConstraint(
                fields=["lite"],
                condition=models.Q(form="technical", status="draft"),
                name="one_open_technical",
            ),
            models.CheckConstraint(
                condition=models.Q(form="lite", lite=None) | models.Q(form="technical", lite__isnull=False),
                name="technical_is_of_a_lite",
            ),
        ]

    @property
    def open(self) -> bool:
        """Whether it may still be written in."""
        return self.status in {self.Status.DRAFT, self.Status.REVISION} and not (
            self.form == self.Form.TECHNICAL and self.status == self.Status.REVISION
        )

    @property
    def decided(self) -> bool:
        return self.status == self.Status.APPROVED


class Statement(models.Model):
    """One fact that a person states, with the document that shows it. `verdict` is the nodal centre's, in its own form.

    It counts up to and on the day `valid_until`, and for good without one.
    """

    class Verdict(models.TextChoices):
        NONE = ""
        OKAY = "okay"
        REVISION = "needs_revision"

    assessment = models.ForeignKey(Assessment, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=64)
    value = models.JSONField()
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    name = models.CharField(max_length=200, help_text="name of the document's file")
    demonstration = models.BooleanField(default=False, help_text="stands in for a real document")
    remark = models.CharField(max_length=500, blank=True)
    valid_until = models.DateField(null=True, help_text="the last day on which the document is in force")
    verdict = models.CharField(max_length=16, choices=Verdict.choices, blank=True)
    verdict_remark = models.CharField(max_length=500, blank=True)
    stated_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    stated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["assessment", "kind"], name="stated_once")]

    def ended(self, on: date) -> bool:
        """Say whether the document is no longer in force on a day."""
        return self.valid_until is not None and on > self.valid_until


class Rating(models.Model):
    """How relevant an expert finds one statement of a rubric, 1 (not) to 4 (highly). A later one replaces it."""

    rubric_sha256 = models.CharField(max_length=64)
    item = models.CharField(max_length=16, help_text="id of the statement")
    expert = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    rating = models.PositiveSmallIntegerField()
    rated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rubric_sha256", "item", "expert"], name="rated_once"),
            models.CheckConstraint(condition=models.Q(rating__gte=1, rating__lte=4), name="rated_1_to_4"),
        ]
