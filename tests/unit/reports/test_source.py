"""Which territory a person means."""

from __future__ import annotations

import polars as pl
import pytest

from orchestration.errors import IassError
from orchestration.reports.period import Period
from orchestration.reports.source import Place, Source

NONE = pl.DataFrame()
SOURCE = Source(
    Period.parse("2013"),
    (
        Place("080105", "AUSL Bologna", "ausl", None),
        Place("10502", "Città di Bologna", "district", "080105"),
        Place("10504", "Appennino Bolognese", "district", "080105"),
        Place("10101", "Città di Piacenza", "district", "080101"),
        Place("080", "Emilia-Romagna", "region", None),
    ),
    {},
    NONE,
    NONE,
    NONE,
    NONE,
)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("10502", "10502"),
        ("città di bologna", "10502"),
        ("Bologna", "10502"),
        ("AUSL Bologna", "080105"),
        ("080", "080"),
    ],
)
def test_a_territory_has_a_code_and_a_name(name: str, code: str) -> None:
    assert SOURCE.place(name).code == code


@pytest.mark.parametrize(
    ("name", "hint"), [("Piacensa", "10101 Città di Piacenza"), ("città", "Città di"), ("x", "080")]
)
def test_an_unknown_territory_is_answered_with_those_that_may_be_meant(name: str, hint: str) -> None:
    with pytest.raises(IassError, match="did you mean") as error:
        SOURCE.place(name)
    assert hint in str(error.value)
