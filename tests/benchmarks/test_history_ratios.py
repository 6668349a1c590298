"""Cost follows the change: a month on a long history against one on a short history, and a year built from nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from histories import history
from measuring import Measurement, timed

from orchestration.demo.generate import generate
from orchestration.identity import run
from orchestration.intake import gate
from orchestration.settings import Settings
from orchestration.warehouse import dbt

pytestmark = pytest.mark.bench

LONG_YEARS = int(os.environ.get("IASS_BENCH_YEARS", "10"))
HISTORY_SCALE = float(os.environ.get("IASS_BENCH_HISTORY_SCALE", "0.2"))


def test_a_month_on_a_long_history_against_a_short_one(
    server_folder: Path, measure: Callable[[Measurement], None]
) -> None:
    seconds = {years: _last_month(server_folder / f"{years}", years) for years in (1, LONG_YEARS)}
    short, long = seconds[1], seconds[LONG_YEARS]
    measure(
        Measurement(
            f"monthly run on {LONG_YEARS} years of history, scale {HISTORY_SCALE:g}",
            sum(long.values()),
            sum(short.values()),
            "the same run on one year",
            1.5,
            detail={
                f"{step}, {years} years (s)": round(value, 1)
                for years, steps in seconds.items()
                for step, value in steps.items()
            },
        )
    )


def test_a_year_built_from_nothing(
    durable_settings: Settings, tmp_path: Path, scale: float, measure: Callable[[Measurement], None]
) -> None:
    generate(tmp_path / "region", scale=scale, start_month=date(2013, 1, 1), months=12, seed=7)
    with timed() as intake:
        gate.intake(durable_settings, [tmp_path / "region" / "landing"])
    with timed() as identity:
        run.resolve(durable_settings)
    built = dbt.build(durable_settings)
    slowest = sorted(built.nodes, key=lambda node: node.seconds, reverse=True)[:20]
    measure(
        Measurement(
            f"`iass build` of a year from nothing, scale {scale:g}",
            identity.seconds + built.seconds,
            detail={
                "intake of the year (s)": round(intake.seconds, 1),
                "identity (s)": round(identity.seconds, 1),
                "dbt (s)": round(built.seconds, 1),
            }
            | {f"{node.resource_type} {node.name} (s)": round(node.seconds, 1) for node in slowest},
        )
    )


def _last_month(folder: Path, years: int) -> dict[str, float]:
    """Seconds by step of taking in and building the month after `years` years of history."""
    with history(folder, years, HISTORY_SCALE) as made:
        with timed() as intake:
            gate.intake(made.settings, [made.next_month])
        with timed() as identity:
            run.resolve(made.settings)
        with timed() as stars:
            dbt.build(made.settings)
    return {"gate": intake.seconds, "identity": identity.seconds, "stars": stars.seconds}
