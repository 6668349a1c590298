"""The bundle for Superset: every chart asks for what its dataset has, and nothing adds up what does not add up."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.bi import bundle

DATASETS = """
contact:
  table: mart_demand.contact
  time: contact_on
  labels: {mode: Modalità}
  metrics: {n: {label: Contatti, sql: SUM(n), format: ",d"}}
"""
PAGE = """
title: Prova
slug: prova
note: Nota.
filters: [{label: Anno, dataset: contact, column: year_number, single: true, default: last}]
rows: [[one, two, three, four, five]]
charts:
  one: {title: Uno, kind: number, dataset: contact, metrics: [n]}
  two: {title: Due, kind: bar, dataset: contact, metrics: [n], x: mode}
  three: {title: Tre, kind: table, dataset: contact, by: [mode], metrics: [n]}
  four: {title: Quattro, kind: line, dataset: contact, metrics: [n], x: contact_on}
  five: {title: Cinque, kind: heatmap, dataset: contact, metrics: [n], x: mode, by: mode}
"""
COLUMNS = {"contact": [("contact_on", 1082), ("mode", 25), ("n", 23), ("year_number", 23)]}


def files(folder: Path, page: str = PAGE) -> dict[str, Any]:
    (folder / "datasets.yaml").write_text(DATASETS)
    (folder / "page.yaml").write_text(page)
    with zipfile.ZipFile(io.BytesIO(bundle.make(COLUMNS, folder))) as archive:
        return {name.removeprefix("iass/"): yaml.safe_load(archive.read(name)) for name in archive.namelist()}


def test_every_part_finds_the_others(tmp_path: Path) -> None:
    made = files(tmp_path)
    dataset = made["datasets/IASS/contact.yaml"]
    assert dataset["database_uuid"] == made["databases/IASS.yaml"]["uuid"]
    assert {c["column_name"] for c in dataset["columns"] if c["is_dttm"]} == {"contact_on"}
    charts = {name: chart for name, chart in made.items() if name.startswith("charts/")}
    assert len(charts) == 5
    assert {chart["dataset_uuid"] for chart in charts.values()} == {dataset["uuid"]}
    placed = made["dashboards/page.yaml"]["position"].values()
    shown = [part["meta"] for part in placed if isinstance(part, dict) and part["type"] == "CHART"]
    assert {meta["uuid"] for meta in shown} == {chart["uuid"] for chart in charts.values()}
    assert sum(meta["width"] for meta in shown) == 12, "a line that does not fill the page"


def test_ids_stay_the_same_so_that_links_do(tmp_path: Path) -> None:
    first = files(tmp_path)
    again = files(tmp_path, PAGE.replace("title: Uno", "title: Altro"))
    assert {n: f.get("uuid") for n, f in first.items()} == {n: f.get("uuid") for n, f in again.items()}


def test_the_address_in_a_bundle_has_no_password(tmp_path: Path) -> None:
    assert files(tmp_path)["databases/IASS.yaml"]["sqlalchemy_uri"].count(":") == 1


def test_a_chart_that_asks_for_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="two asks for colour, which contact does not have"):
        files(tmp_path, PAGE.replace("x: mode}\n  three", "x: colour}\n  three"))


def test_no_table_shows_totals() -> None:
    """Ratios and distinct counts do not add up; pivot tables, whose totals would add them, are not offered at all."""
    for dashboard in bundle.dashboards():
        assert {chart["kind"] for chart in dashboard.definition["charts"].values()} <= set(bundle._KINDS)
    assert "pivot_table_v2" not in {bundle._KINDS[kind]({"x": "a", "by": "b", "metrics": ["m"], "source": ["a", "b"]},
                                                        [{"format": ",d"}])[0] for kind in bundle._KINDS}  # fmt: skip
    kind, params = bundle._table({"by": ["a"], "metrics": ["m"]}, [{"format": ",d"}])
    assert kind == "table" and params["show_totals"] is False


def test_every_chart_of_the_product_stands_on_its_page() -> None:
    for dashboard in bundle.dashboards():
        placed = [key for row in dashboard.definition["rows"] for key in row]
        assert sorted(placed) == sorted(dashboard.definition["charts"]), dashboard.name
        known = bundle.datasets()
        for key, chart in dashboard.definition["charts"].items():
            measures = set(known[chart["dataset"]]["metrics"])
            assert set(chart.get("metrics", [])) <= measures, f"{dashboard.name}: {key}"
