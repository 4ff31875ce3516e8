"""A question reads tables of its release and nothing else: no file, no network, no time and memory without end."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from typing import Any

import pytest

from midas.kernel import BadInput, Conflict
from midas.release.asking import LARGEST_ANSWER, Limits, ask, tables
from midas.release.cohorts import checked, count, members, save

ENDLESS = "select count(*) from range(1000000) a, range(1000000) b where a.range % 7 < b.range % 5"
pytestmark = pytest.mark.django_db


@pytest.fixture
def release(ward: Any) -> Any:
    from midas.release import cut

    return cut(draft=ward.draft("1.0.0"), store=ward.store, signer=ward.signer, clock=ward.clock)


@pytest.fixture
def question(ward: Any, release: Any) -> Callable[..., Any]:
    def put(sql: str, **more: Any) -> Any:
        return ask(sql=sql, release=release, store=ward.store, **more)

    return put


def test_rows_come_with_names_and_types(question: Any, release: Any) -> None:
    answer = question("select subject, instances from subjects order by subject limit 2")
    assert answer.columns == ("subject", "instances")
    assert answer.types == ("VARCHAR", "BIGINT")
    assert len(answer.rows) == 2
    assert not answer.more
    assert any(name.startswith("clinical.") for name in tables(release))


def test_a_clinical_table_and_a_join(question: Any, release: Any) -> None:
    name = next(name for name in tables(release) if name.startswith("clinical."))
    answer = question(
        f"with s as (select * from subjects) select count(*) from s left join {name} using (subject)"
    )
    assert answer.rows[0][0] >= 1


def test_the_limit_of_rows_is_told(question: Any) -> None:
    answer = question("select * from range(50)", limits=Limits(rows=10))
    assert (len(answer.rows), answer.more) == (10, True)


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')", "select * from '/etc/passwd'", "select * from read_text('/etc/hostname')",
        "select * from glob('/*')", "select * from read_blob('/proc/self/environ')", "from 'https://example.org/a.parquet'",
        "select * from read_parquet('s3://a/b.parquet')", "select * from parquet_metadata('/etc/passwd')",
        "select getenv('HOME')", "select * from sqlite_scan('/etc/passwd', 'a')", "select * from query('install httpfs')",
        "select * from which_secret('a', 's3')", "select write_log('x') from read_csv('/tmp/x')",
        "copy (select 1) to '/tmp/midas-out'", "attach '/tmp/x.db'", "install httpfs", "load httpfs",
        "set enable_external_access=true", "pragma enable_profiling", "create table x as select 1", "drop table subjects",
        "select 1; select 2", "call pragma_version()", "export database '/tmp/x'", "insert into subjects values (1)",
        "select * from releases", "select * from people_account", "nothing like sql", "", "select " + "1," * 9000 + "1",
    ],
)  # fmt: skip
def test_what_leads_out_is_refused(question: Any, sql: str) -> None:
    with pytest.raises(BadInput):
        question(sql)


def test_settings_stay_locked_within_a_question(question: Any) -> None:
    answer = question(
        "select name, value from duckdb_settings() where name in ('enable_external_access', 'lock_configuration')"
    )
    assert dict(answer.rows) == {"enable_external_access": "false", "lock_configuration": "true"}


def test_a_question_without_end_is_ended(question: Any) -> None:
    began = time.monotonic()
    with pytest.raises(BadInput, match="seconds"):
        question(ENDLESS, limits=Limits(seconds=2))
    assert time.monotonic() - began < 20


def test_a_question_without_measure_is_refused(question: Any) -> None:
    with pytest.raises(BadInput):
        question(
            "select list(repeat('x', 1000) || a.range) from range(3000000) a",
            limits=Limits(memory_mib=64, seconds=20),
        )


def test_an_answer_without_measure_never_fills_the_memory_of_who_asks(question: Any) -> None:
    """Sixty rows of a megabyte are within the cell's means: the asker stops reading at its own measure."""
    before = peak_mib()
    with pytest.raises(BadInput, match="too large"):
        question("select repeat('x', 1000000) from range(60)", limits=Limits(seconds=60))
    assert peak_mib() - before < 2.5 * LARGEST_ANSWER / (1 << 20)


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_what_went_wrong_names_no_place_of_the_hub(question: Any, ward: Any, release: Any) -> None:
    from pathlib import Path

    path = ward.store.local_path(tables(release)["subjects"].sha256)
    kept = Path(path).read_bytes()
    path.chmod(0o600)
    path.write_bytes(b"no table")
    try:
        with pytest.raises(BadInput) as refused:
            question("select * from subjects")
    finally:
        path.write_bytes(kept)
    assert str(path.parent.parent) not in f"{refused.value.message} {refused.value.advice}"


# -- cohorts ---------------------------------------------------------------------------------------------------


def test_counts_are_those_of_the_tables(ward: Any, release: Any, question: Any) -> None:
    whole = count(release=release, chosen={}, store=ward.store)
    assert whole.subjects == whole.of == question("select count(*) from subjects").rows[0][0]
    by_sex = {one.value: one.subjects for one in whole.counts if one.dimension == "sex"}
    assert by_sex == dict(question("select sex, count(*) from subjects group by 1").rows)


def test_values_widen_and_dimensions_narrow(ward: Any, release: Any) -> None:
    whole = count(release=release, chosen={}, store=ward.store)
    for one in whole.counts:
        chosen = {one.dimension: (one.value,)}
        narrowed = count(release=release, chosen=chosen, store=ward.store)
        assert narrowed.subjects == one.subjects, one
        same = {c.value: c.subjects for c in narrowed.counts if c.dimension == one.dimension}
        assert same == {c.value: c.subjects for c in whole.counts if c.dimension == one.dimension}, one
    sexes = tuple(one.value for one in whole.counts if one.dimension == "sex")
    assert count(release=release, chosen={"sex": sexes}, store=ward.store).subjects == whole.of


def test_a_choice_of_what_is_not_there_is_refused() -> None:
    with pytest.raises(BadInput):
        checked({"1=1; drop": ("x",)})


def test_a_value_is_never_sql(ward: Any, release: Any) -> None:
    assert count(release=release, chosen={"sex": ("x') or true --",)}, store=ward.store).subjects == 0
    assert count(release=release, chosen={"target:') or true --": ("x",)}, store=ward.store).subjects == 0


def test_a_cohort_becomes_a_release_of_its_subjects(ward: Any, release: Any) -> None:
    from midas.people import add_account
    from midas.release import cut, new_draft
    from midas.release.models import ReleaseSubject

    asha = add_account(name="asha", password="a long river of words")
    whole = count(release=release, chosen={}, store=ward.store)
    one = next(one for one in whole.counts if one.dimension == "sex" and 0 < one.subjects < whole.of)
    kept = save(
        account=asha,
        release=release,
        name="one sex",
        chosen={"sex": (one.value,)},
        store=ward.store,
        clock=ward.clock,
    )
    with pytest.raises(Conflict):
        save(account=asha, release=release, name="one sex", chosen={}, store=ward.store, clock=ward.clock)
    names = members(kept, store=ward.store)
    assert len(names) == one.subjects == kept.subjects
    drafted = new_draft(
        dataset=ward.dataset,
        version="1.1.0",
        by=None,
        clock=ward.clock,
        published_on=ward.clock.now().date(),
        cohort=kept,
    )
    made = cut(draft=drafted, store=ward.store, signer=ward.signer, clock=ward.clock)
    inside = (
        ReleaseSubject.objects.filter(release=made).exclude(pseudonym="").values_list("pseudonym", flat=True)
    )
    assert sorted(inside) == names
