"""The period of a report: a year (`2013`) or a half-year (`2013-H1`), and how Italian readers call it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date
from typing import Any

from orchestration.errors import IassError

_WRITTEN = re.compile(r"(\d{4})(?:-H([12]))?")


@dataclass(frozen=True)
class Period:
    year: int
    half: int | None = None

    @classmethod
    def parse(cls, text: str) -> Period:
        found = _WRITTEN.fullmatch(text)
        if not found or not MINYEAR < int(found[1]) < MAXYEAR:
            raise IassError(f"{text!r} is not a period of a report: write a year (2013) or a half-year (2013-H1).")
        return cls(int(found[1]), int(found[2]) if found[2] else None)

    @property
    def code(self) -> str:
        return f"{self.year}-H{self.half}" if self.half else str(self.year)

    @property
    def kind(self) -> str:
        return "half_year" if self.half else "year"

    @property
    def start_on(self) -> date:
        return date(self.year, 7 if self.half == 2 else 1, 1)

    @property
    def end_on(self) -> date:
        """First day after the period."""
        return date(self.year, 7, 1) if self.half == 1 else date(self.year + 1, 1, 1)

    @property
    def label(self) -> str:
        return f"{self.half}° semestre {self.year}" if self.half else f"Anno {self.year}"

    @property
    def is_provisional(self) -> bool:
        """Half-years are published before their corrections have come."""
        return self.half is not None

    def fill(self, text: str) -> str:
        """Years in the headings of a definition: `{year}`, `{year_1}` the one before, `{year_2}`."""
        return text.format(year=self.year, year_1=self.year - 1, year_2=self.year - 2)

    def parameters(self) -> dict[str, Any]:
        return {"period_type": self.kind, "start_on": self.start_on, "end_on": self.end_on, "year": self.year}
