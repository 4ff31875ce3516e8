"""The table behind the catalogue's full-text search: FTS5 in SQLite, a tsvector in PostgreSQL, with the same columns."""

from django.db import migrations

MAKE = {
    "sqlite": [
        "CREATE VIRTUAL TABLE release_words USING fts5(words, tokenize=\"unicode61 remove_diacritics 0 categories 'L* N* Co M*'\")"
    ],
    "postgresql": [
        "CREATE TABLE release_words (rowid bigint PRIMARY KEY, words tsvector NOT NULL)",
        "CREATE INDEX release_words_index ON release_words USING gin (words)",
    ],
}


def make(apps, schema_editor):
    for line in MAKE[schema_editor.connection.vendor]:
        schema_editor.execute(line)


def drop(apps, schema_editor):
    schema_editor.execute("DROP TABLE release_words")


class Migration(migrations.Migration):
    dependencies = [("release", "0003_public_tables")]
    operations = [migrations.RunPython(make, drop)]
