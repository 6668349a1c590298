"""The vectorised codice fiscale agrees with python-codicefiscale, the oracle."""

from __future__ import annotations

import random
from datetime import date, timedelta

import polars as pl
import pytest
from codicefiscale import codicefiscale as oracle

from orchestration.intake import fiscal_code

FAMILIES = ["Rossi", "D'Angelo", "Fo", "De Luca", "Èusebi", "Li", "Straßer", "Nuñez", "Bianchi", "Io", "Šarić"]
GIVENS = ["Maria", "Gian Luca", "Alessandro", "Al", "Bo", "Niccolò", "Anna Maria", "Francesca", "Ugo", "Zoë"]
PLACES = ["A944", "F205", "H501", "Z129", "Z100", "F257"]


def people(n: int, seed: int = 7) -> pl.DataFrame:
    rng = random.Random(seed)  # noqa: S311 (a sample, not a secret)
    return pl.DataFrame(
        [
            {
                "family": rng.choice(FAMILIES),
                "given": rng.choice(GIVENS),
                "sex": rng.choice("MF"),
                "birth": date(1931, 1, 1) + timedelta(days=rng.randrange(30000)),
                "place": rng.choice(PLACES),
            }
            for _ in range(n)
        ]
    )


def encoded(frame: pl.DataFrame) -> pl.Series:
    return fiscal_code.encode(frame["family"], frame["given"], frame["sex"], frame["birth"], frame["place"])


def test_codes_are_those_of_the_oracle() -> None:
    frame = people(300)
    for person, code in zip(frame.iter_rows(named=True), encoded(frame), strict=True):
        assert code == oracle.encode(
            person["family"], person["given"], person["sex"], person["birth"].isoformat(), person["place"]
        )


def test_a_code_tells_sex_birth_and_place_back() -> None:
    frame = people(300)
    code = encoded(frame)
    found = fiscal_code.features(code)
    assert found["check_ok"].all() and found["is_well_formed"].all()
    assert found["sex"].equals(frame["sex"], check_names=False)
    assert found["birth_place"].equals(frame["place"], check_names=False)
    years = pl.Series([2013] * len(frame))
    assert fiscal_code.birth_date(code, years).equals(frame["birth"], check_names=False)


@pytest.mark.parametrize("n_digits", range(1, 8))
def test_omocodia_is_resolved(n_digits: int) -> None:
    base = encoded(people(40))
    variant = fiscal_code.omocodia(base, n_digits)
    for b, v in zip(base, variant, strict=True):
        assert v in oracle.decode(b)["omocodes"]
    found = fiscal_code.features(variant)
    assert found["check_ok"].all()
    assert found["base_code"].equals(base, check_names=False)


def test_wrong_codes_are_told_apart_from_malformed_ones() -> None:
    code = encoded(people(1))[0]
    wrong = code[:-1] + ("A" if code[-1] != "A" else "B")
    column = pl.Series([code, code.lower(), wrong, code[:15], "1" + code[1:], None, "", "à" * 8, code + "X"])
    found = fiscal_code.features(column)
    assert found["is_well_formed"].to_list() == [True, True, True, False, False, False, False, False, False]
    assert found["check_ok"].to_list() == [True, True, False, False, False, False, False, False, False]


def test_a_day_that_no_month_has_gives_no_birth_date() -> None:
    assert fiscal_code.birth_date(pl.Series(["RSSMRA50B31A944X"]), pl.Series([2013])).to_list() == [None]


def test_the_century_is_the_latest_possible() -> None:
    codes = pl.Series(["RSSMRA10A01A944X", "RSSMRA14A01A944X"])
    assert fiscal_code.birth_date(codes, pl.Series([2013, 2013])).to_list() == [date(2010, 1, 1), date(1914, 1, 1)]


def test_each_type_of_identifier_has_its_check() -> None:
    code = encoded(people(1))[0]
    rows = [
        ("0", code, True),
        ("0", "12345678903", False),
        ("1", "STP0801050000001", True),
        ("1", "ENI0801050000001", False),
        ("2", "eni0801050000001", True),
        ("2", "ENI080105000001", False),
        ("3", "80380000801234567890", True),
        ("3", "??", False),
        ("4", "12345678903", True),
        ("4", "12345678904", False),
        ("4", None, False),
        ("97", "STP0801050000001", True),
        ("98", code, False),
        (None, code, False),
    ]
    kinds, codes, expected = (list(c) for c in zip(*rows, strict=True))
    valid = fiscal_code.is_valid_identifier(pl.Series(kinds, dtype=pl.String), pl.Series(codes, dtype=pl.String))
    assert valid.to_list() == expected


def test_codes_are_compared_as_written() -> None:
    """With the letters of an omocodia it is the code of another person."""
    base = encoded(people(20))
    variant = fiscal_code.omocodia(base, 3)
    assert not (fiscal_code.normalise(variant) == base).any()
    assert fiscal_code.normalise(" " + variant.str.to_lowercase()).equals(variant, check_names=False)


@pytest.mark.parametrize(("kind", "code"), [("3", "00000"), ("4", "0" * 11), ("1", "STP" + "0" * 13), ("3", "XXXXX")])
def test_one_character_again_and_again_is_no_code(kind: str, code: str) -> None:
    assert fiscal_code.is_valid_identifier(pl.Series([kind]), pl.Series([code])).to_list() == [False]


def test_empty_columns_are_fine() -> None:
    empty = pl.Series([], dtype=pl.String)
    assert fiscal_code.features(empty).height == 0
    assert fiscal_code.features(pl.Series([None], dtype=pl.String))["check_ok"].to_list() == [False]
    assert fiscal_code.is_valid_identifier(empty, empty).len() == 0


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("ĐURIĆ", "DRC"), ("Đurić", "DRC"), ("ŁUKASZ", "LKS"), ("Ærø", "RAE"), ("ŒUVRE", "VRO"), ("Þór", "THR"),
        ("ĦAL", "HLA"), ("ðað", "DDA"), ("Groß", "GRS"), ("IŞIK", "SKI"), ("Kırım", "KRM"), ("D'ÒØ", "DOO"),
    ],
)  # fmt: skip
def test_letters_that_do_not_decompose_are_written_plainly(name: str, letters: str) -> None:
    assert fiscal_code.encode_family(pl.Series([name])).item() == letters
