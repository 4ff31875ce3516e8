"""The database itself refuses to change what was read, submitted or settled; only a withdrawal deletes.

A later migration that alters one of these tables on SQLite makes it anew, without its triggers: run `guard` again there.
"""

from django.db import migrations

FROZEN = ("annotate_reading", "annotate_settlement", "annotate_itemimage")
"""Tables whose rows are added and never changed."""
LATE = "the reading was submitted"
SQLITE = [
    *(
        f"CREATE TRIGGER {table}_stays BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, 'rows of {table} stay as they are'); END"
        for table in FROZEN
    ),
    f"CREATE TRIGGER annotate_reading_in_time BEFORE INSERT ON annotate_reading "
    f"WHEN (SELECT submitted_at FROM annotate_assignment WHERE id = NEW.assignment_id) IS NOT NULL "
    f"BEGIN SELECT RAISE(ABORT, '{LATE}'); END",
    f"CREATE TRIGGER annotate_assignment_stays BEFORE UPDATE ON annotate_assignment "
    f"WHEN OLD.submitted_at IS NOT NULL OR NEW.item_id <> OLD.item_id OR NEW.reader_id <> OLD.reader_id OR NEW.role <> OLD.role "
    f"BEGIN SELECT RAISE(ABORT, '{LATE}'); END",
]
POSTGRESQL = [
    "CREATE FUNCTION annotate_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "RAISE EXCEPTION 'rows of % stay as they are', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$",
    "CREATE FUNCTION annotate_in_time() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "IF (SELECT submitted_at FROM annotate_assignment WHERE id = NEW.assignment_id) IS NOT NULL THEN "
    f"RAISE EXCEPTION '{LATE}' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$",
    *(
        f"CREATE TRIGGER {table}_stays BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION annotate_stays()"
        for table in FROZEN
    ),
    "CREATE TRIGGER annotate_reading_in_time BEFORE INSERT ON annotate_reading FOR EACH ROW EXECUTE FUNCTION annotate_in_time()",
    "CREATE TRIGGER annotate_assignment_stays BEFORE UPDATE ON annotate_assignment FOR EACH ROW "
    "WHEN (OLD.submitted_at IS NOT NULL OR NEW.item_id <> OLD.item_id OR NEW.reader_id <> OLD.reader_id OR NEW.role <> OLD.role) "
    "EXECUTE FUNCTION annotate_stays()",
]
TRIGGERS = [
    *((f"{table}_stays", table) for table in FROZEN),
    ("annotate_reading_in_time", "annotate_reading"),
    ("annotate_assignment_stays", "annotate_assignment"),
]


def guard(apps, schema_editor):
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement, params=None)


def unguard(apps, schema_editor):
    on_postgresql = schema_editor.connection.vendor == "postgresql"
    for trigger, table in TRIGGERS:
        schema_editor.execute(f"DROP TRIGGER {trigger}" + (f" ON {table}" if on_postgresql else ""))
    for name in ("annotate_stays", "annotate_in_time") if on_postgresql else ():
        schema_editor.execute(f"DROP FUNCTION {name}()")


class Migration(migrations.Migration):
    dependencies = [("annotate", "0001_initial")]
    operations = [migrations.RunPython(guard, unguard)]
