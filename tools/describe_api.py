"""Write `docs/openapi.json`: what the hub's API takes and gives, from the routes themselves (OpenAPI 3.1)."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from midas.web.api.describe import openapi
    from midas.web.api.urls import urlpatterns

    made = json.dumps(openapi(urlpatterns), indent=1, ensure_ascii=False, sort_keys=True)
    (ROOT / "docs" / "openapi.json").write_text(made + "\n", "utf-8")


if __name__ == "__main__":
    main()
