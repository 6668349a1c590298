"""Whole records of XML into columns, without an object for each element.

A stretch of records is cut at its angle brackets by the CSV reader of Polars: tags in one column, the texts after them
in the other. Depth is a running sum of what opens and closes, a parent is the last element one level higher, and the
place of an element in the layout follows from its name and its parent's place, level by level. Then each column of each
table is one gather. A real parser reads the bytes beside this and may be some way behind: what is no XML is `NotCut`.

Records that do not fit their layout are told by number and are walked elsewhere (`read_xml`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

if TYPE_CHECKING:
    from orchestration.intake.read_xml import Layout, Node

#: Elements within elements, the record the first of them. Layouts have less than ten.
MAX_DEPTH = 100

Numbers = npt.NDArray[np.int64]

#: An attribute by name, wherever it stands in a tag; values of others are stepped over, whatever they look like.
_ATTRIBUTE = r"""^\S+(?:\s+[^\s=]+\s*=\s*(?:"[^"]*"|'[^']*'))*?\s+{}\s*=\s*(?:"([^"]*)"|'([^']*)')"""
_NAME = r"^/?([^\s/]+)"
_NAMESPACE = r"\sxmlns[:=\s]"
_ENTITY = re.compile(r"&(?:#x([0-9a-fA-F]+)|#([0-9]+)|(lt|gt|amp|quot|apos));")
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}


class TooDeep(Exception):
    """Elements within elements without end."""


class NotPlain(Exception):
    """The stretch has brackets that are no tags: comments, CDATA, `>` in a text. It must be written plainly first."""


class NotCut(Exception):
    """The bytes defeat the cutting: the parser beside it has not come to what is wrong with them, or will."""


class OtherElement(Exception):
    """Something that is no record stands beside records (or a record within one), after `n_records` good ones."""

    def __init__(self, n_records: int) -> None:
        super().__init__(n_records)
        self.n_records = n_records


@dataclass(frozen=True)
class Columns:
    """The records of a stretch: one frame of text per table, and the records that do not fit, as they were written."""

    frames: dict[str, pl.DataFrame]
    n_records: int
    odd: dict[int, bytes]  # by record number; they have no rows in the frames


@dataclass(frozen=True)
class _Place:
    """A node of the layout among all of them, which are numbered from the outside inwards."""

    tag: str
    node: Node
    parent: int
    table_above: int  # of a row: the table that its row hangs on


def is_plain(data: bytes) -> bool:
    """Nothing but elements and text, as far as can be seen without counting."""
    return b"<!" not in data and b"<?" not in data


def columns(data: bytes, layout: Layout, first_number: int) -> Columns:
    """The records in `data`, which are numbered from `first_number`. Raises `NotPlain`, `NotCut`, `TooDeep`,
    `OtherElement`."""
    if b"\r" in data:  # as a parser does at the ends of lines
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    start = data.find(b"<") + 1
    if not start:
        return Columns({}, 0, {})
    try:
        return _Stretch(data, start, layout, first_number).columns()
    except (NotPlain, TooDeep, OtherElement, MemoryError):
        raise
    except Exception as error:  # what is no XML may go wrong at any step, in any of three libraries
        raise NotCut from error


class _Stretch:
    def __init__(self, data: bytes, start: int, layout: Layout, first_number: int) -> None:
        self.data, self.start, self.layout, self.first_number = data, start, layout, first_number
        self.tokens = pl.read_csv(
            data[start:],
            separator=">",
            eol_char="<",
            quote_char=None,
            has_header=False,
            schema={"tag": pl.String, "text": pl.String},
            truncate_ragged_lines=True,
        )
        if self.tokens.height != np.count_nonzero(np.frombuffer(data, np.uint8) == ord(">")):
            raise NotPlain
        self.places = _places(layout)
        tags = dict.fromkeys(place.tag for place in self.places)
        self.names = {tag: number for number, tag in enumerate(tags)}  # the record's is 0
        self._read_tags()
        self._find_parents()

    def _read_tags(self) -> None:
        """Name, place in the stretch and depth of every element. Tags that are written alike are looked at once."""
        encoded = self.tokens["tag"].to_arrow().dictionary_encode()
        code = np.from_dlpack(encoded.indices).astype(np.int64)  # its own `to_numpy` imports pandas
        self.tag = pl.Series("tag", encoded.dictionary).cast(pl.String)
        if self.tag.str.contains("^[!?]").any():
            raise NotPlain
        closes = self.tag.str.starts_with("/").to_numpy()
        opens = ~closes & ~self.tag.str.ends_with("/").to_numpy()
        step = opens.astype(np.int8) - closes.astype(np.int8)
        depth = np.cumsum(step[code], dtype=np.int64)
        names = self.names
        name = self.tag.str.extract(_NAME).replace_strict(names, default=len(names), return_dtype=pl.Int64).to_numpy()
        self.position = np.flatnonzero(~closes[code])
        self.code = code[self.position]
        self.name = name[self.code]
        self.depth = depth[self.position] - opens[self.code]
        if len(self.depth) and self.depth.max() >= MAX_DEPTH:
            raise TooDeep
        is_record = self.name == 0
        if depth[-1] != 0 or (self.depth < 0).any() or (is_record != (self.depth == 0)).any():
            first_wrong = int(np.argmax((is_record != (self.depth == 0)) | (self.depth < 0)))
            raise OtherElement(int(np.count_nonzero(is_record[:first_wrong])))
        self.has_namespace = self.tag.str.contains(_NAMESPACE).to_numpy()[self.code]

    def _find_parents(self) -> None:
        """Parent, place in the layout and row of every element, one level after the other."""
        n = len(self.position)
        unknown = len(self.places)
        next_place = np.full((unknown + 1, len(self.names) + 1), unknown, dtype=np.int64)
        for number, place in enumerate(self.places[1:], 1):
            next_place[place.parent, self.names[place.tag]] = number
        is_row = np.array([number == 0 or p.node.is_row for number, p in enumerate(self.places)] + [False])
        rank = np.array([place.node.rank for place in self.places] + [0])
        misplaced = []
        by_depth = np.argsort(self.depth.astype(np.int16), kind="stable")
        ends = np.cumsum(np.bincount(self.depth))
        self.records = above = by_depth[: ends[0]]
        self.parent = np.zeros(n, dtype=np.int64)
        self.place = np.zeros(n, dtype=np.int64)
        self.row = np.arange(n)
        for begin, end in pairwise(ends):
            level = by_depth[begin:end]
            parent = above[np.searchsorted(above, level) - 1]
            place = next_place[self.place[parent], self.name[level]]
            self.parent[level], self.place[level] = parent, place
            self.row[level] = np.where(is_row[place], level, self.row[parent])
            is_before = (parent[1:] == parent[:-1]) & (rank[place[1:]] < rank[place[:-1]])
            misplaced.append(level[1:][is_before])
            above = level
        self.misplaced = np.concatenate(misplaced) if misplaced else np.empty(0, dtype=np.int64)

    def columns(self) -> Columns:
        unknown = len(self.places)
        order = np.argsort(self.place.astype(np.int16), kind="stable")
        ends = np.cumsum(np.bincount(self.place, minlength=unknown + 1))
        of_place = [order[begin:end] for begin, end in pairwise([0, *ends])]
        odd = [of_place[unknown], np.flatnonzero(self.has_namespace), self.misplaced, self._beside_stray_text()]
        text = _decoded(self.tokens["text"].extend_constant(None, 1))
        rows, row_number = self._rows(of_place)
        values: list[list[pl.Series | None]] = [[None] * len(table.columns) for table in self.layout.tables]
        for number, place in enumerate(self.places):
            elements = of_place[number]
            node = place.node
            if number and not node.is_row:
                again = elements[1:][self.row[elements[1:]] == self.row[elements[:-1]]]
                odd.append(again)
                if len(again):  # the records are walked, so it does not matter which of them is kept
                    elements = np.setdiff1d(elements, again, assume_unique=True)
            wanted = [(node.text, self.position[elements], text)] if node.text is not None else []
            for attribute, slot in node.attributes:
                wanted.append((slot, self.code[elements], self._attribute(attribute)))
            n_rows = len(rows[node.table])
            for slot, where, source in wanted:
                if len(elements) != n_rows:
                    spread = np.full(n_rows, len(source) - 1)
                    spread[row_number[self.row[elements]]] = where
                    where = spread
                found = source.gather(where).str.strip_chars()
                values[node.table][slot] = found.set(found == "", None)
        frames = {}
        for table, layout in enumerate(self.layout.tables):
            places = self._numbers(table, rows, row_number)
            columns = [*map(pl.Series, places), *values[table][len(places) :]]
            empty = pl.repeat(None, len(rows[table]), dtype=pl.String, eager=True)
            frames[layout.name] = pl.DataFrame(
                {n: empty if c is None else c for n, c in zip(layout.columns, columns, strict=True)}
            )
        return self._without(frames, np.unique(np.concatenate(odd)))

    def _beside_stray_text(self) -> Numbers:
        """Elements beside which there is text where the layout has none."""
        has_text = np.array([place.node.text is not None for place in self.places] + [True])
        may_have = np.zeros(self.tokens.height, dtype=bool)
        may_have[self.position] = has_text[self.place]
        where = np.flatnonzero(~may_have & self.tokens["text"].is_not_null().to_numpy())
        found = self.tokens["text"].gather(where).str.strip_chars() != ""
        return np.maximum(np.searchsorted(self.position, where[found.to_numpy()], side="right") - 1, 0)

    def _rows(self, of_place: Sequence[Numbers]) -> tuple[list[Numbers], Numbers]:
        """The elements that are the rows of each table, and the place of each among those of its table."""
        rows = [np.empty(0, dtype=np.int64)] * len(self.layout.tables)
        row_number = np.zeros(len(self.position), dtype=np.int64)
        for number, place in enumerate(self.places):
            if not number or place.node.is_row:
                rows[place.node.table] = of_place[number]
                row_number[of_place[number]] = np.arange(len(of_place[number]))
        self.rows = rows
        return rows, row_number

    def _numbers(self, table: int, rows: Sequence[Numbers], row_number: Numbers) -> list[Numbers]:
        """Record number and places of a table's rows: the numbers of the row above, then one's own among its like."""
        if table == 0:
            return [np.arange(len(self.records)) + self.first_number]
        (above,) = (p.table_above for p in self.places[1:] if p.node.is_row and p.node.table == table)
        mine = rows[table]
        parent = self.parent[mine]
        holder = row_number[self.row[parent]]
        begins = np.flatnonzero(np.diff(parent, prepend=-1))
        own = np.arange(len(mine)) - np.repeat(begins, np.diff(begins, append=len(mine))) + 1
        return [*(numbers[holder] for numbers in self._numbers(above, rows, row_number)), own]

    def _attribute(self, name: str) -> pl.Series:
        """The values of an attribute by tag, with a null at the end."""
        found = self.tag.to_frame().select(
            pl.coalesce(
                pl.col("tag").str.extract(_ATTRIBUTE.format(re.escape(name)), group) for group in (1, 2)
            ).str.replace_all(r"[\t\n]", " ")
        )
        values = _decoded(found.to_series().extend_constant(None, 1))
        return values.set(values == "", None)

    def _without(self, frames: dict[str, pl.DataFrame], elements: Numbers) -> Columns:
        """The frames without the records that the given elements lie in, and those records as bytes."""
        if not len(elements):
            return Columns(frames, len(self.records), {})
        odd = np.unique(np.searchsorted(self.records, elements, side="right") - 1)
        size = self.tokens.select(pl.col("tag").str.len_bytes() + pl.col("text").str.len_bytes().fill_null(0) + 2)
        offset = np.cumsum(size.to_series().to_numpy(), dtype=np.int64) + self.start - 1
        ends = np.append(offset[self.position[self.records[1:]] - 1], len(self.data))
        begins = np.concatenate([[self.start - 1], ends[:-1]])
        numbers = pl.Series(odd + self.first_number)
        kept = {n: f.filter(~pl.col("record_number").is_in(numbers.implode())) for n, f in frames.items()}
        found = {int(i) + self.first_number: self.data[begins[i] : ends[i]] for i in odd}
        return Columns(kept, len(self.records), found)


def _places(layout: Layout) -> list[_Place]:
    """All nodes of a layout, the record first."""
    places = [_Place(layout.record, layout.node, 0, 0)]
    for number, place in enumerate(places):  # grows while it is gone through
        places += [_Place(tag, node, number, place.node.table) for tag, node in place.node.children.items()]
    return places


def _decoded(values: pl.Series) -> pl.Series:
    """Character references resolved, in the few texts that have some."""
    has_entity = values.str.contains("&", literal=True).fill_null(False)
    if not has_entity.any():
        return values
    where = has_entity.arg_true()
    return values.scatter(where, [_ENTITY.sub(_character, value) for value in values.gather(where)])


def _character(found: re.Match[str]) -> str:
    hexadecimal, decimal, name = found.groups()
    return _ENTITIES[name] if name else chr(int(hexadecimal, 16) if hexadecimal else int(decimal))
