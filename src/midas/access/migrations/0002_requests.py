"""Requests are open until they are decided, one for each person and release."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RenameField(model_name="request", old_name="declined_at", new_name="decided_at"),
        migrations.AddField(
            model_name="request", name="commercial", field=models.BooleanField(default=False)
        ),
        migrations.AddConstraint(
            model_name="request",
            constraint=models.UniqueConstraint(
                condition=models.Q(("decided_at", None)), fields=("account", "release"), name="one_open_request"
            ),
        ),
    ]
