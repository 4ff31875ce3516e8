"""Where the demo keeps things, and whether what stands there was built by this very code.

accounts.json    addresses, names and passwords of the demo   0600
exports/<dataset>/   what each hospital exported      truth/<dataset>.json   what must become of it
hub/             the hub's home                       spokes/<spoke>/        each spoke's home
releases/<dataset>/  the release as a researcher downloaded it
logs/            what the servers said                done.json              written last, when all was built
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midas.kernel import BadInput, whole_file

MARK = "this-is-a-midas-demo"


@dataclass(frozen=True)
class Place:
    """The demo's folder. Only a folder that is empty, absent or marked as a demo is ever written or emptied."""

    root: Path

    @property
    def hub(self) -> Path:
        return self.root / "hub"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def spoke(self, name: str) -> Path:
        return self.root / "spokes" / name

    def export(self, dataset: str) -> Path:
        return self.root / "exports" / dataset

    def truth(self, dataset: str) -> Path:
        return self.root / "truth" / f"{dataset}.json"

    def release(self, dataset: str) -> Path:
        return self.root / "releases" / dataset

    def start_over(self) -> None:
        """Empty the folder; `BadInput` where it holds something that is not a demo."""
        if self.root.exists() and any(self.root.iterdir()) and not (self.root / MARK).is_file():
            raise BadInput(f"{self.root} holds something that is not a demo.", advice="Give another --home.")
        shutil.rmtree(self.root, ignore_errors=True)
        for folder in (self.root, self.logs, self.root / "truth"):
            folder.mkdir(parents=True)
        (self.root / MARK).write_text("Everything in this folder may be deleted.\n", "utf-8")

    def keep(self, name: str, value: Any) -> None:
        with whole_file(self.root / name, mode=0o600) as stream:
            stream.write(json.dumps(value, ensure_ascii=False, indent=1).encode())

    def kept(self, name: str) -> Any:
        path = self.root / name
        return json.loads(path.read_bytes()) if path.is_file() else None


def code_print() -> str:
    """Return a hash over the source code and the lock file: a demo built by other code is built again."""
    package = Path(__file__).resolve().parents[2]
    files = [path for path in sorted(package.rglob("*")) if path.suffix in {".py", ".yaml", ".json"}]
    files += sorted((package.parents[1] / "requirements").glob("demo.lock"))
    digest = hashlib.sha256()
    for path in files:
        digest.update(str(path.relative_to(package.parents[1])).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
