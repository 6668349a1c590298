"""Periods of reports: what is written, what is refused, what follows from them."""

from __future__ import annotations

from datetime import date

import pytest

from orchestration.errors import IassError
from orchestration.reports.period import Period


@pytest.mark.parametrize(
    ("text", "kind", "start", "end", "label"),
    [
        ("2013", "year", date(2013, 1, 1), date(2014, 1, 1), "Anno 2013"),
        ("2013-H1", "half_year", date(2013, 1, 1), date(2013, 7, 1), "1° semestre 2013"),
        ("2013-H2", "half_year", date(2013, 7, 1), date(2014, 1, 1), "2° semestre 2013"),
    ],
)
def test_a_period_is_what_is_written(text: str, kind: str, start: date, end: date, label: str) -> None:
    period = Period.parse(text)
    assert (period.code, period.kind, period.start_on, period.end_on, period.label) == (text, kind, start, end, label)
    assert period.is_provisional == (kind == "half_year")


@pytest.mark.parametrize("text", ["", "13", "2013-H3", "2013-13", "2013-Q1", "duemila", "0000", "9999", "9999-H2"])
def test_what_is_no_period_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(IassError, match="is not a period of a report"):
        Period.parse(text)
