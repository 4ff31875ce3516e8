"""Terms, requests and grants. A grant is never deleted and never extended: a further one is given."""

from datetime import datetime
from typing import Literal

from django.conf import settings
from django.db import models

from midas.people.models import Institution
from midas.release.models import Release


class Terms(models.Model):
    """The words that a person accepts, by the SHA-256 of their text."""

    sha256 = models.CharField(max_length=64, unique=True)
    title = models.CharField(max_length=200)
    text = models.TextField()
    added_at = models.DateTimeField()


class Request(models.Model):
    """A person asks for a release, for a purpose (DUO code and words), having accepted its terms.

    It is open until `decided_at`; then it has a grant, or `declined_why` says why not.
    """

    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, null=True, related_name="+")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=20)
    commercial = models.BooleanField(default=False)
    words = models.TextField()
    terms = models.ForeignKey(Terms, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    declined_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    declined_why = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "release"], condition=models.Q(decided_at=None), name="one_open_request"
            )
        ]


class Grant(models.Model):
    """One person may see and download one release for one purpose, until it ends or is taken back."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, null=True, related_name="+")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=20)
    words = models.TextField(blank=True)
    terms = models.ForeignKey(Terms, on_delete=models.PROTECT, related_name="+")
    request = models.OneToOneField(Request, on_delete=models.PROTECT, null=True, related_name="+")
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    given_at = models.DateTimeField()
    why = models.CharField(max_length=500)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    revoked_why = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [models.Index(fields=["account", "expires_at"], name="grant_standing")]

    def state(self, now: datetime) -> Literal["stands", "ended", "taken back", "institution changed"]:
        """Return what becomes of it at `now`; only one that stands gives anything."""
        if self.revoked_at is not None:
            return "taken back"
        if self.expires_at <= now:
            return "ended"
        return "stands" if self.institution_id == self.account.institution_id else "institution changed"
