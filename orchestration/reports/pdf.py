"""A report on paper: A4, tagged PDF/UA, set by Typst with the fonts of this folder and no others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from orchestration.reports import charts, italian
from orchestration.reports.charts import FONTS
from orchestration.reports.document import Document, Table

_TEMPLATES = Path(__file__).parent / "templates"
#: More columns than these do not fit an upright page.
_UPRIGHT_COLUMNS = 9
_POINTS_PER_PIXEL, _PAGE_WIDTH = 0.74, 480


def write(document: Document, pictures: Mapping[str, str], path: Path) -> None:
    import typst

    content = {
        "title": document.title,
        "subtitle": document.subtitle,
        "place": document.place.label,
        "period": document.period.label,
        "provisional": document.period.is_provisional,
        "figures": [[each.label, each.text, each.beside] for each in document.figures],
        "remarks": document.remarks,
        "parts": [
            {
                "title": part.title,
                "text": part.text,
                "terms": part.terms,
                "tables": [_table(each, pictures) for each in part.tables],
            }
            for part in document.parts
        ],
        "abbreviations": document.abbreviations,
        "made_on": italian.day(document.made_on),
    }
    pdf = typst.compile(
        str(_TEMPLATES / "report.typ"),
        root=str(_TEMPLATES),
        font_paths=[str(FONTS)],
        ignore_system_fonts=True,
        sys_inputs={"content": json.dumps(content, ensure_ascii=False)},
        pdf_standards=["ua-1"],
        # The day and not the moment: the same numbers give the same file.
        timestamp=int(datetime(*document.made_on.timetuple()[:3], tzinfo=UTC).timestamp()),
    )
    path.write_bytes(pdf)


def _table(table: Table, pictures: Mapping[str, str]) -> dict[str, object]:
    return {
        "number": table.number,
        "title": table.title,
        "headings": [column.label for column in table.columns],
        "numeric": [column.type != "text" for column in table.columns],
        "widths": [
            max(column.width, 2.4) if place == 0 else column.width for place, column in enumerate(table.columns)
        ],
        "wide": len(table.columns) > _UPRIGHT_COLUMNS,
        "rows": [[row.kind, *row.texts] for row in table.rows],
        "note": " ".join([table.definition, *table.notes]).strip(),
        "empty": table.empty,
        "pictures": [
            {
                "id": each.id,
                "title": each.title,
                "alternative": each.alternative,
                "svg": pictures[each.id],
                # One scale for all, so that their letters are of one size.
                "width": min(charts.size(pictures[each.id])[0] * _POINTS_PER_PIXEL, _PAGE_WIDTH),
            }
            for each in table.drawings
        ],
    }
