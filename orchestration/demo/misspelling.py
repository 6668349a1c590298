"""How a name or a date comes out wrong under somebody's pen.

Belongs here: text in, another text out, the same for the same number. Does not: who is written wrong (presented.py).
"""

from datetime import date, timedelta

#: Other ways of writing the same sound, in the names of names.csv: first fitting ones are used.
OTHER_SPELLINGS = (
    ("SHCH", "SCH"),
    ("MOHAMED", "MUHAMMAD"),
    ("MUHAMMAD", "MOHAMMED"),
    ("OLEKSANDR", "ALEKSANDR"),
    ("YOUSSEF", "YUSUF"),
    ("HUSSAIN", "HUSSEIN"),
    ("HOSSAIN", "HOSEN"),
    ("OU", "U"),
    ("EE", "I"),
    ("KH", "H"),
    ("ZH", "J"),
    ("SH", "SC"),
    ("CH", "SH"),
    ("XH", "GI"),
    ("PH", "F"),
    ("IY", "II"),
    ("YA", "IA"),
    ("Y", "I"),
    ("W", "V"),
    ("DJ", "J"),
    ("X", "KS"),
    ("Q", "K"),
    ("EL ", "AL "),
    ("C", "K"),
    ("J", "DJ"),
    ("K", "C"),
)
_LIKE = {"A": "E", "E": "I", "I": "Y", "O": "U", "U": "O", "C": "K", "S": "Z", "Z": "S", "N": "M", "M": "N", "L": "R"}


def misspell(name: str, number: int) -> str:
    """One letter lost, doubled, moved or taken for another; never the first one."""
    if len(name) < 3:
        return name + name[-1]
    at = 1 + (number // 4) % (len(name) - 2)
    kind = number % 4
    if kind == 0 and len(name) > 4:
        return name[:at] + name[at + 1 :]
    if kind == 1 and name[at] != name[at + 1]:
        return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    if kind == 2 and name[at] in _LIKE:
        return name[:at] + _LIKE[name[at]] + name[at + 1 :]
    return name[: at + 1] + name[at:]


def transliterate(name: str) -> str:
    """The name as another office would have written it; itself where there is no other way."""
    for sound, other in OTHER_SPELLINGS:
        if sound in name:
            return name.replace(sound, other, 1)
    return name


def first_word(name: str) -> str:
    """Of several words the first with which somebody can be called: particles stay with what follows them."""
    words = name.split(" ")
    return name if len(words) < 2 or len(words[0]) < 4 else words[0]


def slip(day: date, number: int) -> date:
    """Day and month in each other's place where that is a date, else a neighbouring day of the same month."""
    if number % 2 and day.day <= 12 and day.day != day.month:
        return day.replace(month=day.day, day=day.month)
    return day - timedelta(days=1) if day.day > 1 else day + timedelta(days=1)
