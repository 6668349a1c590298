"""Local nomenclatures of the districts: their own codes, associated to the regional ones.

Belongs here: codes and labels of each sender, NOML frames, the choice of a local code, shares inside each need.
Does not: the regional nomenclature that the gate keeps and publishes.
"""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

# Regional code: label, and how often it is asked inside its need.
REGIONAL: dict[str, tuple[str, float]] = {
    "01.01": ("sostegno al reddito", 30),
    "01.02": ("affitto", 18),
    "01.03": ("utenze", 14),
    "01.04": ("assegno di maternità", 6),
    "01.05": ("nucleo numeroso", 6),
    "01.06": ("assegno di cura", 8),
    "01.07": ("agevolazioni tariffarie", 9),
    "01.08": ("prestito sull'onore", 2),
    "01.09": ("bonus sociali", 7),
    "02.01": ("sostegno socio-educativo", 22),
    "02.02": ("genitorialità", 16),
    "02.03": ("mediazione familiare", 7),
    "02.04": ("affido", 5),
    "02.05": ("adozione", 5),
    "02.06": ("tutela e amministrazione di sostegno", 13),
    "02.07": ("sostegno psicologico", 14),
    "02.08": ("sostegno a chi assiste", 18),
    "03.01": ("assistenza domiciliare", 42),
    "03.02": ("assistenza domiciliare integrata", 18),
    "03.03": ("telesoccorso", 8),
    "03.04": ("pasti", 12),
    "03.05": ("assistente familiare", 12),
    "03.06": ("dimissione protetta", 8),
    "04.01": ("informazione", 55),
    "04.02": ("orientamento", 27),
    "04.03": ("aiuto alla compilazione", 18),
    "05.01": ("anziani", 66),
    "05.02": ("disabili", 9),
    "05.03": ("minori", 7),
    "05.04": ("alloggi protetti", 8),
    "05.05": ("accoglienza abitativa", 10),
    "06.01": ("anziani", 62),
    "06.02": ("disabili", 24),
    "06.03": ("minori", 14),
    "07.01": ("emergenza abitativa", 40),
    "07.02": ("emergenza sociale", 30),
    "07.03": ("accoglienza notturna", 15),
    "07.04": ("mensa", 15),
    "08.01": ("tirocinio", 40),
    "08.02": ("sostegno scolastico", 32),
    "08.03": ("borsa lavoro", 28),
    "09.01": ("mediazione culturale", 40),
    "09.02": ("corsi di lingua", 30),
    "09.03": ("socializzazione", 30),
    "10.01": ("prevenzione e sensibilizzazione", 100),
    "11.01": ("trasporto", 50),
    "11.02": ("ausili", 25),
    "11.03": ("adattamento della casa", 25),
}
REGIONAL_CODES = tuple(REGIONAL)
_STEMS = {
    "01": "ECO",
    "02": "FAM",
    "03": "DOM",
    "04": "SEG",
    "05": "RES",
    "06": "SRE",
    "07": "PIS",
    "08": "EDU",
    "09": "INT",
    "10": "PRE",
    "11": "SER",
}
# A benefit that ended by law: its local code expires half-way and may not be used after.
ENDED_CODE, ENDED_REGIONAL = "REDLIB", "01.01"
UNKNOWN_REGIONAL = "99.01"
NEW_CODE, NEW_REGIONAL = "SPNEW", "04.02"
COLUMNS = ("codice_locale", "descrizione_locale", "codice_regionale", "valido_dal", "valido_al", "nota")


@dataclass(frozen=True)
class LocalNomenclature:
    """One NOML file: who sends it, from which day, its rows; rows that the gate must refuse are marked."""

    district: str
    valid_from: date
    frame: pl.DataFrame  # COLUMNS and is_bad


@dataclass(frozen=True)
class Nomenclatures:
    """All NOML files, and for each (district, regional code) the local codes to choose from."""

    files: list[LocalNomenclature]
    ended_on: date
    codes: pl.DataFrame  # district (position), regional (position), local_item_code, choice
    n_choices: np.ndarray  # [district, regional]

    def choose(self, rng: np.random.Generator, district: np.ndarray, regional: np.ndarray) -> pl.Series:
        """A local code for each demand."""
        n = self.n_choices[district, regional]
        wanted = pl.DataFrame(
            {"district": district, "regional": regional, "choice": (rng.random(len(n)) * n).astype(np.int64)},
            schema={"district": pl.Int64, "regional": pl.Int64, "choice": pl.Int64},
        )
        return wanted.join(
            self.codes, on=["district", "regional", "choice"], how="left", maintain_order="left"
        )["local_item_code"]  # fmt: skip


def make_nomenclatures(
    rng: np.random.Generator, districts: list[str], start: date, months: int, bad_line_share: float
) -> Nomenclatures:
    """Local nomenclatures for all districts, valid from 1 January of the first year; some are replaced half-way."""
    first = date(start.year, 1, 1)
    middle = add_months(start, max(1, months // 2))
    ended_on = middle - timedelta(days=1)
    files, rows, n_choices = [], [], np.zeros((len(districts), len(REGIONAL_CODES)), dtype=np.int64)
    for d, district in enumerate(districts):
        style = int(rng.integers(0, 3))
        entries: list[tuple[str, str, str]] = []
        for r, regional in enumerate(REGIONAL_CODES):
            n = int(rng.choice([1, 2, 3], p=[0.72, 0.2, 0.08]))
            n_choices[d, r] = n
            for k in range(n):
                code = _local_code(style, regional, k)
                label = REGIONAL[regional][0].capitalize() + ("" if k == 0 else f" (tipo {k + 1})")
                entries.append((code, label, regional))
                rows.append((d, r, k, code))
        bad = rng.random() < bad_line_share
        files.append(LocalNomenclature(district, first, _frame(entries, first, ended_on, bad=bad)))
        if rng.random() < 0.12:
            longer = [*entries, (NEW_CODE, "Nuovo servizio di orientamento", NEW_REGIONAL)]
            files.append(LocalNomenclature(district, middle, _frame(longer, middle, None, bad=False)))
    codes = pl.DataFrame(
        rows,
        schema={"district": pl.Int64, "regional": pl.Int64, "choice": pl.Int64, "local_item_code": pl.String},
        orient="row",
    )
    return Nomenclatures(files, ended_on, codes, n_choices)


def add_months(day: date, n: int) -> date:
    """First day of the month n months after the month of `day`."""
    year, month = divmod(day.year * 12 + day.month - 1 + n, 12)
    return date(year, month + 1, 1)


def month_end(day: date) -> date:
    """Last day of the month of `day`."""
    return date(day.year, day.month, calendar.monthrange(day.year, day.month)[1])


def _local_code(style: int, regional: str, k: int) -> str:
    stem, item = regional.split(".")
    suffix = "" if k == 0 else "ABC"[k - 1]
    return (f"{_STEMS[stem]}.{item}{suffix}", f"{int(stem)}{item}{suffix}", f"S{stem}-{item}{suffix}")[style]


def _frame(entries: list[tuple[str, str, str]], valid_from: date, ended_on: date | None, *, bad: bool) -> pl.DataFrame:
    lines: list[tuple[str, str, str, date, date | None, str | None, bool]] = [
        (code, label, regional, valid_from, None, None, False) for code, label, regional in entries
    ]
    if ended_on is not None:
        lines.append((ENDED_CODE, "Reddito di libertà", ENDED_REGIONAL, valid_from, ended_on, "misura cessata", False))
    if bad:
        lines.append(("ALTRO.99", "Altro non classificato", UNKNOWN_REGIONAL, valid_from, None, None, True))
    schema = dict.fromkeys(COLUMNS, pl.String) | {"valido_dal": pl.Date, "valido_al": pl.Date, "is_bad": pl.Boolean}
    return pl.DataFrame(lines, schema=schema, orient="row")
