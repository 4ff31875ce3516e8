from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "midas.spoke.intake"
    label = "intake"
    default_auto_field = "django.db.models.BigAutoField"
