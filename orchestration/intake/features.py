"""Columns that rules look at: typed values, forms, membership of lists at the record's date, what an identifier says.

Each function adds columns to a frame and knows no rule. What is a finding is written in the contracts; the
order in which these functions run for a flow is in `prepare.py`. All work is on columns; joins with history
go over distinct pairs.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache

import polars as pl

from orchestration.intake import fiscal_code, reference
from orchestration.intake.contract import CodeList, Contract, Field, Table, load_contract, placeholders

RAW = "_raw"
CODICE_FISCALE = "0"
#: Citizenships that a registry office writes while it does not know one.
NOT_ATTRIBUTED = ["888", "998"]
#: There is no year 0000, and a date of the year before 0001 could be read by nobody who asks the database for it.
_DATE = r"^\d{4}-\d{2}-\d{2}$"
_NO_YEAR = "0000"
_NUMBER = r"^\d{1,4}$"
_NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")
_NAME = r"^[\p{L}\p{M} .'’`-]+$"


def typed(frame: pl.DataFrame, table: Table, *more: pl.Expr) -> pl.DataFrame:
    """`x_well_formed` for each field with a pattern (null when the field is missing); dates and numbers: `x` becomes
    `x_raw` (as received) and `x` (typed, null when it is not one); `x_is_plausible` says whether a date is one of those
    that the contract gives to the field. `more` is added on the way."""
    return frame.with_columns(*_typed(table), *more)


@cache
def _typed(table: Table) -> tuple[pl.Expr, ...]:
    out: list[pl.Expr] = []
    for field in table.file_fields:
        text = pl.col(field.name)
        if field.pattern is not None:
            out.append(text.str.contains(field.pattern).alias(f"{field.name}_well_formed"))
        if field.dtype == "date":
            if field.no_end:
                text = pl.when(text != field.no_end).then(text)
            is_date = text.str.contains(_DATE) & ~text.str.starts_with(_NO_YEAR)
            value = pl.when(is_date).then(text).str.to_date("%Y-%m-%d", strict=False)
            if field.minimum and field.maximum:
                out.append(value.is_between(field.minimum, field.maximum).alias(f"{field.name}_is_plausible"))
        elif field.dtype == "smallint":
            value = pl.when(text.str.contains(_NUMBER)).then(text).cast(pl.Int16, strict=False)
        elif dtype := decimal(field.dtype):
            form = rf"^[0-9]{{1,{dtype.precision - dtype.scale}}}([.][0-9]{{1,{dtype.scale}}})?$"
            value = pl.when(text.str.contains(form)).then(text).cast(dtype, strict=False)
        else:
            continue
        out += [text.alias(field.name + RAW), value.alias(field.name)]
    return tuple(out)


def decimal(dtype: str) -> pl.Decimal | None:
    """The exact type of a `numeric(p,s)`; None for any other type of PostgreSQL."""
    found = _NUMERIC.fullmatch(dtype)
    return pl.Decimal(int(found[1]), int(found[2])) if found else None


@cache
def lists(flow_code: str, table_name: str, on: str) -> tuple[pl.Expr, ...]:
    """`x_in_list` for each field with a code list, at the date in the column `on`."""
    contract = load_contract(flow_code)
    return tuple(
        in_list(pl.col(f.name), contract, f, pl.col(on)).alias(f"{f.name}_in_list")
        for f in contract.table(table_name).file_fields
        if f.code_list
    )


def in_list(value: pl.Expr, contract: Contract, field: Field, on: pl.Expr) -> pl.Expr:
    if field.code_list == "citizenship":
        return value.is_in(_citizenships())
    code_list: CodeList = contract.code_lists[field.code_list or ""]
    always = value.is_in([c.code for c in code_list.codes if not (c.valid_from or c.valid_to)])
    for code in (c for c in code_list.codes if c.valid_from or c.valid_to):
        first, last = code.valid_from or date.min, code.valid_to or date.max
        # without a date of its own a record cannot be outside the validity
        always = always | ((value == code.code) & on.is_between(first, last).fill_null(True))
    return always


def comune(frame: pl.DataFrame, code: pl.Expr, prefix: str, on: pl.Expr) -> pl.DataFrame:
    """`<prefix>_is_known`, `<prefix>_is_valid` (at `on`), `<prefix>_district` of an ISTAT comune code."""
    out = frame.with_columns(code.alias("_code")).join(_comuni(), on="_code", how="left", maintain_order="left")
    outside = pl.col("_code") == reference.OUTSIDE_REGION
    return out.with_columns(
        (pl.col("_district").is_not_null() | outside).fill_null(False).alias(f"{prefix}_is_known"),
        within(on).alias(f"{prefix}_is_valid"),
        pl.col("_district").alias(f"{prefix}_district_code"),
    ).drop("_code", "_district", "_from", "_to")


@cache
def _comuni() -> pl.DataFrame:
    return reference.comuni_validity().select(
        pl.col("istat_code").alias("_code"),
        pl.col("district_code").alias("_district"),
        pl.col("valid_from").alias("_from"),
        pl.col("valid_to").alias("_to"),
    )


def within(on: pl.Expr, first: str = "_from", last: str = "_to") -> pl.Expr:
    """Whether a day is inside a validity with open ends; true when there is no day to judge by."""
    return (
        (pl.col(first).is_null() | (on >= pl.col(first))) & (pl.col(last).is_null() | (on <= pl.col(last)))
    ).fill_null(True)


def ausl_of_comune(frame: pl.DataFrame, on: date) -> pl.DataFrame:
    """`residence_comune_ausl_code`: the AUSL of the comune of residence on one day."""
    at_day = reference.comuni().filter(
        (pl.col("valid_from").is_null() | (pl.col("valid_from") <= on))
        & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= on))
    )
    return frame.with_columns(
        pl.col("residence_comune_code")
        .replace_strict(at_day["istat_code"], at_day["ausl_code"], default=None, return_dtype=pl.String)
        .alias("residence_comune_ausl_code")
    )


@cache
def _citizenships() -> list[str]:
    """Citizenships that somebody can have today: of a country that is there, or of none."""
    known = reference.citizenships().filter(pl.col("valid_to").is_null())["citizenship_code"]
    return known.filter(~known.is_in(NOT_ATTRIBUTED)).to_list()


@cache
def _birth_places() -> pl.DataFrame:
    """One row per code with its validities side by side, so that one join answers."""
    places = reference.birth_places().with_columns(_n=pl.int_range(pl.len()).over("belfiore_code"))
    wide = places.filter(pl.col("_n") == 0).select(
        pl.col("belfiore_code").alias("_place"), pl.col("valid_from").alias("_f0"), pl.col("valid_to").alias("_t0")
    )
    for n in range(1, int(places["_n"].max() or 0) + 1):  # type: ignore[arg-type]
        wide = wide.join(
            places.filter(pl.col("_n") == n).select(
                pl.col("belfiore_code").alias("_place"),
                pl.col("valid_from").fill_null(date.min).alias(f"_f{n}"),
                pl.col("valid_to").fill_null(date.max).alias(f"_t{n}"),
            ),
            on="_place",
            how="left",
        )
    return wide.with_columns(_known=pl.lit(True))


def birth_place(frame: pl.DataFrame, born: pl.Expr) -> pl.DataFrame:
    """`birth_place_is_known` and `birth_place_is_valid` (at birth, when the birth date is known). What a right codice
    fiscale says too is valid: the tax office gives codes of comuni beside their dates, and no sender can cure that."""
    wide = _known_places(frame["birth_place_code"])
    spans = sum(1 for c in wide.columns if c.startswith("_f"))
    out = frame.join(wide, left_on="birth_place_code", right_on="_place", how="left", maintain_order="left")
    valid = within(born, "_f0", "_t0")
    for n in range(1, spans):
        valid = valid | born.is_between(pl.col(f"_f{n}"), pl.col(f"_t{n}")).fill_null(False)
    agrees = (pl.col("cf_check_ok") & (pl.col("cf_birth_place") == pl.col("birth_place_code"))).fill_null(False)
    return out.with_columns(
        birth_place_is_known=pl.col("_known").fill_null(False), birth_place_is_valid=valid | agrees
    ).drop([c for c in wide.columns if c != "_place"])


@cache
def _names() -> tuple[pl.Expr, ...]:
    """`family_name_is_plain`, `given_name_is_plain`."""
    return tuple(pl.col(c).str.contains(_NAME).alias(f"{c}_is_plain") for c in ("family_name", "given_name"))


def _is_placeholder(values: pl.Series, kind: str) -> pl.Series:
    """Which values stand for one that is not known; never null. Each distinct one is looked at once: names repeat a
    hundredfold."""
    distinct = values.drop_nulls().unique()
    written = distinct.cast(pl.String)
    if kind != "birth_date":
        written = written.str.to_uppercase().str.replace_all(r"[^A-Z]" if kind == "name" else r"[^A-Z0-9]", "")
    found = distinct.filter(written.str.contains(placeholders()[kind]))
    return values.is_in(found.implode()).fill_null(False)


def local_id(frame: pl.DataFrame) -> pl.DataFrame:
    """`local_id_is_placeholder`, and `local_id_contradicts`: of sex, birth and names two are others than in the first
    row with this local id of the sender. One alone may be a slip of the pen; what is missing contradicts nothing.
    Identity looks more closely, and over all deliveries."""
    born = pl.col("birth_date")
    names = [pl.col(name).str.to_uppercase().str.replace_all(r"[^A-Z]", "") for name in ("family_name", "given_name")]
    asked = frame.select(
        "sender_code",
        "local_id",
        pl.when(pl.col("sex_code").is_in(["M", "F"])).then("sex_code").alias("sex"),
        born.dt.year().alias("year"),
        born.dt.month().alias("month"),
        born.dt.day().alias("day"),
        names[0].alias("family"),
        names[1].alias("given"),
    )

    def first(name: str) -> pl.Expr:
        return pl.col(name).drop_nulls().first().over("sender_code", "local_id")

    def differs(name: str, other: str = "") -> pl.Expr:
        return (pl.col(name) != first(other or name)).fill_null(False)

    is_exchanged = ~differs("month", "day") & ~differs("day", "month")
    parts = pl.sum_horizontal(differs(name).cast(pl.Int8) for name in ("year", "month", "day"))
    is_born_otherwise = (parts >= 2) & ~(is_exchanged & ~differs("year"))
    has_other_names = (
        differs("family") & differs("given") & ~(~differs("family", "given") & ~differs("given", "family"))
    )
    n_others = pl.sum_horizontal(each.cast(pl.Int8) for each in (differs("sex"), is_born_otherwise, has_other_names))
    found = asked.select(
        local_id_is_placeholder=_is_placeholder(frame["local_id"], "local_id"),
        local_id_contradicts=pl.col("local_id").is_not_null() & (n_others >= 2),
    )
    return frame.with_columns(found.get_columns())


def identifier(frame: pl.DataFrame, prefix: str = "") -> pl.DataFrame:
    """`<prefix>identifier_is_valid` and `<prefix>base_identifier` from `<prefix>identifier` and its type."""
    _, valid, upper = _identified(frame[f"{prefix}identifier_type_code"], frame[f"{prefix}identifier"])
    return frame.with_columns(valid.alias(f"{prefix}identifier_is_valid"), upper.alias(f"{prefix}base_identifier"))


def _identified(kind: pl.Series, given: pl.Series) -> tuple[pl.DataFrame, pl.Series, pl.Series]:
    """What codici fiscali say (null for other types), whether each identifier is valid, and how it is compared."""
    upper = fiscal_code.normalise(given)
    mine = (kind == CODICE_FISCALE).fill_null(False) & upper.is_not_null()
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(upper))
    found = fiscal_code.features(upper if mine.all() else upper.zip_with(mine, nothing))
    valid = found["check_ok"]
    others = ~mine & upper.is_not_null()
    if others.any():
        valid = valid.scatter(
            others.arg_true(), fiscal_code.is_valid_identifier(kind.filter(others), upper.filter(others))
        )
    return found, valid, upper


def person(frame: pl.DataFrame, on: pl.Expr) -> pl.DataFrame:
    """What identifier, names and birth say of the person of a row: validity, `cf_…`, the agreement with the rest,
    whether names are plain."""
    found, valid, upper = _identified(frame["identifier_type_code"], frame["identifier"])
    known = _known_places(found["birth_place"])
    born = pl.col("birth_date")
    return (
        frame.with_columns(
            identifier_is_valid=valid,
            base_identifier=upper,
            cf_is_well_formed=found["is_well_formed"],
            cf_check_ok=found["check_ok"],
            cf_sex=found["sex"],
            cf_birth_place=found["birth_place"],
            cf_birth_yy=found["birth_yy"],
            _month=found["birth_month"],
            _day=found["birth_day"],
            _letters=found["base_code"],
            _family=fiscal_code.encode_family(frame["family_name"]),
            _given=fiscal_code.encode_given(frame["given_name"]),
        )
        .with_columns(
            cf_birth_date_differs=(
                (pl.col("_day") != born.dt.day())
                | (pl.col("_month") != born.dt.month())
                | (pl.col("cf_birth_yy") != born.dt.year() % 100)
            ).fill_null(False),
            cf_birth_place_is_known=pl.col("cf_birth_place").is_in(known["_place"].implode()).fill_null(False),
            cf_name_differs=(pl.col("_family") + pl.col("_given") != pl.col("_letters").str.slice(0, 6)).fill_null(
                False
            ),
            age_years=age(born, on),
            name_is_placeholder=_is_placeholder(frame["family_name"], "name")
            | _is_placeholder(frame["given_name"], "name"),
            birth_date_is_placeholder=_is_placeholder(frame["birth_date"], "birth_date"),
        )
        .with_columns(*_names())
        .drop("_month", "_day", "_letters", "_family", "_given")
    )


@cache
def _row_of_place() -> dict[str, int]:
    return {place: row for row, place in enumerate(_birth_places()["_place"])}


def _known_places(codes: pl.Series) -> pl.DataFrame:
    """The rows of `_birth_places` that a column asks for: a join with all of them costs more than a month's records."""
    rows = _row_of_place()
    return _birth_places()[[rows[code] for code in codes.unique() if code in rows]]


def age(born: pl.Expr, on: pl.Expr) -> pl.Expr:
    """Completed years; null without a birth date, negative never: being born later is another rule's matter."""
    had_no_birthday = (on.dt.month() < born.dt.month()) | (
        (on.dt.month() == born.dt.month()) & (on.dt.day() < born.dt.day())
    )
    years = on.dt.year().cast(pl.Int32) - born.dt.year() - had_no_birthday.cast(pl.Int32)
    return pl.when(born <= on).then(years).cast(pl.Int16)


def previous_identifier(code: pl.Series) -> pl.DataFrame:
    """A previous code stands without a type: right if it is right as any of them."""
    present = code.is_not_null().arg_true()
    given = fiscal_code.normalise(code.gather(present))
    valid = pl.repeat(False, len(given), dtype=pl.Boolean, eager=True)
    for kind in ("0", "4", "97"):
        valid = valid | fiscal_code.is_valid_identifier(pl.repeat(kind, len(given), eager=True), given)
    nothing = pl.Series([None], dtype=pl.Boolean).new_from_index(0, len(code))
    return pl.DataFrame(
        {
            "previous_identifier_is_valid": nothing.scatter(present, valid),
            "previous_base_identifier": nothing.cast(pl.String).scatter(present, given),
        }
    )
