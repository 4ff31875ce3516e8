from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("release", "0008_quality")]

    operations = [
        migrations.AddField(
            model_name="gatecheck",
            name="sums",
            field=models.CharField(
                blank=True, default="", help_text="digest of the SHA256SUMS that it would have", max_length=64
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="gatecheck",
            name="validated",
            field=models.JSONField(
                default=list, help_text="standards whose validators found the papers valid"
            ),
        ),
    ]
