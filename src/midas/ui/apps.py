from django.apps import AppConfig


class UiConfig(AppConfig):
    name = "midas.ui"
    label = "ui"
