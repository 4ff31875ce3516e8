"""Foreign keys and migrations point upstream only, at the hub and at the spoke; and no migration is missing."""

from __future__ import annotations

import io

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import SwappableTuple

RIVER = {
    "people": {"auth", "contenttypes"},
    "ledger": {"people", "auth", "contenttypes"},
    "catalogue": {"people", "ledger", "auth", "contenttypes"},
    "annotate": {"people", "ledger", "catalogue", "auth", "contenttypes"},
    "grading": {"people", "ledger", "catalogue", "auth", "contenttypes"},
    "release": {"people", "ledger", "catalogue", "annotate", "auth", "contenttypes"},
    "access": {"people", "ledger", "catalogue", "annotate", "release", "auth", "contenttypes"},
    "vault": {"auth", "contenttypes"},
    "intake": {"vault", "auth", "contenttypes"},
    "outbox": {"vault", "intake", "auth", "contenttypes"},
}
"""App label → the labels it may point at besides itself."""


def test_the_table_names_every_app_of_ours() -> None:
    ours = {
        app.label
        for app in apps.get_app_configs()
        if app.name.startswith("midas.") and list(app.get_models())
    }
    assert ours == set(RIVER)


@pytest.mark.parametrize("label", RIVER)
def test_foreign_keys_point_upstream(label: str) -> None:
    for model in apps.get_app_config(label).get_models():
        for field in model._meta.get_fields():
            if getattr(field, "swappable_setting", None) == "AUTH_USER_MODEL":
                continue  # the spoke's project has Django's own accounts, the hub's has `people`'s
            if field.is_relation and not field.auto_created and field.related_model is not None:
                target = field.related_model._meta.app_label  # type: ignore[union-attr]
                assert target == label or target in RIVER[label], f"{model.__name__}.{field.name} → {target}"


@pytest.mark.parametrize("label", RIVER)
def test_migrations_depend_upstream(label: str) -> None:
    loader = MigrationLoader(None)
    for (app, name), migration in loader.disk_migrations.items():
        if app != label:
            continue
        for dependency in migration.dependencies:
            if isinstance(dependency, SwappableTuple):
                continue  # the accounts of whichever site the app stands in
            assert dependency[0] in {label} | RIVER[label], f"{app}.{name} → {dependency[0]}"


@pytest.mark.parametrize(
    "label", ["people", "ledger", "catalogue", "annotate", "grading", "release", "access"]
)
def test_nothing_looks_downstream_by_a_reverse_accessor(label: str) -> None:
    for model in apps.get_app_config(label).get_models():
        for field in model._meta.get_fields():
            related = getattr(field, "related_model", None)
            if field.auto_created and field.is_relation and related is not None:
                ours = related.__module__.startswith(
                    "midas."
                )  # allauth's tables hang on accounts as it likes
                assert not ours or related._meta.app_label == label, f"{model.__name__} ← {related.__name__}"


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    out = io.StringIO()
    call_command("makemigrations", "--check", "--dry-run", stdout=out)
    assert "No changes" in out.getvalue()
