"""The semantic layer of the dbt project: which metrics there are, by what they can be cut, and the SQL of a question.

MetricFlow runs in this process on the semantic manifest that dbt wrote into the home; no database is touched here.
Running the SQL is `orchestration.metrics.query`; what a metric means stands beside the models, in the dbt project.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest, OutputColumnOrderMode
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.postgres import PostgresSQLSqlPlanRenderer
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

from orchestration.errors import IassError

#: Grains of time, from the finest; `half_year` is one of our own (dim_date).
GRAINS = ("day", "month", "quarter", "half_year", "year")

#: What a person is one of in a year (core.fct_person_year); elsewhere rows of one person may differ.
_OF_PERSONS = {"age_band", "citizenship", "sex"}
_ONE_OF_EACH = "person_demand"

_GRAIN_LABELS = {"day": "Giorno", "month": "Mese", "quarter": "Trimestre", "half_year": "Semestre", "year": "Anno"}
_WORD = re.compile(r"'(?:[^']|'')*'|[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Metric:
    """A metric as its users see it."""

    name: str
    label: str
    description: str
    subject: str
    unit: str
    dimensions: tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """A column of an answer: its name, its Italian heading, and how its values are written."""

    name: str
    label: str
    unit: str | None
    """None for a dimension; otherwise count, ratio, percent, per_1000, days or eur."""


@dataclass(frozen=True)
class Question:
    """A question in MetricFlow's terms, ready to be run."""

    sql: str
    columns: tuple[Column, ...]


class _Renderer:
    """What MetricFlow asks of a database to write SQL for it. Queries are run by ourselves, as the analyst."""

    sql_engine_type = SqlEngine.POSTGRES
    sql_plan_renderer = PostgresSQLSqlPlanRenderer()


class Layer:
    """The metrics of one semantic manifest. Making one costs some tenths of a second: make it once for a process."""

    def __init__(self, semantic_manifest: Path) -> None:
        self._raw: dict[str, Any] = json.loads(semantic_manifest.read_text())
        spines = self._raw["project_configuration"]["time_spines"]
        for each in [*self._raw["semantic_models"], *spines]:
            # Without the name of the database that dbt was asked about: the manifest serves every home.
            relation = each["node_relation"]
            relation |= {"database": None, "relation_name": f'"{relation["schema_name"]}"."{relation["alias"]}"'}
        text = json.dumps(self._raw)
        lookup = SemanticManifestLookup(parse_manifest_from_dbt_generated_manifest(manifest_json_string=text))
        self._engine = MetricFlowEngine(lookup, _Renderer())  # type: ignore[arg-type]
        self._metrics = {each["name"]: each for each in self._raw["metrics"]}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all metrics, sorted."""
        return tuple(sorted(self._metrics))

    def metrics(self) -> list[Metric]:
        """All metrics by subject, in the order of the project's files."""
        return [
            Metric(
                name,
                each["label"] or name,
                each["description"] or "",
                _meta(each).get("subject", ""),
                _meta(each).get("unit", "count"),
                self.dimensions([name]),
            )
            for name, each in self._metrics.items()
        ]

    def dimensions(self, metrics: Sequence[str]) -> tuple[str, ...]:
        """What these metrics can be cut by, in short names, without the grains of time."""
        return tuple(sorted({_short(name) for name in self._items(metrics)}))

    def question(
        self,
        metrics: Sequence[str],
        by: Sequence[str] = (),
        *,
        where: Sequence[str] = (),
        first: date | None = None,
        last: date | None = None,
        limit: int | None = None,
    ) -> Question:
        """The SQL for metrics by dimensions. Names are checked first, so that an error says which ones there are."""
        for name in metrics:
            if name not in self._metrics:
                raise IassError(f"There is no metric {name!r}: choose from {', '.join(self.names)}.")
        if not metrics:
            raise IassError(f"Name at least one metric: {', '.join(self.names)}.")
        items = self._items(metrics)
        group_by = list(dict.fromkeys(item for name in by for item in self._columns(name, items, metrics)))
        self._check_years(metrics, group_by)
        is_one_year = first is not None and last is not None and first.year == last.year
        self._check_persons(metrics, group_by, is_one_year=is_one_year)
        request = MetricFlowQueryRequest.create(
            metric_names=list(metrics),
            group_by_names=group_by,
            where_constraints=[self._condition(each, items, metrics) for each in where] or None,
            time_constraint_start=datetime.combine(first, datetime.min.time()) if first else None,
            time_constraint_end=datetime.combine(last, datetime.min.time()) if last else None,
            order_by_names=group_by,
            limit=limit,
            output_column_order_mode=OutputColumnOrderMode.INPUT_ORDER,
        )
        try:
            sql = self._engine.explain(request).sql_statement.sql
        except IassError:
            raise
        except Exception as error:
            raise IassError(f"MetricFlow cannot answer this ({_first_line(error)}).") from error
        columns = [Column(item, self._label(item), None) for item in group_by]
        columns += [Column(name, self._metrics[name]["label"] or name, self.unit(name)) for name in metrics]
        return Question(sql, tuple(columns))

    def unit(self, metric: str) -> str:
        """How the values of a metric are written."""
        return str(_meta(self._metrics[metric]).get("unit", "count"))

    def _check_years(self, metrics: Sequence[str], group_by: Sequence[str]) -> None:
        """Refuses to cut by months what is defined for a year."""
        grains = [item.removeprefix("metric_time__") for item in group_by if item.startswith("metric_time__")]
        others = " or ".join(grain for grain in grains if grain != "year") or "all years together"
        for name in metrics:
            if _meta(self._metrics[name]).get("grain") == "year" and grains != ["year"]:
                raise IassError(f"{name} is a figure of whole years: ask for it by year, not by {others}.")

    def _check_persons(self, metrics: Sequence[str], group_by: Sequence[str], *, is_one_year: bool) -> None:
        """Refuses cuts in which one person would stand in several rows, so that they would add up to more than all."""
        cuts = sorted({_short(item).removesuffix("_code") for item in group_by} & _OF_PERSONS)
        if not cuts:
            return
        for name in metrics:
            for model in self._counts_persons(name):
                if model != _ONE_OF_EACH:
                    raise IassError(
                        f"{name} cannot be cut by {', '.join(cuts)}: one person may be in several of its rows."
                        " Persons in charge by sex and age band stand in mart_offer.in_charge_monthly, interested"
                        " persons in mart_target_group.person_monthly and in the metric persons."
                    )
                if not is_one_year and not any(item.startswith("metric_time__") for item in group_by):
                    raise IassError(
                        f"{name} by {', '.join(cuts)} needs a grain (--grain year) or --from and --to within one year:"
                        " a person has one sex, age band and citizenship in a year."
                    )

    def _counts_persons(self, metric: str) -> set[str]:
        """The semantic models in which a metric counts distinct persons."""
        measures = {each["name"] for each in self._metrics[metric]["type_params"]["input_measures"]}
        return {
            model["name"]
            for model in self._raw["semantic_models"]
            for each in model["measures"]
            if each["name"] in measures and each["agg"] == "count_distinct" and "person_key" in (each["expr"] or "")
        }

    def _items(self, metrics: Sequence[str]) -> dict[str, str]:
        """MetricFlow's names of what the metrics have in common, with the Italian label of each."""
        found = self._engine.simple_dimensions_for_metrics(list(metrics))
        names = {each.dunder_name: each.label or "" for each in found if "metric_time" not in each.dunder_name}
        return {name: label for name, label in names.items() if not re.search(r"_on(__day)?$", name)}

    def _columns(self, name: str, items: dict[str, str], metrics: Sequence[str]) -> list[str]:
        """Code and label of what is asked for: two districts are called Sud-Est, and codes put age bands in order."""
        item = self._resolve(name, items, metrics)
        code = re.sub("__label$", "__code", item)
        return [code, item] if code in items and code != item else [item]

    def _resolve(self, name: str, items: dict[str, str], metrics: Sequence[str]) -> str:
        """MetricFlow's name for a short one: `target` is target__label, `month` the month of the metric's own day."""
        if name in GRAINS:
            return f"metric_time__{name}"
        if name in items or name.startswith("metric_time__"):
            return name
        for ending in (f"{name}__label", re.sub(r"_code$", "__code", name), name):
            # The shortest way wins: the demand's own target before that of a demand behind an outcome.
            found = sorted((i for i in items if i == ending or i.endswith(f"__{ending}")), key=len)
            if found:
                return found[0]
        known = sorted({_short(item) for item in items})
        raise IassError(f"{', '.join(metrics)} cannot be cut by {name!r}: choose from {', '.join((*GRAINS, *known))}.")

    def _condition(self, text: str, items: dict[str, str], metrics: Sequence[str]) -> str:
        """A condition in short names (`target_code = 'ANZ'`) as MetricFlow wants it; its own form passes as it is."""
        if "{{" in text:
            return text

        def name(found: re.Match[str]) -> str:
            word = found[0]
            if word.startswith("'") or word.lower() in _SQL_WORDS:
                return word
            item = self._resolve(word, items, metrics)
            if item.startswith("metric_time__"):
                return f"{{{{ TimeDimension('metric_time', '{item.removeprefix('metric_time__')}') }}}}"
            return f"{{{{ Dimension('{item}') }}}}"

        return _WORD.sub(name, text)

    def _label(self, item: str) -> str:
        if item.startswith("metric_time__"):
            return _GRAIN_LABELS[item.removeprefix("metric_time__")]
        *_, entity, dimension = item.split("__")
        for model in self._raw["semantic_models"]:
            if any(each["name"] == entity and each["type"] == "primary" for each in model["entities"]):
                for each in model["dimensions"]:
                    if each["name"] == dimension and each.get("label"):
                        return str(each["label"])
        return item


_SQL_WORDS = {
    *("and", "or", "not", "in", "is", "null", "like", "ilike", "between", "true", "false", "date", "interval"),
    *("case", "when", "then", "else", "end"),
}


def _short(item: str) -> str:
    *_, entity, dimension = item.split("__")
    return entity if dimension == "label" else f"{entity}_code" if dimension == "code" else dimension


def _meta(node: dict[str, Any]) -> dict[str, Any]:
    return ((node.get("config") or {}).get("meta")) or {}


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
