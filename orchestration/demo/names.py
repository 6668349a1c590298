"""Names and citizenships of the synthetic region, with their frequencies.

Belongs here: the lists and the drawing from them. Does not: how names are spread over residents (population.py).
The lists in names.csv are our own: common names with weights that fall with rank, by culture and, for Italian given
names, by generation.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from orchestration.intake import fiscal_code

# Given names follow fashion: one list for people born before each of these years.
GENERATIONS = (("old", 1950), ("mid", 1985), ("new", 9999))


@dataclass(frozen=True)
class Citizenship:
    """A citizenship: ISTAT code, birth-place code of the country, culture of its names, weight among foreigners."""

    istat_code: str
    place_code: str
    culture: str
    weight: float


# The mix of foreigners in the region around 2013, per thousand, rounded.
CITIZENSHIPS = (
    Citizenship("100", "", "italy", 0),
    Citizenship("235", "Z129", "romania", 150),
    Citizenship("436", "Z330", "maghreb", 132),
    Citizenship("201", "Z100", "balkan", 118),
    Citizenship("254", "Z140", "slavic", 62),
    Citizenship("243", "Z138", "slavic", 58),
    Citizenship("314", "Z210", "eastasia", 52),
    Citizenship("344", "Z236", "southasia", 44),
    Citizenship("460", "Z352", "maghreb", 42),
    Citizenship("330", "Z222", "southasia", 36),
    Citizenship("423", "Z318", "africa", 26),
    Citizenship("233", "Z127", "slavic", 25),
    Citizenship("323", "Z216", "eastasia", 25),
    Citizenship("443", "Z335", "africa", 24),
    Citizenship("305", "Z249", "southasia", 20),
    Citizenship("253", "Z148", "balkan", 20),
    Citizenship("450", "Z343", "africa", 20),
    Citizenship("311", "Z209", "southasia", 15),
    Citizenship("615", "Z611", "latin", 12),
    Citizenship("609", "Z605", "latin", 11),
    Citizenship("419", "Z336", "maghreb", 11),
    Citizenship("404", "Z313", "africa", 10),
    Citizenship("605", "Z602", "latin", 8),
    Citizenship("411", "Z306", "africa", 8),
    Citizenship("516", "Z505", "latin", 7),
    Citizenship("209", "Z104", "slavic", 6),
    Citizenship("215", "Z110", "west", 6),
    Citizenship("216", "Z112", "west", 6),
    Citizenship("219", "Z114", "west", 6),
)
ITALY = 0  # index of Italy in CITIZENSHIPS


@dataclass(frozen=True)
class NameBook:
    """All names as one array, with the letters that each gives to a code as family and as given name; for each (part,
    culture, generation) the indexes and cumulated weights to draw from."""

    names: pl.Series
    family_letters: pl.Series
    given_letters: pl.Series
    lists: dict[tuple[str, str, str], tuple[np.ndarray, np.ndarray]]
    #: culture and part of each name
    kinds: pl.Series

    def alike(self, name: int) -> list[int]:
        """Other names of the same culture and part that begin with the same two letters."""
        begins = self.names.str.starts_with(self.names[name][:2]) & (self.names != self.names[name])
        return (begins & (self.kinds == self.kinds[name])).arg_true().to_list()

    def draw(self, rng: np.random.Generator, part: str, culture: str, generation: str, n: int) -> np.ndarray:
        """Draw n indexes into `names`."""
        indexes, cumulated = self.lists[(part, culture, generation)]
        return indexes[np.searchsorted(cumulated, rng.random(n) * cumulated[-1], side="right")]


@cache
def name_book() -> NameBook:
    """Read names.csv once."""
    frame = (
        pl.read_csv(Path(__file__).with_name("names.csv"), schema_overrides={"generation": pl.String})
        .with_columns(pl.col("generation").fill_null(""))
        .with_row_index("position")
    )
    lists = {}
    for (part, culture, generation), group in frame.group_by("part", "culture", "generation", maintain_order=True):
        lists[(str(part), str(culture), str(generation))] = (
            group["position"].to_numpy().astype(np.int16),
            group["weight"].to_numpy().cumsum().astype(np.float64),
        )
    name = frame["name"]
    kinds = frame["culture"] + " " + frame["part"]
    return NameBook(name, fiscal_code.encode_family(name), fiscal_code.encode_given(name), lists, kinds)
