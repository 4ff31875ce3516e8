"""Who is who, inside the hospital only: persons, the names and numbers they are known by, lawful basis, keys.

Identifying columns are encrypted at rest (AES-256-GCM under the spoke's storage key); what must be looked up is looked up
by a keyed hash. Nothing of this ever leaves the spoke.
"""

from django.db import models


class Project(models.Model):
    """One dataset that this spoke collects for. `root_key` (wrapped) is the source of its UID and provenance keys."""

    slug = models.SlugField(max_length=64, unique=True)
    protocol_source = models.TextField()
    protocol_sha256 = models.CharField(max_length=64)
    root_key = models.BinaryField()
    created_at = models.DateTimeField()


class Person(models.Model):
    """A person in a project. A person merged into another keeps its row: `merged_into` is followed, never reissued."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="persons")
    pseudonym = models.CharField(max_length=16, unique=True)
    shift_days = models.SmallIntegerField(help_text="added to every date: -730 … -1")
    merged_into = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    sex = models.CharField(max_length=1, default="U")
    sent = models.BooleanField(default=False)
    created_at = models.DateTimeField()


class Identifier(models.Model):
    """One thing a person is known by: `kind` is uhid, abha, name, phone, address, birth-date, guardian, other."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="identifiers")
    kind = models.CharField(max_length=16)
    lookup = models.CharField(max_length=64, db_index=True, help_text="HMAC of kind and normalised value")
    sealed = models.BinaryField(help_text="the value, encrypted")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "kind", "lookup"], name="identifier_once")]


class Basis(models.Model):
    """Why this person's data may be used. A withdrawal is a date, not a deletion."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="bases")
    kind = models.CharField(max_length=20)
    ethics = models.SlugField(max_length=64)
    scope = models.JSONField(default=list)
    given_on = models.DateField(null=True)
    withdrawn_on = models.DateField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "kind", "ethics"], name="basis_once")]


class VisitFact(models.Model):
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="visits")
    name = models.CharField(max_length=64)
    on = models.DateField()
    age_years = models.PositiveSmallIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "name"], name="visit_fact_once")]


class LesionFact(models.Model):
    """`lookup` is the HMAC of the hospital's own lesion id; `name` is the neutral one that leaves (L1, L2 …)."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="lesions")
    lookup = models.CharField(max_length=64)
    name = models.CharField(max_length=16)
    site = models.CharField(max_length=100, blank=True)
    laterality = models.CharField(max_length=12, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "lookup"], name="lesion_fact_once")]


class SpecimenFact(models.Model):
    """`lookup` is the HMAC of the laboratory's specimen number, the only link between some slides and a person."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="specimens")
    lookup = models.CharField(max_length=64, db_index=True)
    sealed = models.BinaryField()
    name = models.CharField(max_length=16)
    kind = models.CharField(max_length=100, blank=True)
    lesion = models.ForeignKey(LesionFact, on_delete=models.SET_NULL, null=True, related_name="+")
    visit = models.ForeignKey(VisitFact, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "lookup"], name="specimen_fact_once")]


class FileFact(models.Model):
    """What an item table says of a file: whose it is, which view and lesion. Looked up by the HMAC of the file name."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="files")
    lookup = models.CharField(max_length=64, db_index=True)
    view = models.CharField(max_length=64, blank=True)
    taken_on = models.DateField(null=True)
    lesion = models.ForeignKey(LesionFact, on_delete=models.SET_NULL, null=True, related_name="+")
    visit = models.ForeignKey(VisitFact, on_delete=models.SET_NULL, null=True, related_name="+")
    specimen = models.ForeignKey(SpecimenFact, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "lookup"], name="file_fact_once")]
