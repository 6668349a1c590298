"""Metrics of the semantic layer say what the marts say, at every cut that both have, and errors name what there is."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import polars as pl
import pytest
from typer.testing import CliRunner

from orchestration.commands.metrics import app
from orchestration.errors import IassError
from orchestration.metrics import query
from orchestration.metrics.layer import GRAINS, Layer
from orchestration.settings import Settings
from orchestration.warehouse import connection

#: Metric, and where a mart says the same for every period and territory.
SAME_IN_MARTS = {
    "contacts": "contact_monthly.n_contacts",
    "demands": "contact_monthly.n_demands",
    "persons": "contact_monthly.n_persons",
    "reporters": "contact_monthly.n_reporters",
    "demands_without_person": "contact_monthly.n_demands_without_person",
    "deliveries_received": "contact_monthly.n_deliveries_received",
}
RATES_IN_MARTS = {
    "residents": "contact_monthly.n_residents_covered",
    "demands_per_contact": "contact_monthly.demands_per_contact",
    "contacts_per_1000": "contact_monthly.contacts_per_1000",
    "persons_per_1000": "contact_monthly.persons_per_1000",
}
#: Indicators that no metric can give, and why. Everything else of the catalogue is a metric of the same name.
NO_METRIC = {
    "persons_per_1000_standardised": "weights strata by the region's population, which no sum over rows does",
    "comuni_with_desk_percent": "counts comuni in which a desk had a contact among all, those without a desk too",
    "residents_with_desk_percent": "counts residents of those comuni, once for a comune",
    "persons_repeated_percent": "counts persons by how many contacts each has in the very cut that is asked for",
    **dict.fromkeys(
        [f"requests_to_{service}_percent" for service in ("far", "adi", "smac", "sisam")],
        "is a Kaplan-Meier estimate, a product over the days of waiting",
    ),
}


@pytest.fixture(scope="module")
def layer(built: Settings) -> Layer:
    return query.layer(built)


def _column(xlsx: Path, heading: str) -> list[object]:
    rows = list(openpyxl.load_workbook(xlsx).active.values)  # type: ignore[union-attr]
    return [row[rows[0].index(heading)] for row in rows[1:]]


def _mart(built: Settings, sql: str) -> list[tuple[object, ...]]:
    with connection.connect(built, "analyst") as conn:
        return conn.execute(sql.encode()).fetchall()


@pytest.mark.parametrize("level", ["district", "ausl", "region"])
@pytest.mark.parametrize("grain", GRAINS[1:])
def test_metrics_equal_the_marts(built: Settings, layer: Layer, level: str, grain: str) -> None:
    names = [*SAME_IN_MARTS, *RATES_IN_MARTS]
    places = [] if level == "region" else [f"{level}_code"]
    asked = query.ask(built, layer.question(names, [grain, *places]))
    found = {
        (row[0], "080" if level == "region" else row[1]): dict(zip(names, row[-len(names) :], strict=True))
        for row in asked.frame.rows()
    }
    columns = [where.split(".")[1] for where in (SAME_IN_MARTS | RATES_IN_MARTS).values()]
    rows = _mart(
        built,
        f"select period_start_on, territory_code, {', '.join(columns)} from mart_demand.contact_monthly"
        f" where period_type = '{grain}' and territory_level = '{level}'",
    )
    # The residents of a year stand also in its months that nobody delivered.
    known = {(query.period_code(grain, start), place) for start, place, *_ in rows}  # type: ignore[arg-type]
    assert known and not [key for key, row in found.items() if key not in known and any(row.values())]
    wrong = []
    for start, place, *values in rows:
        metrics = found[query.period_code(grain, start), place]  # type: ignore[arg-type]
        for (name, value), expected in zip(metrics.items(), values, strict=True):
            # A silent sender has no row in the facts: nothing, and not zero, as in the mart.
            if name in SAME_IN_MARTS or value is None or expected is None:
                close = value == expected
            else:  # residents are shown as a whole number
                close = abs(value - float(expected)) <= (0.5 if name == "residents" else 1e-6 * value)  # type: ignore[arg-type]
            if not close and (value, expected) != (None, 0):
                wrong.append(f"{name} {start} {place}: metric {value}, mart {expected}")
    assert not wrong, "\n".join(wrong)


def test_every_indicator_is_a_metric_of_the_same_name_or_says_why_not(built: Settings, layer: Layer) -> None:
    catalogue = {str(code) for (code,) in _mart(built, "select indicator_code from mart_indicator.indicator")}
    unknown = catalogue - set(layer.names) - set(NO_METRIC)
    assert not unknown, (
        f"{', '.join(sorted(unknown))}: an indicator of the catalogue without its metric. Write a metric of this name"
        " in dbt_project/models/**/_*.yml; if it cannot be one, say why in NO_METRIC of this test."
    )
    idle = set(NO_METRIC) & set(layer.names) | set(NO_METRIC) - catalogue
    assert not idle, f"{', '.join(sorted(idle))}: no exception any more, take it out of NO_METRIC."


@pytest.mark.parametrize("level", ["district", "ausl", "region"])
def test_indicators_and_metrics_have_the_same_values(built: Settings, layer: Layer, level: str) -> None:
    rows = _mart(
        built,
        "select indicator_code, period_start_on, territory_code, indicator_value from mart_indicator.indicator_value"
        f" where period_type = 'year' and territory_level = '{level}'",
    )
    names = sorted({str(row[0]) for row in rows} - set(NO_METRIC))
    places = [] if level == "region" else [f"{level}_code"]
    asked = query.ask(built, layer.question(names, ["year", *places])).frame
    found = {
        (name, row["metric_time__year"], "080" if level == "region" else row[asked.columns[1]]): row[name]
        for row in asked.to_dicts()
        for name in names
    }
    wrong, n_compared = [], dict.fromkeys(names, 0)
    for code, start, place, expected in rows:
        if code in NO_METRIC:
            continue
        value = found.get((str(code), query.period_code("year", start), place))  # type: ignore[arg-type]
        # In the facts, who delivered nothing and who has nobody are the same: no row. The indicators tell them apart.
        if value is None and (not expected or expected == 0):
            continue
        if value is None or expected is None or abs(value - float(expected)) > 1e-6 * abs(value):  # type: ignore[arg-type]
            wrong.append(f"{code} {start} {place}: metric {value}, indicator {expected}")
        n_compared[str(code)] += 1  # type: ignore[index]
    assert not wrong, "\n".join(wrong)
    # The region of the tests has no whole year (test_d33za_is_a_figure_of_whole_years) and no window of 180 days that
    # is over (see tests/e2e/test_without_sequel.py).
    late = ("median_days_to_", "d33za", "requests_without_sequel")
    idle = {name for name, n in n_compared.items() if not n and not name.startswith(late)}
    assert not idle, f"nothing compared: {idle}"


@pytest.mark.parametrize(
    ("by", "column"),
    [
        ("target", "report_target_label"),
        ("category", "level1_label"),
    ],
)
def test_persons_are_distinct_at_every_cut(built: Settings, layer: Layer, by: str, column: str) -> None:
    asked = query.ask(built, layer.question(["persons", "demands"], [by])).frame
    label = asked.columns[-3]
    found = {row[label]: (row["persons"], row["demands"]) for row in asked.to_dicts()}
    rows = _mart(
        built,
        f"select {column}, count(distinct person_key) filter (where is_person_identified), count(*)"
        " from mart_demand.demand group by 1",
    )
    expected = {row[0]: row[1:] for row in rows}
    found = {key: found.get(key) for key in expected}  # type: ignore[misc]
    assert found == expected


@pytest.mark.parametrize("grain", GRAINS[1:])
@pytest.mark.parametrize("by", ["sex", "age_band", "citizenship"])
def test_persons_have_one_sex_age_band_and_citizenship_in_a_period(
    built: Settings, layer: Layer, by: str, grain: str
) -> None:
    """Rows add up to all persons of the cell; by year they are those of the mart."""
    cells = ["district_code", grain]
    persons = query.ask(built, layer.question(["persons"], cells)).frame
    parts = query.ask(built, layer.question(["persons"], [*cells, by])).frame
    keys = persons.columns[:-1]
    added = parts.group_by(keys).agg(pl.col("persons").sum())
    assert added.sort(keys).rows() == persons.drop_nulls("persons").sort(keys).rows()
    if grain == "year":
        column = {"sex": "sex_code", "age_band": "age_band_code", "citizenship": "citizenship_group"}[by]
        found = {(row[0], row[-1 - 1 if by == "citizenship" else -3]): row[-1] for row in parts.rows()}
        mart = _mart(
            built,
            f"select territory_code, {column}, sum(n_persons)::bigint from mart_target_group.person_monthly"
            " where period_type = 'year' and territory_level = 'district' group by 1, 2",
        )
        assert found == {(row[0], row[1]): row[2] for row in mart}


def test_every_metric_answers_and_can_be_cut_by_district_and_month(built: Settings, layer: Layer) -> None:
    failed = []
    for metric in layer.metrics():
        assert metric.label and metric.description and metric.subject, metric
        grain = "year" if "d33za" in metric.name else "month"
        try:
            asked = query.ask(built, layer.question([metric.name], ["district", grain], limit=3)).frame
            # No year of the region of the tests is whole, so D33Za has no residents to stand on.
            assert asked.height > 0 or metric.name == "resident_months_of_d33za"
        except (IassError, AssertionError) as error:
            failed.append(f"{metric.name}: {error}")
    assert not failed, "\n".join(failed)


def test_d33za_is_a_figure_of_whole_years(built_copy: Settings, layer: Layer) -> None:
    """Of a year that is not over there is none; here the year is said to be whole."""
    question = layer.question(["d33za_per_1000"], ["year"])
    assert query.ask(built_copy, question).frame["d33za_per_1000"].to_list() == [None]
    with connection.connect(built_copy, "transformer") as conn:
        conn.execute("update quality.dq_coverage_month set is_far_year_whole = true")
    row = _mart(
        built_copy,
        "select 1000 * n_persons / n_residents_75_covered, d33za_per_1000 from mart_offer.d33za"
        " where territory_level = 'region' and intensity_code = 'TOT'",
    )[0]
    assert query.ask(built_copy, question).frame["d33za_per_1000"].to_list() == [pytest.approx(row[0])]
    assert row[1] is None, "the year of three months has an indicator"
    with pytest.raises(IassError, match="ask for it by year, not by month"):
        layer.question(["d33za_per_1000"], ["month"])


def test_a_rate_stands_on_who_delivered(built: Settings, layer: Layer) -> None:
    """A year of which some months came has the rate of these months: contacts over the residents of each month."""
    rows = _mart(
        built,
        "select territory_code, 1000.0 * n_contacts / (n_residents * n_deliveries_received / 12.0), contacts_per_1000"
        " from mart_demand.contact_monthly where period_type = 'year' and territory_level = 'district'",
    )
    short = _mart(
        built,
        "select count(*) from mart_demand.contact_monthly where period_type = 'year'"
        " and territory_level = 'district' and n_deliveries_received between 1 and n_deliveries_expected - 1",
    )
    assert short[0][0], "nobody was silent: the test compares nothing"
    assert [row[2] for row in rows] == [row[1] and pytest.approx(float(row[1])) for row in rows]


def test_conditions_time_and_columns(built: Settings, layer: Layer) -> None:
    asked = query.ask(
        built, layer.question(["contacts"], ["contact_mode", "month"], where=["contact_mode_code in ('1', '2')"])
    )
    assert asked.frame.columns == ["contact_mode__code", "contact_mode__label", "metric_time__month", "contacts"]
    assert set(asked.frame["contact_mode__code"]) == {"1", "2"}
    months = sorted(set(asked.frame["metric_time__month"]))
    with_month = layer.question(["contacts"], ["month"], where=[f"month = '{months[0]}-01'"])
    assert query.ask(built, with_month).frame["metric_time__month"].to_list() == months[:1]


@pytest.mark.parametrize(
    ("metrics", "by", "said"),
    [
        (["contact"], [], "There is no metric 'contact': choose from .*contacts, "),
        (["contacts"], ["target"], "contacts cannot be cut by 'target': choose from day, .*contact_mode.*district"),
        ([], [], "Name at least one metric"),
        (["d33za_per_1000"], ["district", "month"], "d33za_per_1000 is a figure of whole years"),
        (["d33za_per_1000", "persons_in_charge"], ["district"], "d33za_per_1000 is a figure of whole years"),
        (["persons"], ["district", "age_band"], "persons by age_band needs a grain"),
        (["persons_per_1000"], ["sex"], "persons_per_1000 by sex needs a grain"),
        (["persons_in_charge"], ["month", "sex"], "persons_in_charge cannot be cut by sex"),
        (["persons_requesting"], ["year", "age_band", "citizenship"], "cannot be cut by age_band, citizenship"),
    ],
)
def test_errors_name_what_there_is(layer: Layer, metrics: list[str], by: list[str], said: str) -> None:
    with pytest.raises(IassError, match=said):
        layer.question(metrics, by)


def test_the_command_line_writes_what_it_shows(built: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in built.environment().items():
        monkeypatch.setenv(name, value)
    csv, xlsx = built.home / "answer.csv", built.home / "answer.xlsx"
    asked = ["query", "--metrics", "contacts,contacts_in_person_percent", "--by", "ausl", "--grain", "year"]
    files = CliRunner().invoke(app, [*asked, "--csv", str(csv), "--xlsx", str(xlsx)])
    shown = CliRunner().invoke(app, asked)
    explained = CliRunner().invoke(app, [*asked, "--explain"])
    assert (files.exit_code, shown.exit_code, explained.exit_code) == (0, 0, 0), (files, shown, explained)
    assert pl.read_csv(csv)["contacts"].to_list() == _column(xlsx, "Contatti")
    assert explained.output.lstrip().startswith(("--", "SELECT", "WITH")) and "fct_contact" in explained.output
