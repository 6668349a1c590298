"""Names made comparable: folded to plain letters, and to a skeleton of consonants that survives transliteration.

Belongs here: the two macros and the tables they come from. Not here: what is done with a skeleton (`blocking.py`), how
like two names are (`model.py`). They are DuckDB macros because names are folded where they are compared, in memory.

`fold`: capital letters A-Z and nothing else, so that D'Angelo, D ANGELO and Dangelò are one.
`skeleton`: what is left when one sound may be written in several ways (KH and H, SH and SCH, C and K and Q, OU and W),
vowels come and go and letters are doubled: Mohammed, Muhamad, Mohamed. It finds candidates; it proves nothing.
"""

from collections.abc import Callable
from typing import Any

from orchestration.intake.letters import LETTERS

#: Sounds of several letters, longest first, then what each letter stands for; the rest of the letters are dropped.
SOUNDS = {
    "TSCH": "K", "TCH": "K", "SCH": "S", "SCI": "S", "SCE": "S", "SH": "S", "CH": "K", "KH": "K", "GH": "G", "PH": "F",
    "TZ": "S", "TS": "S", "DZ": "S", "DJ": "G", "DG": "G", "X": "KS",
}  # fmt: skip
CONSONANTS = ("BCDFGKLMNPQRSTZ", "BKDFGKLMNPKRSTS")
DROPPED = "AEIOUYJWVH"


def create_macros(run: Callable[[str], Any]) -> None:
    """Make `fold(text)` and `skeleton(folded)` known to the DuckDB connection that `run` speaks to."""
    plain = "x"
    for letter, letters in LETTERS.items():
        plain = f"replace({plain}, '{letter}', '{letters}')"
    run(
        "create or replace macro fold(x) as "
        f"nullif(regexp_replace(upper(strip_accents({plain})), '[^A-Z]', '', 'g'), '')"
    )
    sounds = "x"
    for letters, sound in SOUNDS.items():
        sounds = f"replace({sounds}, '{letters}', '{sound}')"
    # translate() drops the letters of its second argument that have no partner in the third.
    bones = f"translate({sounds}, '{CONSONANTS[0]}{DROPPED}', '{CONSONANTS[1]}')"
    for letter in 2 * sorted(set(CONSONANTS[1])):  # twice: a letter that was dropped may have kept three apart
        bones = f"replace({bones}, '{letter * 2}', '{letter}')"
    # A vowel at the beginning is heard in every spelling, and keeps short names from being nothing at all.
    run(f"create or replace macro skeleton(x) as if(x[1] in ('A', 'E', 'I', 'O', 'U'), 'A', '') || {bones}")
