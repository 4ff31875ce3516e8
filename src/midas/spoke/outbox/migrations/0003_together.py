import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("outbox", "0002_questions"), ("vault", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Together",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("told", models.JSONField(null=True)),
                ("told_at", models.DateTimeField(null=True)),
                (
                    "missed_at",
                    models.DateTimeField(help_text="when the hub was last asked in vain since then", null=True),
                ),
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="vault.project"
                    ),
                ),
            ],
        ),
    ]
