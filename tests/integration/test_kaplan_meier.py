"""The estimate of waiting times in SQL is that of a statistics library, of published tables and of exact fractions; its
limits know that requests of one person go together."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import Any

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


def macro(name: str) -> Any:
    source = (PROJECT_DIR / "macros" / f"{name}.sql").read_text()
    return Environment().from_string(source).module  # noqa: S701 (SQL, not HTML)


def estimate(settings: Settings, days: list[int], happened: list[bool], effect: float = 1) -> Curve:
    """The project's macro over one group, through the database: day to share, error, low and high end."""
    at_risk = """(
        select 'all' as cut, day_number, count(*) filter (where has_happened) as n_happened,
            sum(count(*)) over (order by day_number desc) as n_at_risk
        from unnest(%s::int[], %s::bool[]) as request (day_number, has_happened) group by day_number
    )"""
    query = macro("kaplan_meier").kaplan_meier(at_risk, ["cut"], str(effect))
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


def test_a_half_and_a_quarter_are_reached_on_their_day(settings: Settings) -> None:
    """Without censoring, one event a day: of n requests the k-th leaves (n - k) / n, and floating point must not be
    just above it. All curves at once, as a mart has them."""
    at_risk = """(
        select size, day_number, 1 as n_happened, size - day_number + 1 as n_at_risk
        from generate_series(4, 200, 2) as curve (size) cross join lateral generate_series(1, size) as day (day_number)
    )"""
    query = macro("kaplan_meier").kaplan_meier(at_risk, ["size"])
    with connection.connect(settings, "owner") as conn:
        rows = conn.execute(
            "select size, min(day_number) filter (where waiting_share <= 0.75), min(day_number) filter"
            f" (where waiting_share <= 0.5) from ({query}) as curve group by 1 order by 1".encode()
        ).fetchall()
    assert rows == [(n, -(-n // 4), n // 2) for n in range(4, 201, 2)]


@pytest.mark.parametrize("seed", range(3))
def test_quartiles_are_those_of_exact_fractions(settings: Settings, seed: int) -> None:
    draw = np.random.default_rng(seed)
    days = draw.integers(1, 40, 64).tolist()
    happened = (draw.random(64) < 0.8).tolist()
    share, exact = Fraction(1), {}
    for day in sorted({d for d, event in zip(days, happened, strict=True) if event}):
        at_risk = sum(d >= day for d in days)
        share *= Fraction(at_risk - sum(d == day and e for d, e in zip(days, happened, strict=True)), at_risk)
        exact[day] = share
    found = estimate(settings, days, happened)
    for of in (Fraction(3, 4), Fraction(1, 2), Fraction(1, 4)):
        assert [day for day in found if found[day][0] <= of] == [day for day in exact if exact[day] <= of]


def robust_variance(requests: list[tuple[int, int, bool]], at: int) -> float:
    """Of the logarithm of the share still waiting, as the sum over persons of the square of what theirs together weigh
    (the infinitesimal jackknife by person; with one request each it is Greenwood's)."""
    at_risk = {day: sum(d >= day for _, d, _ in requests) for _, day, _ in requests}
    events = {day: sum(d == day and event for _, d, event in requests) for day in at_risk}
    terms = {day: n / (at_risk[day] * (at_risk[day] - n)) for day, n in events.items() if n}
    greenwood = {day: sum(term for u, term in terms.items() if u <= day) for day in [*at_risk, at]}
    weight: dict[int, float] = defaultdict(float)
    for person, day, event in requests:
        weight[person] += (event and day <= at) / (at_risk[day] - events[day]) - greenwood[min(day, at)]
    return sum(each**2 for each in weight.values())


def design_effect(settings: Settings, requests: list[tuple[int, int, bool]]) -> float:
    """The project's macro over requests of persons."""
    with connection.connect(settings, "owner") as conn:
        row = conn.execute(
            f"select {macro('confidence').design_effect('cell')} from ("
            "select cast(sum(n) as double precision) as n, sum(x) as x, sum(n * n) as nn, sum(n * x) as nx,"
            " sum(x * x) as xx from (select cast(count(*) as double precision) as n,"
            " count(*) filter (where has_happened) as x from unnest(%s::int[], %s::bool[]) as request"
            " (person, has_happened) group by person) as person) as cell".encode(),
            [[r[0] for r in requests], [r[2] for r in requests]],
        ).fetchone()
    assert row is not None
    return float(row[0])


def greenwood_log(requests: list[tuple[int, int, bool]], at: int) -> float:
    return robust_variance([(number, day, event) for number, (_, day, event) in enumerate(requests)], at)


@pytest.mark.parametrize("copies", [1, 2, 5])
def test_requests_that_go_together_are_worth_one_person(settings: Settings, copies: int) -> None:
    """The same request some times over adds nothing: limits are those of one each."""
    draw = np.random.default_rng(copies)
    days = draw.integers(1, 120, 60).tolist()
    happened = (draw.random(60) < 0.4).tolist()
    once = [(person, day, event) for person, (day, event) in enumerate(zip(days, happened, strict=True))]
    again = once * copies
    effect = design_effect(settings, again)
    assert effect == pytest.approx(copies)
    alone = estimate(settings, days, happened)
    together = estimate(settings, [r[1] for r in again], [r[2] for r in again], effect)
    for day, row in alone.items():
        assert together[day] == pytest.approx(row, abs=1e-6), day


@pytest.mark.parametrize("seed", range(4))
def test_limits_are_about_those_of_the_variance_that_knows_persons(settings: Settings, seed: int) -> None:
    """Persons with one to six requests whose chances are their own, a third of them cut short. The plain error is too
    small by as much as the design effect says; at the end of the window both agree within a tenth."""
    draw = np.random.default_rng(seed)
    requests: list[tuple[int, int, bool]] = []
    for person in range(400):
        chance = draw.beta(0.4, 0.6)
        for _ in range(int(draw.integers(1, 7))):
            event = bool(draw.random() < chance)
            end = 180 if draw.random() < 0.67 else int(draw.integers(20, 180))
            day = int(draw.integers(1, 180))
            requests.append((person, min(day, end), True) if event and day <= end else (person, end, False))
    effect = design_effect(settings, requests)
    curve = estimate(settings, [r[1] for r in requests], [r[2] for r in requests], effect)
    last = max(curve)
    share, error = curve[last][:2]
    exact = share * robust_variance(requests, last) ** 0.5
    plain = share * greenwood_log(requests, last) ** 0.5
    assert effect > 1.5 and plain < 0.85 * exact
    assert error == pytest.approx(exact, rel=0.1)
