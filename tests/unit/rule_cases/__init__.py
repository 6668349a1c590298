"""For every rule of the catalogue, the smallest change to a right record that breaks it: one module per flow.

A module gives `PERIOD` (first and last day), `SENDER`, `right()` (the frames of a file in which no rule is broken) and
`CASES` (rule code to change); for rules that look at other records `KNOWN` or `OTHER` (rule code to what is known of
them). A change takes the frames of a right file and returns them changed.
"""

from __future__ import annotations

from datetime import date
from importlib import import_module
from typing import Any

import polars as pl

from orchestration.intake import services
from orchestration.intake.check import CheckContext
from orchestration.intake.contract import Lookup, flow_codes
from rule_cases.changes import Change, Frames
from rule_cases.changes import put as put

LOCAL = pl.DataFrame(
    [
        ("DOM.02", "03.04", date(2013, 1, 1), None),
        ("OLD", "03.04", date(2012, 1, 1), date(2012, 12, 31)),
        ("TWO", "03.04", date(2013, 1, 1), None),
        ("TWO", "03.05", date(2013, 2, 1), None),
        ("GONE", "99.01", date(2013, 1, 1), None),
    ],
    schema={"local_item_code": pl.String, "regional_code": pl.String, "valid_from": pl.Date, "valid_to": pl.Date},
    orient="row",
)
REGIONAL = pl.DataFrame(
    [
        ("03.04", date(2010, 1, 1), None),
        ("03.05", date(2010, 1, 1), None),
        ("99.01", date(2010, 1, 1), date(2012, 12, 31)),
    ],
    schema={"regional_code": pl.String, "valid_from": pl.Date, "valid_to": pl.Date},
    orient="row",
)


def _module(flow: str) -> Any:
    return import_module(f"rule_cases.{flow.lower()}")


def right(flow: str) -> Frames:
    """A file in which no rule is broken."""
    frames: Frames = _module(flow).right()
    return frames


def context(flow: str, code: str | None = None) -> CheckContext:
    """What the rules of a flow see besides the file: for some rules, what is known from before."""
    module = _module(flow)
    known = getattr(module, "KNOWN", {}).get(code)
    more: dict[str, Any] = {"secret": b"a test"}
    if known is not None:
        more["known_spans"] = lambda _: known
    if code in getattr(module, "OTHER", {}):
        more["other_records"] = lambda lookup, asked: _told(lookup, asked, module.OTHER[code])
    local = LOCAL.with_columns(sender_code=pl.lit(module.SENDER))
    return CheckContext(module.SENDER, *module.PERIOD, module.TODAY, local, REGIONAL, **more)


def _told(lookup: Lookup, asked: pl.DataFrame, told: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """What is known of other records, whatever the key."""
    if lookup.name not in told:
        return services.empty(lookup)
    return asked.join(told[lookup.name], how="cross")


CASES: dict[str, Change] = {code: case for flow in flow_codes() for code, case in _module(flow).CASES.items()}
