"""Identifiers of persons as columns: codice fiscale, provisional numeric code, STP/ENI, TEAM.

Columns in, columns out; no value is logged and no Python runs per row.
Whether a wrong identifier is a finding is said by the contracts, not here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl

from orchestration.intake.letters import LETTERS

LENGTH = 16
OMOCODIA_POSITIONS = (6, 7, 9, 10, 12, 13, 14)
OMOCODIA_LETTERS = "LMNPQRSTUV"  # for the digits 0-9
MONTHS = "ABCDEHLMPRST"
WOMEN_DAY_OFFSET = 40

_ODD_DIGITS = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21]
_ODD_LETTERS = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]

STP, ENI = "STP", "ENI"
FORMS = {
    "1": r"^STP\d{13}$",
    "2": r"^ENI\d{13}$",
    "3": r"^[A-Z0-9]{4,20}$",
    "97": r"^(STP|ENI)\d{13}$",
}
#: One digit or letter again and again is typed where there is no code, and fits the form of many.
NO_CODE = rf"^(STP|ENI)?({'|'.join(f'{char}+' for char in '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ')})$"


def _table(pairs: dict[str, int], default: int) -> npt.NDArray[np.int16]:
    table = np.full(256, default, dtype=np.int16)
    for char, value in pairs.items():
        table[ord(char)] = value
    return table


_DIGITS = {str(d): d for d in range(10)}
_LETTERS = {chr(65 + i): i for i in range(26)}
_EVEN = _table({**_DIGITS, **_LETTERS}, 0)
_ODD = _table(
    {**dict(zip("0123456789", _ODD_DIGITS, strict=True)), **{chr(65 + i): v for i, v in enumerate(_ODD_LETTERS)}}, 0
)
#: a digit, or the letter that stands for it in an omocodia
_DIGIT = _table({**_DIGITS, **{c: i for i, c in enumerate(OMOCODIA_LETTERS)}}, -1)
_MONTH = _table({c: i + 1 for i, c in enumerate(MONTHS)}, -1)
_IS_LETTER = _table({c: 1 for c in _LETTERS}, 0).astype(bool)
_LETTER_POSITIONS = (0, 1, 2, 3, 4, 5, 8, 11, 15)


def normalise(code: pl.Series) -> pl.Series:
    """Upper case without surrounding blanks: how every identifier is compared. A codice fiscale whose digits are
    written as letters (omocodia) is another code: the tax office gives it to another person."""
    return code.str.strip_chars().str.to_uppercase()


def features(code: pl.Series) -> pl.DataFrame:
    """What a column of codici fiscali says, row by row.

    `is_well_formed`, `check_ok` (never null); `base_code` (omocodia resolved: to check a code, not to compare two),
    `sex`, `birth_place`, `birth_yy`, `birth_month`, `birth_day` (null unless well formed).
    """
    upper = normalise(code)
    candidate = (upper.str.len_bytes() == LENGTH).fill_null(False)
    rows = candidate.arg_true().to_numpy()
    n = len(code)
    chars = _matrix(upper.filter(candidate))
    digits = {p: _DIGIT[chars[:, p]] for p in OMOCODIA_POSITIONS}
    month = _MONTH[chars[:, 8]]
    ok = month > 0
    for p in _LETTER_POSITIONS:
        ok &= _IS_LETTER[chars[:, p]]
    for value in digits.values():
        ok &= value >= 0
    day = digits[9] * 10 + digits[10]
    is_woman = day > WOMEN_DAY_OFFSET
    day = np.where(is_woman, day - WOMEN_DAY_OFFSET, day)
    ok &= (day >= 1) & (day <= 31)
    check_ok = ok & (_check_letters(chars) == chars[:, 15])
    base = chars.copy()
    for p, value in digits.items():
        base[:, p] = np.where(ok, value + ord("0"), chars[:, p])
    base[:, 15] = np.where(check_ok, _check_letters(base), chars[:, 15])

    kept = rows[ok]
    well_formed = np.zeros(n, dtype=bool)
    well_formed[kept] = True
    checked = np.zeros(n, dtype=bool)
    checked[rows[check_ok]] = True
    place = np.full(n, len(kept), dtype=np.uint32)  # the last row of `found` has nothing to say
    place[kept] = np.arange(len(kept), dtype=np.uint32)
    found = pl.DataFrame(
        {
            "base_code": _strings(base[ok]),
            "sex": _strings(np.where(is_woman[ok], ord("F"), ord("M")).astype(np.uint8).reshape(-1, 1)),
            "birth_place": _strings(base[ok, 11:15]),
            "birth_yy": pl.Series((digits[6] * 10 + digits[7])[ok], dtype=pl.Int16),
            "birth_month": pl.Series(month[ok], dtype=pl.Int8),
            "birth_day": pl.Series(day[ok], dtype=pl.Int8),
        }
    )
    where = pl.Series(place)
    return found.select(
        pl.all().gather(pl.lit(where.set(where == len(kept), None)) if len(kept) < n else where),
        pl.lit(pl.Series(well_formed)).alias("is_well_formed"),
        pl.lit(pl.Series(checked)).alias("check_ok"),
    )


def is_well_formed(code: pl.Series) -> pl.Series:
    return features(code)["is_well_formed"].rename(code.name)


def check_letter_ok(code: pl.Series) -> pl.Series:
    return features(code)["check_ok"].rename(code.name)


def base_code(code: pl.Series) -> pl.Series:
    """The code with its digits back in place; null when it does not have the form of a codice fiscale."""
    return features(code)["base_code"].rename(code.name)


def sex(code: pl.Series) -> pl.Series:
    return features(code)["sex"].rename(code.name)


def birth_place(code: pl.Series) -> pl.Series:
    return features(code)["birth_place"].rename(code.name)


def birth_date(code: pl.Series, by_year: pl.Series) -> pl.Series:
    """Birth date with the latest century that is not after `by_year` (the year of the record)."""
    found = features(code).with_columns(by_year=by_year.cast(pl.Int32))
    century = pl.col("by_year") // 100 * 100 + pl.col("birth_yy")
    year = pl.when(century > pl.col("by_year")).then(century - 100).otherwise(century)
    text = pl.format(
        "{}-{}-{}",
        year,
        pl.col("birth_month").cast(pl.String).str.zfill(2),
        pl.col("birth_day").cast(pl.String).str.zfill(2),
    )
    return found.select(text.str.to_date("%Y-%m-%d", strict=False)).to_series().rename(code.name)


def encode(
    family: pl.Series, given: pl.Series, sex: pl.Series, birth_date: pl.Series, belfiore: pl.Series
) -> pl.Series:
    """Codici fiscali of a column of persons."""
    return encode_letters(encode_family(family), encode_given(given), sex, birth_date, belfiore)


def encode_letters(
    family: pl.Series, given: pl.Series, sex: pl.Series, birth_date: pl.Series, belfiore: pl.Series
) -> pl.Series:
    """Codici fiscali of persons whose names are encoded already."""
    frame = pl.DataFrame({"f": family, "g": given, "s": sex, "d": birth_date, "b": belfiore})
    day = pl.col("d").dt.day().cast(pl.Int32) + pl.when(pl.col("s") == "F").then(WOMEN_DAY_OFFSET).otherwise(0)
    month = pl.col("d").dt.month().replace_strict(list(range(1, 13)), list(MONTHS), return_dtype=pl.String)
    first = frame.select(
        (
            pl.col("f")
            + pl.col("g")
            + pl.col("d").dt.strftime("%y")
            + month
            + day.cast(pl.String).str.zfill(2)
            + pl.col("b")
        ).alias("code")
    ).to_series()
    return _with_check_letter(first)


def omocodia(code: pl.Series, n_digits: int) -> pl.Series:
    """The variant of a base code with its last `n_digits` digits written as letters, as the tax office assigns them."""
    present = code.is_not_null()
    chars = _matrix(code.filter(present)).copy()
    letters = np.frombuffer(OMOCODIA_LETTERS.encode(), dtype=np.uint8)
    for p in sorted(OMOCODIA_POSITIONS, reverse=True)[:n_digits]:
        value = _DIGIT[chars[:, p]]
        chars[:, p] = letters[value]
    chars[:, 15] = _check_letters(chars)
    return _scatter(_strings(chars), present, code.name)


def encode_family(name: pl.Series) -> pl.Series:
    """The three letters of a family name."""
    return _by_unique(name, lambda c, v: c + v)


def encode_given(name: pl.Series) -> pl.Series:
    """The three letters of a given name: with four consonants or more, the first, third and fourth."""
    short = pl.when(pl.col("c").str.len_bytes() > 3).then(
        pl.col("c").str.slice(0, 1) + pl.col("c").str.slice(2, 2)
    ).otherwise(pl.col("c"))  # fmt: skip
    return _by_unique(name, lambda c, v: short + v)


def is_valid_provisional(code: pl.Series) -> pl.Series:
    """Eleven digits whose last is the check digit (doubled digits at even places, as Luhn)."""
    candidate = code.str.contains(r"^\d{11}$").fill_null(False)
    digits = _matrix(code.filter(candidate), 11).astype(np.int16) - ord("0")
    doubled = digits[:, 1:10:2] * 2
    total = digits[:, 0:10:2].sum(axis=1) + np.where(doubled > 9, doubled - 9, doubled).sum(axis=1)
    out = np.zeros(len(code), dtype=bool)
    out[candidate.arg_true().to_numpy()] = (10 - total % 10) % 10 == digits[:, 10]
    return pl.Series(code.name, out)


def is_valid_stp_eni(code: pl.Series) -> pl.Series:
    return normalise(code).str.contains(FORMS["97"]).fill_null(False)


def is_valid_identifier(identifier_type: pl.Series, code: pl.Series) -> pl.Series:
    """Whether an identifier is right for its type; never null. Types 98, 99 and unlisted ones are never valid."""
    frame = pl.DataFrame({"t": identifier_type, "c": normalise(code)})
    valid = pl.lit(False)
    for kind, form in FORMS.items():
        valid = pl.when(pl.col("t") == kind).then(pl.col("c").str.contains(form)).otherwise(valid)
    by_form = frame.select((valid & ~pl.col("c").str.contains(NO_CODE)).fill_null(False)).to_series()
    out = by_form
    for kind, check in (("0", check_letter_ok), ("4", is_valid_provisional)):
        mine = (frame["t"] == kind).fill_null(False) & ~frame["c"].str.contains(NO_CODE).fill_null(False)
        if mine.any():
            out = out.scatter(mine.arg_true(), check(frame["c"].filter(mine)))
    return out.rename(code.name)


def _by_unique(name: pl.Series, join: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> pl.Series:
    """Encodes each distinct name once: names repeat a hundredfold."""
    distinct = name.drop_nulls().unique()
    if distinct.is_empty():
        return pl.Series(name.name, [None] * len(name), dtype=pl.String)
    plain = pl.col("n").str.replace_many(list(LETTERS), list(LETTERS.values()))
    letters = plain.str.to_uppercase().str.normalize("NFKD").str.replace_all(r"[^A-Z]", "")
    parts = pl.DataFrame({"n": distinct}).select(
        c=letters.str.replace_all(r"[AEIOU]", ""), v=letters.str.replace_all(r"[^AEIOU]", "")
    )
    encoded = parts.select((join(pl.col("c"), pl.col("v")) + "XXX").str.slice(0, 3)).to_series()
    return name.replace_strict(distinct, encoded, default=None, return_dtype=pl.String)


def _matrix(code: pl.Series, width: int = LENGTH) -> npt.NDArray[np.uint8]:
    """Bytes of a column of strings of the same width, one row each."""
    return np.frombuffer("".join(code.to_list()).encode(), dtype=np.uint8).reshape(-1, width)


def _strings(chars: npt.NDArray[np.uint8]) -> pl.Series:
    width = chars.shape[1]
    data = np.ascontiguousarray(chars).view(f"S{width}").ravel()
    return pl.Series(data.tolist(), dtype=pl.Binary).cast(pl.String)


def _check_letters(chars: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    total = _ODD[chars[:, 0:15:2]].sum(axis=1) + _EVEN[chars[:, 1:15:2]].sum(axis=1)
    return (total % 26 + ord("A")).astype(np.uint8)


def _with_check_letter(first: pl.Series) -> pl.Series:
    present = first.is_not_null()
    chars = np.empty((int(present.sum()), LENGTH), dtype=np.uint8)
    chars[:, :15] = _matrix(first.filter(present), 15)
    chars[:, 15] = _check_letters(chars)
    return _scatter(_strings(chars), present, "identifier")


def _scatter(values: pl.Series, where: pl.Series, name: str) -> pl.Series:
    out = pl.Series(name, [None], dtype=pl.String).new_from_index(0, len(where))
    return out.scatter(where.arg_true(), values)
