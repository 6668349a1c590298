"""The comuni of the synthetic region at its first day, and what they are called later.

Belongs here: comuni as units that keep their residents while codes, AUSL and mergers change around them.
Does not: reference data themselves (orchestration.intake.reference).
"""

from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property

import numpy as np
import polars as pl

from orchestration.intake import reference

# Which comuni went into which later one (key: its ISTAT code). Residents of a merged comune are shared out evenly: no
# package holds population by comune before 2022.
MERGERS: dict[str, tuple[str, ...]] = {
    "037061": ("Bazzano", "Castello di Serravalle", "Crespellano", "Monteveglio", "Savigno"),
    "038027": ("Massa Fiscaglia", "Migliarino", "Migliaro"),
    "099028": ("Poggio Berni", "Torriana"),
    "034049": ("Sissa", "Trecasali"),
    "035046": ("Busana", "Collagna", "Ligonchio", "Ramiseto"),
    "037062": ("Granaglione", "Porretta Terme"),
    "034050": ("Polesine Parmense", "Zibello"),
    "099029": ("Montescudo", "Monte Colombo"),
    "038028": ("Mirabello", "Sant'Agostino"),
    "033049": ("Caminata", "Nibbiano", "Pecorara"),
    "038029": ("Berra", "Ro"),
    "038030": ("Formignana", "Tresigallo"),
    "034051": ("Mezzani", "Sorbolo"),
}


@dataclass(frozen=True)
class Territory:
    """Units = the comuni in force at the first day, in the order of their ISTAT code."""

    first_day: date
    units: pl.DataFrame  # unit, istat_code, belfiore_code, comune, province, district_code, successor, residents

    @cached_property
    def districts(self) -> list[str]:
        """District codes, sorted: the senders of IASS and NOML."""
        return sorted(self.units["district_code"].unique().to_list())

    @cached_property
    def district_of_unit(self) -> np.ndarray:
        """Position in `districts` of each unit."""
        position = {code: i for i, code in enumerate(self.districts)}
        return np.array([position[code] for code in self.units["district_code"]], dtype=np.int16)

    @cached_property
    def hub_of_unit(self) -> np.ndarray:
        """For each unit the most populous one of its district: where its hospital is."""
        residents, district = self.units["residents"].to_numpy(), self.district_of_unit
        hub = np.zeros(len(residents), dtype=np.int16)
        for d in range(len(self.districts)):
            members = np.flatnonzero(district == d)
            hub[members] = members[residents[members].argmax()]
        return hub

    def at(self, day: date) -> pl.DataFrame:
        """Comune and AUSL code of each unit at a day: unit, istat_code, ausl_code."""
        codes = _ausl_by_comune(day)
        istat = [
            code if code in codes else successor
            for code, successor in zip(self.units["istat_code"], self.units["successor"], strict=True)
        ]
        return pl.DataFrame({"istat_code": istat, "ausl_code": [codes[code] for code in istat]}).with_row_index("unit")

    def unit_since(self, units: np.ndarray) -> np.ndarray:
        """From which day (a number, as the registry keeps dates) the comune of each unit is in force."""
        since = self.units["valid_from"].fill_null(date(1900, 1, 1)).cast(pl.Int32).to_numpy()
        return since[units].astype(np.int64)


def load_territory(first_day: date) -> Territory:
    """The comuni in force at a day with their residents by the package's population, merged ones split evenly."""
    units = (
        reference.comuni()
        .filter(_in_force(first_day))
        .unique("istat_code", keep="first", maintain_order=True)
        .sort("istat_code")
    )
    successor_of = {name.casefold(): code for code, names in MERGERS.items() for name in names}
    units = units.with_columns(
        pl.col("comune")
        .map_elements(lambda name: successor_of.get(name.casefold(), ""), return_dtype=pl.String)
        .alias("successor")
    ).with_columns(pl.when(pl.col("successor") == "").then("istat_code").otherwise("successor").alias("counted_as"))
    residents = reference.population().group_by("istat_code").agg(pl.col("residents").sum())
    units = (
        units.join(residents, left_on="counted_as", right_on="istat_code", how="inner", maintain_order="left")
        .with_columns((pl.col("residents") / pl.len().over("counted_as")).alias("residents"))
        .with_row_index("unit")
    )
    return Territory(first_day, units)


def residents_by_cell(territory: Territory) -> pl.DataFrame:
    """Expected residents by unit, sex and age: unit, sex_code, age, residents."""
    shares = territory.units.select("unit", "counted_as", (1.0 / pl.len().over("counted_as")).alias("share"))
    return (
        shares.join(reference.population(), left_on="counted_as", right_on="istat_code")
        .select("unit", "sex_code", "age", (pl.col("residents") * pl.col("share")).alias("residents"))
        .sort("unit", "sex_code", "age")
    )


@cache
def _ausl_by_comune(day: date) -> dict[str, str]:
    """AUSL of the comuni in force at a day; the same few days are asked for again and again."""
    now = reference.comuni().filter(_in_force(day)).unique("istat_code", keep="first", maintain_order=True)
    return dict(zip(now["istat_code"], now["ausl_code"], strict=True))


def _in_force(day: date) -> pl.Expr:
    """Rows of a reference frame valid at a day; an empty end is open."""
    return (pl.col("valid_from").is_null() | (pl.col("valid_from") <= day)) & (
        pl.col("valid_to").is_null() | (pl.col("valid_to") >= day)
    )
