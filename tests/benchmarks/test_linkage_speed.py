"""Linkage at the size of the region: a first run over a year with training, and a month against the full registry."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl
import pytest
from measuring import Measurement

from orchestration.demo.population import first_day_registry
from orchestration.demo.territory import load_territory
from orchestration.intake.load import copy_binary
from orchestration.settings import Settings
from orchestration.warehouse import connection

pytestmark = pytest.mark.bench

#: Records without a usable code at scale 1, all flows together; and records that a code links, to train on.
YEAR, MONTH, LABELLED = 80_000, 20_000, 60_000
#: What a month may take of time and of memory, and a first run of time; its memory, with training, stands in the table.
FIRST_RUN_SECONDS, MONTH_SECONDS, MEGABYTES = 180.0, 20.0, 2_000

#: The step itself, in a process of its own: what it takes of memory, that of DuckDB in it included, is then its own.
#: Processor time is that of this process; the database server has its own. The peak is read from /proc: getrusage
#: begins with that of the parent, which holds a region.
_LINK = r"""
import json, re, time
from pathlib import Path
from orchestration.identity import linkage
from orchestration.identity.source import Memory
from orchestration.settings import Settings
from orchestration.warehouse import connection
settings = Settings.load()
with connection.connect(settings, "identity", autocommit=True) as conn, Memory(settings) as held:
    begun, cpu = time.perf_counter(), time.process_time()
    done = linkage.link(held, conn)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
memory = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps([seconds, cpu, memory, done.compared, done.published.by_method.get("linked", 0)]))
"""


def test_a_year_from_nothing_and_a_month_against_the_registry(
    durable_settings: Settings, measure: Callable[[Measurement], None], scale: float
) -> None:
    rng = np.random.default_rng(1)
    persons = _registry(durable_settings, scale, rng)
    _present(durable_settings, persons, rng, round(LABELLED * scale), 0, by_code=True)
    _present(durable_settings, persons, rng, round(YEAR * scale), 1, by_code=False)
    for name, limit, number in (
        ("first linkage of a year, training included", FIRST_RUN_SECONDS, YEAR),
        ("linkage of a month against the full registry", MONTH_SECONDS, MONTH),
    ):
        if number == MONTH:
            _present(durable_settings, persons, rng, round(MONTH * scale), 2, by_code=False)
        seconds, cpu, memory, compared, linked = _link(durable_settings)
        assert linked > 0.7 * number * scale, f"only {linked} of {number * scale:.0f} records were linked"
        assert number != MONTH or memory < MEGABYTES, f"{name} took {memory:.0f} MB"
        measure(
            Measurement(
                f"{name}, scale {scale:g}", seconds, limit, "the time allowed", 1.0,
                detail={"registry": persons.height, "records": round(number * scale), "pairs compared": compared,
                        "linked": linked, "memory (MB)": round(memory), "processor time (s)": round(cpu, 1)},
            )
        )  # fmt: skip


def _registry(settings: Settings, scale: float, rng: np.random.Generator) -> pl.DataFrame:
    people = first_day_registry(load_territory(date(2013, 1, 1)), scale, rng).snapshot(date(2013, 1, 1))
    number = pl.int_range(people.height, dtype=pl.Int64, eager=True)
    persons = people.select(
        _ref(number, 0).alias("person_ref"),
        pl.col("cognome").alias("family_name"),
        pl.col("nome").alias("given_name"),
        pl.col("sesso").alias("sex_code"),
        pl.col("data_nascita").alias("birth_date"),
        pl.col("codice_nascita").alias("birth_place_code"),
        pl.col("identificativo").alias("identifier"),
    )
    with connection.connect(settings, "owner") as conn:
        copy_binary(conn, "vault.linkage_registry", persons.with_columns(pl.lit(False).alias("is_pending")))
        anchors = persons.select(
            pl.col("person_ref").alias("anchor"), number.alias("person_key"), pl.lit("registry").alias("anchor_type")
        )
        copy_binary(conn, "vault.person_anchor", anchors)
        known = persons.select("person_ref", number.alias("person_key")).with_columns(
            pl.lit("registry").alias("match_method_code"),
            changed_seq=pl.lit(1, pl.Int64),
            moved_seq=pl.lit(1, pl.Int64),
        )
        copy_binary(conn, "raw.identity__person", known)
        conn.execute(
            """insert into landing.delivery
                (file_name, flow_code, sender_code, sha256, size_bytes, received_at, outcome, period_start_on)
            values ('x', 'IASS', 'x', 'x', 1, now(), 'accepted', '2013-01-01')"""
        )
    with connection.connect(settings, "owner", autocommit=True) as conn:
        conn.execute("analyze vault.linkage_registry, vault.person_anchor, raw.identity__person")
    return persons


def _present(
    settings: Settings, persons: pl.DataFrame, rng: np.random.Generator, n: int, part: int, *, by_code: bool
) -> None:
    """Records of residents, every fifth with a letter of the family name lost."""
    chosen = persons[np.sort(rng.choice(persons.height, n, replace=False))]
    number = pl.int_range(n, dtype=pl.Int64, eager=True)
    ref = _ref(number, part + 1)
    family = pl.when(number % 5 == 0).then(pl.col("family_name").str.slice(0, 3) + pl.col("family_name").str.slice(4))
    code = pl.col("identifier") if by_code else pl.lit(None, pl.String)
    records = chosen.select(
        ref.alias("person_ref"), pl.lit("IASS").alias("flow_code"), pl.lit("10502").alias("sender_code"),
        code.alias("identifier"), code.alias("base_identifier"), pl.lit(by_code).alias("is_identifier_valid"),
        family.otherwise("family_name").alias("family_name"), "given_name", "sex_code", "birth_date",
        "birth_place_code", pl.lit(1, pl.Int64).alias("first_delivery_id"),
    )  # fmt: skip
    keys = pl.DataFrame({"person_ref": ref, "person_key": number + (part + 1) * 10_000_000})
    with connection.connect(settings, "owner") as conn:
        copy_binary(conn, "vault.presented_person", records)
        if by_code:
            codes = chosen.select(
                pl.col("identifier").alias("base_identifier"), "person_ref", pl.lit(True).alias("is_current"),
                pl.lit(1, pl.Int64).alias("delivery_id"),
            )  # fmt: skip
            copy_binary(conn, "vault.registry_code", codes.unique("base_identifier"))
            known = keys.with_columns(
                pl.lit("registry").alias("match_method_code"),
                changed_seq=pl.lit(1, pl.Int64),
                moved_seq=pl.lit(1, pl.Int64),
            )
            copy_binary(conn, "raw.identity__person", known)
        else:
            left = keys.with_columns(
                pl.lit("own").alias("match_method_code"), pl.lit(True).alias("is_comparable"),
                pl.lit(None, pl.Int16).alias("compared_model"), pl.lit(True).alias("is_pending"),
            )  # fmt: skip
            copy_binary(conn, "vault.linkage_record", left)
    with connection.connect(settings, "owner", autocommit=True) as conn:
        conn.execute("analyze vault.presented_person, vault.registry_code, vault.linkage_record")


def _ref(number: pl.Series, part: int) -> pl.Series:
    """Tokens as even as keyed hashes are: training draws its sample by their first digits."""
    hashed = (number + part * 1_000_000_007).hash(part).to_numpy().astype(">u8")
    both = np.column_stack([hashed, number.to_numpy().astype(">u8")]).astype(">u8").tobytes()
    return pl.Series([both[at : at + 16] for at in range(0, len(both), 16)], dtype=pl.Binary)


def _link(settings: Settings) -> tuple[float, float, float, int, int]:
    done = subprocess.run(
        [sys.executable, "-c", _LINK],
        env={**os.environ, **settings.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    seconds, cpu, memory, compared, linked = json.loads(done.stdout.strip().splitlines()[-1])
    return seconds, cpu, memory, compared, linked
