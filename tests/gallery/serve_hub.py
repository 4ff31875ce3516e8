"""`python tests/gallery/serve_hub.py HOME PORT`: makes a filled hub home where there is none, and serves its pages."""
# ruff: noqa: E402

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
home, port = Path(sys.argv[1]), sys.argv[2]

from midas.web import bootstrap

if (home / "config.toml").exists():
    bootstrap.configure(home, debug=True)
else:
    bootstrap.initialise(home)
    import fill_grade
    import fill_hub

    fill_grade.add(fill_hub.fill(bootstrap.store()), bootstrap.store())
from django.conf import settings
from django.core.management import call_command

if locale := os.environ.get("MIDAS_GALLERY_LOCALE"):  # strings of another language in the place of one
    settings.LOCALE_PATHS = [Path(locale)]

call_command("runserver", f"127.0.0.1:{port}", "--noreload", "--nostatic")
