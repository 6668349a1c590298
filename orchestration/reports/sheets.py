"""A report as a workbook, one sheet a table with real numbers, and as one CSV for each table.

What is missing stays missing: the word of a silent sender in the workbook, an empty field in CSV; never a zero.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from orchestration.reports import italian
from orchestration.reports.document import Document, Table

_FORMATS = {kind: "#,##0" + ("." + "0" * places if places else "") for kind, places in italian.DECIMALS.items()}
_ROW_OF_HEADINGS = 2


def workbook(document: Document, path: Path) -> None:
    import xlsxwriter

    made = xlsxwriter.Workbook(path, {"in_memory": True, "default_date_format": "dd/mm/yyyy"})
    made.set_properties({"title": f"{document.title} · {document.place.label} · {document.period.label}"})
    styles: dict[Any, Any] = {}

    def style(**wanted: Any) -> Any:
        key = tuple(sorted(wanted.items()))
        if key not in styles:
            styles[key] = made.add_format(wanted)
        return styles[key]

    _first_sheet(made, document, style)
    for table in document.tables:
        _sheet(made.add_worksheet(table.id), table, style)
    made.close()


def _first_sheet(made: Any, document: Document, style: Any) -> None:
    sheet = made.add_worksheet("Leggimi")
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 90)
    sheet.write(0, 0, document.title, style(bold=True, font_size=16))
    sheet.write(1, 0, f"{document.place.label} · {document.period.label}", style(font_size=12))
    row = 3
    for remark in (*document.remarks, document.abbreviations):
        sheet.write(row, 0, remark)
        row += 1
    row += 1
    for table in document.tables:
        sheet.write_url(row, 0, f"internal:'{table.id}'!A1", string=table.id)
        sheet.write(row, 1, f"{table.number} {table.title}")
        row += 1
    for word, meaning in (term for part in document.parts for term in part.terms):
        row += 1
        sheet.write(row, 0, word, style(bold=True, valign="top", text_wrap=True))
        sheet.write(row, 1, meaning, style(text_wrap=True))
    sheet.write(row + 1, 0, f"Elaborato il {italian.day(document.made_on)}")


def _sheet(sheet: Any, table: Table, style: Any) -> None:
    sheet.write(0, 0, f"{table.number} {table.title}", style(bold=True, font_size=13))
    for place, column in enumerate(table.columns):
        align = "left" if column.type == "text" else "right"
        heading = style(bold=True, bottom=1, text_wrap=True, valign="bottom", align=align)
        sheet.write(_ROW_OF_HEADINGS, place, column.label, heading)
        sheet.set_column(place, place, _width(table, place))
    row = _ROW_OF_HEADINGS
    for each in table.rows:
        row += 1
        marks = each.marks or (False,) * len(each.values)
        for place, (value, text, kind, is_marked) in enumerate(
            zip(each.values, each.texts, each.types, marks, strict=True)
        ):
            bold = each.kind != "plain"
            if value is None:
                sheet.write_string(row, place, text, style(align="right", bold=bold))
            elif kind == "date":
                sheet.write_datetime(row, place, value, style(num_format="dd/mm/yyyy", bold=bold))
            elif kind == "text":
                sheet.write_string(row, place, str(value), style(bold=bold, text_wrap=True, valign="top"))
            else:
                shown = _FORMATS[kind] + (f'"{italian.INCOMPLETE}"' if is_marked else "")
                sheet.write_number(row, place, value, style(num_format=shown, bold=bold))
    for note in (table.empty if not table.rows else "", table.definition, *table.notes):
        if note:
            row += 2
            sheet.write(row, 0, note, style(italic=True, font_color="#4c5c6b"))
    sheet.freeze_panes(_ROW_OF_HEADINGS + 1, 1)
    sheet.fit_to_pages(1, 0)
    sheet.set_paper(9)


def _width(table: Table, place: int) -> float:
    longest = max((len(row.texts[place]) for row in table.rows), default=0)
    return float(min(max(longest, 11) + 2, 70))


def comma_separated(table: Table) -> str:
    """Names of columns as headings, decimal points, empty where nothing is known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    for row in table.rows:
        writer.writerow(["" if value is None else value for value in row.values])
    return text.getvalue()
