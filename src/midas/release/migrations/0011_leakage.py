from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('release', '0010_spent'),
    ]

    operations = [
        migrations.AddField(
            model_name='gatecheck',
            name='leakage',
            field=models.JSONField(default=dict, help_text='by kind of tie: how many there are, and across parts'),
        ),
    ]
