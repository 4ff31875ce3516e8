"""What has been registered: datasets, submissions, and the subject tree with its instances, records and labels.

No identifier of a person stands here; subjects are pseudonyms that the spokes gave. Nothing is overwritten: a
record that comes again with other values becomes a new revision.
"""

from django.conf import settings
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
    spent = models.JSONField(
        null=True, help_text="what verifying it took here: a Spent of midas.wire.v1; none: not measured"
    )


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


class CheckRun(models.Model):
    """The quality checks, run once over a submission or (`submission` null) over a whole dataset; `number` counts 1, 2, 3 …

    A later run supersedes what an earlier one found of the same series; both stay.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, null=True, related_name="+")
    protocol = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="+")
    software = models.CharField(max_length=64)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    series = models.PositiveIntegerField(help_text="looked at")
    images = models.PositiveIntegerField(help_text="looked at")
    compared_to = models.BigIntegerField(
        default=0, help_text="highest key of an image whose copies were looked for"
    )
    rows = models.PositiveIntegerField(default=0, help_text="of clinical tables, looked at")
    spent = models.JSONField(
        null=True, help_text="what it took: a Spent of midas.wire.v1; none: not measured"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dataset", "number"], name="check_run_once")]


class QualityFinding(models.Model):
    """What one run saw: the same words about several images of a series are one row, and `images` says how many.

    `value` is what was measured, in `unit`; `least` and `most` are its limits then. `mark` is the same wherever the same
    was seen again, so that what a curator decided of it still stands. `other` is the second image where two are alike.
    """

    class Weight(models.IntegerChoices):
        ERROR = 1
        WARNING = 2
        INFO = 3

    run = models.ForeignKey(CheckRun, on_delete=models.PROTECT, related_name="+")
    superseded = models.ForeignKey(CheckRun, on_delete=models.PROTECT, null=True, related_name="+")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="+")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, null=True, related_name="+")
    series = models.ForeignKey(Series, on_delete=models.PROTECT, null=True, related_name="+")
    instance = models.ForeignKey(Instance, on_delete=models.PROTECT, null=True, related_name="+")
    other = models.ForeignKey(Instance, on_delete=models.PROTECT, null=True, related_name="+")
    record = models.ForeignKey(Record, on_delete=models.PROTECT, null=True, related_name="+")
    images = models.PositiveIntegerField()
    rule = models.CharField(max_length=100)
    weight = models.PositiveSmallIntegerField(choices=Weight.choices)
    value = models.FloatField(null=True)
    unit = models.CharField(max_length=32, blank=True)
    least = models.FloatField(null=True)
    most = models.FloatField(null=True)
    message = models.CharField(max_length=500)
    advice = models.CharField(max_length=500, blank=True)
    cites = models.CharField(max_length=300, blank=True)
    mark = models.CharField(max_length=64)

    class Meta:
        indexes = [
            models.Index(
                fields=["dataset", "weight", "id"],
                name="finding_queue",
                condition=models.Q(superseded=None),
            ),
            models.Index(fields=["mark", "id"], name="finding_mark"),
        ]

    @property
    def severity(self) -> str:
        """As `midas.kernel.Severity`."""
        return str(self.Weight(self.weight).name).lower()


class QualityDecision(models.Model):
    """What a curator decided of a finding; the last one for its `mark` stands. Rows are added and stay."""

    class Verdict(models.TextChoices):
        ACCEPT = "accept"
        ASK = "ask"
        EXCLUDE = "exclude"
        CORRECT = "correct"
        REOPEN = "reopen"

    class Covers(models.TextChoices):
        SERIES = "series"
        SUBJECT = "subject"

    finding = models.ForeignKey(QualityFinding, on_delete=models.PROTECT, related_name="+")
    mark = models.CharField(max_length=64)
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    covers = models.CharField(max_length=8, choices=Covers.choices, default=Covers.SERIES)
    why = models.CharField(max_length=500)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["mark", "id"], name="decision_mark")]


class QualityAnswer(models.Model):
    """What a hospital answered to a decision `ask`, once. Rows are added and stay."""

    class Kind(models.TextChoices):
        WORDS = "words"
        CORRECTED = "corrected"

    decision = models.OneToOneField(QualityDecision, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    words = models.CharField(max_length=1000, blank=True)
    spoke = models.SlugField(max_length=64)
    at = models.DateTimeField()


class Correction(models.Model):
    """A fact of a series as it should be, beside the objects, which stay as they came; the highest revision counts."""

    decision = models.OneToOneField(QualityDecision, on_delete=models.PROTECT, related_name="+")
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="+")
    keyword = models.CharField(max_length=64)
    revision = models.PositiveIntegerField()
    before = models.JSONField(null=True)
    after = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series", "keyword", "revision"], name="correction_once")
        ]


class Erasure(models.Model):
    """A blob to be erased: written with the withdrawal, gone once nothing needs the blob and it is erased."""

    digest = models.CharField(max_length=64, unique=True)


class DicomIndex(models.Model):
    """What one blob that is a DICOM instance says, ready to be served; it lives as long as the blob.

    `metadata` is its DICOM JSON (PS3.18 F.2), compressed (zstd), `frames` a `midas.formats.dicom.FrameTable`.
    """

    sha256 = models.CharField(max_length=64, primary_key=True)
    size = models.BigIntegerField()
    subject = models.CharField(max_length=64)
    study_uid = models.CharField(max_length=64)
    series_uid = models.CharField(max_length=64)
    sop_instance_uid = models.CharField(max_length=64, db_index=True)
    sop_class_uid = models.CharField(max_length=64)
    transfer_syntax_uid = models.CharField(max_length=64)
    number = models.BigIntegerField(null=True)
    rows = models.PositiveIntegerField(default=0)
    columns = models.PositiveIntegerField(default=0)
    frame_count = models.PositiveIntegerField(default=0)
    metadata = models.BinaryField()
    frames = models.BinaryField(default=bytes)


class PictureHash(models.Model):
    """The perceptual hashes of one blob's preview (`midas.quality.duplicates`); it lives as long as the blob.

    `marks` are 64-bit numbers, little endian, the whole picture first; empty where there is nothing to compare.
    """

    sha256 = models.CharField(max_length=64, primary_key=True)
    marks = models.BinaryField()


class SeriesHash(models.Model):
    """By what a series of slices is found again (`midas.quality.duplicate_series.Signature`), kept by a run of the checks.

    `marks` as in `PictureHash`, of its mean picture, and `slabs`, by which it is compared, are empty where a run found too
    little to compare. `image` is its middle one, which stands for it.
    """

    series = models.OneToOneField(Series, on_delete=models.CASCADE, primary_key=True, related_name="+")
    image = models.ForeignKey(Instance, on_delete=models.CASCADE, null=True, related_name="+")
    marks = models.BinaryField(default=bytes)
    slabs = models.BinaryField(default=bytes)


class NearPicture(models.Model):
    """Two images whose hashes are near, looked at once: `score` is how alike their pixels are, `same` what follows from it.

    Of two series it holds the image that stands for each (`SeriesHash.image`).

    `one` was registered before `other`. `turn` and `part` say how one lies in the other (`midas.quality.duplicates`).
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="+")
    one = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="+")
    score = models.FloatField()
    turn = models.PositiveSmallIntegerField()
    part = models.FloatField()
    same = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["one", "other"], name="near_picture_once")]
        indexes = [models.Index(fields=["dataset", "same"], name="near_picture_same")]


class SeriesPack(models.Model):
    """All instances of a series in one piece, named by the digest of their digests: scopes with the same ones share it.

    `listing` holds one line for each instance, `common` the attributes in which all agree, `metadata` their DICOM JSON
    in pieces; all compressed (zstd).
    """

    key = models.CharField(max_length=64, primary_key=True)
    instances = models.PositiveIntegerField()
    listing = models.BinaryField()
    common = models.BinaryField()
    metadata = models.BinaryField()


class Scope(models.Model):
    """A set of objects that one can look at under one permission; `name` is unique within its kind."""

    class Kind(models.TextChoices):
        RELEASE = "release"
        TWIN = "twin"
        DRAFT = "draft"
        TASK = "task"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=100)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="scope_once")]


class ScopeStudy(models.Model):
    """A study of a scope as a search finds it: names folded (`lens.matching.folded`), YYYYMMDD, HHMMSS.FFFFFF.

    `fragment` is the ready answer (DICOM JSON), `common` what else its instances agree in (zstd).
    """

    scope = models.ForeignKey(Scope, on_delete=models.CASCADE, related_name="+")
    subject = models.CharField(max_length=64)
    uid = models.CharField(max_length=64)
    patient_id = models.CharField(max_length=64)
    patient_name = models.CharField(max_length=200)
    patient_birth_date = models.CharField(max_length=8)
    patient_sex = models.CharField(max_length=16)
    study_date = models.CharField(max_length=8)
    study_time = models.CharField(max_length=14)
    accession_number = models.CharField(max_length=64)
    study_id = models.CharField(max_length=64)
    study_description = models.CharField(max_length=200)
    referring_physician_name = models.CharField(max_length=200)
    series = models.PositiveIntegerField()
    instances = models.PositiveIntegerField()
    fragment = models.TextField()
    common = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "uid", "subject"], name="scope_study_once")]
        indexes = [
            models.Index(fields=["scope", "id"], name="scope_study_order"),
            models.Index(fields=["scope", "patient_id"], name="scope_study_patient"),
            models.Index(fields=["scope", "subject"], name="scope_study_subject"),
            models.Index(fields=["scope", "patient_name"], name="scope_study_name"),
            models.Index(fields=["scope", "study_date"], name="scope_study_date"),
            models.Index(fields=["scope", "accession_number"], name="scope_study_accession"),
        ]


class ScopeModality(models.Model):
    """One modality of a study, so that a search by modality reads only what it finds."""

    scope = models.ForeignKey(Scope, on_delete=models.CASCADE, related_name="+")
    modality = models.CharField(max_length=16)
    study = models.ForeignKey(ScopeStudy, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "modality", "study"], name="scope_modality_once")
        ]


class ScopeSeries(models.Model):
    """A series of a scope as a search finds it; `pack` is the key of its `SeriesPack`."""

    scope = models.ForeignKey(Scope, on_delete=models.CASCADE, related_name="+")
    study = models.ForeignKey(ScopeStudy, on_delete=models.CASCADE, related_name="+")
    uid = models.CharField(max_length=64)
    modality = models.CharField(max_length=16)
    number = models.BigIntegerField(null=True)
    description = models.CharField(max_length=200)
    body_part = models.CharField(max_length=64)
    instances = models.PositiveIntegerField()
    fragment = models.TextField()
    pack = models.CharField(max_length=64, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "uid"], name="scope_series_once")]
        indexes = [
            models.Index(fields=["scope", "id"], name="scope_series_order"),
            models.Index(fields=["scope", "uid"], name="scope_series_uid"),
            models.Index(fields=["scope", "modality", "id"], name="scope_series_modality"),
        ]
