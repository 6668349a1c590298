"""The whole product through its command line, on a tiny region whose truth is known.

`iass demo run` has gone through once for the whole session: its findings, keys and counts are compared with the truth
record by record. In a copy it runs again and nothing may change; then a build is killed and the next one must give the
same rows.
"""

from __future__ import annotations

import hashlib
import json
import os
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

    def frame(self, query: str, role: str = "transformer") -> pl.DataFrame:
        with connection.connect(self.settings, role) as conn:
            cursor = conn.execute(query)
            names = [column.name for column in cursor.description or ()]
            return pl.DataFrame(cursor.fetchall(), schema=names, orient="row", infer_schema_length=None)

    def truth(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self.truth_dir / f"{name}.parquet")

    def state(self) -> dict[str, str]:
        """A digest of every table that must not change when nothing arrived; the log of builds is not one of them."""
        tables = self.frame(
            "select schemaname || '.' || tablename as name from pg_tables where schemaname in"
            " ('landing', 'raw', 'core', 'mart_demand', 'mart_target_group', 'mart_outcome', 'quality')"
            " and tablename not in ('build')"
            # what only the gate may read is its work list, empty when it has nothing to do
            " and has_table_privilege(format('%I.%I', schemaname, tablename), 'select') order by 1"
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
        "reconciliation", "silent_senders", "freshness", "volumes", "distributions", "linkage",
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


def test_no_name_or_code_left_the_vault(product: Product) -> None:
    """A sample of real presented names and codes is searched for in receipts, logs and Dagster's event log."""
    sample = product.frame(
        "select identifier from vault.presented_person where length(identifier) = 16"
        " union select family_name || given_name from vault.presented_person"
        " where length(family_name) > 8 limit 50",
        "identity",
    ).to_series().drop_nulls()  # fmt: skip
    assert len(sample) > 10
    home = product.settings.home
    for folder in (home / "receipts", home / "log", home / "dagster", product.settings.postgres_dir):
        for path in folder.rglob("*"):
            if (
                path.is_file()
                and path.suffix in {".json", ".csv", ".html", ".log", ".db", ".yaml", ""}
                and "data" not in path.relative_to(folder).parts
            ):
                content = path.read_bytes()
                leaked = [value for value in sample if value.encode() in content]
                assert not leaked, f"{path} holds {len(leaked)} of {len(sample)} values of the vault"


def test_every_worked_query_answers_the_analyst(product: Product) -> None:
    queries = sorted((Path(__file__).parents[2] / "docs" / "analysts" / "queries").glob("*.sql"))
    assert len(queries) >= 10
    for path in queries:
        assert product.frame(path.read_text(encoding="utf-8"), "analyst").height > 0, path.name


def test_a_second_run_changes_nothing_and_is_quick(used_product: Product) -> None:
    before = used_product.state()
    begun = _seconds_of_children()
    again = json.loads(used_product.run(*AGAIN).stdout)
    seconds = _seconds_of_children() - begun
    assert again["deliveries"] == 0 and again["models_built"] == 0
    after = used_product.state()
    assert [table for table in after if after[table] != before.get(table)] == []
    assert seconds < 20, f"{seconds:.1f} s of work with nothing to do"


def test_a_killed_build_leaves_no_trace(used_product: Product) -> None:
    before = used_product.state()
    for seconds in (7.0, 10.0):
        building = used_product.start("build", "--full-refresh")
        time.sleep(seconds)
        os.killpg(building.pid, signal.SIGKILL)
        building.wait()
    used_product.run("build", "--full-refresh")
    after = used_product.state()
    differing = [table for table in before if after.get(table) != before[table]]
    assert not differing, f"other rows than before the kill: {differing}"
