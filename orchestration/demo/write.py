"""Files of the synthetic region as senders make them: XML of IASS, CSV of NAAR and NOML, plain or packed.

Belongs here: bytes and names of files. Does not: what stands in them. Same content, same bytes: no clock, no metadata.
"""

import gzip
import io
import shutil
import zipfile
from datetime import date, timedelta
from pathlib import Path

import polars as pl

PACKINGS = ("", ".gz", ".zip")


def tag(name: str, column: str) -> pl.Expr:
    """An element with the text of a column, or nothing where it is null."""
    return pl.concat_str(pl.lit(f"<{name}>"), pl.col(column), pl.lit(f"</{name}>")).fill_null("")


def iass_files(contacts: pl.DataFrame, demands: pl.DataFrame, outcomes: pl.DataFrame) -> dict[str, str]:
    """The records of each file (by file_key) as the inside of its root element."""
    keys = ["file_key", "record_number"]
    outcome_text = (
        outcomes.select(
            *keys,
            "demand_number",
            pl.concat_str(
                pl.lit('<Esito tipo="'),
                "type",
                pl.lit('">'),
                pl.concat_str(pl.lit("<Data>"), pl.col("outcome_on").cast(pl.String), pl.lit("</Data>")).fill_null(""),
                tag("ServizioDestinazione", "destination"),
                pl.lit("</Esito>"),
            ).alias("outcomes"),
        )
        .group_by(*keys, "demand_number", maintain_order=True)
        .agg(pl.col("outcomes").str.join(""))
    )
    demand_text = (
        demands.join(outcome_text, on=[*keys, "demand_number"], how="left", maintain_order="left")
        .select(
            *keys,
            pl.concat_str(
                pl.lit('<Domanda progressivo="'),
                pl.col("demand_number").cast(pl.String),
                pl.lit('"><Interessato>'),
                _identifier("identifier_type", "identifier"),
                tag("IdLocale", "local_id"),
                tag("Cognome", "family_name"),
                tag("Nome", "given_name"),
                tag("Sesso", "sex"),
                tag("DataNascita", "birth_date"),
                tag("AnnoNascita", "birth_year"),
                tag("ComuneNascita", "birth_place"),
                tag("Cittadinanza", "citizenship"),
                tag("ComuneResidenza", "residence"),
                pl.lit("</Interessato>"),
                tag("CicloVita", "life_cycle"),
                tag("Condizione", "condition"),
                tag("VoceLocale", "local_item_code"),
                pl.lit("<Esiti>"),
                pl.col("outcomes").fill_null(""),
                pl.lit("</Esiti></Domanda>"),
            ).alias("demands"),
        )
        .group_by(*keys, maintain_order=True)
        .agg(pl.col("demands").str.join(""))
    )
    full = pl.concat_str(
        pl.lit("<DataContatto>"),
        pl.col("on").cast(pl.String),
        pl.lit("</DataContatto>"),
        tag("Sportello", "desk_code"),
        tag("Modalita", "mode"),
        pl.lit('<Segnalante tipo="'),
        "reporter",
        pl.lit('">'),
        tag_identifier("reporter_identifier"),
        pl.lit("</Segnalante>"),
        pl.lit("<Domande>"),
        pl.col("demands").fill_null(""),
        pl.lit("</Domande>"),
    )
    text = (
        contacts.join(demand_text, on=keys, how="left", maintain_order="left")
        .select(
            "file_key",
            pl.concat_str(
                pl.lit('  <Contatto operazione="'),
                "operation",
                pl.lit('">'),
                tag("IdContatto", "key"),
                pl.when("is_key_only").then(pl.lit("")).otherwise(full),
                pl.lit("</Contatto>"),
            ).alias("text"),
        )
        .group_by("file_key", maintain_order=True)
        .agg(pl.col("text").str.join("\n"))
    )
    return dict(text.iter_rows())


def iass_document(sender: str, period: str, progressive: int, made_on: date, records: str) -> bytes:
    """A whole IASS file."""
    head = (
        f'<FlussoIASS versione="1.0" mittente="{sender}" periodo="{period}" progressivo="{progressive:03d}" '
        f'dataGenerazione="{made_on.isoformat()}T09:30:00">'
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n{records}\n</FlussoIASS>\n'.encode()


def write_packed(path: Path, content: bytes) -> None:
    """Write a file as its name says: plain, as .gz or as .zip with one member."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        content = gzip.compress(content, compresslevel=5, mtime=0)
    elif path.suffix == ".zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=5) as archive:
            archive.writestr(zipfile.ZipInfo(path.stem, (2013, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
        content = buffer.getvalue()
    path.write_bytes(content)


def write_csv(path: Path, frame: pl.DataFrame) -> None:
    """A CSV in the common form: `;`, header, ISO dates, empty = missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_csv(path, separator=";")


def copy(path: Path, again: Path) -> None:
    """The same bytes in another place."""
    again.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, again)


def day_after(day: date, days: int) -> date:
    """A day some days later."""
    return day + timedelta(days=days)


def tag_identifier(column: str) -> pl.Expr:
    """A codice fiscale as identifier, or nothing."""
    return pl.concat_str(pl.lit('<Identificativo tipo="0">'), pl.col(column), pl.lit("</Identificativo>")).fill_null("")


def _identifier(kind: str, value: str) -> pl.Expr:
    """An identifier; with types 98 and 99 it stands empty."""
    return pl.concat_str(
        pl.lit('<Identificativo tipo="'),
        pl.col(kind),
        pl.lit('">'),
        pl.col(value).fill_null(""),
        pl.lit("</Identificativo>"),
    ).fill_null("")


def text_of(frame: pl.DataFrame, expression: pl.Expr, joiner: str = "\n") -> dict[tuple[str, int], str]:
    """The text of each file: one expression per record, joined by sender and progressive."""
    texts = (
        frame.select("sender_code", "progressive", expression.alias("text"))
        .group_by("sender_code", "progressive", maintain_order=True)
        .agg(pl.col("text").str.join(joiner))
    )
    return {(sender, progressive): text for sender, progressive, text in texts.iter_rows()}


def xml_document(
    root: str, records: str, made_on: date, sender: str = "", period: str = "", progressive: int = 0
) -> bytes:
    """A whole XML file. Sender, period and progressive stand in roots of our own, not in national ones."""
    head = (
        f'{root} mittente="{sender}" periodo="{period}" progressivo="{progressive:03d}" '
        f'dataGenerazione="{made_on.isoformat()}T09:30:00"'
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{head if sender else root}>\n{records}\n</{root}>\n'.encode()


def csv_files(frame: pl.DataFrame, columns: dict[str, str]) -> dict[tuple[str, int], bytes]:
    """The CSV of each sender and progressive; `columns`: name in the layout to column of the frame."""
    files = {}
    for (sender, progressive), group in frame.group_by("sender_code", "progressive", maintain_order=True):
        chosen = group.select(pl.col(column).alias(name) for name, column in columns.items())
        files[str(sender), int(str(progressive))] = chosen.write_csv(separator=";").encode()
    return files
