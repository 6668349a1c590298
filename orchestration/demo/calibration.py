"""The published figures that a synthetic year must show, and the arithmetic that makes it show them.

Belongs here: targets with their source, exact quotas, fitting of tables to margins, rows target against generated.
Does not: drawing people or contacts (contacts.py), printing (the command line).
"""

from dataclasses import dataclass

import numpy as np

# Region, 2013 (comune.bologna.it/sportellosociale): "over 203,000" contacts, "over 233,000" demands, 109,000 persons.
CONTACTS, DEMANDS, PERSONS = 203_000, 233_000, 109_000

# Shape of the year, from the text on 2012: peak in March, falling from May, August under 77 % of the mean. Mean 1.
MONTH_SHAPE = (1.10, 1.08, 1.20, 1.10, 1.04, 0.98, 0.95, 0.74, 0.96, 1.05, 0.99, 0.81)

# Region, 2012 (sociale ER): in person, phone, e-mail; the rest is 1.6 % and its split is ours.
MODES = {"1": 73.7, "2": 23.3, "3": 1.4, "4": 0.7, "5": 0.4, "9": 0.5}

# Region, 2012: the interested person 60.5 %, relatives 13.1 %; how the others share 26.4 % is ours.
REPORTERS = {
    "01": 60.5,
    "02": 13.1,
    "03": 2.6,
    "04": 8.5,
    "05": 4.2,
    "06": 2.4,
    "07": 2.0,
    "08": 3.8,
    "09": 1.2,
    "99": 1.7,
}

# Region, 2013, persons by report target.
TARGETS = {"FAM": 43.8, "ANZ": 27.7, "POV": 19.3, "IMM": 5.4, "DIS": 3.8}

# Region, 2013: foreigners 34 %, 97 % of them under 60; women 3 % more than men.
FOREIGN_SHARE = 0.34
FOREIGN_UNDER_60 = 0.97
WOMEN_PER_MAN = 1.03

# Comune di Bologna, 2014, contacts by age (open data, CC BY-SA). Only the shape under 65 is used: Bologna is much
# older than the region (anziani 41.1 against 27.7 %).
AGE_BANDS_UNDER_65 = {
    "0-3": 1.6,
    "4-7": 1.3,
    "8-10": 0.8,
    "11-14": 1.5,
    "15-17": 1.7,
    "18-25": 2.6,
    "26-35": 10.8,
    "36-50": 25.3,
    "51-64": 12.6,
}

# Comune di Bologna, 2014, n = 27,375, by need = level 1 of the regional nomenclature.
NEEDS = {
    "01": 11_632,
    "02": 7_413,
    "03": 3_035,
    "04": 2_172,
    "05": 1_992,
    "06": 490,
    "07": 155,
    "08": 152,
    "09": 141,
    "10": 113,
    "11": 80,
}

# Working bands: Bologna's, cut at 60 for the foreigners' figure and continued after 65 (shares of ours).
BANDS = (
    (0, 4),
    (4, 8),
    (8, 11),
    (11, 15),
    (15, 18),
    (18, 26),
    (26, 36),
    (36, 51),
    (51, 60),
    (60, 65),
    (65, 75),
    (75, 85),
    (85, 105),
)
OLD_BANDS = {10: 0.27, 11: 0.43, 12: 0.30}
TARGET_CODES = tuple(TARGETS)

# Which bands a target can have, with a starting weight; fitting to the margins does the rest.
_SEED = {
    "FAM": [1, 1, 1, 1, 1, 1, 4, 8, 2, 0.4, 0, 0, 0],
    "ANZ": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
    "POV": [0, 0, 0, 0, 0, 1, 3, 8, 6, 2.5, 0, 0, 0],
    "IMM": [0, 0, 0, 0, 0, 2, 5, 5, 1, 0.1, 0, 0, 0],
    "DIS": [0.2, 0.3, 0.3, 0.4, 0.4, 1, 2, 6, 5, 3, 0, 0, 0],
}
# Share of foreigners by target to start from: IMM is theirs by definition.
_FOREIGN = {"FAM": 0.46, "ANZ": 0.03, "POV": 0.38, "IMM": 1.0, "DIS": 0.08}


@dataclass(frozen=True)
class Row:
    """One line of the calibration table."""

    group: str
    item: str
    target: float
    generated: float

    @property
    def deviation(self) -> float:
        """Relative deviation from the target."""
        return self.generated / self.target - 1 if self.target else 0.0


def quota(shares: np.ndarray, n: int) -> np.ndarray:
    """Whole counts that sum to n and are nearest to the shares (largest remainders)."""
    exact = np.asarray(shares, dtype=np.float64) / np.sum(shares) * n
    counts = np.floor(exact).astype(np.int64)
    order = np.argsort(counts - exact, kind="stable")
    counts[order[: n - counts.sum()]] += 1
    return counts


def exact_draw(rng: np.random.Generator, shares: np.ndarray, n: int) -> np.ndarray:
    """n positions in random order with exact quotas: no sampling error on small categories."""
    return rng.permutation(np.repeat(np.arange(len(shares)), quota(shares, n)))


def fit(table: np.ndarray, margins: list[tuple[tuple[int, ...], np.ndarray]], rounds: int = 200) -> np.ndarray:
    """Iterative proportional fitting: scale `table` until its sums over the given axes equal the margins."""
    for _ in range(rounds):
        for kept, wanted in margins:
            others = tuple(axis for axis in range(table.ndim) if axis not in kept)
            sums = table.sum(axis=others, keepdims=True)
            shape = [table.shape[axis] if axis in kept else 1 for axis in range(table.ndim)]
            table = table * np.divide(wanted.reshape(shape), sums, out=np.zeros_like(sums), where=sums > 0)
    return table


def person_table() -> np.ndarray:
    """Shares of persons by target, foreign (0/1), band, sex (0 M, 1 F) that fit every published margin at once."""
    targets = np.array(list(TARGETS.values())) / 100
    seed = np.zeros((5, 2, len(BANDS), 2))
    for t, code in enumerate(TARGET_CODES):
        for foreign, share in enumerate((1 - _FOREIGN[code], _FOREIGN[code])):
            seed[t, foreign] = share * np.array(_SEED[code])[:, None] * np.ones(2)
    seed[:, 1, 9:] *= 0.3
    old = targets[TARGET_CODES.index("ANZ")]
    under = np.array(list(AGE_BANDS_UNDER_65.values()))
    under = under / under.sum() * (1 - old)
    bands = np.concatenate([under[:-1], [under[-1]], old * np.array(list(OLD_BANDS.values()))])
    # Margins by group of bands: Bologna's nine (51-59 and 60-64 are one) and the three old ones.
    group = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 10, 11])
    table = seed
    for _ in range(300):
        table = fit(table, [((0,), targets)], 1)
        sums = np.bincount(group, weights=table.sum(axis=(0, 1, 3)))
        table = table * (bands / sums)[group][None, None, :, None]
        foreign = table[:, 1].sum(axis=(0, 2))
        table[:, 1, :9] *= FOREIGN_SHARE * FOREIGN_UNDER_60 / foreign[:9].sum()
        table[:, 1, 9:] *= FOREIGN_SHARE * (1 - FOREIGN_UNDER_60) / foreign[9:].sum()
        table[:, 0] *= (1 - FOREIGN_SHARE) / table[:, 0].sum()
        women = WOMEN_PER_MAN / (1 + WOMEN_PER_MAN)
        table = table * (np.array([1 - women, women]) / table.sum(axis=(0, 1, 2)))
    return table / table.sum()


# How much each need (columns 01-11) is asked by each target (rows as TARGET_CODES): start of the fit to NEEDS.
NEED_BY_TARGET = np.array(
    [
        [50, 32, 1, 7, 1, 0.6, 0.4, 0.7, 0.5, 0.6, 0.1],
        [18, 20, 35, 9, 22, 4.5, 0.2, 0.0, 0.1, 0.2, 0.7],
        [62, 22, 2, 7, 3, 0.1, 2.0, 1.4, 0.4, 0.3, 0.1],
        [40, 27, 0, 14, 2, 0.0, 2.0, 1.0, 5.0, 0.3, 0.1],
        [30, 25, 14, 7, 6, 8.0, 0.1, 2.5, 0.5, 0.2, 1.5],
    ]
)
