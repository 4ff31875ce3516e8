from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "midas.spoke.vault"
    label = "vault"
    default_auto_field = "django.db.models.BigAutoField"
