"""Tasks, their items, who reads what, what each reader stored, and what was settled. Rows are added, never edited.

A reading that changes is a further revision; once its reader submitted, the database takes no more of them. Settled is an
item at most once, and by a reading that is kept: an adjudicator's own word is a reading like any other.
"""

from django.conf import settings
from django.db import models

from midas.catalogue.models import Dataset, Instance, Lesion, ProtocolVersion, Specimen, Subject, Visit


class Task(models.Model):
    """One question put to readers, as the protocol's annotation task asked it when it was set; it never changes.

    `agree_at` is what counts as agreement: the least Dice coefficient of each structure, or the largest difference of two
    numbers; categories agree where they are equal. `name` is unique in its dataset: a label's source is `reading:<name>`.
    """

    class Kind(models.TextChoices):
        CATEGORY = "category"
        NUMBER = "number"
        SEGMENTATION = "segmentation"
        REGIONS = "regions"

    class Rule(models.TextChoices):
        NONE = "none"
        THIRD_READER = "third-reader"
        CONSENSUS = "consensus"

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="+")
    protocol = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="+")
    annotation = models.SlugField(max_length=64)
    name = models.SlugField(max_length=64)
    title = models.JSONField(help_text="words by language, English always")
    instructions = models.TextField(blank=True)
    target = models.SlugField(max_length=64)
    level = models.CharField(max_length=10)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    values = models.JSONField(default=list)
    ordinal = models.BooleanField(default=False, help_text="the values stand in an order")
    readers_per_item = models.PositiveSmallIntegerField()
    adjudication = models.CharField(max_length=12, choices=Rule.choices)
    agree_at = models.FloatField(null=True)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dataset", "name"], name="task_once"),
            models.CheckConstraint(condition=models.Q(readers_per_item__gte=1), name="task_has_readers"),
        ]

    @property
    def draws(self) -> bool:
        """Whether a reading is a DICOM object and not a value."""
        return self.kind in {self.Kind.SEGMENTATION, self.Kind.REGIONS}

    @property
    def source(self) -> str:
        """Return what stands as the source of its labels."""
        return f"reading:{self.name}"


class TaskItem(models.Model):
    """One place of the subject tree that is read; `uid` is its series or instance, at these levels."""

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, null=True, related_name="+")
    lesion = models.ForeignKey(Lesion, on_delete=models.PROTECT, null=True, related_name="+")
    specimen = models.ForeignKey(Specimen, on_delete=models.PROTECT, null=True, related_name="+")
    uid = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "number"], name="task_item_once")]


class ItemImage(models.Model):
    """One image that is shown for an item."""

    item = models.ForeignKey(TaskItem, on_delete=models.CASCADE, related_name="+")
    instance = models.ForeignKey(Instance, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "instance"], name="item_image_once")]


class ReaderCode(models.Model):
    """The reader code: by what name a reader stands in releases, random, the same in all tasks of this hub."""

    account = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=8, unique=True)


class Assignment(models.Model):
    """One person reads one item once, as a reader or as its adjudicator, never as both."""

    class Role(models.TextChoices):
        READER = "reader"
        ADJUDICATOR = "adjudicator"

    item = models.ForeignKey(TaskItem, on_delete=models.PROTECT, related_name="+")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=12, choices=Role.choices)
    assigned_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "reader"], name="reader_once_on_an_item"),
            models.UniqueConstraint(
                fields=["item"], condition=models.Q(role="adjudicator"), name="one_adjudicator_of_an_item"
            ),
        ]


class Reading(models.Model):
    """One revision of what one person says of one item: a value, a stored DICOM object, or both."""

    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="+")
    revision = models.PositiveIntegerField()
    value = models.JSONField(null=True)
    sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    size = models.BigIntegerField(default=0)
    modality = models.CharField(max_length=16, blank=True)
    study_uid = models.CharField(max_length=64, blank=True)
    series_uid = models.CharField(max_length=64, blank=True)
    sop_instance_uid = models.CharField(max_length=64, blank=True, db_index=True)
    sop_class_uid = models.CharField(max_length=64, blank=True)
    transfer_syntax_uid = models.CharField(max_length=64, blank=True)
    kept_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["assignment", "revision"], name="reading_revision_once"),
            models.CheckConstraint(
                condition=models.Q(value__isnull=False) | ~models.Q(sha256=""), name="reading_says_something"
            ),
            models.CheckConstraint(condition=models.Q(revision__gte=1), name="reading_revision_from_one"),
        ]


class Settlement(models.Model):
    """What stands for an item, by which reading, and how that came about. `agreement` is 0 to 1, none for one reader."""

    class How(models.TextChoices):
        AGREEMENT = "agreement"
        ADJUDICATOR = "adjudicator"

    item = models.OneToOneField(TaskItem, on_delete=models.PROTECT, related_name="+")
    reading = models.ForeignKey(Reading, on_delete=models.PROTECT, related_name="+")
    how = models.CharField(max_length=12, choices=How.choices)
    agreement = models.FloatField(null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    why = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(how="agreement", by__isnull=True)
                | (models.Q(how="adjudicator", by__isnull=False) & ~models.Q(why="")),
                name="settlement_by_rule_or_person",
            )
        ]


class Derived(models.Model):
    """An object that a curator drew on images of a dataset, outside any task: it enters releases as it is, and no label."""

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    source = models.ForeignKey(Instance, on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64, db_index=True)
    size = models.BigIntegerField()
    modality = models.CharField(max_length=16)
    study_uid = models.CharField(max_length=64)
    series_uid = models.CharField(max_length=64)
    sop_instance_uid = models.CharField(max_length=64, unique=True)
    sop_class_uid = models.CharField(max_length=64)
    transfer_syntax_uid = models.CharField(max_length=64)
    kept_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kept_at = models.DateTimeField()
