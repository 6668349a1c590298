"""Persons as senders write them down: from a position in the registry to identifier, names and birth, right or wrong.

Belongs here: how a person is presented, for every flow. Does not: how often which fault happens (faults.py), records.
"""

from datetime import date

import numpy as np
import polars as pl

from orchestration.demo import faults, misspelling, names
from orchestration.demo.population import Registry, day_number, registry_ids

EU_PLACES = {"Z129", "Z127", "Z104", "Z110", "Z112"}
NOBODY = ("anonymous", "unknown")
#: Presentations without any code: the sender's own number where the flow has one, and what is known of the person.
CODELESS = (
    "local_only", "year_only", "misspelt", "transliterated", "local_swapped", "birth_slip", "first_words",
    "no_local_id", "no_name",
)  # fmt: skip
WRITTEN_WRONG = ("misspelt", "transliterated", "first_words", "birth_slip")
#: A slip of the pen in the birth date of a small child could lie after the record.
SLIP_FROM_DAYS = 800
SWAPPED = ("swapped_names", "local_swapped")


def true_ids(source: pl.Series, position: pl.Series) -> pl.Series:
    """Who is who in the truth: the regional id, or XX and a number for people whom the registry does not know."""
    ids = registry_ids(position.to_numpy())
    return pl.select(pl.when(source == 0).then(ids).otherwise(ids.str.replace("ER", "XX"))).to_series()


def known_persons(registry: Registry, outside: Registry, wanted: pl.DataFrame, day: date) -> pl.DataFrame:
    """Names, codes and residence of persons (source, position) as the registry, or nobody, knows them at a day."""
    book, parts = names.name_book(), []
    for source, people in enumerate((registry, outside)):
        who = np.sort(wanted.filter(pl.col("source") == source)["position"].to_numpy())
        # A temporary code keeps the AUSL that gave it, whatever the AUSL is called later.
        first_ausl = people.territory.at(people.territory.first_day)["ausl_code"].gather(people["unit"][who])
        family, given = people["family"][who], people["given"][who]
        # Where both names give the same letters, swapping them cannot be seen.
        same = book.family_letters.gather(family) + book.given_letters.gather(given)
        swapped = book.family_letters.gather(given) + book.given_letters.gather(family)
        parts.append(
            people.frame(who, day).with_columns(
                (same == swapped).alias("same_letters"),
                pl.lit(source, dtype=pl.Int64).alias("source"),
                pl.Series("position", who, dtype=pl.Int64),
                first_ausl.alias("first_ausl"),
                pl.Series("has_twin", people["has_twin"][who]),
            )
        )
    known = pl.concat(parts)
    position, source_of = known["position"].to_numpy(), known["source"].to_numpy()
    draw = (position * 7919) % 100
    foreign = (known["cittadinanza"] != "100").to_numpy()
    eu_codes = [c.istat_code for c in names.CITIZENSHIPS if c.place_code in EU_PLACES]
    is_eu = known["cittadinanza"].is_in(eu_codes).to_numpy()
    kind = np.full(known.height, "right", dtype="U12")
    kind[foreign & (draw < 45)] = "stp"
    kind[foreign & (draw < 45) & is_eu] = "eni"
    kind[foreign & (draw >= 45) & (draw < 57)] = "provisional"
    kind[foreign & (draw >= 57) & (draw < 92)] = "local_only"
    kind[~foreign & (draw < 30)] = "local_only"
    has_twin = known["has_twin"].to_numpy()
    kind[has_twin] = "local_only"
    bare_twin = has_twin & ((position * 104_729) % 100 < 100 * faults.TWIN_WITHOUT_CODE_SHARE)
    temporary = pl.Series(np.where(is_eu, "ENI", "STP")) + "080" + known["first_ausl"].str.slice(3, 3)
    temporary = temporary + pl.Series(position).cast(pl.String).str.zfill(7)
    body = pl.Series(position + 9_000_000_000).cast(pl.String)
    is_provisional = pl.Series(kind == "provisional")
    return known.with_columns(
        pl.Series("kind_of_outsider", kind),
        pl.Series("is_bare_twin", bare_twin),
        pl.select(pl.when(is_provisional).then(body + _check_digits(body)).otherwise(temporary))
        .to_series()
        .alias("foreign_code"),
        # A number of the sender's own case file: a bijection of the position, so that two persons never share it.
        pl.Series("local_number", (position * 2_654_435_761 + source_of * 1_000_003) % 2**32 + 2**32 * source_of),
        true_ids(known["source"], known["position"]).alias("true_person_id"),
        pl.when(pl.col("source") == 0).then("id_assistito").alias("registry_id"),
    )


def choose_cases(
    rng: np.random.Generator, people: pl.DataFrame, shares: dict[str, float], bound: np.ndarray, day: date
) -> pl.Series:
    """How each row of `people` is presented: right where bound, else by declared shares and by what can be shown."""
    n = people.height
    edges = np.cumsum(list(shares.values()))
    case = np.array([*shares, "right"], dtype="U16")[np.searchsorted(edges, rng.random(n), side="right")]
    inside = (people["source"] == 0).to_numpy()
    old = people["identificativo_precedente"].is_not_null().to_numpy() & inside
    case = np.where(old & (case == "right") & (rng.random(n) < 0.5), "old_code", case)
    if "local_only" in shares:
        case = np.where(people["is_bare_twin"].to_numpy() & (case == "right"), "local_only", case)
    case = np.where(bound, "right", case)
    case = np.where(people["same_letters"].to_numpy() & (case == "swapped_names"), "right", case)
    # Only names of other alphabets and spellings have a second way to be written.
    case = np.where((people["cittadinanza"] == "100").to_numpy() & (case == "transliterated"), "misspelt", case)
    small = day_number(day) - people["data_nascita"].cast(pl.Int32).to_numpy() < SLIP_FROM_DAYS
    case = np.where(small & (case == "birth_slip"), "local_only", case)
    return pl.Series("case", np.where(inside, case, people["kind_of_outsider"].to_numpy().astype("U16")))


def present(rng: np.random.Generator, people: pl.DataFrame) -> pl.DataFrame:
    """The fields of each person as shown under its `case`: identifier_type, identifier, local_id, names, birth."""
    n = people.height
    people = people.with_columns(
        pl.Series("typo_at", rng.integers(0, 6, n)),
        pl.Series("slip", rng.integers(0, 10_000, n)),
        pl.Series("shows_local_id", rng.random(n) < 0.7),
        pl.Series("shows_place", rng.random(n) < 0.8),
    )
    case = pl.col("case")
    nobody, codeless, swapped = case.is_in(NOBODY), case.is_in(CODELESS), case.is_in(SWAPPED)
    letter = pl.col("identificativo").str.slice(pl.col("typo_at"), 1)
    wrong = letter.replace_strict({c: chr((ord(c) - 64) % 26 + 65) for c in map(chr, range(65, 91))}, default=None)
    typo = (
        pl.col("identificativo").str.slice(0, pl.col("typo_at"))
        + wrong
        + pl.col("identificativo").str.slice(pl.col("typo_at") + 1)
    )
    shown = people.with_columns(
        pl.when(case == "anonymous")
        .then(pl.lit("98"))
        .when(case == "unknown")
        .then(pl.lit("99"))
        .when(codeless)
        .then(None)
        .when(case == "stp")
        .then(pl.lit("1"))
        .when(case == "eni")
        .then(pl.lit("2"))
        .when(case == "provisional")
        .then(pl.lit("4"))
        .otherwise(pl.lit("0"))
        .alias("identifier_type"),
        pl.when(codeless | nobody)
        .then(None)
        .when(case == "typo")
        .then(typo)
        .when(case == "old_code")
        .then("identificativo_precedente")
        .when(case.is_in(["stp", "eni", "provisional"]))
        .then("foreign_code")
        .otherwise("identificativo")
        .alias("identifier"),
        pl.when(case == "no_local_id")
        .then(_stands_for(faults.NO_LOCAL_IDS))
        .when(~nobody & (codeless | (case == "typo") | pl.col("shows_local_id")))
        .then(pl.col("local_number").cast(pl.String))
        .alias("local_id"),
        *(
            pl.when(nobody)
            .then(None)
            .when(case == "no_name")
            .then(_stands_for(faults.NO_NAMES))
            .when(swapped)
            .then(exchanged)
            .otherwise(own)
            .alias(name)
            for name, own, exchanged in (("family_name", "cognome", "nome"), ("given_name", "nome", "cognome"))
        ),
        pl.when(~nobody & (case != "year_only")).then(pl.col("data_nascita").cast(pl.String)).alias("birth_date"),
        pl.when(case == "year_only").then(pl.col("data_nascita").dt.year().cast(pl.String)).alias("birth_year"),
        pl.when(~nobody & pl.col("shows_place") & (case != "year_only")).then("codice_nascita").alias("birth_place"),
        pl.when(~nobody).then("true_person_id").alias("true_person_id"),
        pl.when(~nobody).then("registry_id").alias("registry_id"),
    )
    return _written_wrong(shown).drop("typo_at", "slip", "shows_local_id", "shows_place")


def _stands_for(values: tuple[str, ...]) -> pl.Expr:
    """One of what is written where nothing is known, by a number of the row."""
    return (pl.col("slip") % len(values)).replace_strict(dict(enumerate(values)), return_dtype=pl.String)


def _written_wrong(shown: pl.DataFrame) -> pl.DataFrame:
    """Names misspelt or spelt otherwise, dates mistaken: few rows, so one by one."""
    rows = shown.with_row_index("row").filter(pl.col("case").is_in(WRITTEN_WRONG))
    if rows.is_empty():
        return shown
    fields: dict[str, list[str]] = {"case": [], "family_name": [], "given_name": [], "birth_date": []}
    for case, family, given, birth, slip in rows.select(
        "case", "family_name", "given_name", "data_nascita", "slip"
    ).iter_rows():
        if case == "transliterated":
            written = misspelling.transliterate(family), misspelling.transliterate(given)
            case = "misspelt" if written == (family, given) else case
            family, given = written
        if case == "first_words":
            written = misspelling.first_word(family), misspelling.first_word(given)
            case = "misspelt" if written == (family, given) else case
            family, given = written
        if case == "misspelt":
            wrong_given = slip % 2 == 0
            family = family if wrong_given else misspelling.misspell(family, slip // 2)
            given = misspelling.misspell(given, slip // 2) if wrong_given else given
        if case == "birth_slip":
            birth = misspelling.slip(birth, slip)
        for name, value in zip(fields, (case, family, given, birth.isoformat()), strict=True):
            fields[name].append(value)
    row = rows["row"].to_numpy()
    return shown.with_columns(shown[name].scatter(row, values) for name, values in fields.items())


def _check_digits(body: pl.Series) -> pl.Series:
    """Check digit of provisional codes: every second digit doubled, digits summed."""
    digits = (
        np.frombuffer(body.str.join("").item().encode(), dtype=np.uint8).reshape(len(body), 10).astype(np.int64) - 48
    )
    doubled = digits[:, 1::2] * 2
    total = digits[:, 0::2].sum(axis=1) + np.where(doubled > 9, doubled - 9, doubled).sum(axis=1)
    return pl.Series((10 - total % 10) % 10).cast(pl.String)
