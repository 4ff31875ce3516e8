import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("intake", "0002_review"),
        ("vault", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Watched",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("lookup", models.CharField(help_text="HMAC of folder and path", max_length=64, unique=True)),
                ("stamp", models.CharField(help_text="size, time of writing and of change, in ns", max_length=80)),
                ("project", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="vault.project")),
            ],
        ),
    ]
