"""The process that answers one question over tables and ends: JSON in, JSON out; it knows nothing of MIDAS.

It loads the tables that it was given into memory, then shuts DuckDB in: no file, network or extension, settings locked,
one thread, memory capped; the system caps its memory, processor seconds and files as well. The asker holds the clock.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import duckdb

SHUT = (
    "SET autoinstall_known_extensions=false", "SET autoload_known_extensions=false",
    "SET allow_community_extensions=false", "SET python_enable_replacements=false", "SET temp_directory=''",
    "SET enable_external_access=false", "SET lock_configuration=true",
)  # fmt: skip
"""DuckDB, "Securing DuckDB": what keeps a question inside the database."""


def main() -> None:
    asked: dict[str, Any] = json.load(sys.stdin)
    _cap(asked["memory_mib"], asked["seconds"])
    try:
        database = _filled(asked)
    except (duckdb.Error, MemoryError):
        answer = {"error": "The tables cannot be held at once.", "kind": "IOException"}
        json.dump(answer, sys.stdout)
        return
    try:
        answer = _answer(database, asked)
    except duckdb.Error as error:
        answer = {"error": str(error).partition("\n")[0][:500], "kind": type(error).__name__}
    except MemoryError:
        answer = {"error": "It needs more memory than a question may have.", "kind": "OutOfMemoryException"}
    json.dump(answer, sys.stdout, default=str, allow_nan=False)


def _cap(memory_mib: int, seconds: int) -> None:
    """Limit what the system gives this process; Windows has no such limits, there the asker's clock must do."""
    try:
        import resource
    except ImportError:
        return
    whole = (memory_mib * 4 + 1024) << 20  # address space, which DuckDB reserves far more of than it uses
    for what, most in (
        (resource.RLIMIT_AS, whole), (resource.RLIMIT_CPU, seconds + 1), (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):  # fmt: skip
        resource.setrlimit(what, (most, most))


def _filled(asked: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    """Return a database with the tables in memory and every way out of it shut."""
    database = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": f"{asked['memory_mib']}MiB"})
    database.execute("CREATE SCHEMA clinical")
    for name, path in asked["tables"].items():
        table = ".".join(f'"{part}"' for part in name.split("."))
        database.execute(f"CREATE TABLE {table} AS SELECT * FROM read_parquet(?)", [path])  # noqa: S608 - own names
    for words in SHUT:
        database.execute(words)
    return database


def _answer(database: duckdb.DuckDBPyConnection, asked: dict[str, Any]) -> dict[str, Any]:
    statements = database.extract_statements(asked["sql"])
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        return {
            "error": "Ask one SELECT: tables are only read, one question at a time.",
            "kind": "NotOneSelect",
        }
    found = database.execute(asked["sql"], asked["parameters"])
    rows = found.fetchmany(asked["rows"] + 1)
    return {
        "columns": [one[0] for one in found.description or ()],
        "types": [str(one[1]) for one in found.description or ()],
        "rows": [[_plain(value) for value in row] for row in rows[: asked["rows"]]],
        "more": len(rows) > asked["rows"],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, float) and (value != value or value in {float("inf"), float("-inf")}):
        return str(value)
    return f"{len(value)} bytes" if isinstance(value, bytes) else value


if __name__ == "__main__":
    main()
