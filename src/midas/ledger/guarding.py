"""What the database itself refuses, so that no mistake of the application can change the record.

Entries, links and checkpoints are never updated. A link may go once a checkpoint covers it, an entry once it has no link
and does not wait for one, and it stops waiting only when it is linked. Every entry waits from the moment it is added.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

ADDED = ("ledger_entry", "ledger_link", "ledger_checkpoint")
GOING = {
    "ledger_entry": "EXISTS (SELECT 1 FROM ledger_link WHERE entry_id = OLD.id)"
    " OR EXISTS (SELECT 1 FROM ledger_waiting WHERE entry_id = OLD.id)",
    "ledger_link": "OLD.number > (SELECT COALESCE(MAX(number), 0) FROM ledger_checkpoint)",
    "ledger_waiting": "NOT EXISTS (SELECT 1 FROM ledger_link WHERE entry_id = OLD.entry_id)",
    "ledger_checkpoint": "1 = 1",
}
"""Table → when a row may not go."""
SAYS = "the ledger is never changed"
WAIT = "INSERT INTO ledger_waiting (entry_id) VALUES (NEW.id)"


def install(connection: Any) -> None:
    """Put the triggers in place, on SQLite and PostgreSQL. Again after a migration that makes one of the tables anew."""
    _run(connection, _postgresql() if connection.vendor == "postgresql" else _sqlite())


def remove(connection: Any) -> None:
    """Take the refusals away; entries still wait by themselves."""
    on = connection.vendor == "postgresql"
    _run(
        connection,
        (f"DROP TRIGGER IF EXISTS {name}{f' ON {table}' if on else ''}" for name, table, _ in _refusals()),
    )


def _run(connection: Any, statements: Iterator[str]) -> None:
    with connection.cursor() as cursor:
        for one in statements:
            cursor.execute(one)


def _refusals() -> Iterator[tuple[str, str, str]]:
    """Yield name, table and the words of each refusing trigger up to what it does."""
    for table in ADDED:
        yield f"{table}_kept", table, f"BEFORE UPDATE ON {table} FOR EACH ROW"
    for table, unless in GOING.items():
        yield f"{table}_stays", table, f"BEFORE DELETE ON {table} FOR EACH ROW WHEN ({unless})"


def _sqlite() -> Iterator[str]:
    for name, _, words in _refusals():
        yield f"CREATE TRIGGER IF NOT EXISTS {name} {words} BEGIN SELECT RAISE(ABORT, '{SAYS}'); END"
    yield (
        f"CREATE TRIGGER IF NOT EXISTS ledger_entry_waits AFTER INSERT ON ledger_entry FOR EACH ROW BEGIN {WAIT}; END"
    )


def _postgresql() -> Iterator[str]:
    """The same; a condition of a PostgreSQL trigger holds no subquery, so it stands in a function."""
    begin, end = "RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN", "END $$"
    yield f"CREATE OR REPLACE FUNCTION ledger_refuse() {begin} RAISE EXCEPTION '{SAYS}'; {end}"
    yield f"CREATE OR REPLACE FUNCTION ledger_wait() {begin} {WAIT}; RETURN NEW; {end}"
    for table in ADDED:
        yield _trigger(f"{table}_kept", table, "BEFORE UPDATE", "ledger_refuse")
    for table, unless in GOING.items():
        body = f"IF {unless} THEN RAISE EXCEPTION '{SAYS}'; END IF; RETURN OLD;"
        yield f"CREATE OR REPLACE FUNCTION {table}_going() {begin} {body} {end}"
        yield _trigger(f"{table}_stays", table, "BEFORE DELETE", f"{table}_going")
    yield _trigger("ledger_entry_waits", "ledger_entry", "AFTER INSERT", "ledger_wait")


def _trigger(name: str, table: str, when: str, function: str) -> str:
    return f"CREATE OR REPLACE TRIGGER {name} {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()"
