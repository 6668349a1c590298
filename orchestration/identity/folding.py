"""Names and codes made comparable: names folded to plain letters, to a skeleton of consonants that survives
transliteration, to a sound; a code with its digits put back.

Belongs here: the macros and the tables they come from. Not here: what is done with a skeleton (`blocking.py`), how
like two names are (`model.py`). They are DuckDB macros because names are folded where they are compared, in memory.

`fold`: capital letters A-Z and nothing else, so that D'Angelo, D ANGELO and Dangelò are one; nothing where a name only
stands for one that is not known (SCONOSCIUTO, NN), see the contract of the person.
`skeleton`: what is left when one sound may be written in several ways (KH and H, SH and SCH, C and K and Q, OU and W),
vowels come and go and letters are doubled: Mohammed, Muhamad, Mohamed. It finds candidates; it proves nothing.
`sound`: the skeleton with its vowels, of which O and U, A and E are one but at the end: Muhammad and Mohamed sound
alike, Mauro and Mario, Simone and Simona do not.
`words`: the words of a name, each folded.
`plain_digits`: a codice fiscale without its check letter and with the digits that an omocodia wrote as letters.
"""

from collections.abc import Callable
from typing import Any

from orchestration.intake.contract import placeholders
from orchestration.intake.fiscal_code import OMOCODIA_LETTERS
from orchestration.intake.letters import LETTERS

#: Sounds of several letters, longest first, then what each letter stands for; the rest of the letters are dropped.
SOUNDS = {
    "TSCH": "K", "TCH": "K", "SCH": "S", "SCI": "S", "SCE": "S", "SH": "S", "CH": "K", "KH": "K", "GH": "G", "PH": "F",
    "TZ": "S", "TS": "S", "DZ": "S", "DJ": "G", "DG": "G", "X": "KS",
}  # fmt: skip
CONSONANTS = ("BCDFGKLMNPQRSTZ", "BKDFGKLMNPKRSTS")
DROPPED = "AEIOUYJWVH"
VOWELS = ("EOYJW", "AUIIU")


def create_macros(run: Callable[[str], Any]) -> None:
    """Make the macros known to the DuckDB connection that `run` speaks to."""
    plain = "x"
    for letter, letters in LETTERS.items():
        plain = f"replace({plain}, '{letter}', '{letters}')"
    run(
        "create or replace macro letters(x) as "
        f"nullif(regexp_replace(upper(strip_accents({plain})), '[^A-Z]', '', 'g'), '')"
    )
    run(
        "create or replace macro fold(x) as "
        f"if(regexp_full_match(letters(x), '{placeholders()['name']}'), null, letters(x))"
    )
    run(
        "create or replace macro words(x) as list_filter(list_transform("
        r"string_split_regex(x, '[^\pL\pM''’`]+'), lambda word: fold(word)), lambda word: word is not null)"
    )
    bones = _as_heard("x", DROPPED, "")
    # A vowel at the beginning is heard in every spelling, and keeps short names from being nothing at all.
    run(f"create or replace macro skeleton(x) as if(x[1] in ('A', 'E', 'I', 'O', 'U'), 'A', '') || {bones}")
    voice = _as_heard("replace(replace(x, 'OU', 'U'), 'EE', 'I')", VOWELS[0] + "H", VOWELS[1])
    run(f"create or replace macro sound(x) as {voice} || right(x, 1)")
    year, day, place = (
        f"translate(substr(x, {at}, {n}), '{OMOCODIA_LETTERS}', '0123456789')" for at, n in ((7, 2), (10, 2), (13, 3))
    )
    run(
        "create or replace macro plain_digits(x) as "
        f"if(length(x) = 16, left(x, 6) || {year} || x[9] || {day} || x[12] || {place}, null)"
    )


def _as_heard(name: str, letters: str, others: str) -> str:
    """SQL for a folded name without the letters that are not heard and with one letter for each sound. `letters` become
    `others`; those that have no partner there are dropped, as translate() does it."""
    for spelt, sound in SOUNDS.items():
        name = f"replace({name}, '{spelt}', '{sound}')"
    heard = f"translate({name}, '{CONSONANTS[0]}{letters}', '{CONSONANTS[1]}{others}')"
    for letter in 2 * sorted(set(CONSONANTS[1])):  # twice: a letter that was dropped may have kept three apart
        heard = f"replace({heard}, '{letter * 2}', '{letter}')"
    return heard
