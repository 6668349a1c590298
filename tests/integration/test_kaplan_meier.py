"""The estimate of waiting times in SQL is that of a statistics library, and that of published tables."""

from __future__ import annotations

import numpy as np
import pytest
from jinja2 import Environment
from scipy import stats

from orchestration.settings import Settings
from orchestration.warehouse import connection
from orchestration.warehouse.dbt import PROJECT_DIR

#: Weeks of remission of children with acute leukaemia on 6-mercaptopurine (Freireich et al., Blood 1963), + is
#: censored: the example of every textbook.
FREIREICH = "6 6 6 7 10 13 16 22 23 6+ 9+ 10+ 11+ 17+ 19+ 20+ 25+ 32+ 32+ 34+ 35+"
#: Estimate and standard error as published (Cox and Oakes 1984; Klein and Moeschberger 2003, table 4.1A).
PUBLISHED = {
    6: (0.857, 0.076),
    7: (0.807, 0.087),
    10: (0.753, 0.096),
    13: (0.690, 0.107),
    16: (0.627, 0.114),
    22: (0.538, 0.128),
    23: (0.448, 0.135),
}

Curve = dict[int, tuple[float, float | None, float | None, float | None]]


def estimate(settings: Settings, days: list[int], happened: list[bool]) -> Curve:
    """The project's macro over one group, through the database: day to share, error, low and high end."""
    source = (PROJECT_DIR / "macros" / "kaplan_meier.sql").read_text()
    module = Environment().from_string(source).module  # noqa: S701 (SQL, not HTML)
    at_risk = """(
        select 'all' as cut, day_number, count(*) filter (where has_happened) as n_happened,
            sum(count(*)) over (order by day_number desc) as n_at_risk
        from unnest(%s::int[], %s::bool[]) as request (day_number, has_happened) group by day_number
    )"""
    query = module.kaplan_meier(at_risk, ["cut"])  # type: ignore[attr-defined]
    with connection.connect(settings, "owner") as conn:
        rows = conn.execute(query, [days, happened]).fetchall()
    return {row[1]: row[4:] for row in rows}


def test_the_published_example_comes_out(settings: Settings) -> None:
    times = FREIREICH.split()
    found = estimate(settings, [int(t.rstrip("+")) for t in times], [not t.endswith("+") for t in times])
    assert {day: (round(row[0], 3), round(row[1] or 0, 3)) for day, row in found.items()} == PUBLISHED


@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_the_statistics_library_says(settings: Settings, seed: int) -> None:
    """On any times, ties and censoring, down to nobody at risk, bands included."""
    draw = np.random.default_rng(seed)
    size = (8, 40, 400, 3000)[seed]
    days = np.where(draw.random(size) < 0.9, draw.integers(1, 181, size), 180).tolist()
    happened = [chance < (0.5 if day < 180 else seed % 2) for chance, day in zip(draw.random(size), days, strict=True)]
    happened[0] = True
    data = stats.CensoredData.right_censored(days, [not each for each in happened])
    survival = stats.ecdf(data).sf
    band = survival.confidence_interval(method="log-log")
    found = estimate(settings, days, happened)
    expected = {
        int(day): values
        for day, *values in zip(
            survival.quantiles,
            survival.probabilities,
            band.low.probabilities,
            band.high.probabilities,
            strict=True,
        )
        if int(day) in {d for d, event in zip(days, happened, strict=True) if event}
    }
    assert set(found) == set(expected)
    for day, (share, low, high) in expected.items():
        assert found[day][0] == pytest.approx(share, abs=1e-12), day
        if 0 < share < 1:
            assert found[day][2:] == (pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9)), day
