"""Which pairs are worth comparing: keys that a record shares with few others, as plain SQL in DuckDB.

Belongs here: the keys. Not here: the comparison of what they bring together (`model.py`, `comparing.py`).

Each key says two or three things about a person, so that it is shared by a handful out of millions; together they
leave no single slip unfound: a wrong date is caught by both names with year, month-day or birth place, a mistyped or
transliterated name by the date with the other name, exchanged names because a record is also looked up with its names
the other way round. A key is a 64-bit hash: a chance meeting costs one comparison and nothing else.
"""

#: Key number to the parts it is made of. `family` and `given` are skeletons; a part of no other meaning is a column.
KEYS: tuple[tuple[str, ...], ...] = (
    ("birth_date", "family"),
    ("birth_date", "given"),
    ("family", "given", "birth_year"),
    ("family", "given", "month_day"),
    ("family", "given", "place"),
    ("birth_date", "place", "sex"),
    ("code_start", "birth_year"),
    ("code_end",),
)
_NAMES = {"family": "family_bones", "given": "given_bones"}
_SWAPPED_NAMES = {"family": "given_bones", "given": "family_bones"}
_PARTS = {
    "birth_date": "birth_date",
    "birth_year": "birth_year",
    "month_day": "month(birth_date) * 100 + day(birth_date)",
    "place": "place",
    "sex": "sex",
    "code_start": "left(code, 6)",
    "code_end": "right(code, 10)",
}


def keys_sql(keys: tuple[tuple[str, ...], ...] = KEYS, *, both_ways: bool) -> str:
    """SQL for the list of keys of a row; null where a part is missing. `both_ways`: also with names exchanged."""
    made = [_key(number, parts, _NAMES) for number, parts in enumerate(keys)]
    if both_ways:
        made += [_key(number, parts, _SWAPPED_NAMES) for number, parts in enumerate(keys) if {*parts} & {*_NAMES}]
    return f"[{', '.join(made)}]"


def _key(number: int, parts: tuple[str, ...], names: dict[str, str]) -> str:
    columns = [names.get(part) or _PARTS.get(part, part) for part in parts]
    # DuckDB's hash() takes null for a value: a key with a missing part must be none.
    missing = " or ".join(f"{column} is null" for column in columns)
    return f"if({missing}, null, hash({number}, {', '.join(columns)}))"
