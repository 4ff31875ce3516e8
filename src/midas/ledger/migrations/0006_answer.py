from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0005_deeds'),
    ]

    operations = [
        migrations.AlterField(
            model_name='entry',
            name='deed',
            field=models.CharField(choices=[('sign-in', 'signed in'), ('sign-in-refused', 'was refused at sign-in'), ('sign-out', 'signed out'), ('account', 'changed an account, its roles or its keys'), ('protocol', 'registered a protocol'), ('submit', 'sent a submission'), ('register', 'registered or refused a submission'), ('check', 'ran the quality checks'), ('judge', 'decided on a finding'), ('answer', 'answered a question about a finding'), ('draft', 'drafted a release'), ('pair', 'noted persons with the same picture'), ('approve', 'approved a draft'), ('cut', 'cut a release'), ('withdraw', 'withdrew a subject'), ('task', 'set a reading task'), ('read', 'kept a reading'), ('settle', 'settled a disagreement'), ('assess', 'worked on an assessment'), ('validate', 'decided about an assessment'), ('credit', 'recorded a citation or issued a certificate'), ('ask', 'asked for access'), ('grant', 'gave access'), ('decline', 'declined access'), ('revoke', 'took access back'), ('view', 'looked at a study'), ('query', 'asked tables a question'), ('download', 'downloaded'), ('denied', 'was denied'), ('prune', 'pruned the ledger')], max_length=20),
        ),
        migrations.AlterField(
            model_name='refusal',
            name='deed',
            field=models.CharField(choices=[('sign-in', 'signed in'), ('sign-in-refused', 'was refused at sign-in'), ('sign-out', 'signed out'), ('account', 'changed an account, its roles or its keys'), ('protocol', 'registered a protocol'), ('submit', 'sent a submission'), ('register', 'registered or refused a submission'), ('check', 'ran the quality checks'), ('judge', 'decided on a finding'), ('answer', 'answered a question about a finding'), ('draft', 'drafted a release'), ('pair', 'noted persons with the same picture'), ('approve', 'approved a draft'), ('cut', 'cut a release'), ('withdraw', 'withdrew a subject'), ('task', 'set a reading task'), ('read', 'kept a reading'), ('settle', 'settled a disagreement'), ('assess', 'worked on an assessment'), ('validate', 'decided about an assessment'), ('credit', 'recorded a citation or issued a certificate'), ('ask', 'asked for access'), ('grant', 'gave access'), ('decline', 'declined access'), ('revoke', 'took access back'), ('view', 'looked at a study'), ('query', 'asked tables a question'), ('download', 'downloaded'), ('denied', 'was denied'), ('prune', 'pruned the ledger')], max_length=20),
        ),
    ]
