"""Accounts, institutions and what an account may be at which institution."""

from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models


class Institution(models.Model):
    """A hospital, college or company. `spoke_key` is the Ed25519 key (hex) its spoke signs submissions with."""

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    city = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=100, blank=True)
    ror = models.URLField(blank=True, help_text="https://ror.org/…")
    contact = models.CharField(max_length=200, blank=True, help_text="whom to ask there: a desk, an address")
    spoke_key = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return self.name


class Account(AbstractUser):
    """A person who signs in."""

    institution = models.ForeignKey(
        Institution, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    language = models.CharField(max_length=8, default="en")
    full_name = models.CharField(max_length=150, blank=True, help_text="how credit shall name the person")
    orcid = models.CharField(max_length=19, blank=True, help_text="0000-0000-0000-0000")
    credited = models.BooleanField(default=False, help_text="may be named in releases and on pages of credit")

    @property
    def called(self) -> str:
        """The name under which others of this hub see the person."""
        return self.full_name or self.username


class Role(models.TextChoices):
    OPERATOR = "operator", "Spoke operator"
    CURATOR = "curator", "Curator"
    ANNOTATOR = "annotator", "Annotator"
    ADJUDICATOR = "adjudicator", "Adjudicator"
    ETHICS = "ethics", "Ethics committee member"
    ACCESS_OFFICER = "access-officer", "Access officer"
    RESEARCHER = "researcher", "Researcher"
    POLICY = "policy", "Policy maker"
    ADMIN = "admin", "Hub administrator"
    AUDITOR = "auditor", "Auditor"
    NODAL = "nodal", "Nodal centre validator"


class Membership(models.Model):
    """One role of one account, for one dataset or, with `dataset` empty, for all."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=20, choices=Role.choices)
    dataset = models.SlugField(max_length=64, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "role", "dataset"], name="membership_once")]


class Token(models.Model):
    """A key for programs, shown once; only its SHA-256 is kept. A spoke's token has `spoke` set and no account."""

    digest = models.CharField(max_length=64, unique=True)
    title = models.CharField(max_length=100)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    scope = models.JSONField(
        null=True, help_text="acts that it is limited to; null: all that its account may"
    )
    spoke = models.ForeignKey(Institution, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    used_on = models.DateField(null=True, blank=True, help_text="the last day that it was shown on")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(account__isnull=False, spoke__isnull=True)
                | models.Q(account__isnull=True, spoke__isnull=False),
                name="token_has_one_owner",
            )
        ]


class Invitation(models.Model):
    """A link that makes one account, once, until it expires; only the SHA-256 of its key is kept."""

    digest = models.CharField(max_length=64, unique=True)
    email = models.EmailField(blank=True)
    institution = models.ForeignKey(
        Institution, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    role = models.CharField(max_length=20, choices=Role.choices, blank=True)
    dataset = models.SlugField(max_length=64, blank=True)
    by = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    account = models.OneToOneField(Account, on_delete=models.PROTECT, null=True, related_name="+")


class Session(AbstractBaseSession):
    """A browser that is signed in. `device` is coarse, `seen_at` true to the hour; no address is kept."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, null=True, related_name="+")
    device = models.CharField(max_length=60, blank=True)
    begun_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        from midas.people.sessions import SessionStore

        return SessionStore


class Answered(models.Model):
    """What a write with an Idempotency-Key was answered, for a day. `key` and `request` are digests."""

    key = models.CharField(max_length=64, unique=True)
    request = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    body = models.TextField(blank=True)
    at = models.DateTimeField(db_index=True)
