from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("intake", "0004_watched_leave"),
    ]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="interrupted",
            field=models.BooleanField(
                default=False, help_text="its program ended before it was through; some of its files may be missing"
            ),
        ),
        migrations.AddField(
            model_name="item",
            name="deaths",
            field=models.PositiveSmallIntegerField(
                default=0, help_text="worker processes that died, one after the other, with it in hand"
            ),
        ),
    ]
