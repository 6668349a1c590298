"""Requests without a sequel observed in the flows are one figure in report, indicator, metric and dashboard."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.bi import bundle
from orchestration.metrics import query
from orchestration.settings import Settings
from orchestration.warehouse import connection, dbt
from tests.integration.test_cli import iass

PLACE = "10502"


@pytest.fixture(scope="module")
def closed(copy_built: Callable[[], Settings]) -> Settings:
    """The region of three months as if the windows of January had been observed to their end, which none is."""
    settings = copy_built()
    with connection.connect(settings, "transformer") as conn:
        conn.execute(
            "update core.fct_pathway set sequel_status_code = 'known', is_sequel_known = true, is_window_closed = true,"
            " is_without_sequel = answer_code = 'desk_process'"
            " where sequel_status_code = 'open' and contact_on < '2013-02-01'"
        )
    models = (
        *("int_pathway__request_cut", "int_pathway__design_effect", "answer", "answer_month"),
        *("int_indicator__continuity", "indicator_value"),  # a table that is made anew takes the views on it along
    )
    folder = settings.home / "closed"
    arguments = ["run", "--full-refresh", "--project-dir", str(dbt.PROJECT_DIR), "--profiles-dir", str(dbt.PROJECT_DIR)]
    arguments += ["--target-path", str(folder), "--log-path", str(folder), "--select", *models]
    done = subprocess.run(
        [sys.executable, "-c", "from dbt.cli.main import cli; cli()", *arguments],
        env=dbt.dbt_environment(connection.url(settings, "transformer"), base=os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    return settings


def test_one_figure_everywhere(closed: Settings, tmp_path: Path) -> None:
    with connection.connect(closed, "analyst") as conn:
        # Counted from the rows, as the definition has it.
        row = conn.execute(
            "select count(*) filter (where answer_code in ('desk_process', 'none')), count(*)"
            " from core.fct_pathway where sequel_status_code = 'known' and district_code = %s",
            [PLACE],
        ).fetchone()
        assert row is not None and 0 < row[0] < row[1], row
        n, of = row
        indicator = conn.execute(
            "select numerator, denominator, indicator_value, lower_limit, upper_limit, reliability"
            " from mart_indicator.indicator_value where indicator_code = 'requests_without_sequel_percent'"
            " and period_type = 'year' and territory_code = %s",
            [PLACE],
        ).fetchone()
        assert indicator is not None and indicator[:2] == (n, of)
        assert float(indicator[2]) == pytest.approx(100 * n / of, abs=1e-4)
        assert indicator[3] < indicator[2] < indicator[4]
        # February and March are open, the rest of the year is not there: the share is January's, and says so.
        assert indicator[5] == "partial"
        dataset = bundle.datasets()["request"]
        measures = [dataset["metrics"][name]["sql"] for name in ("n_sequel_known", "without_sequel_share")]
        shown = conn.execute(
            f"select {', '.join(measures)} from ({bundle.query(dataset)}) as asked"
            " where district_label = (select territory_label from core.dim_territory where territory_level = 'district'"
            f" and territory_code = '{PLACE}' and is_current)".encode()
        ).fetchone()
        assert shown is not None and shown[0] == of and float(shown[1]) == pytest.approx(n / of)
        months = conn.execute(
            "select month_on::text, n_sequel_known, n_without_sequel, is_closed from mart_pathway.answer_month"
            " where cut_type = 'all' and territory_code = %s order by 1",
            [PLACE],
        ).fetchall()
        assert months[0] == ("2013-01-01", of, n, True) and [row[1:] for row in months[1:]] == [(0, 0, False)] * 2
    names = ["requests_without_sequel", "requests_sequel_known", "requests_without_sequel_percent"]
    layer = query.layer(closed)
    asked = query.ask(closed, layer.question(names, ["year", "district_code"])).frame
    (metrics,) = [row for row in asked.to_dicts() if PLACE in row.values()]
    assert [metrics[name] for name in names] == [n, of, pytest.approx(100 * n / of)]
    arguments = ("--report", "offerta", "--period", "2013", "--territory", PLACE, "--out", str(tmp_path))
    done = iass(closed, "report", "build", *arguments)
    assert done.returncode == 0, done.stderr

    def lines(table: str) -> list[dict[str, str]]:
        (path,) = tmp_path.rglob(f"{table}.csv")
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    (answered,) = [line for line in lines("P1") if line["label"].endswith("senza seguito osservato nei flussi")]
    assert (answered["n_known"], float(answered["share"])) == (str(n), pytest.approx(100 * n / of, abs=0.01))
    for table in ("P2", "P3"):
        (total,) = [line for line in lines(table) if line["label"] == "Tutte le domande"]
        assert (total["n_none"], total["n_known"]) == (str(n), str(of))
        assert float(total["share"]) == pytest.approx(100 * n / of, abs=0.01)
        assert total["known_to"].endswith("/01/2013")
    (told,) = [line for line in lines("I2") if line["label"] == "Richieste senza seguito osservato nei flussi"]
    assert float(told["value"]) == pytest.approx(100 * n / of, abs=0.01)
