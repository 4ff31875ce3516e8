
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalogue', '0005_together'),
    ]

    operations = [
        migrations.AddField(
            model_name='checkrun',
            name='spent',
            field=models.JSONField(help_text='what it took: a Spent of midas.wire.v1; none: not measured', null=True),
        ),
        migrations.AddField(
            model_name='submission',
            name='spent',
            field=models.JSONField(help_text='what verifying it took here: a Spent of midas.wire.v1; none: not measured', null=True),
        ),
    ]
