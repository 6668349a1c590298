"""Numbers and dates as Italian readers write them. What is missing is said in words, never as zero."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

#: Decimals by type of column; what is not here is text or a date.
DECIMALS = {
    "count": 0,
    "percent": 1,
    "percent2": 2,
    "rate": 2,
    "rate2": 3,
    "number": 2,
    "number2": 2,
    "change": 1,
    "eur": 0,
    "days": 1,
}

#: Nothing to compute from; a silent sender; both explained at the foot of every report.
NONE, SILENT = "–", "n.p."

#: Beside a value of an incomplete period.
INCOMPLETE = "†"

_MONTHS = (
    "gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno",
    "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre",
)  # fmt: skip


def number(value: Any, decimals: int = 0) -> str:
    """1234.5 as 1.234,5; a minus is a minus and not a hyphen."""
    text = f"{value:,.{decimals}f}".replace(",", " ").replace(".", ",").replace(" ", ".")
    return text.replace("-", "−")


def day(value: date) -> str:
    return f"{value.day}{'°' if value.day == 1 else ''} {_MONTHS[value.month - 1]} {value.year}"


def cell(value: Any, kind: str, missing: str = NONE) -> str:
    """A value as the tables show it."""
    if value is None:
        return missing
    if kind == "date":
        return f"{value:%d/%m/%Y}"
    if kind in DECIMALS:
        shown = number(value, DECIMALS[kind])
        return f"+{shown}" if kind == "change" and value > 0 else shown
    return str(value)


def plain(value: Any) -> Any:
    """A value as workbooks and files keep it: real numbers, real dates."""
    return float(value) if isinstance(value, Decimal) else value


def listed(parts: list[str]) -> str:
    """a, b e c."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " e " + parts[-1] if parts else ""


def month(value: date) -> str:
    return _MONTHS[value.month - 1]
