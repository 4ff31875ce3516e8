
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('release', '0009_second_run'),
    ]

    operations = [
        migrations.AddField(
            model_name='release',
            name='spent',
            field=models.JSONField(help_text='what cutting it took: a Spent of midas.wire.v1; none: not measured', null=True),
        ),
    ]
