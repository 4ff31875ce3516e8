"""The triggers that keep rows as they are, and the wait of what was entered before there was a sealer."""

from django.db import migrations

from midas.ledger import guarding


def install(apps, schema_editor):
    guarding.install(schema_editor.connection)
    waiting, entry = apps.get_model("ledger", "Waiting"), apps.get_model("ledger", "Entry")
    waiting.objects.bulk_create(
        [waiting(entry_id=pk) for pk in entry.objects.order_by("pk").values_list("pk", flat=True)], batch_size=1000
    )


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_chain")]
    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
