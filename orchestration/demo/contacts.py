"""A year of contacts at the social desks, planned whole so that its totals are exact.

Belongs here: which persons ask, when, where, how, for what and with which outcome; all as positions and codes.
Does not: identifiers and names (records.py looks them up at the month of the contact), faults (faults.py).
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import polars as pl

from orchestration.demo import calibration as cal
from orchestration.demo import faults, names
from orchestration.demo.nomenclature import REGIONAL, REGIONAL_CODES, add_months, month_end
from orchestration.demo.population import ACTIVE, EPOCH, Registry, day_number

HOLIDAYS = {(1, 1), (1, 6), (4, 25), (5, 1), (6, 2), (8, 15), (11, 1), (12, 8), (12, 25), (12, 26)}
WEEKDAY_WEIGHTS = (1.25, 1.10, 1.00, 1.15, 0.80, 0.07, 0.0)
# Report target to (life cycle by age, condition): how the five targets come out of the two axes.
CONDITIONS: dict[str, tuple[tuple[str, float], ...]] = {
    "FAM": (("", 1.0),),
    "ANZ": (("", 0.80), ("05", 0.10), ("04", 0.06), ("01", 0.04)),
    "POV": (("05", 0.55), ("04", 0.36), ("03", 0.09)),
    "IMM": (("02", 1.0),),
    "DIS": (("01", 1.0),),
}
MINOR_AGE, ADULT_AGE, OLD_AGE = 18, 26, 65
OUTSIDE_FOREIGN_SHARE, OUTSIDE_ITALIAN_SHARE = 0.09, 0.012
OUTCOMES = {"1": 0.38, "2": 0.14, "3": 0.12, "4": 0.11, "5": 0.17, "6": 0.08}
SECOND_OUTCOME_SHARE = 0.14
DESTINATION_OF_NEED = {
    "01": "ALTRO",
    "02": "SISAM",
    "03": "ADI",
    "04": "ALTRO",
    "05": "FAR",
    "06": "FAR",
    "07": "CASA",
    "08": "LAVORO",
    "09": "SCUOLA",
    "10": "SERD",
    "11": "ALTRO",
}
DESKLESS_BELOW, RESIDENTS_PER_DESK = 2_300, 60_000
# District weights vary around population: some desks have been at work longer and are better known.
DISTRICT_VARIATION = 0.25


@dataclass
class YearPlan:
    """Everything about the desks of one calendar year (or of its generated months)."""

    year: int
    months: list[date]
    persons: (
        pl.DataFrame
    )  # person, source (0 registry, 1 outside), position, district, target, life_cycle_code, condition_code
    contacts: (
        pl.DataFrame
    )  # contact, kind, district, month, day, mode, reporter, reporter_person|position, has_code, desk_unit, desk
    demands: pl.DataFrame  # contact, demand_number, person (null = anonymous), like_person, target, need, regional
    outcomes: pl.DataFrame  # contact, demand_number, outcome_number, type, days_after, destination
    totals: dict[str, int] = field(default_factory=dict)


def plan_year(
    rng: np.random.Generator, registry: Registry, outside: Registry, months: list[date], scale: float
) -> YearPlan:
    """Plan the contacts of the given months of one year."""
    shape = np.array([cal.MONTH_SHAPE[m.month - 1] for m in months])
    fraction = shape.sum() / 12.0
    n_contacts = max(40, round(cal.CONTACTS * scale * fraction))
    n_demands = max(46, round(cal.DEMANDS * scale * fraction))
    # Who comes twice in a year comes once in a short one: persons fall more slowly than contacts.
    n_persons = max(25, round(n_contacts / (1 + (cal.CONTACTS / cal.PERSONS - 1) * fraction)))
    persons = _draw_persons(rng, registry, outside, n_persons, months[0])
    contacts = _plan_contacts(rng, registry, persons, months, shape, n_contacts)
    contacts = _separate_days(rng, contacts, months)
    contacts = _add_repeats(rng, contacts, registry, round(n_contacts * faults.REPEAT_SHARE))
    demands = _plan_demands(rng, persons, contacts, n_demands)
    plan = YearPlan(months[0].year, months, persons, contacts, demands, _plan_outcomes(rng, demands))
    plan.totals = {"contacts": n_contacts, "demands": n_demands, "persons": n_persons}
    return plan


def life_cycles(age: np.ndarray) -> np.ndarray:
    """1 minori, 2 giovani, 3 adulti, 4 anziani."""
    return np.searchsorted([MINOR_AGE, ADULT_AGE, OLD_AGE], age, side="right") + 1


def _draw_persons(rng: np.random.Generator, registry: Registry, outside: Registry, n: int, first: date) -> pl.DataFrame:
    """Persons with exact quotas of target, citizenship, age and sex, spread over districts by population."""
    table = cal.person_table()
    # Rounding along the running sum, target by target: the report targets come out exactly at any scale.
    edges = np.floor(np.concatenate([[0.0], table.ravel().cumsum()]) * n + 0.5).astype(np.int64)
    counts = edges[1:] - edges[:-1]
    cell = rng.permutation(np.repeat(np.arange(table.size), counts))
    target, foreign, band, sex = np.unravel_index(cell, table.shape)
    residents = np.bincount(
        registry.territory.district_of_unit, weights=registry.territory.units["residents"].to_numpy()
    )
    weights = residents * rng.uniform(1 - DISTRICT_VARIATION, 1 + DISTRICT_VARIATION, len(residents))
    district = cal.exact_draw(rng, weights, n)
    is_outside = rng.random(n) < np.where(foreign == 1, OUTSIDE_FOREIGN_SHARE, OUTSIDE_ITALIAN_SHARE)
    position = np.zeros(n, dtype=np.int64)
    inside = np.flatnonzero(~is_outside)
    position[inside], found = _pick_residents(
        rng, registry, district[inside], foreign[inside], band[inside], sex[inside], first
    )
    is_outside[inside[~found]] = True
    out = np.flatnonzero(is_outside)
    position[out] = make_outsiders(rng, registry, outside, district[out], foreign[out], band[out], sex[out], first)
    age = np.zeros(n, dtype=np.int64)
    inside = np.flatnonzero(~is_outside)
    age[inside] = registry.age(position[inside], day_number(first))
    age[out] = outside.age(position[out], day_number(first))
    condition = np.full(n, "", dtype="U2")
    for t, code in enumerate(cal.TARGET_CODES):
        members = np.flatnonzero(target == t)
        options = CONDITIONS[code]
        condition[members] = np.array([c for c, _ in options])[
            cal.exact_draw(rng, np.array([s for _, s in options]), len(members))
        ]
    return pl.DataFrame(
        {
            "person": np.arange(n),
            "source": is_outside.astype(np.int64),
            "position": position,
            "district": district.astype(np.int64),
            "target": target.astype(np.int64),
            "foreign": foreign.astype(np.int64),
            "band": band.astype(np.int64),
            "sex": sex.astype(np.int64),
            "life_cycle_code": life_cycles(age).astype(str),
            "condition_code": condition,
        }
    )


def _pick_residents(
    rng: np.random.Generator,
    registry: Registry,
    district: np.ndarray,
    foreign: np.ndarray,
    band: np.ndarray,
    sex: np.ndarray,
    first: date,
) -> tuple[np.ndarray, np.ndarray]:
    """Different residents who fit, from the district where possible, else from anywhere in the region."""
    active = np.flatnonzero(registry["present"] & (registry["status"] == ACTIVE))
    edges = [low for low, _ in cal.BANDS[1:]]
    # The age at the first day decides, so that the published age bands hold exactly.
    r_band = np.searchsorted(edges, registry.age(active, day_number(first)), side="right")
    kind = ((registry["citizenship"][active] != names.ITALY) * len(cal.BANDS) + r_band) * 2 + registry["sex"][active]
    n_kinds = 2 * len(cal.BANDS) * 2
    want_kind = (foreign * len(cal.BANDS) + band) * 2 + sex
    r_district = registry.territory.district_of_unit[registry["unit"][active]].astype(np.int64)
    result, found = np.zeros(len(district), dtype=np.int64), np.zeros(len(district), dtype=bool)
    used = np.zeros(len(active), dtype=bool)
    variants = registry.with_variants()
    for have, want in (
        (r_district * n_kinds + kind, district.astype(np.int64) * n_kinds + want_kind),
        (kind.astype(np.int64), want_kind.astype(np.int64)),
    ):
        missing, free = np.flatnonzero(~found), np.flatnonzero(~used)
        free = rng.permutation(free)
        # Few have a code that an omocodia alone tells from another's: they come first, so that there are some of them.
        free = free[np.argsort(~np.isin(active[free], variants), kind="stable")]
        pool = pl.DataFrame({"group": have[free], "row": free}).with_columns(
            pl.int_range(pl.len()).over("group").alias("rank")
        )
        asked = pl.DataFrame({"group": want[missing], "index": missing}).with_columns(
            pl.int_range(pl.len()).over("group").alias("rank")
        )
        hits = asked.join(pool, on=["group", "rank"], how="inner", maintain_order="left")
        index, row = hits["index"].to_numpy(), hits["row"].to_numpy()
        result[index], found[index], used[row] = active[row], True, True
    return result, found


def make_outsiders(
    rng: np.random.Generator,
    registry: Registry,
    outside: Registry,
    district: np.ndarray,
    foreign: np.ndarray,
    band: np.ndarray,
    sex: np.ndarray,
    first: date,
) -> np.ndarray:
    """People whom the registry does not know: passing through, without papers, or of another region."""
    low, high = np.array(cal.BANDS)[band].T
    age = low + rng.random(len(band)) * (high - low) * 0.98
    birth = day_number(first) - 2 - np.floor(age * 365.25 + 0.3).astype(np.int64)
    unit = outside.territory.hub_of_unit[
        np.array(
            [
                np.flatnonzero(outside.territory.district_of_unit == d)[0]
                for d in range(len(outside.territory.districts))
            ]
        )
    ][district]
    citizenship = np.where(foreign == 1, _some_foreign(rng, len(band)), names.ITALY)
    people = outside.people(rng, unit, sex.astype(np.uint8), birth, citizenship)
    _make_siblings(rng, registry, people)
    _make_namesakes(rng, registry, people)
    return outside.add(people)


def _make_siblings(rng: np.random.Generator, registry: Registry, people: dict[str, np.ndarray]) -> None:
    """Some are brothers, sisters or twins of residents: same family name, birth place, often the same birth date. Twins
    of one sex are told apart by the given name alone, which then must not give the letters of a code that is taken."""
    letters = names.name_book().given_letters
    chosen = np.flatnonzero(rng.random(len(people["unit"])) < faults.SIBLING_SHARE)
    if not len(chosen):
        return
    residents = rng.permutation(np.flatnonzero(registry["present"] & (registry["status"] == ACTIVE)))[:200_000]
    birth = registry["birth"][residents]
    order = np.argsort(birth, kind="stable")
    for person in chosen.tolist():
        near = order[np.searchsorted(birth[order], people["birth"][person]) :][:400]
        alike = near[registry["citizenship"][residents[near]] == people["citizenship"][person]]
        if not len(alike) or abs(birth[alike[0]] - people["birth"][person]) > 60:
            continue
        resident = residents[alike[0]]
        # The same given name would make the same person, or a code that omocodia should have told apart.
        if registry["given"][resident] == people["given"][person]:
            continue
        people["family"][person], people["place"][person] = registry["family"][resident], registry["place"][resident]
        is_of_one_sex = registry["sex"][resident] == people["sex"][person]
        shares_letters = letters[int(registry["given"][resident])] == letters[int(people["given"][person])]
        if rng.random() < faults.TWIN_SHARE_OF_SIBLINGS and not (is_of_one_sex and shares_letters):
            people["birth"][person] = registry["birth"][resident]
            people["has_twin"][person] = registry["has_twin"][resident] = is_of_one_sex
            similar = names.name_book().alike(int(registry["given"][resident]))
            if is_of_one_sex and len(similar) and rng.random() < faults.ALIKE_SHARE:
                people["given"][person] = similar[person % len(similar)]


def _make_namesakes(rng: np.random.Generator, registry: Registry, people: dict[str, np.ndarray]) -> None:
    """Some have names, sex, place and month of birth of a resident, and another day: two persons, whom a date that is
    mistaken by a day brings nearer."""
    chosen = np.flatnonzero((rng.random(len(people["unit"])) < faults.NAMESAKE_SHARE) & ~people["has_twin"])
    residents = rng.permutation(np.flatnonzero(registry["present"] & (registry["status"] == ACTIVE)))[:200_000]
    residents = residents[registry["citizenship"][residents] == names.ITALY]
    residents = residents[np.argsort(registry["birth"][residents], kind="stable")]
    for person in chosen[people["citizenship"][chosen] == names.ITALY].tolist():
        near = residents[np.searchsorted(registry["birth"][residents], people["birth"][person]) :][:50]
        near = near[registry["sex"][near] == people["sex"][person]]
        if not len(near) or registry["birth"][near[0]] - people["birth"][person] > 60:
            continue
        born = EPOCH + timedelta(days=int(registry["birth"][near[0]]))
        for name in ("family", "given", "place"):
            people[name][person] = registry[name][near[0]]
        people["birth"][person] = day_number(born.replace(day=born.day + 11 if born.day <= 15 else born.day - 11))
        people["has_twin"][person] = registry["has_twin"][near[0]] = True


def _some_foreign(rng: np.random.Generator, n: int) -> np.ndarray:
    weights = np.array([c.weight for c in names.CITIZENSHIPS]).cumsum()
    return np.searchsorted(weights, rng.random(n) * weights[-1], side="right")


def _plan_contacts(
    rng: np.random.Generator,
    registry: Registry,
    persons: pl.DataFrame,
    months: list[date],
    shape: np.ndarray,
    n: int,
) -> pl.DataFrame:
    """Contacts with exact totals by month, mode and reporter; every person has at least one."""
    n_persons = persons.height
    often = rng.gamma(0.55, 1.0, n_persons) + 0.02
    often = np.minimum(often, often.mean() * 6)
    more = np.searchsorted(often.cumsum(), rng.random(n - n_persons) * often.sum(), side="right")
    principal = np.concatenate([rng.permutation(n_persons), more])
    is_anonymous = np.zeros(n, dtype=bool)
    is_anonymous[n_persons:] = rng.random(n - n_persons) < faults.ANONYMOUS_SHARE * n / max(1, n - n_persons)
    column = {name: persons[name].to_numpy() for name in ("district", "source", "position", "life_cycle_code")}
    district = column["district"][principal]
    month = _spare_the_earthquake(rng, registry, cal.exact_draw(rng, shape, n), district, months)
    reporter = np.array(list(cal.REPORTERS))[cal.exact_draw(rng, np.array(list(cal.REPORTERS.values())), n)]
    # Children do not come to the desk themselves: their contacts swap reporter with an adult's.
    minor = column["life_cycle_code"][principal] == "1"
    wrong = np.flatnonzero(minor & (reporter == "01"))
    right = rng.permutation(np.flatnonzero(~minor & (reporter != "01")))[: len(wrong)]
    wrong = wrong[: len(right)]
    reporter[wrong], reporter[right] = reporter[right], reporter[wrong].copy()
    # A relative is a grown-up resident of the region; professionals come without a code of their own.
    grown = np.flatnonzero(
        registry["present"]
        & (registry["status"] == ACTIVE)
        & (registry["birth"] < day_number(date(months[0].year - 20, 1, 1)))
    )
    relative = grown[rng.integers(0, len(grown), n)]
    is_self = reporter == "01"
    has_code = np.where(is_self, rng.random(n) < 0.85, (reporter == "02") & (rng.random(n) < 0.6)) & ~is_anonymous
    desk_unit, desk = _desks(rng, registry, column["source"][principal], column["position"][principal], district)
    return pl.DataFrame(
        {
            "contact": np.arange(n),
            "kind": pl.repeat("base", n, eager=True),
            "principal": principal,
            "is_anonymous": is_anonymous,
            "district": district,
            "month": month,
            "day": np.zeros(n, dtype=np.int64),
            "mode": np.array(list(cal.MODES))[cal.exact_draw(rng, np.array(list(cal.MODES.values())), n)],
            "reporter": reporter,
            # Who reports, as one number: persons of the year first, then registry positions.
            "reporter_id": np.where(is_self, principal, n_persons + relative),
            "is_self": is_self,
            "has_code": has_code,
            "desk_unit": desk_unit,
            "desk": desk,
        }
    )


def _spare_the_earthquake(
    rng: np.random.Generator, registry: Registry, month: np.ndarray, district: np.ndarray, months: list[date]
) -> np.ndarray:
    """Move contacts away from the districts and months of the earthquake by swapping months: totals by month stay."""
    codes = dict(registry.territory.units.select("comune", "district_code").iter_rows())
    position = {code: i for i, code in enumerate(registry.territory.districts)}
    hit = [position[codes[c]] for c in faults.EARTHQUAKE_DISTRICTS if c in codes]
    silent = position.get(codes.get(faults.SILENT_DISTRICT, ""), -1)
    shaken = np.flatnonzero([m.month in faults.EARTHQUAKE_MONTHS for m in months])
    mute = np.flatnonzero([m.month in faults.SILENT_MONTHS for m in months])
    in_silence = (district == silent) & np.isin(month, mute)
    losing = np.isin(district, hit) & np.isin(month, shaken) & (rng.random(len(month)) < faults.EARTHQUAKE_LOSS)
    leave = np.flatnonzero(in_silence | losing)
    takers = rng.permutation(np.flatnonzero(~np.isin(district, hit) & ~np.isin(month, shaken)))[: len(leave)]
    leave = leave[: len(takers)]
    month = month.copy()
    month[leave], month[takers] = month[takers], month[leave].copy()
    _let_everybody_send(month, district, len(months), {(silent, int(m)) for m in mute})
    return month


def _let_everybody_send(month: np.ndarray, district: np.ndarray, n_months: int, silences: set[tuple[int, int]]) -> None:
    """No district falls silent by chance: an empty month takes a contact from a full one, totals by month stay."""
    counts = np.zeros((int(district.max()) + 1, n_months), dtype=np.int64)
    np.add.at(counts, (district, month), 1)
    for d, m in np.argwhere(counts == 0):
        fullest = int(counts[d].argmax())
        # The giver in exchange is the district with most contacts of that month.
        giver = int(counts[:, m].argmax())
        if (int(d), int(m)) in silences or counts[d, fullest] < 2 or counts[giver, m] < 2:
            continue
        mine = np.flatnonzero((district == d) & (month == fullest))[0]
        theirs = np.flatnonzero((district == giver) & (month == m))[0]
        month[mine], month[theirs] = m, fullest
        counts[d, m], counts[d, fullest] = 1, counts[d, fullest] - 1
        counts[giver, m], counts[giver, fullest] = counts[giver, m] - 1, counts[giver, fullest] + 1


def _desks(
    rng: np.random.Generator, registry: Registry, source: np.ndarray, position: np.ndarray, district: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The desk of one's own comune if it has one, else of the district's hub."""
    territory = registry.territory
    residents = territory.units["residents"].to_numpy()
    is_hub = np.isin(np.arange(len(residents)), territory.hub_of_unit)
    n_desks = np.where((residents < DESKLESS_BELOW) & ~is_hub, 0, 1 + residents // RESIDENTS_PER_DESK).astype(np.int64)
    hub = np.array(
        [
            territory.hub_of_unit[np.flatnonzero(territory.district_of_unit == d)[0]]
            for d in range(len(territory.districts))
        ]
    )
    home = np.where(source == 0, registry["unit"][np.where(source == 0, position, 0)], hub[district])
    at_home = (territory.district_of_unit[home] == district) & (n_desks[home] > 0)
    unit = np.where(at_home, home, hub[district])
    return unit.astype(np.int64), (rng.random(len(unit)) * n_desks[unit]).astype(np.int64) + 1


def _working_days(month: date) -> tuple[np.ndarray, np.ndarray]:
    """Days of a month with their cumulated weights."""
    days = [month.replace(day=d) for d in range(1, month_end(month).day + 1)]
    weights = [0.0 if (d.month, d.day) in HOLIDAYS else WEEKDAY_WEIGHTS[d.weekday()] for d in days]
    return np.array([day_number(d) for d in days]), np.array(weights).cumsum()


def _separate_days(rng: np.random.Generator, contacts: pl.DataFrame, months: list[date]) -> pl.DataFrame:
    """Give each contact a working day so that no reporter has two on one day: each then counts by the official rule."""
    month = contacts["month"].to_numpy()
    day = np.zeros(len(month), dtype=np.int64)
    redo = np.arange(len(month))
    calendar = [_working_days(m) for m in months]
    for _ in range(40):
        for m, (days, cumulated) in enumerate(calendar):
            here = redo[month[redo] == m]
            day[here] = days[np.searchsorted(cumulated, rng.random(len(here)) * cumulated[-1], side="right")]
        clash = (
            contacts.select("reporter_id", "district")
            .with_columns(pl.Series("day", day))
            .select(pl.int_range(pl.len()).over("reporter_id", "district", "day").alias("rank"))["rank"]
        )
        redo = np.flatnonzero(clash.to_numpy() > 0)
        if not len(redo):
            break
    return contacts.with_columns(pl.Series("day", day))


def _add_repeats(rng: np.random.Generator, contacts: pl.DataFrame, registry: Registry, n: int) -> pl.DataFrame:
    """The same reporter once more on the same day at the same sender, often at another desk: to be counted once."""
    able = np.flatnonzero((contacts["has_code"] & contacts["is_self"]).to_numpy())
    chosen = rng.choice(able, min(n, len(able)), replace=False)
    again = contacts[np.sort(chosen)].with_columns(
        (pl.int_range(pl.len(), dtype=pl.Int64) + contacts.height).alias("contact"),
        pl.lit("repeat").alias("kind"),
        pl.lit(1, dtype=pl.Int64).alias("desk"),
    )
    marked = contacts.with_columns(pl.Series("is_repeated", np.isin(np.arange(contacts.height), chosen)))
    return pl.concat([marked, again.with_columns(pl.lit(True).alias("is_repeated"))])


def _plan_demands(rng: np.random.Generator, persons: pl.DataFrame, contacts: pl.DataFrame, n: int) -> pl.DataFrame:
    """One demand for each contact, the rest as further demands for the same person or another of the district."""
    first = contacts.select(
        "contact", pl.lit(1, dtype=pl.Int64).alias("demand_number"), "is_anonymous", pl.col("principal").alias("person")
    )
    base = contacts.filter(pl.col("kind") == "base")
    more = base[rng.integers(0, base.height, max(0, n - contacts.height))]
    by_district = persons.sort("district")["person"].to_numpy()
    ends = np.cumsum(np.bincount(persons["district"].to_numpy(), minlength=int(persons["district"].max()) + 1))  # type: ignore[arg-type]
    district = more["district"].to_numpy()
    starts = np.concatenate([[0], ends[:-1]])
    other = by_district[starts[district] + (rng.random(len(district)) * (ends - starts)[district]).astype(np.int64)]
    person = np.where(
        (rng.random(len(district)) < 0.78) | more["is_anonymous"].to_numpy(), more["principal"].to_numpy(), other
    )
    further = pl.DataFrame(
        {"contact": more["contact"], "is_anonymous": more["is_anonymous"], "person": person}
    ).with_columns((pl.int_range(pl.len()).over("contact") + 2).alias("demand_number"))
    demands = pl.concat([first, further.select(first.columns)]).sort("contact", "demand_number")
    target = persons["target"].to_numpy()[demands["person"].to_numpy()]
    need = np.zeros(len(target), dtype=np.int64)
    counts = np.bincount(target, minlength=len(cal.TARGET_CODES)).astype(float)
    wanted = np.array(list(cal.NEEDS.values())) / sum(cal.NEEDS.values()) * len(target)
    table = cal.fit(cal.NEED_BY_TARGET + 1e-3, [((0,), counts), ((1,), wanted)])
    # Rounding goes along the whole table, so that rare needs keep their total over all targets.
    for t, needs in enumerate(_whole(table, counts.astype(np.int64))):
        need[target == t] = rng.permutation(np.repeat(np.arange(len(needs)), needs))
    regional = np.zeros(len(target), dtype=np.int64)
    for i, stem in enumerate(cal.NEEDS):
        members = np.flatnonzero(need == i)
        codes = [r for r, code in enumerate(REGIONAL_CODES) if code.startswith(stem)]
        weights = np.array([REGIONAL[REGIONAL_CODES[r]][1] for r in codes])
        regional[members] = np.array(codes)[cal.exact_draw(rng, weights, len(members))]
    return demands.with_columns(pl.Series("target", target), pl.Series("need", need), pl.Series("regional", regional))


def _whole(table: np.ndarray, row_totals: np.ndarray) -> np.ndarray:
    """Whole counts near a table, with exact row totals and column totals within one."""
    running = np.floor(table.cumsum(axis=0) + 0.5).astype(np.int64)
    counts = np.maximum(np.diff(running, axis=0, prepend=0), 0)
    for row, total in zip(counts, row_totals, strict=True):
        row[row.argmax()] += total - row.sum()
    return counts


def _plan_outcomes(rng: np.random.Generator, demands: pl.DataFrame) -> pl.DataFrame:
    """One outcome for each demand, a second and different one for some."""
    n = demands.height
    codes, shares = np.array(list(OUTCOMES)), np.array(list(OUTCOMES.values()))
    first = cal.exact_draw(rng, shares, n)
    second = (first + rng.integers(1, len(codes), n)) % len(codes)
    stems = np.array(list(cal.NEEDS))
    frame = pl.DataFrame(
        {
            "contact": demands["contact"],
            "demand_number": demands["demand_number"],
            "need": stems[demands["need"].to_numpy()],
            "type_1": codes[first],
            "type_2": codes[second],
            "has_second": rng.random(n) < SECOND_OUTCOME_SHARE,
            "days_after": rng.integers(1, 29, n),
        }
    )
    both = pl.concat(
        [
            frame.select(
                "contact",
                "demand_number",
                pl.lit(1).alias("outcome_number"),
                pl.col("type_1").alias("type"),
                "need",
                "days_after",
            ),
            frame.filter("has_second").select(
                "contact",
                "demand_number",
                pl.lit(2).alias("outcome_number"),
                pl.col("type_2").alias("type"),
                "need",
                "days_after",
            ),
        ]
    ).sort("contact", "demand_number", "outcome_number")
    return both.with_columns(
        pl.when(pl.col("type") == "5").then("days_after").alias("days_after"),
        pl.when(pl.col("type") == "6").then(pl.col("need").replace_strict(DESTINATION_OF_NEED)).alias("destination"),
    ).drop("need")


def months_of(start: date, n: int) -> list[date]:
    """First days of n months."""
    return [add_months(start, i) for i in range(n)]
