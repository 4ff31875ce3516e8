from django.db import migrations, models


def forget(apps, schema_editor) -> None:
    """Rows do not say of which folder they are: each file is read once more, and found to be the same."""
    apps.get_model("intake", "Watched").objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ("intake", "0003_watched"),
    ]

    operations = [
        migrations.RunPython(forget, migrations.RunPython.noop),
        migrations.AddField(
            model_name="watched",
            name="folder",
            field=models.CharField(db_index=True, default="", help_text="HMAC of the watched folder", max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="watched",
            name="gone_at",
            field=models.DateTimeField(help_text="since when it is not seen in its folder any more", null=True),
        ),
    ]
