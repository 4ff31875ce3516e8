"""Drafts, which change, and releases, which never do."""

from django.conf import settings
from django.db import models

from midas.catalogue.models import Dataset, ProtocolVersion, Subject
from midas.people.models import Institution


class SplitKey(models.Model):
    """The secret that places persons in the parts of a dataset: one for all its versions, so that parts are stable."""

    dataset = models.OneToOneField(Dataset, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=64)
    rest = models.CharField(max_length=64, blank=True, help_text="places whoever is not in the hidden part")


class NearPair(models.Model):
    """Two persons with nearly the same picture, who stay in one part. The row outlives a withdrawal: nobody moves."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="+")
    one = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    other = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    noted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], name="near_pair_once"),
            models.CheckConstraint(condition=models.Q(one__lt=models.F("other")), name="near_pair_in_order"),
        ]


class Draft(models.Model):
    """What is to be cut: a choice of registered items, frozen words, and the secret behind the salts.

    `salt_root` makes cutting the same draft twice give the same key: each subject's salt is derived from it. The first
    withdrawal erases it, so that a withdrawn subject's salt (a release keeps the salts in `ReleaseSubject`) cannot be
    derived again.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="+")
    protocol = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="+")
    version = models.CharField(max_length=32)
    title = models.CharField(max_length=200, blank=True)
    notes = models.TextField(blank=True)
    published_on = models.DateField()
    salt_root = models.CharField(max_length=64, blank=True)
    submissions = models.JSONField(default=list, help_text="roots of the submissions it draws on, frozen")
    readings = models.JSONField(default=list, help_text="settled items of reading tasks it draws on, frozen")
    derived = models.JSONField(default=list, help_text="objects that curators drew, frozen")
    judged = models.JSONField(
        default=list, help_text="curators' decisions on quality that it follows, frozen"
    )
    contributors = models.JSONField(default=list, help_text="who is credited, frozen when it was drafted")
    cohort = models.ForeignKey("Cohort", on_delete=models.PROTECT, null=True, related_name="+")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dataset", "version"], name="draft_once")]


class Approval(models.Model):
    """That one person approved a draft as it was: `digest` is what it said then."""

    draft = models.ForeignKey(Draft, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64)
    approved_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["draft", "account", "digest"],
                condition=models.Q(withdrawn_at=None),
                name="approval_once",
            )
        ]


class GateCheck(models.Model):
    """How the gates stood when a draft was last checked; a withdrawal takes it away, because it may name who left."""

    draft = models.OneToOneField(Draft, on_delete=models.CASCADE, related_name="+")
    results = models.JSONField()
    evidence = models.JSONField(default=list, help_text="facts for a grade, by what was looked at")
    sums = models.CharField(
        max_length=64, blank=True, help_text="digest of the SHA256SUMS that it would have"
    )
    validated = models.JSONField(default=list, help_text="standards whose validators found the papers valid")
    leakage = models.JSONField(default=dict, help_text="by kind of tie: how many there are, and across parts")
    checked_at = models.DateTimeField()


class Release(models.Model):
    """A sealed set of files. Only a withdrawal touches it afterwards, and leaves the key as it is.

    `summary` holds counts, the digest of the draft it was cut from, and who was left out and why.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="+")
    draft = models.ForeignKey(Draft, on_delete=models.PROTECT, related_name="+")
    version = models.CharField(max_length=32)
    twin = models.BooleanField(default=False)
    key = models.CharField(max_length=64)
    seal = models.JSONField()
    access = models.CharField(max_length=12)
    license = models.CharField(max_length=100)
    summary = models.JSONField(default=dict)
    whole_salt = models.CharField(max_length=64)
    cut_at = models.DateTimeField()
    spent = models.JSONField(
        null=True, help_text="what cutting it took: a Spent of midas.wire.v1; none: not measured"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dataset", "version", "twin"], name="release_once")]


class Citation(models.Model):
    """A work that used a release, written down by a curator; nothing is looked up in a network."""

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="+")
    url = models.URLField(max_length=300, help_text="https://doi.org/… where there is a DOI")
    title = models.CharField(max_length=300)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["release", "url"], name="citation_once")]


class Certificate(models.Model):
    """What a hospital or a person contributed in one year, as the hub signed it. `code` is derived from the statement."""

    code = models.CharField(max_length=19, unique=True)
    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, null=True, related_name="+")
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    signed = models.JSONField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(institution__isnull=False, account__isnull=True)
                | models.Q(institution__isnull=True, account__isnull=False),
                name="certificate_of_one",
            )
        ]


class Cohort(models.Model):
    """A choice of a release's subjects by what they have in common. No pseudonym stands here: who fits is worked out
    from the release's tables, so that who withdrew is gone from it too."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    release = models.ForeignKey("Release", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    chosen = models.JSONField(default=dict, help_text="dimension → values; values widen, dimensions narrow")
    subjects = models.PositiveIntegerField(help_text="how many fitted when it was saved")
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "release", "name"], name="cohort_once")]


class ReleaseSubject(models.Model):
    """A subject's salt in a release. The row goes when the subject withdraws. A twin's subjects are synthetic."""

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="+")
    pseudonym = models.CharField(max_length=16)
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, null=True, related_name="+")
    salt = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["release", "pseudonym"], name="release_subject_once")]


class ReleaseFile(models.Model):
    """One sealed file: a `midas.manifest.Entry` whose bytes are the blob `sha256`."""

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="+")
    path = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64, db_index=True)
    size = models.BigIntegerField()
    owner = models.CharField(max_length=16, blank=True)
    leaf = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["release", "path"], name="release_file_once")]


class ReleaseTombstone(models.Model):
    """What stands where a subject was. `why` is one of four words, so that nothing of the person can be written."""

    class Why(models.TextChoices):
        PERSON = "person", "the person asked"
        GUARDIAN = "guardian", "the guardian asked"
        BASIS = "basis", "the lawful basis ended"
        ERROR = "error", "it should not have been sent"

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    why = models.CharField(max_length=10, choices=Why.choices)
    signed = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["release", "number"], name="tombstone_once")]


class Figures(models.Model):
    """Counts of persons of one release, by dimension: `exact` for who may see it, `told` for anyone.

    `told` is written with the release and never again: what changes after it could be subtracted.
    """

    release = models.OneToOneField(Release, on_delete=models.CASCADE, related_name="+")
    exact = models.JSONField()
    told = models.JSONField()


class CatalogueEntry(models.Model):
    """What the catalogue's search and facets know of a dataset: from its protocol and its public tables alone.

    `facets` maps each facet to its values. A new row replaces the old one, so that the newest key tells what is known.
    """

    dataset = models.OneToOneField(Dataset, on_delete=models.PROTECT, related_name="+")
    protocol = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="+")
    figures = models.ForeignKey(Figures, on_delete=models.CASCADE, null=True, related_name="+")
    title = models.JSONField()
    summary = models.JSONField()
    facets = models.JSONField()
    words = models.TextField()
