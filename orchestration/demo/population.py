"""The residents of the synthetic region: who they are on the first day, and how a snapshot of them looks.

Belongs here: the registry as columns of small integers, its first day, people who are added, the NAAR frame of a day.
Does not: what changes from month to month (changes.py), social desks (contacts.py).
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
import pyarrow as pa

from orchestration.demo import faults, names
from orchestration.demo.territory import Territory, residents_by_cell
from orchestration.intake import fiscal_code, reference

EPOCH = date(1970, 1, 1)
# The published population is of 2023 (4,424,548); the demo stands for the region of 2013 with its 4.45 million.
RESIDENTS_AT_SCALE_1 = 4_450_000
NO_DATE = -(10**6)
STATUSES = ("A", "S", "T", "D")
ACTIVE, SUSPENDED, TRANSFERRED, DECEASED = range(4)
# Share of foreigners by age from which it holds: about 12.5 % in all, few among the old.
FOREIGN_BY_AGE = ((0, 0.17), (18, 0.19), (30, 0.20), (45, 0.11), (60, 0.04), (75, 0.012))
TWIN_SHARE = 0.012
HOMONYM_SHARE = 0.001
ELSEWHERE_ASSISTED_SHARE = 0.012
RESIDENTS_PER_DOCTOR = 1_250
#: One in so many of the strangers with the same names and birth date is also born in the same place.
OMOCODIA_EVERY = 8
ADULT_DAYS = 19 * 366
# Birth places in the rest of Italy, with the weight of migration from there.
ITALY_ELSEWHERE = {
    "F839": 12,
    "F205": 9,
    "H501": 7,
    "G273": 6,
    "D643": 5,
    "H703": 4,
    "A662": 4,
    "C351": 4,
    "D086": 4,
    "H224": 4,
    "E506": 4,
    "L049": 3,
    "F158": 3,
    "E897": 6,
    "L781": 3,
    "G224": 3,
    "L736": 3,
    "H620": 5,
    "A271": 3,
    "G479": 5,
    "E463": 3,
    "D150": 3,
    "B963": 3,
    "A509": 3,
    "G942": 3,
    "C352": 3,
    "A089": 3,
    "B354": 2,
    "I452": 2,
    "L219": 4,
    "D969": 3,
    "D612": 4,
    "B157": 2,
}


def day_number(day: date) -> int:
    """Days since 1970, the form in which the registry keeps dates."""
    return (day - EPOCH).days


@dataclass(frozen=True)
class Places:
    """Birth places that residents can have, with their validity as day numbers."""

    codes: pl.Series
    valid_from: np.ndarray
    valid_to: np.ndarray

    def position(self, codes: list[str]) -> np.ndarray:
        """Positions of Belfiore codes."""
        lookup = {code: i for i, code in enumerate(self.codes)}
        return np.array([lookup[code] for code in codes], dtype=np.int16)


def load_places(territory: Territory) -> Places:
    """All places the demo draws from: comuni of the region, cities elsewhere, countries."""
    wanted = [
        *territory.units["belfiore_code"].to_list(),
        *ITALY_ELSEWHERE,
        *(c.place_code for c in names.CITIZENSHIPS if c.place_code),
    ]
    known = (
        reference.birth_places()
        .group_by("belfiore_code")
        .agg(
            # A place with several rows is offered for its longest one; an empty date is open.
            pl.struct(pl.col("valid_from").fill_null(date(1800, 1, 1)), pl.col("valid_to").fill_null(date(2900, 1, 1)))
            .sort_by(pl.col("valid_to").fill_null(date(2900, 1, 1)) - pl.col("valid_from").fill_null(date(1800, 1, 1)))
            .last()
            .alias("span")
        )
        .unnest("span")
    )
    frame = (
        pl.DataFrame({"belfiore_code": wanted})
        .unique(maintain_order=True)
        .join(known, on="belfiore_code", how="left", maintain_order="left")
    )
    missing = frame.filter(pl.col("valid_from").is_null())["belfiore_code"].to_list()
    if missing:
        raise ValueError(f"birth places not in the reference data: {missing}")
    return Places(
        frame["belfiore_code"],
        frame["valid_from"].cast(pl.Int32).to_numpy(),
        frame["valid_to"].cast(pl.Int32).to_numpy(),
    )


class Registry:
    """Residents as parallel arrays; position = person, also after she left (`present` says who is in the snapshot)."""

    FIELDS: tuple[tuple[str, type], ...] = (
        ("family", np.int16),
        ("given", np.int16),
        ("sex", np.uint8),
        ("birth", np.int32),
        ("place", np.int16),
        ("citizenship", np.int16),
        ("unit", np.int16),
        ("assisted_in", np.int16),
        ("doctor", np.int32),
        ("status", np.uint8),
        ("status_on", np.int32),
        ("death_on", np.int32),
        ("present", np.bool_),
        #: somebody of the same sex has family name, birth date and birth place in common
        ("has_twin", np.bool_),
    )

    def __init__(self, territory: Territory) -> None:
        """An empty registry over a territory."""
        self.territory = territory
        self.places = load_places(territory)
        self.columns: dict[str, np.ndarray] = {name: np.zeros(0, dtype=dtype) for name, dtype in self.FIELDS}
        self.code = np.zeros((0, 16), dtype=np.uint8)
        self.previous_code: dict[int, str] = {}
        #: the code that was taken already, of everyone whose own is a variant of it (omocodia)
        self.variant_of: dict[int, str] = {}
        self._weights = _PlaceWeights(territory, self.places)

    def __len__(self) -> int:
        return len(self.code)

    def __getitem__(self, field: str) -> np.ndarray:
        return self.columns[field]

    def add(self, new: dict[str, np.ndarray]) -> np.ndarray:
        """Append people, give them their codici fiscali, return their positions."""
        start = len(self)
        codes, variants = self._codes_for(new)
        self.variant_of |= {start + row: base for row, base in variants.items()}
        for name in self.columns:
            self.columns[name] = np.concatenate([self.columns[name], new[name].astype(self.columns[name].dtype)])
        self.code = np.concatenate([self.code, codes])
        return np.arange(start, len(self))

    def people(
        self, rng: np.random.Generator, unit: np.ndarray, sex: np.ndarray, birth: np.ndarray, citizenship: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Complete people of whom territory, sex, birth and citizenship are decided."""
        n = len(unit)
        birth = as_registered(birth, citizenship, self.territory.first_day)
        family, given = self._names(rng, sex, birth, citizenship)
        return {
            "family": family,
            "given": given,
            "sex": sex,
            "birth": birth,
            "place": self._weights.draw(rng, unit, birth, citizenship),
            "citizenship": citizenship,
            "unit": unit,
            "assisted_in": self._assisted_in(rng, unit),
            "doctor": self.doctors(rng, unit),
            "status": np.where(rng.random(n) < 0.004, SUSPENDED, ACTIVE),
            "status_on": np.maximum(birth, day_number(date(2005, 1, 1)) + rng.integers(0, 2500, n)),
            "death_on": np.full(n, NO_DATE),
            "present": np.ones(n, dtype=np.bool_),
            "has_twin": np.zeros(n, dtype=np.bool_),
        }

    def doctors(self, rng: np.random.Generator, unit: np.ndarray) -> np.ndarray:
        """A doctor of the unit's district for each person."""
        district = self.territory.district_of_unit[unit].astype(np.int64)
        residents = self.territory.units["residents"].to_numpy()
        per_district = np.bincount(self.territory.district_of_unit, weights=residents)
        n_doctors = np.maximum(per_district // RESIDENTS_PER_DOCTOR, 5)
        return (district + 10) * 10_000 + (rng.random(len(unit)) * n_doctors[district]).astype(np.int64)

    def place_missing_at_birth(self, people: dict[str, np.ndarray]) -> np.ndarray:
        """Who has a birth place that did not exist on the day of birth."""
        place, birth = people["place"], people["birth"]
        return (birth < self.places.valid_from[place]) | (birth > self.places.valid_to[place])

    def recode(self, positions: np.ndarray) -> None:
        """Give people a new codice fiscale after their data changed; the old one becomes the previous identifier."""
        new = {name: column[positions] for name, column in self.columns.items()}
        old = self.code_series(positions).to_list()
        codes, variants = self._codes_for(new)
        for row, position in enumerate(positions.tolist()):
            self.variant_of.pop(position, None)
            if row in variants:
                self.variant_of[position] = variants[row]
        changed = np.flatnonzero((codes != self.code[positions]).any(axis=1))
        for i in changed:
            self.previous_code[int(positions[i])] = old[i]
        self.code[positions] = codes

    def code_series(self, positions: np.ndarray | None = None) -> pl.Series:
        """Codici fiscali as text."""
        return _text(self.code if positions is None else self.code[positions])

    def age(self, positions: np.ndarray, day: int) -> np.ndarray:
        """Completed years at a day; right to the day by calendar arithmetic."""
        birth = self.columns["birth"][positions]
        at = EPOCH + timedelta(days=day)
        born = pl.Series(birth).cast(pl.Date).dt
        digits = born.year() * 10_000 + born.month().cast(pl.Int32) * 100 + born.day().cast(pl.Int32)
        return (at.year * 10_000 + at.month * 100 + at.day - digits.to_numpy()) // 10_000

    def with_variants(self) -> np.ndarray:
        """Whose code differs from that of another one by the letters of an omocodia only."""
        taken = pl.Series(sorted(set(self.variant_of.values())), dtype=pl.String)
        holders = np.flatnonzero(self.code_series().is_in(taken.implode()).to_numpy())
        return np.union1d(holders, np.array(sorted(self.variant_of), dtype=np.int64))

    def snapshot(self, day: date) -> pl.DataFrame:
        """The NAAR file of a day: everyone who is present, in the order of the regional id."""
        who = np.flatnonzero(self.columns["present"])
        return self.frame(who, day)

    def frame(self, who: np.ndarray, day: date) -> pl.DataFrame:
        """NAAR columns of some people as of a day."""
        at = self.territory.at(day)
        column = {name: values[who] for name, values in self.columns.items()}
        previous = pl.DataFrame(
            {"position": list(self.previous_code), "previous": list(self.previous_code.values())},
            schema={"position": pl.Int64, "previous": pl.String},
        )
        ausl = at["ausl_code"]
        return pl.DataFrame(
            {
                "id_assistito": registry_ids(who),
                "tipo_identificativo": pl.repeat("0", len(who), eager=True),
                "identificativo": _text(self.code[who]),
                "identificativo_precedente": pl.DataFrame({"position": who}).join(
                    previous, on="position", how="left", maintain_order="left"
                )["previous"],
                "cognome": names.name_book().names.gather(column["family"]),
                "nome": names.name_book().names.gather(column["given"]),
                "sesso": pl.Series(["M", "F"]).gather(column["sex"]),
                "data_nascita": pl.Series(column["birth"]).cast(pl.Date),
                "codice_nascita": self.places.codes.gather(column["place"]),
                "cittadinanza": pl.Series([c.istat_code for c in names.CITIZENSHIPS]).gather(column["citizenship"]),
                "comune_residenza": at["istat_code"].gather(column["unit"]),
                "ausl_residenza": ausl.gather(column["unit"]),
                "ausl_assistenza": ausl.gather(column["assisted_in"]),
                "stato": pl.Series(STATUSES).gather(column["status"]),
                "data_stato": pl.Series(column["status_on"]).cast(pl.Date),
                "data_decesso": pl.Series(column["death_on"]).replace(NO_DATE, None).cast(pl.Date),
                "codice_medico": pl.Series(column["doctor"]).cast(pl.String),
            }
        )

    def _names(
        self, rng: np.random.Generator, sex: np.ndarray, birth: np.ndarray, citizenship: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        book = names.name_book()
        family, given = np.zeros(len(sex), dtype=np.int16), np.zeros(len(sex), dtype=np.int16)
        culture_names = sorted({c.culture for c in names.CITIZENSHIPS})
        culture = np.array([culture_names.index(c.culture) for c in names.CITIZENSHIPS])[citizenship]
        bounds = [day_number(date(year, 1, 1)) for _, year in names.GENERATIONS[:-1]]
        generation = np.searchsorted(bounds, birth, side="right")
        for i, name in enumerate(culture_names):
            members = np.flatnonzero(culture == i)
            family[members] = book.draw(rng, "family", name, "", len(members))
            for code, part in enumerate(("given_m", "given_f")):
                same_sex = members[sex[members] == code]
                if name != "italy":
                    given[same_sex] = book.draw(rng, part, name, "", len(same_sex))
                    continue
                for g, (label, _) in enumerate(names.GENERATIONS):
                    peers = same_sex[generation[same_sex] == g]
                    given[peers] = book.draw(rng, part, name, label, len(peers))
        return family, given

    def _assisted_in(self, rng: np.random.Generator, unit: np.ndarray) -> np.ndarray:
        elsewhere = rng.random(len(unit)) < ELSEWHERE_ASSISTED_SHARE
        other = rng.integers(0, len(self.territory.units), len(unit))
        return np.where(elsewhere, self.territory.hub_of_unit[other], unit)

    def _codes_for(self, people: dict[str, np.ndarray]) -> tuple[np.ndarray, dict[int, str]]:
        """Codici fiscali, and the base codes of the rows that got an omocodia variant because theirs was taken."""
        book = names.name_book()
        codes = fiscal_code.encode_letters(
            book.family_letters.gather(people["family"]),
            book.given_letters.gather(people["given"]),
            pl.Series(["M", "F"]).gather(people["sex"]),
            pl.Series(people["birth"].astype(np.int32)).cast(pl.Date),
            self.places.codes.gather(people["place"]),
        )
        frame = pl.DataFrame({"base": codes}).with_columns(pl.int_range(pl.len()).over("base").alias("rank"))
        taken = self._taken(frame["base"])
        if taken.height:
            frame = frame.join(taken, on="base", how="left", maintain_order="left").with_columns(
                (pl.col("rank") + pl.col("n_taken").fill_null(0)).alias("rank")
            )
        result = frame["base"]
        for rank in range(1, int(frame["rank"].to_numpy().max(initial=0)) + 1):
            here = np.flatnonzero((frame["rank"] == rank).to_numpy())
            result = result.scatter(here, fiscal_code.omocodia(result.gather(here), min(rank, 7)))
        rows = np.flatnonzero((frame["rank"] > 0).to_numpy())
        return _bytes(result), dict(zip(rows.tolist(), frame["base"].gather(rows).to_list(), strict=True))

    def _taken(self, base: pl.Series) -> pl.DataFrame:
        """How many people have each base code already (omocodia variants count by their base)."""
        if not len(self):
            return pl.DataFrame(schema={"base": pl.String, "n_taken": pl.Int64})
        # Only codes with the same letters can clash; the full reduction is dear, so it sees these alone.
        alike = pl.Series(_letters(self.code)).is_in(pl.Series(_letters(_bytes(base))).unique().implode())
        existing = pl.DataFrame({"code": self.code_series(np.flatnonzero(alike.to_numpy()))})
        return (
            existing.with_columns(fiscal_code.base_code(existing["code"]).alias("base"))
            .join(pl.DataFrame({"base": base.unique()}), on="base", how="semi")
            .group_by("base")
            .agg(pl.len().cast(pl.Int64).alias("n_taken"))
        )


class _PlaceWeights:
    """Draws where people were born: abroad for most foreigners; else the hospital town, any comune, elsewhere."""

    def __init__(self, territory: Territory, places: Places) -> None:
        self.places = places
        self.hub = places.position(territory.units["belfiore_code"].to_list())[territory.hub_of_unit]
        self.own = places.position(territory.units["belfiore_code"].to_list())
        self.cumulated = territory.units["residents"].to_numpy().cumsum()
        self.elsewhere = places.position(list(ITALY_ELSEWHERE))
        self.elsewhere_cumulated = np.array(list(ITALY_ELSEWHERE.values()), dtype=np.float64).cumsum()
        self.country = np.concatenate(
            [[0], places.position([c.place_code for c in names.CITIZENSHIPS if c.place_code])]
        )
        # Milano has existed at every birth date: the way out when a comune or a country did not yet.
        self.always = places.position(["F205"])[0]

    def draw(
        self, rng: np.random.Generator, unit: np.ndarray, birth: np.ndarray, citizenship: np.ndarray
    ) -> np.ndarray:
        n = len(unit)
        kind = rng.random(n)
        anywhere = np.searchsorted(self.cumulated, rng.random(n) * self.cumulated[-1], side="right")
        city = np.searchsorted(self.elsewhere_cumulated, rng.random(n) * self.elsewhere_cumulated[-1], side="right")
        emigrant = rng.integers(1, len(self.country), n)
        place = np.select(
            [kind < 0.50, kind < 0.66, kind < 0.78, kind < 0.98],
            [self.hub[unit], self.own[unit], self.own[anywhere], self.elsewhere[city]],
            self.country[emigrant],
        )
        foreign = citizenship != names.ITALY
        # Foreign children were mostly born here, adults in their country.
        born_abroad = rng.random(n) < np.where(birth > day_number(date(1998, 1, 1)), 0.35, 0.97)
        place = np.where(foreign, np.where(born_abroad, self.country[citizenship], self.hub[unit]), place)
        invalid = (birth < self.places.valid_from[place]) | (birth > self.places.valid_to[place])
        return np.where(invalid, self.always, place).astype(np.int16)


def first_day_registry(territory: Territory, scale: float, rng: np.random.Generator) -> Registry:
    """Everyone who is resident on the first day."""
    cells = residents_by_cell(territory)
    expected = cells["residents"].to_numpy() * (scale * RESIDENTS_AT_SCALE_1 / cells["residents"].to_numpy().sum())
    # Systematic sampling over the running sum keeps every comune, sex and age within one of its share at any scale.
    edges = np.floor(np.concatenate([[0.0], expected.cumsum()]) + rng.random()).astype(np.int64)
    cell = np.repeat(np.arange(len(expected)), np.diff(edges))
    unit = cells["unit"].to_numpy()[cell].astype(np.int16)
    sex = (cells["sex_code"] == "F").to_numpy()[cell].astype(np.uint8)
    age = cells["age"].to_numpy()[cell]
    birth = (
        day_number(territory.first_day) - 1 - np.floor(age * 365.25 + rng.random(len(age)) * 365.25).astype(np.int32)
    )
    share = np.array([s for _, s in FOREIGN_BY_AGE])[np.searchsorted([a for a, _ in FOREIGN_BY_AGE], age, "right") - 1]
    citizenship = np.where(rng.random(len(age)) < share, foreign_citizenships(rng, len(age)), names.ITALY)
    registry = Registry(territory)
    people = registry.people(rng, unit, sex, birth, citizenship)
    _make_twins(rng, people)
    _make_homonyms(rng, people)
    unborn = registry.place_missing_at_birth(people)
    people["place"][unborn] = registry.places.position(["F205"])[0]
    people["status_on"] = np.maximum(people["status_on"], people["birth"])
    registry.add(people)
    return registry


def as_registered(birth: np.ndarray, citizenship: np.ndarray, first: date) -> np.ndarray:
    """Births as a registry office wrote them down: of adults of some citizenships a part on the next 1 January, because
    of the day nothing was known. By a number of the birth, so that no other draw is moved."""
    codes = [c.istat_code for c in names.CITIZENSHIPS]
    is_of_these = np.isin(citizenship, [codes.index(code) for code in faults.NEW_YEAR_CITIZENSHIPS])
    is_chosen = birth * 7919 % 100 < 100 * faults.NEW_YEAR_SHARE
    chosen = np.flatnonzero(is_of_these & is_chosen & (birth < day_number(first) - ADULT_DAYS))
    years = pl.Series(birth[chosen].astype(np.int32)).cast(pl.Date).dt.year().to_numpy()
    out = birth.copy()
    out[chosen] = [day_number(date(year + 1, 1, 1)) for year in years.tolist()]
    return out


def foreign_citizenships(rng: np.random.Generator, n: int) -> np.ndarray:
    """Citizenships of foreigners by their weight."""
    weights = np.array([c.weight for c in names.CITIZENSHIPS]).cumsum()
    return np.searchsorted(weights, rng.random(n) * weights[-1], side="right").astype(np.int16)


def registry_ids(positions: np.ndarray) -> pl.Series:
    """Regional ids: a letter pair and ten digits, stable for a person."""
    return pl.select(pl.lit("ER") + (pl.Series(positions).cast(pl.Int64) + 1_000_000_000).cast(pl.String)).to_series()


def _make_twins(rng: np.random.Generator, people: dict[str, np.ndarray]) -> None:
    """Neighbours of the same unit, sex and age become twins: one birth, one family, two given names."""
    first = np.flatnonzero(rng.random(len(people["unit"]) - 1) < TWIN_SHARE)
    second = first + 1
    alike = (
        (people["unit"][first] == people["unit"][second])
        & (abs(people["birth"][first] - people["birth"][second]) < 366)
        & (people["citizenship"][first] == people["citizenship"][second])
        & (people["given"][first] != people["given"][second])
    )
    first, second = first[alike], second[alike]
    for field in ("family", "birth", "place"):
        people[field][second] = people[field][first]
    of_one_sex = people["sex"][first] == people["sex"][second]
    people["has_twin"][first[of_one_sex]] = people["has_twin"][second[of_one_sex]] = True


def _make_homonyms(rng: np.random.Generator, people: dict[str, np.ndarray]) -> None:
    """Strangers who share names and birth date, told apart by place of birth and code; or by the code only, in which
    the tax office then writes letters for digits (omocodia)."""
    chosen = np.flatnonzero(rng.random(len(people["unit"])) < HOMONYM_SHARE)
    like = rng.permutation(chosen)
    alike = (people["sex"][chosen] == people["sex"][like]) & (
        people["citizenship"][chosen] == people["citizenship"][like]
    )
    same_place_ok = people["citizenship"][chosen] == names.ITALY
    chosen, like = chosen[alike & same_place_ok], like[alike & same_place_ok]
    for field in ("family", "given", "birth"):
        people[field][chosen] = people[field][like]
    of_one_place = np.arange(len(chosen)) % OMOCODIA_EVERY == 0
    people["place"][chosen[of_one_place]] = people["place"][like[of_one_place]]


def _text(codes: np.ndarray) -> pl.Series:
    """Fixed-width bytes to text without touching each value."""
    data = np.ascontiguousarray(codes)
    offsets = np.arange(0, data.size + 1, 16, dtype=np.int64)
    return pl.Series(
        pl.from_arrow(pa.LargeStringArray.from_buffers(len(data), pa.py_buffer(offsets), pa.py_buffer(data)))
    )


def _letters(codes: np.ndarray) -> np.ndarray:
    """The eight letters that omocodia never touches (names, month, place), as one number."""
    return np.ascontiguousarray(codes[:, [0, 1, 2, 3, 4, 5, 8, 11]]).view(np.uint64).ravel()


def _bytes(codes: pl.Series) -> np.ndarray:
    """Text of sixteen characters to fixed-width bytes."""
    joined = codes.str.join("").item().encode("ascii")
    return np.frombuffer(joined, dtype=np.uint8).reshape(len(codes), 16).copy()
