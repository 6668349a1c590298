"""The linkage model: what is compared, how like is like, and what each degree of likeness weighs.

Belongs here: the comparisons, the parameters of a model and its two thresholds. Not here: how parameters are learnt
(`training.py`), which pairs are looked at (`blocking.py`), what follows from a score (`deciding.py`).

A weight is the logarithm (base 2) of m/u: how often true pairs are this alike, over how often strangers are. The model
that is shipped (`model.json`) holds what is assumed before anything was seen; training moves it towards the data.
Levels marked `by_hand` are those that no sample of strangers ever shows often enough (names exchanged, day and month
exchanged, a year instead of a date): their u follows from the frequency of names and days, and stays as it is.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

#: From this probability on a pair is one person, without a person deciding.
LINK = 0.9
#: From this probability on, or when the guard holds an evident pair back, a person decides.
REVIEW = 0.30
#: Weaker pairs are forgotten at once: a hundredth each at most, where nine to one is asked.
FLOOR_WEIGHT = -7.0
#: What forbids an automatic link, whatever the sum says; each line is one reason, all of which must hold. Twins,
#: brothers and sisters and namesakes of somebody who is not in the registry agree in all the rest.
#: Reasons why a pair is two persons: no group holds such a pair, whoever stands between the two.
DIVIDING: tuple[dict[str, tuple[str, ...]], ...] = (
    {"given_name": ("else", "other_name")},
    {"birth": ("else", "two_parts")},
    {"given_name": ("close", "partial"), "sex": ("else",)},
    # With the letters of an omocodia it is the code of another person, unless somebody says that it is not.
    {"code": ("variant",)},
)
#: Reasons why a pair proves too little by itself; what each of the two has in common with a third may prove enough.
UNPROVEN: tuple[dict[str, tuple[str, ...]], ...] = (
    # Frequent foreign names meet a date that is one slip away by chance; a comune of birth tells.
    {"birth": ("slip", "day_month"), "birth_place": ("null", "country", "else")},
    # Where the day of birth was not known a registry office writes the first of January: it says no more than the year.
    {"birth": ("new_year",), "birth_place": ("null", "country", "else"), "code": ("null", "else")},
)
#: A given name is frequent from this share of the registry on, and when so many persons bear it: no slip of a pen.
FREQUENT_NAME = 2e-5
BEARERS = 3

ELSE = "else"
_SWAPPED = (
    "jaro_winkler_similarity(family_l, given_r) >= 0.92 and jaro_winkler_similarity(given_l, family_r) >= 0.92"
    " and jaro_winkler_similarity(family_l, given_l) < 0.92"
)
_NO_DATE = "(birth_date_l is null or birth_date_r is null)"
#: Alike in letters, and yet another name: both are frequent and do not sound alike (Marta, Martina), too short for
#: likeness to say anything (Hua, Hoa), or a second name that has nothing of the other's (Mohamed Amin, Mohamed Ali).
_OTHER_NAME = (
    "(given_sound_l <> given_sound_r and given_is_frequent_l and given_is_frequent_r"
    # Of several names one is often left out: Anna Maria is Anna.
    " and given_l <> first_word_r and given_r <> first_word_l)"
    " or least(length(given_l), length(given_r)) <= 3"
    " or (first_word_l = first_word_r and jaro_winkler_similarity(next_word_l, next_word_r) < 0.92)"
)


def _name(column: str, other_name: str = "") -> list[tuple[str, str]]:
    one, other = f"{column}_l", f"{column}_r"
    close = f"jaro_winkler_similarity({one}, {other}) >= 0.92 or {column}_bones_l = {column}_bones_r"
    partial = (
        f"jaro_winkler_similarity({one}, {other}) >= 0.8"
        f" or (least(length({one}), length({other})) >= 3"
        f" and (starts_with({one}, {other}) or starts_with({other}, {one})))"
    )
    return [
        ("null", f"{one} is null or {other} is null"),
        ("exact", f"{one} = {other}"),
        ("swapped", _SWAPPED),
        *([("other_name", f"({close} or {partial}) and ({other_name})")] if other_name else []),
        ("close", close),
        ("partial", partial),
        (ELSE, "ELSE"),
    ]


#: Comparison to its levels, most alike first; each level is SQL on a pair of records.
LEVELS: dict[str, list[tuple[str, str]]] = {
    "family_name": _name("family"),
    "given_name": _name("given", _OTHER_NAME),
    "birth": [
        ("null", "birth_year_l is null or birth_year_r is null"),
        ("new_year", "birth_date_l = birth_date_r and month(birth_date_l) = 1 and day(birth_date_l) = 1"),
        ("exact", "born_l = born_r"),
        (
            "day_month",
            "year(birth_date_l) = year(birth_date_r) and month(birth_date_l) = day(birth_date_r)"
            " and day(birth_date_l) = month(birth_date_r)",
        ),
        (
            "slip",
            # One digit wrong, or two exchanged, leaves a part as it is: most strangers need no look at digits.
            "abs(date_diff('day', birth_date_l, birth_date_r)) <= 1"
            " or ((year(birth_date_l) = year(birth_date_r) or month(birth_date_l) = month(birth_date_r)"
            " or day(birth_date_l) = day(birth_date_r))"
            " and damerau_levenshtein(strftime(birth_date_l, '%Y%m%d'), strftime(birth_date_r, '%Y%m%d')) <= 1)",
        ),
        (
            "two_parts",
            "(year(birth_date_l) = year(birth_date_r))::int + (month(birth_date_l) = month(birth_date_r))::int"
            " + (day(birth_date_l) = day(birth_date_r))::int = 2",
        ),
        ("year", f"{_NO_DATE} and birth_year_l = birth_year_r"),
        (ELSE, "ELSE"),
    ],
    "sex": [("null", "sex_l is null or sex_r is null"), ("exact", "sex_l = sex_r"), (ELSE, "ELSE")],
    "birth_place": [
        ("null", "place_l is null or place_r is null"),
        # The country is what a foreign name has said already: it weighs little, and its frequency nothing.
        ("country", "place_l = place_r and starts_with(place_l, 'Z')"),
        ("exact", "place_l = place_r"),
        (ELSE, "ELSE"),
    ],
    # A code that identifies has been used by the exact rules: here are the mistyped ones, whose check letter is wrong,
    # and those that are one but for the letters of an omocodia.
    "code": [
        ("null", "code_l is null or code_r is null"),
        ("exact", "code_l = code_r"),
        ("variant", "plain_digits(code_l) = plain_digits(code_r) and left(code_l, 15) <> left(code_r, 15)"),
        ("one_letter", "length(code_l) = length(code_r) and hamming(code_l, code_r) = 1"),
        ("near", "damerau_levenshtein(code_l, code_r) <= 2"),
        (ELSE, "ELSE"),
    ],
}
#: Column whose frequency sharpens the exact level: a rare family name says more than a common one.
FREQUENCIES = {"family_name": "family", "given_name": "given", "birth": "born", "birth_place": "place"}
#: Of these a frequent value says less, but a rare one no more than others: a day that nobody else has is chance.
NO_RARER_THAN_OTHERS = ("birth",)

Parameters = dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True)
class Model:
    """Parameters by comparison and level, and what a record is expected to meet."""

    version: int
    parameters: Parameters
    registry_size: int
    #: Share of the records to be linked whose person is expected to be in the registry.
    registered_share: float
    levels: Mapping[str, list[tuple[str, str]]] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.levels is None:
            object.__setattr__(self, "levels", LEVELS)

    @property
    def prior(self) -> float:
        """Probability that a record and one person of the registry, taken at random, are the same."""
        return self.registered_share / max(self.registry_size, 1_000)

    def shows(self, comparison: str, wanted: tuple[str, ...]) -> Any:
        """Polars expression over a pair's `levels`: is the likeness in this comparison one of the levels `wanted`?"""
        import polars as pl

        rungs = self.levels[comparison]
        gammas = [
            -1 if level == "null" else len(rungs) - 1 - n for n, (level, _) in enumerate(rungs) if level in wanted
        ]
        return pl.col("levels").list.get(self.comparisons().index(comparison)).is_in(gammas)

    def comparisons(self) -> tuple[str, ...]:
        return tuple(self.levels)

    def by_hand(self) -> tuple[str, ...]:
        """Comparisons of which nothing is learnt, because all of their levels are set by hand."""
        return tuple(
            name for name, levels in self.parameters.items() if all(known.get("by_hand") for known in levels.values())
        )

    def level_name(self, comparison: str, gamma: int) -> str:
        """Name of a level by Splink's number: -1 is missing, 0 is `else`, higher is more alike."""
        names = [name for name, _ in self.levels[comparison]]
        return names[0] if gamma < 0 else names[len(names) - 1 - gamma]

    def is_guarded(self, reasons: tuple[dict[str, tuple[str, ...]], ...] = (*DIVIDING, *UNPROVEN)) -> Any:
        """Polars expression over a pair's `levels`: may it not be linked without a person, for one of `reasons`?"""
        import polars as pl

        held = [
            pl.all_horizontal([self.shows(name, wanted) for name, wanted in reason.items()])
            for reason in reasons
            if reason.keys() <= self.levels.keys()
        ]
        return pl.any_horizontal(held)

    def settings(self, *, hidden: tuple[str, ...] = ()) -> dict[str, Any]:
        """Settings for Splink. `hidden`: comparisons that are left out, as if the field were empty."""
        return {
            "link_type": "dedupe_only",
            "unique_id_column_name": "uid",
            "probability_two_random_records_match": self.prior,
            "retain_matching_columns": True,
            "retain_intermediate_calculation_columns": True,
            "blocking_rules_to_generate_predictions": ["l.uid = r.uid"],
            "comparisons": [self._comparison(name) for name in self.levels if name not in hidden],
        }

    def _comparison(self, name: str) -> dict[str, Any]:
        levels: list[dict[str, Any]] = []
        for level, condition in self.levels[name]:
            if level == "null":
                levels.append({"sql_condition": condition, "label_for_charts": level, "is_null_level": True})
                continue
            known = self.parameters[name][level]
            made = {
                "sql_condition": condition,
                "label_for_charts": level,
                "m_probability": known["m"],
                "u_probability": known["u"],
                "fix_m_probability": bool(known.get("by_hand")),
                "fix_u_probability": bool(known.get("by_hand")),
            }
            if level == "exact" and name in FREQUENCIES:
                made["tf_adjustment_column"] = FREQUENCIES[name]
                made["tf_adjustment_weight"] = 1.0
                if name in NO_RARER_THAN_OTHERS:
                    made["tf_minimum_u_value"] = known["u"]
            levels.append(made)
        return {"output_column_name": name, "comparison_levels": levels}


@cache
def shipped_parameters() -> Parameters:
    """What is assumed before anything was seen."""
    parameters: Parameters = json.loads(Path(__file__).with_name("model.json").read_text(encoding="utf-8"))
    return parameters
