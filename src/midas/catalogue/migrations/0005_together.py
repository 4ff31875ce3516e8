import django.db.models.deletion
from django.db import migrations, models

TABLE = "catalogue_qualityanswer"
"""Rows are added and never changed; only a withdrawal deletes."""


def guard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        said = f"CREATE TRIGGER {TABLE}_stays BEFORE UPDATE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION catalogue_stays()"
    else:
        said = f"CREATE TRIGGER {TABLE}_stays BEFORE UPDATE ON {TABLE} BEGIN SELECT RAISE(ABORT, 'rows of {TABLE} stay as they are'); END"
    schema_editor.execute(said, params=None)


def unguard(apps, schema_editor):
    on = f" ON {TABLE}" if schema_editor.connection.vendor == "postgresql" else ""
    schema_editor.execute(f"DROP TRIGGER {TABLE}_stays{on}")


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0004_near_pictures")]

    operations = [
        migrations.AddField(
            model_name="checkrun",
            name="rows",
            field=models.PositiveIntegerField(default=0, help_text="of clinical tables, looked at"),
        ),
        migrations.AddField(
            model_name="qualityfinding",
            name="record",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalogue.record"
            ),
        ),
        migrations.AlterField(
            model_name="qualityfinding",
            name="series",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalogue.series"
            ),
        ),
        migrations.AlterField(
            model_name="qualityfinding",
            name="subject",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalogue.subject"
            ),
        ),
        migrations.CreateModel(
            name="QualityAnswer",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("words", "Words"), ("corrected", "Corrected")], max_length=10
                    ),
                ),
                ("words", models.CharField(blank=True, max_length=1000)),
                ("spoke", models.SlugField(max_length=64)),
                ("at", models.DateTimeField()),
                (
                    "decision",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalogue.qualitydecision"
                    ),
                ),
            ],
        ),
        migrations.RunPython(guard, unguard),
    ]
