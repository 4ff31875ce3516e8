"""What has been registered: datasets, submissions, and the subject tree with its instances, records and labels.

No identifier of a person stands here; subjects are pseudonyms that the spokes gave. Nothing is overwritten: a
record that comes again with other values becomes a new revision.
"""

from django.db import models


class Dataset(models.Model):
    slug = models.SlugField(max_length=64, unique=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.slug


class ProtocolVersion(models.Model):
    """One protocol file, by the SHA-256 of its bytes; the newest of a dataset by `added_at` is the one in force."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64, unique=True)
    version = models.CharField(max_length=32)
    source = models.TextField()
    added_at = models.DateTimeField()


class Submission(models.Model):
    """What a spoke sent. `signed` stays as it was signed; a withdrawal rewrites `header`'s parts without the person."""

    class State(models.TextChoices):
        RECEIVED = "received"
        VERIFYING = "verifying"
        REGISTERED = "registered"
        REFUSED = "refused"

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="+")
    protocol = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="+")
    spoke = models.SlugField(max_length=64)
    root = models.CharField(max_length=64, unique=True)
    header = models.JSONField()
    signed = models.JSONField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.RECEIVED)
    findings = models.JSONField(default=list)
    receipt = models.JSONField(null=True)
    received_at = models.DateTimeField()
    registered_at = models.DateTimeField(null=True)


class Subject(models.Model):
    """One person by pseudonym. After a withdrawal only the pseudonym and `withdrawn_at` stand here."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="+")
    pseudonym = models.CharField(max_length=16)
    spoke = models.SlugField(max_length=64, blank=True)
    sex = models.CharField(max_length=1, default="U")
    basis = models.JSONField(default=list)
    links = models.JSONField(default=list)
    first_submission = models.ForeignKey(Submission, on_delete=models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dataset", "pseudonym"], name="subject_once")]


class Visit(models.Model):
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=64)
    day = models.IntegerField()
    age_years = models.PositiveSmallIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "name"], name="visit_once")]


class Lesion(models.Model):
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=64)
    tracking_uid = models.CharField(max_length=64)
    site = models.JSONField(null=True)
    laterality = models.CharField(max_length=12, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "name"], name="lesion_once")]


class Specimen(models.Model):
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=64)
    uid = models.CharField(max_length=64)
    kind = models.CharField(max_length=100, blank=True)
    lesion = models.ForeignKey(Lesion, on_delete=models.PROTECT, null=True, related_name="+")
    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "name"], name="specimen_once")]


class Study(models.Model):
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    uid = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "uid"], name="study_once")]


class Series(models.Model):
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    uid = models.CharField(max_length=64, db_index=True)
    modality = models.CharField(max_length=16)
    item = models.SlugField(max_length=64)
    kind = models.CharField(max_length=10)
    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, null=True, related_name="+")
    lesion = models.ForeignKey(Lesion, on_delete=models.PROTECT, null=True, related_name="+")
    specimen = models.ForeignKey(Specimen, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "uid"], name="series_once")]


class Instance(models.Model):
    """One DICOM instance. `sources` are the HMACs of the files it was made from: the hub's provenance."""

    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="+")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="+")
    sop_instance_uid = models.CharField(max_length=64, db_index=True)
    sop_class_uid = models.CharField(max_length=64)
    transfer_syntax_uid = models.CharField(max_length=64)
    path = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64, db_index=True)
    size = models.BigIntegerField()
    view = models.CharField(max_length=64, blank=True)
    facts = models.JSONField(default=dict)
    sources = models.JSONField(default=list)
    deid = models.CharField(max_length=200)
    findings = models.JSONField(default=list)
    preview = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "sop_instance_uid"], name="instance_once")]


class Record(models.Model):
    """A row of a clinical table; the highest revision of a `record` counts."""

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="+")
    table = models.SlugField(max_length=64)
    record = models.CharField(max_length=64)
    revision = models.PositiveIntegerField(default=1)
    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, null=True, related_name="+")
    lesion = models.ForeignKey(Lesion, on_delete=models.PROTECT, null=True, related_name="+")
    specimen = models.ForeignKey(Specimen, on_delete=models.PROTECT, null=True, related_name="+")
    values = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "table", "record", "revision"], name="record_once")
        ]


class Label(models.Model):
    """One value of one target at one place of the tree, with its source; as `midas.wire.v1.LabelLine`."""

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="+")
    level = models.CharField(max_length=10)
    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, null=True, related_name="+")
    lesion = models.ForeignKey(Lesion, on_delete=models.PROTECT, null=True, related_name="+")
    specimen = models.ForeignKey(Specimen, on_delete=models.PROTECT, null=True, related_name="+")
    uid = models.CharField(max_length=64, blank=True)
    target = models.SlugField(max_length=64)
    value = models.JSONField(null=True)
    source = models.CharField(max_length=200)
    readers = models.JSONField(default=list)
    segmentation_uid = models.CharField(max_length=64, blank=True)


class Erasure(models.Model):
    """A blob to be erased: written with the withdrawal, gone once nothing needs the blob and it is erased."""

    digest = models.CharField(max_length=64, unique=True)
