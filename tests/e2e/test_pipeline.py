"""The whole product through its command line, on a tiny region whose truth is known.

`iass demo run` has gone through once for the whole session: its findings, keys and counts are compared with the truth
record by record. In a copy it runs again and nothing may change; then a build is killed and the next one must give the
same rows.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from orchestration.settings import Settings
from orchestration.warehouse import connection
from tests.conftest import BUILT_MONTHS, BUILT_SCALE

AGAIN = ("demo", "run", "--scale", BUILT_SCALE, "--months", BUILT_MONTHS, "--json")
IASS = str(Path(sys.executable).with_name("iass"))
#: Exact rules must recognise these presentations; the others are left to their own key or to probabilistic linkage.
RECOGNISED = ["right", "swapped_names", "old_code"]
#: Codes and names as senders write them, and days.
WORD = re.compile(rb"[A-Z0-9]{5,}|\d{4}-\d{2}-\d{2}")


class Product:
    """An installation that is used as a person uses it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.environment = {**os.environ, **settings.environment()}
        self.truth_dir = settings.home / "demo" / "truth"
        self.first: dict[str, Any] = json.loads((settings.home / "demo" / "summary.json").read_text())

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [IASS, *arguments], env=self.environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, f"iass {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [IASS, *arguments],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill_when_dbt_makes(self, table: str, building: subprocess.Popen[bytes]) -> None:
        """Kill a build when a statement runs that makes a table whose quoted name begins so."""
        query = "select pid from pg_stat_activity where application_name = 'iass dbt' and query like %s"
        with connection.connect(self.settings, "transformer", autocommit=True) as conn:
            while not conn.execute(query, [f"%create %table %{table}%"]).fetchone():
                assert building.poll() is None, f"the build ended before it could be killed at {table}"
                time.sleep(0.01)
        os.killpg(building.pid, signal.SIGKILL)
        assert building.wait() == -signal.SIGKILL

    def frame(self, query: str, role: str = "transformer") -> pl.DataFrame:
        with connection.connect(self.settings, role) as conn:
            cursor = conn.execute(query)
            names = [column.name for column in cursor.description or ()]
            return pl.DataFrame(cursor.fetchall(), schema=names, orient="row", infer_schema_length=None)

    def truth(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self.truth_dir / f"{name}.parquet")

    def state(self) -> dict[str, str]:
        """A digest of every table and view that must not change when nothing arrived; the log of builds is not one of
        them, nor is what only the gate may read: its work list, empty when it has nothing to do."""
        tables = self.frame(
            "select oid::regclass::text as name from pg_class where relkind in ('r', 'v')"
            " and relnamespace::regnamespace::text ~ '^(landing|raw|core|quality|mart_.*)$'"
            " and relname <> 'build' and has_table_privilege(oid, 'select') order by 1"
        )["name"].to_list()
        digests = {}
        with connection.connect(self.settings, "transformer") as conn:
            for table in tables:
                rows = conn.execute(f"select t::text from {table} as t order by 1").fetchall()
                digests[table] = hashlib.sha256("\n".join(row[0] for row in rows).encode()).hexdigest()
        return digests


@pytest.fixture(scope="module")
def product(built: Settings) -> Product:
    """The product after its first run, to be read."""
    return Product(built)


@pytest.fixture(scope="module")
def used_product(copy_built: Callable[[], Settings]) -> Product:
    """A copy of it that is worked with."""
    return Product(copy_built())


def _seconds_of_children() -> float:
    """Processor time of commands that have ended: what a run costs, also on a machine that is busy otherwise."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _differences(found: pl.DataFrame, expected: pl.DataFrame, by: str) -> str:
    keys = found.columns
    missing = expected.join(found, on=keys, how="anti", nulls_equal=True)
    extra = found.join(expected, on=keys, how="anti", nulls_equal=True)
    lines = []
    for name, frame in (("missing", missing), ("not expected", extra)):
        if frame.height:
            lines.append(f"{frame.height} {name}: {dict(frame.group_by(by).len().sort(by).iter_rows())}")
            lines.append(str(frame.head(8)))
    return "\n".join(lines)


def test_the_summary_reconciles(product: Product) -> None:
    first = product.first
    assert first["deliveries"] == product.truth("deliveries").height
    assert first["facts"]["contacts"] > 0 and first["facts"]["persons"] > 0
    broken = [each for each in first["balances"] if each["left"] != each["right"] or each["broken"]]
    flows = {balance["name"].split("_")[1].upper() for balance in first["balances"] if "_" in balance["name"]}
    assert {"IASS", "FAR1", "FAR2", "ADI1", "ADI2", "SMAC", "SISAM"} <= flows, first["balances"]
    assert not broken, broken
    known = {score["case"]: score for score in first["linkage"]["overall"] if score["flow_code"] == "all"}
    assert known["all"]["n_records"] > 1_000 and known["all"]["n_wrong"] == 0, known
    assert known["all"]["n_missed"] < 0.015 * known["all"]["n_records"], known
    assert {check["name"] for check in first["checks"]} == {
        "reconciliation", "silent_senders", "freshness", "volumes", "registry_size", "distributions", "linkage",
        "every_file_is_taken",
    }  # fmt: skip


def test_every_delivery_has_its_fate(product: Product) -> None:
    columns = ["file_name", "outcome", "records_sent", "records_accepted", "records_discarded", "records_flagged"]
    found = product.frame(f"select {', '.join(columns)} from landing.delivery")
    repeats = product.frame("select file_name from landing.delivery_repeat order by 1", "loader")
    expected = product.truth("deliveries")
    first = expected.filter(pl.col("outcome") != "repeated").select(columns)
    difference = _differences(found, first.cast(dict(zip(columns, found.dtypes, strict=True))), "outcome")  # type: ignore[arg-type]
    assert not difference, difference
    assert (
        repeats["file_name"].to_list() == expected.filter(pl.col("outcome") == "repeated")["file_name"].sort().to_list()
    )


def test_every_planted_fault_is_found_and_nothing_else(product: Product) -> None:
    columns = ["file_name", "record_number", "item", "rule_code", "grade"]
    found = product.frame(
        "select distinct file_name, record_number, coalesce(item, '') as item, rule_code, finding.grade"
        " from landing.finding inner join landing.delivery using (delivery_id)"
    )
    expected = product.truth("findings").with_columns(pl.col("item").fill_null("")).select(columns).unique()
    assert expected["rule_code"].n_unique() >= 8
    difference = _differences(found, expected.cast(dict(zip(columns, found.dtypes, strict=True))), "rule_code")  # type: ignore[arg-type]
    assert not difference, difference


def test_live_records_are_the_facts(product: Product) -> None:
    contacts = product.truth("contacts").filter("is_live")
    found = product.frame("select sender_code, contact_id as record_key from core.fct_contact")
    difference = _differences(found, contacts.select("sender_code", "record_key"), "sender_code")
    assert not difference, difference
    counted = product.frame("select sum(n_contacts)::int8 as n from core.fct_contact")["n"].item()
    assert counted == contacts["is_counted"].sum(), "official contacts: one for each person, sender and day"
    demands = product.frame("select sender_code, contact_id as record_key, demand_number from core.fct_demand")
    expected = product.truth("demands").filter("is_live").select(demands.columns)
    difference = _differences(
        demands, expected.with_columns(pl.col("demand_number").cast(demands.dtypes[2])), "sender_code"
    )
    assert not difference, difference


def test_keys_are_the_true_persons(product: Product) -> None:
    found = product.frame(
        "select sender_code, contact_id as record_key, demand_number, person_key from core.fct_demand"
    )
    truth = product.truth("demands").filter("is_live").with_columns(pl.col("demand_number").cast(found.dtypes[2]))
    known = truth.join(found, on=["sender_code", "record_key", "demand_number"]).filter(
        pl.col("true_person_id").is_not_null()
    )
    nameless = known.filter(pl.col("person_key") < 0)
    assert nameless.is_empty(), nameless.group_by("identity_case").len()
    mixed = known.group_by("person_key").agg(pl.col("true_person_id").n_unique().alias("n")).filter(pl.col("n") > 1)
    assert mixed.is_empty(), f"{mixed.height} keys hold more than one true person"
    recognised = known.filter(pl.col("identity_case").is_in(RECOGNISED))
    split = (
        recognised.group_by("true_person_id").agg(pl.col("person_key").n_unique().alias("n")).filter(pl.col("n") > 1)
    )
    assert split.is_empty(), f"{split.height} true persons have more than one key though they were presented well"
    unknown = truth.filter(pl.col("identity_case").is_in(["anonymous", "unknown"])).join(
        found, on=["sender_code", "record_key", "demand_number"]
    )
    assert (unknown["person_key"] < 0).all(), "who was not named has no key of a person"


def test_no_name_code_or_birth_left_the_vault(product: Product) -> None:
    """Each that was ever presented or registered is looked for as a word, in receipts, reports, logs and Dagster's
    events. A name of four letters is a word of other texts too, and a birth of this century a day of other things."""
    named: set[str] = set()
    for table in ("vault.presented_person", "vault.registry_change"):
        columns = "identifier, family_name, given_name, case when birth_date < '2000-01-01' then birth_date::text end"
        named |= set(product.frame(f"select distinct unnest(array[{columns}]) from {table}", "identity").to_series())
    assert len(named) > 10_000 and {len(name) for name in named if name} > {5, 10, 16}
    home = product.settings.home
    folders = [home / name for name in ("receipts", "reports", "log", "dagster")]
    for folder in (*folders, product.settings.postgres_dir):
        texts = [path for path in folder.rglob("*") if path.is_file() and "data" not in path.relative_to(folder).parts]
        assert texts, folder
        for path in texts:
            words = {word.decode() for word in WORD.findall(path.read_bytes())}
            assert not words & named, f"{path} holds {len(words & named)} values of the vault"


def test_every_worked_query_answers_the_analyst(product: Product) -> None:
    queries = sorted((Path(__file__).parents[2] / "docs" / "analysts" / "queries").glob("*.sql"))
    assert len(queries) >= 10
    for path in queries:
        found = product.frame(path.read_text(encoding="utf-8"), "analyst")
        # Three months close no window of 180 days: nobody knows yet what has no sequel.
        assert found.height > 0 or path.name == "13_requests_without_sequel.sql", path.name


def test_a_second_run_changes_nothing_and_is_quick(used_product: Product) -> None:
    before = used_product.state()
    begun = _seconds_of_children()
    again = json.loads(used_product.run(*AGAIN).stdout)
    seconds = _seconds_of_children() - begun
    assert again["deliveries"] == 0 and again["models_built"] == 0
    after = used_product.state()
    assert [table for table in after if after[table] != before.get(table)] == []
    assert seconds < 20, f"{seconds:.1f} s of work with nothing to do"


def test_a_killed_full_refresh_leaves_no_trace(used_product: Product) -> None:
    """Killed when it makes facts, and again when it makes aggregates, whose facts are whole then. The next build is not
    told to be a full one: it knows."""
    before = used_product.state()
    for made in ('"core"."fct_', '"mart_'):
        used_product.kill_when_dbt_makes(made, used_product.start("build", "--full-refresh"))
    used_product.run("build")
    after = used_product.state()
    differing = [table for table in before | after if after.get(table) != before.get(table)]
    assert not differing, f"other rows than before the kill: {differing}"
