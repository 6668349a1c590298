"""`iass publish` on the built region, by what lies in the folder afterwards: the manifest's files and nothing else, no
trace of a person, small counts hidden from whoever solves all tables together."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.disclosure import cells, protect, tables
from orchestration.disclosure.cells import Period, Places
from orchestration.disclosure.publish import publish
from orchestration.disclosure.tables import Plan
from orchestration.errors import IassError
from orchestration.settings import Settings
from orchestration.warehouse import connection
from tests.attacking import too_narrow

PERIOD, RAISED, THRESHOLD = "2013-H1", "t01_contatti", 7
#: All that a published table may say. Everything else needs a reason and a place here.
COLUMNS = {
    *("tipo_periodo", "periodo", "livello", "territorio_codice", "territorio", "n", "stato"),
    *("target", "target_codice", "category", "category_codice"),
    *("ambiti", "ambiti_collegati", "mesi_attesi", "mesi_ricevuti", "periodo_intero", "completo"),
}


@dataclass(frozen=True)
class Release:
    """A release as its readers have it, and the counts that it was made from."""

    settings: Settings
    folder: Path
    said: dict[str, Any]
    plan: Plan
    counted: pl.DataFrame
    where: Places

    def table(self, code: str) -> pl.DataFrame:
        return pl.read_csv(self.folder / f"{code}.csv", infer_schema=False).with_columns(
            pl.col("stato").fill_null(""), pl.col("n").cast(pl.Int64)
        )


def _say_it_is_whole(settings: Settings) -> None:
    """The region of the tests has three months of the half-year, which is not published: that somebody delivered the
    others is written into what the release asks."""
    with connection.connect(settings, "transformer") as conn:
        conn.execute("update quality.dq_coverage_month set is_iass_observed = true where month_on <= '2013-06-01'")


@pytest.fixture(scope="module")
def released(copy_built: Callable[[], Settings]) -> Iterator[Release]:
    settings = copy_built()
    _say_it_is_whole(settings)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.environment().items():
            patch.setenv(name, value)
        done = CliRunner().invoke(
            app, ["publish", "--period", PERIOD, "--threshold", f"{RAISED}={THRESHOLD}", "--json"]
        )
    assert done.exit_code == 0, f"{done.output}\n{done.exception}"
    folder = settings.published_dir / PERIOD
    # As readers have it: the parameters that travel with the release, not those of this checkout.
    plan = tables.load(folder / "parametri.yaml").for_periods(Period(PERIOD).types)
    where = cells.places(settings, Period(PERIOD))
    counted = cells.count(settings, plan, Period(PERIOD), where)
    yield Release(settings, folder, json.loads(done.stdout), plan, counted, where)


def test_the_folder_holds_what_the_manifest_says_and_nothing_else(released: Release) -> None:
    manifest = json.loads((released.folder / "manifest.json").read_text())
    found = {
        path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
        for path in released.folder.iterdir()
        if path.name != "manifest.json"
    }
    assert found == manifest["files"]
    assert [path.name for path in released.settings.published_dir.iterdir()] == [PERIOD], "something else lies there"
    tables_there = {released.plan.coverage.code, *(table.code for table in released.plan.tables)}
    about = {"datapackage.json", "dcat_ap_it.jsonld", "parametri.yaml"}
    assert set(found) == {f"{code}.{kind}" for code in tables_there for kind in ("csv", "parquet")} | about
    assert released.said["n_files"] == len(found) + 1
    for code in tables_there:
        csv = pl.read_csv(released.folder / f"{code}.csv", infer_schema=False)
        parquet = pl.read_parquet(released.folder / f"{code}.parquet").cast(pl.String)
        assert csv.fill_null("").equals(parquet.fill_null("")), code


def test_nothing_that_leaves_tells_of_a_person(released: Release) -> None:
    with connection.connect(released.settings, "owner") as conn:
        keys = {str(key) for (key,) in conn.execute("select person_key from raw.identity__person")}
        refs = {ref for (ref,) in conn.execute("select person_ref from raw.identity__person")}
    assert len(keys) > 1000
    for file in released.folder.iterdir():
        if file.suffix == ".parquet":
            assert set(pl.read_parquet_schema(file)) <= COLUMNS, file.name
            continue
        text = file.read_text()
        words = set(re.findall(r"-?\w+", text))
        assert not words & keys and not words & refs, f"{file.name} holds keys of persons"
        assert not re.search(r"\b[A-Z]{6}[0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]\b", text), (
            f"{file.name} holds a fiscal code"
        )


def test_what_is_suppressed_is_marked_and_never_zero(released: Release) -> None:
    n_suppressed = 0
    for table in released.plan.tables:
        frame = released.table(table.code)
        assert set(frame["stato"]) <= {"", "c", "n"}, table.code
        assert frame.filter(pl.col("stato") == "")["n"].null_count() == 0, table.code
        assert frame.filter(pl.col("stato") != "")["n"].drop_nulls().is_empty(), table.code
        n_suppressed += (frame["stato"] == "c").sum()
    assert n_suppressed > 0
    # Cells that tables share are one: what the tables show, each once, is what the command said and the database keeps.
    with connection.connect(released.settings, "analyst") as conn:
        kept = conn.execute(
            "select count(*), count(*) filter (where is_suppressed), count(*) filter (where n = 0) from published.cell"
        ).fetchone()
    assert kept == (released.said["n_cells"], released.said["n_primary"] + released.said["n_complementary"], 0)


def test_a_count_is_shown_as_it_is_and_only_where_enough_persons_are_behind_it(released: Release) -> None:
    """The raised threshold holds in its table and in no other."""
    names = {"tipo_periodo": "period_type", "periodo": "period", "livello": "level", "territorio_codice": "place"}
    smallest: dict[str, int | None] = {}
    for table in released.plan.tables:
        codes = {f"{name}_codice": name for name in table.by}
        shown = (
            released.table(table.code)
            .drop(table.by)
            .rename(names | codes)
            .filter((pl.col("stato") == "") & (pl.col("n") > 0))
            .with_columns(pl.col("level").replace({"distretto": "district", "AUSL": "ausl", "regione": "region"}))
        )
        key = ["period", "level", "place", *table.by]
        own = released.counted.filter(
            pl.col("measure") == table.measure,
            *(pl.col(name) == "TOT" for name in released.plan.dimensions if name not in table.by),
        )
        both = shown.join(own, on=key, how="left")
        assert both["value"].null_count() == 0 and (both["n"] == both["value"]).all(), table.code
        assert (both["persons"] >= table.threshold).all(), (
            f"{table.code} shows {both.filter(pl.col('persons') < table.threshold)}"
        )
        smallest[table.code] = both["persons"].min()  # type: ignore[assignment]
    assert {table.code: table.threshold for table in released.plan.tables}[RAISED] == THRESHOLD
    others = [n for code, n in smallest.items() if code != RAISED and n is not None]
    assert min(others) < THRESHOLD <= (smallest[RAISED] or 0), smallest
    manifest = json.loads((released.folder / "manifest.json").read_text())
    assert manifest["parameters"]["thresholds"] == {
        table.code: THRESHOLD if table.code == RAISED else 3 for table in released.plan.tables
    }


@pytest.mark.parametrize("is_strong", [False, True], ids=["the attacker", "the attacker who knows overlaps"])
def test_whoever_solves_all_tables_together_determines_no_small_count(released: Release, *, is_strong: bool) -> None:
    assert protect.primary(released.counted).sum() > 50
    found = too_narrow([released.folder], released.plan, released.counted, released.where.ausl_of, is_strong=is_strong)
    assert not found, "\n".join(found)


def test_coverage_is_published_as_the_ledger_has_it(released: Release) -> None:
    frame = pl.read_csv(
        released.folder / f"{released.plan.coverage.code}.csv", schema_overrides={"territorio_codice": str}
    )
    with connection.connect(released.settings, "analyst") as conn:
        rows = conn.execute(
            "select territory_code, n_deliveries_expected, n_deliveries_received from mart_demand.contact_monthly"
            " where period_type = 'half_year' and period_start_on = '2013-01-01' and territory_level <> 'ausl_today'"
        ).fetchall()
    of_half = frame.filter(pl.col("tipo_periodo") == "semestre")
    assert set(of_half["mesi_attesi"]) >= {6, 228}, "a half-year has six months, whoever delivered"
    assert set(of_half["periodo_intero"]) == {"sì"} and set(of_half["completo"]) == {"no"}
    manifest = json.loads((released.folder / "manifest.json").read_text())
    assert (manifest["is_whole"], manifest["is_complete"], manifest["months_expected"]) == (True, False, 228)
    assert sorted(of_half.select("territorio_codice", "mesi_attesi", "mesi_ricevuti").rows()) == sorted(rows)


def test_a_part_of_a_period_is_not_published_as_that_period(built: Settings) -> None:
    for period in ("2013", PERIOD):
        with pytest.raises(IassError, match=rf"^{period} is not whole: the desks delivered 3 months .* not published"):
            publish(built, period)
    with pytest.raises(IassError, match="No year or half-year is whole yet"):
        publish(built)
    assert not list(built.published_dir.glob("*")), "something was published"
