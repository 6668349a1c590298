"""From the definitions in `bi/superset` to the bundle that Superset imports: definitions and columns in, bytes out.

Belongs here: how a kind of chart, a filter and a page are said in Superset's words. Not here: which charts there are
(the YAML files), how Superset is started (`service`).

Ids are derived from names, so that an import finds what an earlier one made and a shared link stays valid.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import yaml

DEFINITIONS = Path(__file__).parents[2] / "bi" / "superset"
DATABASE = "IASS"
_DATASETS = "datasets.yaml"
_GRID_COLUMNS = 12
_HEIGHTS = {"number": 20, "line": 44, "curve": 50, "bar": 50, "column": 50, "heatmap": 90, "table": 60, "sankey": 70}
_ROW_LIMIT = 1000
#: Types that PostgreSQL's driver names by number: how Superset knows dates and numbers from text.
_TYPES = {16: "BOOLEAN", 20: "BIGINT", 21: "INTEGER", 23: "INTEGER", 1082: "DATE", 1184: "TIMESTAMP", 1700: "NUMERIC"}
_TIMES = {"DATE", "TIMESTAMP"}

Columns = Mapping[str, list[tuple[str, int]]]
"""By dataset: name and type number of each column, as the warehouse gives them."""


@dataclass(frozen=True)
class Dashboard:
    """One definition file."""

    name: str
    definition: dict[str, Any]

    @property
    def title(self) -> str:
        return str(self.definition["title"])

    @property
    def slug(self) -> str:
        return str(self.definition["slug"])


def datasets(folder: Path = DEFINITIONS) -> dict[str, dict[str, Any]]:
    """The definitions of the datasets, by name."""
    return dict(yaml.safe_load((folder / _DATASETS).read_text()))


def dashboards(folder: Path = DEFINITIONS) -> list[Dashboard]:
    """The definitions of the dashboards, in the order of their files."""
    files = sorted(path for path in folder.glob("*.yaml") if path.name != _DATASETS)
    return [Dashboard(path.stem, yaml.safe_load(path.read_text())) for path in files]


def query(dataset: Mapping[str, Any]) -> str:
    """What a dataset asks the warehouse for."""
    return str(dataset["sql"]) if "sql" in dataset else f"select * from {dataset['table']}"


def make(columns: Columns, folder: Path = DEFINITIONS) -> bytes:
    """The zip that Superset imports. `KeyError`: a chart names a dataset, column or measure that is not there."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in _files(columns, folder):
            archive.writestr(f"iass/{path}", yaml.safe_dump(content, allow_unicode=True, sort_keys=False))
    return buffer.getvalue()


def _files(columns: Columns, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    known = datasets(folder)
    yield "metadata.yaml", {"version": "1.0.0", "type": "assets", "timestamp": "2013-01-01T00:00:00+00:00"}
    yield (
        "databases/IASS.yaml",
        {
            "database_name": DATABASE,
            "sqlalchemy_uri": "postgresql+psycopg2://iass_analyst@127.0.0.1/iass",
            "extra": {},
            "uuid": _id("database", DATABASE),
            "version": "1.0.0",
        },
    )
    for name, dataset in known.items():
        yield f"datasets/IASS/{name}.yaml", _dataset(name, dataset, columns[name])
    for dashboard in dashboards(folder):
        for key, chart in dashboard.definition["charts"].items():
            yield f"charts/{dashboard.name}_{key}.yaml", _chart(dashboard, key, chart, known, columns)
        yield f"dashboards/{dashboard.name}.yaml", _page(dashboard)


def _id(*names: str) -> str:
    return str(uuid5(NAMESPACE_URL, "iass-warehouse/bi/" + "/".join(names)))


def _dataset(name: str, dataset: Mapping[str, Any], columns: list[tuple[str, int]]) -> dict[str, Any]:
    labels = dataset.get("labels", {})
    schema, _, table = str(dataset.get("table", f".{name}")).partition(".")
    return {
        "table_name": name if "sql" in dataset else table,
        "main_dttm_col": dataset.get("time"),
        "schema": schema or None,
        "sql": dataset.get("sql"),
        "uuid": _id("dataset", name),
        "metrics": [
            {"metric_name": key, "verbose_name": m["label"], "expression": m["sql"], "d3format": m["format"]}
            for key, m in dataset["metrics"].items()
        ],
        "columns": [
            {
                "column_name": column,
                "verbose_name": labels.get(column),
                "type": _TYPES.get(number, "TEXT"),
                "is_dttm": _TYPES.get(number) in _TIMES,
                "groupby": True,
                "filterable": True,
                "is_active": True,
            }
            for column, number in columns
        ],
        "version": "1.0.0",
        "database_uuid": _id("database", DATABASE),
    }


def _chart(
    dashboard: Dashboard, key: str, chart: Mapping[str, Any], known: Mapping[str, Any], columns: Columns
) -> dict[str, Any]:
    dataset = known[chart["dataset"]]
    measures = [dataset["metrics"][name] for name in chart.get("metrics", [])]
    there = {name for name, _ in columns[chart["dataset"]]}
    asked = {chart.get("x"), *_listed(chart.get("by")), *_listed(chart.get("source")), *chart.get("columns", [])}
    for name in asked - {None}:
        if name not in there:
            raise KeyError(f"{dashboard.name}: the chart {key} asks for {name}, which {chart['dataset']} does not have")
    kind, params = _KINDS[chart["kind"]](chart, measures)
    return {
        "slice_name": chart["title"],
        "description": chart.get("note"),
        "viz_type": kind,
        "params": {"viz_type": kind, "adhoc_filters": [], "row_limit": _ROW_LIMIT, "color_scheme": "iass", **params},
        "uuid": _id("chart", dashboard.name, key),
        "version": "1.0.0",
        "dataset_uuid": _id("dataset", chart["dataset"]),
    }


# Kinds of charts. No kind shows a total of rows: most measures here are ratios or distinct counts, which do not add up.


def _number(chart: Mapping[str, Any], measures: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    return "big_number_total", {
        "metric": chart["metrics"][0],
        "y_axis_format": measures[0]["format"],
        "header_font_size": 0.4,
        "subheader_font_size": 0.15,
    }


def _line(chart: Mapping[str, Any], measures: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    return "echarts_timeseries_line", {
        "x_axis": chart["x"],
        "time_grain_sqla": "P1M",
        "metrics": chart["metrics"],
        "groupby": _listed(chart.get("by")),
        "y_axis_format": measures[0]["format"],
        "x_axis_time_format": "%b %Y",
        "markerEnabled": True,
        "rich_tooltip": True,
        "show_legend": bool(chart.get("by")),
        "truncateYAxis": False,
    }


def _curve(chart: Mapping[str, Any], measures: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    """Steps over a number that is no date, such as days since an event."""
    params = _line(chart, measures)[1]
    steps = {"seriesType": "end", "markerEnabled": False, "time_grain_sqla": None, "x_axis_time_format": None}
    return "echarts_timeseries_step", {**params, **steps, "x_axis_number_format": ",d", "row_limit": 10 * _ROW_LIMIT}


def _bars(chart: Mapping[str, Any], measures: list[dict[str, Any]], orientation: str) -> tuple[str, dict[str, Any]]:
    by_value = orientation == "horizontal"
    return "echarts_timeseries_bar", {
        "x_axis": chart["x"],
        "x_axis_force_categorical": True,
        # horizontal axes grow upwards: ascending puts the largest on top
        "x_axis_sort": chart["metrics"][0] if by_value else chart["x"],
        "x_axis_sort_asc": True,
        "metrics": chart["metrics"],
        "groupby": _listed(chart.get("by")),
        "orientation": orientation,
        "y_axis_format": measures[0]["format"],
        "show_value": not chart.get("by"),
        "show_legend": bool(chart.get("by")),
        "rich_tooltip": True,
        "truncateYAxis": False,
        "xAxisLabelInterval": "0",
    }


def _bar(chart: Mapping[str, Any], measures: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    return _bars(chart, measures, "horizontal")


def _column(chart: Mapping[str, Any], measures: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    return _bars(chart, measures, "vertical")


def _table(chart: Mapping[str, Any], measures: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    formats = {name: ",d" for name in chart.get("columns", [])} | chart.get("formats", {})
    shared = {
        "show_totals": False,
        "show_cell_bars": False,
        "table_timestamp_format": "%d/%m/%Y",
        "column_config": {name: {"d3NumberFormat": text} for name, text in formats.items()},
        "page_length": 0,
    }
    if "columns" in chart:
        ordering = [f'["{chart["sort"]}", true]'] if "sort" in chart else []
        return "table", {**shared, "query_mode": "raw", "all_columns": chart["columns"], "order_by_cols": ordering}
    return "table", {
        **shared,
        "query_mode": "aggregate",
        "groupby": chart["by"],
        "metrics": chart["metrics"],
        "timeseries_limit_metric": chart.get("sort"),
        "order_desc": True,
    }


def _heatmap(chart: Mapping[str, Any], measures: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    return "heatmap_v2", {
        "x_axis": chart["x"],
        "groupby": chart["by"],
        "metric": chart["metrics"][0],
        "sort_x_axis": "alpha_asc",
        "sort_y_axis": "alpha_desc",
        "normalize_across": "heatmap",
        "linear_color_scheme": chart.get("colors", "blue_white_yellow"),
        "value_bounds": [None, None],
        "y_axis_format": measures[0]["format"],
        "show_values": True,
        "show_legend": False,
        "xscale_interval": 1,
        "yscale_interval": 1,
        "left_margin": "auto",
        "bottom_margin": 50,
    }


def _sankey(chart: Mapping[str, Any], measures: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    return "sankey_v2", {"source": chart["source"][0], "target": chart["source"][1], "metric": chart["metrics"][0]}


_KINDS = {
    "number": _number,
    "line": _line,
    "curve": _curve,
    "bar": _bar,
    "column": _column,
    "table": _table,
    "heatmap": _heatmap,
    "sankey": _sankey,
}


def _listed(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


# The page


def _page(dashboard: Dashboard) -> dict[str, Any]:
    definition = dashboard.definition
    return {
        "dashboard_title": dashboard.title,
        "slug": dashboard.slug,
        "published": True,
        "css": "",
        "uuid": _id("dashboard", dashboard.name),
        "position": _position(dashboard),
        "metadata": {
            "color_scheme": "iass",
            "cross_filters_enabled": False,
            "native_filter_configuration": [_filter(dashboard, each) for each in definition.get("filters", [])],
            "refresh_frequency": 0,
        },
        "version": "1.0.0",
    }


def _filter(dashboard: Dashboard, definition: Mapping[str, Any]) -> dict[str, Any]:
    is_single = bool(definition.get("single"))
    return {
        "id": "NATIVE_FILTER-" + _id("filter", dashboard.name, definition["column"]),
        "type": "NATIVE_FILTER",
        "filterType": "filter_select",
        "name": definition["label"],
        "description": "",
        "targets": [{"datasetUuid": _id("dataset", definition["dataset"]), "column": {"name": definition["column"]}}],
        "controlValues": {
            "multiSelect": not is_single,
            "enableEmptyFilter": is_single,
            # with years in descending order the first one is the last
            "defaultToFirstItem": definition.get("default") == "last",
            "sortAscending": definition.get("default") != "last",
            "searchAllOptions": False,
            "inverseSelection": False,
        },
        "defaultDataMask": {"extraFormData": {}, "filterState": {}},
        "cascadeParentIds": [],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
    }


def _position(dashboard: Dashboard) -> dict[str, Any]:
    definition = dashboard.definition
    rows: list[str] = []
    place: dict[str, Any] = {"DASHBOARD_VERSION_KEY": "v2"}
    place["ROOT_ID"] = {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]}
    place["HEADER_ID"] = {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": dashboard.title}}

    def add(kind: str, key: str, parents: list[str], meta: dict[str, Any]) -> str:
        name = f"{kind}-{key}"
        place[name] = {"id": name, "type": kind, "children": [], "parents": parents, "meta": meta}
        return name

    def row(key: str) -> str:
        rows.append(add("ROW", key, ["ROOT_ID", "GRID_ID"], {"background": "BACKGROUND_TRANSPARENT"}))
        return rows[-1]

    head = row("note")
    note = {"width": _GRID_COLUMNS, "height": 12, "code": definition["note"]}
    place[head]["children"].append(add("MARKDOWN", "note", ["ROOT_ID", "GRID_ID", head], note))
    for number, charts in enumerate(definition["rows"]):
        line = row(str(number))
        width, rest = divmod(_GRID_COLUMNS, len(charts))
        for place_in_line, key in enumerate(charts):
            chart = definition["charts"][key]
            meta = {
                "uuid": _id("chart", dashboard.name, key),
                "sliceName": chart["title"],
                "width": width + (place_in_line < rest),
                "height": chart.get("height", _HEIGHTS[chart["kind"]]),
                "chartId": 0,  # Superset puts its own number here when it imports
            }
            place[line]["children"].append(add("CHART", key, ["ROOT_ID", "GRID_ID", line], meta))
    place["GRID_ID"] = {"id": "GRID_ID", "type": "GRID", "children": rows, "parents": ["ROOT_ID"]}
    return place
