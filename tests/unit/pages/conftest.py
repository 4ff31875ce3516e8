"""A hub and a spoke with their real settings over the tests' one database, filled with the gallery's synthetic records."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

GALLERY = Path(__file__).parents[2] / "gallery"
SHARED = (
    "TEMPLATES", "MIDDLEWARE", "ROOT_URLCONF", "LANGUAGES", "LANGUAGE_CODE", "LOCALE_PATHS", "STATIC_URL",
    "TIME_ZONE", "LOGIN_URL",
)  # fmt: skip


def gallery(name: str) -> Any:
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, GALLERY / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def subjects() -> int:
    """How many persons stand in each dataset of the hub."""
    return 6


@pytest.fixture
def hub(db, settings, tmp_path: Path, subjects: int):
    """Return the accounts of a filled hub whose pages the test client asks."""
    from django.core.cache import cache

    from midas.release import searching
    from midas.web import bootstrap
    from midas.web.home import create, open_home
    from midas.web.identity.settings import identity_settings

    create(tmp_path / "hub")
    home = open_home(tmp_path / "hub")
    real = bootstrap.django_settings(home)
    for name in (*SHARED, "MIDAS_HUB", *(one for one in identity_settings(home.config) if one in real)):
        setattr(settings, name, real[name])
    cache.clear()
    searching.forget()
    return gallery("fill_hub").fill(bootstrap.store(), subjects=subjects, pictures=1)


@pytest.fixture
def spoke(db, settings, tmp_path: Path):
    """Return the desk of a filled spoke whose site the test client asks; its person is `asha`."""
    from midas.protocol import load_named
    from midas.spoke import bootstrap
    from midas.spoke.home import Config, create
    from midas.spoke.site.frame import current_desk
    from midas.spoke.vault.projects import desk, open_project

    home = create(tmp_path / "spoke", Config(name="spdc-wardha", project="oral-cancer"))
    real = bootstrap.django_settings(home)
    for name in (*SHARED, "MIDAS_SPOKE_HOME"):
        setattr(settings, name, real[name])
    open_project(home=home, loaded=load_named("oral-cancer"))
    current_desk.cache_clear()
    gallery("serve_spoke").fill(home)
    yield desk(home=home)
    current_desk.cache_clear()


@pytest.fixture
def enter():
    """Return a function that gives a client signed in under a name, or one that nobody signed in with."""

    def client(name: str = "") -> Client:
        found = Client()
        if name:
            assert found.login(username=name, password="look-and-see-1")
        return found

    return client
