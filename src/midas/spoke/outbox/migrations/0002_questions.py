import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("outbox", "0001_initial"), ("vault", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Question",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("number", models.PositiveIntegerField()),
                ("asked", models.JSONField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"), ("held", "Held"), ("ready", "Ready"), ("sent", "Sent"), ("closed", "Closed"),
                        ],
                        default="open", max_length=8,
                    ),
                ),
                ("kind", models.CharField(blank=True, help_text="words or corrected", max_length=10)),
                (
                    "words",
                    models.BinaryField(
                        help_text="the answer, encrypted: what is held may name somebody", null=True
                    ),
                ),
                (
                    "held_for",
                    models.CharField(blank=True, help_text="a code of `questions.HELD`", max_length=40),
                ),
                ("by_name", models.CharField(blank=True, max_length=150)),
                ("fetched_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="questions", to="vault.project"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=["project", "number"], name="question_once")]
            },
        ),
    ]  # fmt: skip
