"""Letters that losing their accent does not make plain, and what takes their place in codes and comparisons.

One table for the codice fiscale and for the linkage of names.
"""

_CAPITALS = {
    "Æ": "AE", "Œ": "OE", "Ø": "O", "Ł": "L", "Đ": "D", "Ð": "D", "Þ": "TH", "Ħ": "H", "Ŧ": "T", "ẞ": "SS", "İ": "I",
}  # fmt: skip
LETTERS = {
    **_CAPITALS,
    **{letter.lower(): plain for letter, plain in _CAPITALS.items() if len(letter.lower()) == 1},
    "ı": "I",
}
