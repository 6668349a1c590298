"""The gate against what nobody can beat by much: a bare COPY of the registry, an empty loop over the XML."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import psycopg
import pytest
from lxml import etree
from measuring import Measurement, Stopwatch, timed

from orchestration.intake import gate
from orchestration.intake.contract import load_contract
from orchestration.settings import Settings
from orchestration.warehouse import connection

pytestmark = pytest.mark.bench

XML_CONTACTS = 100_000
XML_CARES = 20_000
CSV_MEGABYTES = 200
XML_GIGABYTES = float(os.environ.get("IASS_BENCH_XML_GB", "2"))
#: The gate in a process of its own: what it takes of memory is then its own.
_INTAKE = """
import json, resource, sys
from pathlib import Path
from orchestration.intake import gate
from orchestration.settings import Settings
[result] = gate.intake(Settings.load(), [Path(sys.argv[1])])
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps([result.outcome, result.records_sent, memory]))
"""
SNAPSHOT_PROJECT = {
    "dbt_project.yml": "name: peer\nprofile: iass\nversion: '1.0'\nsnapshot-paths: [snapshots]\n"
    "flags: {send_anonymous_usage_stats: false}\n",
    "snapshots/registry.sql": "{% snapshot registry %}"
    "{{ config(target_schema='staging', unique_key='id_assistito', strategy='check', check_cols='all') }}"
    "select * from staging.registry_copy{% endsnapshot %}",
}


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory, scale: float) -> Path:
    """Two months of the synthetic region, every file unpacked: packing is not what is measured."""
    from orchestration.demo.generate import generate

    folder = tmp_path_factory.mktemp("region")
    generate(folder, scale=scale, start_month=date(2013, 1, 1), months=2, seed=7)
    for path in list((folder / "landing").rglob("*")):
        if path.suffix == ".gz":
            path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
            path.unlink()
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path) as packed:
                packed.extractall(path.parent)
            path.unlink()
    return folder / "landing"


def test_registry_snapshot_against_copy_and_dbt_snapshot(
    durable_settings: Settings, region: Path, tmp_path: Path, measure: Callable[[Measurement], None]
) -> None:
    first, second = (region / "080" / f"NAAR_080_{day}_001.csv" for day in ("2013-01-31", "2013-02-28"))
    with timed() as whole:
        gate.intake(durable_settings, [first])
    copies, ours = [], []
    with connection.connect(durable_settings, "transformer", autocommit=True) as conn:
        for path in (first, second):
            copies.append(_copy(conn, path))
            peer_snapshot = _dbt_snapshot(durable_settings, tmp_path)
    with timed() as watch:
        results = gate.intake(durable_settings, [second])
    ours.append(watch.seconds)
    assert [r.outcome for r in results] == ["accepted"]
    rows = results[0].records_sent
    detail: dict[str, float | int | str] = {
        "rows of the snapshot": rows,
        "MB of the snapshot": second.stat().st_size // 2**20,
        "first load of the registry (s)": round(whole.seconds, 1),
        "processor time of the gate's process (s)": round(watch.cpu, 1),
        "dbt snapshot of the same change, its start included (s)": round(peer_snapshot, 1),
    }
    copy = copies[-1]
    slow = Measurement(
        "registry snapshot, about 1 % changed", ours[-1], copy + peer_snapshot, "COPY + dbt snapshot", 6, is_floor=True
    )
    fast = Measurement(
        "registry snapshot, about 1 % changed", ours[-1], copy, "COPY of the same file", 1.5, detail=detail
    )
    try:
        measure(slow)
    finally:
        measure(fast)


def test_contacts_against_an_empty_loop(
    durable_settings: Settings, region: Path, tmp_path: Path, measure: Callable[[Measurement], None]
) -> None:
    district = max(
        (p for p in region.iterdir() if not p.name.startswith("080")),
        key=lambda p: sum(f.stat().st_size for f in p.iterdir()),
    )
    gate.intake(durable_settings, sorted(district.glob("NOML_*")))
    sample = next(iter(sorted(district.glob("IASS_*_2013-01_001.xml"))))
    large = tmp_path / sample.name
    _multiply(sample, large, XML_CONTACTS)
    with timed() as empty:
        for _, element in etree.iterparse(large, tag="Contatto"):
            element.clear()
    with timed() as watch:
        results = gate.intake(durable_settings, [large])
    assert results[0].outcome == "accepted"
    processor = _processor(watch, empty)
    measure(
        Measurement(
            "IASS XML through the whole gate",
            watch.seconds,
            empty.seconds,
            "empty lxml loop over the same bytes",
            4,
            detail={
                "contacts": results[0].records_sent,
                "MB of the file": large.stat().st_size // 2**20,
                "accepted": results[0].records_accepted,
                "discarded": results[0].records_discarded,
                **processor,
            },
        )
    )


def test_memory_stays_bounded_whatever_the_size_of_a_file(
    durable_settings: Settings, region: Path, tmp_path: Path, measure: Callable[[Measurement], None]
) -> None:
    district = max(
        (p for p in region.iterdir() if not p.name.startswith("080")),
        key=lambda p: sum(f.stat().st_size for f in p.iterdir()),
    )
    gate.intake(durable_settings, sorted(district.glob("NOML_*")))
    sample = next(iter(sorted(district.glob("IASS_*_2013-01_001.xml"))))
    large = tmp_path / sample.name
    _multiply(sample, large, XML_CONTACTS // 100)
    contacts = round(XML_GIGABYTES * 1e9 / (large.stat().st_size / (XML_CONTACTS // 100)))
    _multiply(sample, large, contacts)
    with timed() as watch:
        done = subprocess.run(
            [sys.executable, "-c", _INTAKE, large],
            env={**os.environ, **durable_settings.environment()},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-2_000:]
    outcome, sent, memory = json.loads(done.stdout.strip().splitlines()[-1])
    assert (outcome, sent) == ("accepted", contacts)
    measure(
        Measurement(
            f"peak memory of the gate while it takes in {XML_GIGABYTES:g} GB of IASS XML",
            memory / 1e9, 1.0, "the memory allowed", 1.0, unit="GB",
            detail={
                "GB of the file": round(large.stat().st_size / 1e9, 2), "contacts": contacts,
                "whole gate (s)": round(watch.seconds),
            },
        )
    )  # fmt: skip


def test_memory_stays_bounded_for_csv_too(
    durable_settings: Settings, tmp_path: Path, measure: Callable[[Measurement], None]
) -> None:
    large = tmp_path / "SMAC_10502_2013-H1_001.csv"
    header, row = load_contract("SMAC").example.strip().split("\n")
    person = dict(zip(header.split(";"), row.split(";"), strict=True)) | {
        "tipo_identificativo": "",
        "identificativo": "",
    }
    with large.open("w", encoding="utf-8") as file:
        file.write(header + "\n")
        for number in range(CSV_MEGABYTES * 1_000_000 // (len(row) + 3)):
            own = {"id_contratto": f"AC-{number:09}", "id_locale": str(number)}
            file.write(";".join((person | own).values()) + "\n")
    with timed() as watch:
        done = subprocess.run(
            [sys.executable, "-c", _INTAKE, large],
            env={**os.environ, **durable_settings.environment()},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-2_000:]
    outcome, sent, memory = json.loads(done.stdout.strip().splitlines()[-1])
    assert outcome == "accepted"
    measure(
        Measurement(
            f"peak memory of the gate while it takes in {CSV_MEGABYTES} MB of SMAC CSV",
            memory / 1e9, 0.5, "the memory allowed", 1.0, unit="GB",
            detail={"contracts": sent, "whole gate (s)": round(watch.seconds)},
        )
    )  # fmt: skip


def test_home_care_against_an_empty_loop(
    durable_settings: Settings, region: Path, tmp_path: Path, measure: Callable[[Measurement], None]
) -> None:
    """A month of accesses whose takings in charge are all there; ten AUSL of this size are more than the region."""
    sample = max(region.glob("080*/ADI2_*_2013-02_001.xml"), key=lambda path: path.stat().st_size)
    charge = sample.with_name(sample.name.replace("ADI2", "ADI1"))
    large = [tmp_path / path.name for path in (charge, sample)]
    for path, target in zip((charge, sample), large, strict=True):
        _multiply_cares(path, target, XML_CARES)
    first = gate.intake(durable_settings, large[:1])
    with timed() as empty:
        for _, element in etree.iterparse(large[1], tag="Assistenza"):
            element.clear()
    with timed() as watch:
        results = gate.intake(durable_settings, large[1:])
    processor = _processor(watch, empty)
    assert [r.outcome for r in (*first, *results)] == ["accepted"] * 2
    with connection.connect(durable_settings, "loader") as conn:
        [(accesses, waiting)] = conn.execute(
            "select (select count(*) from raw.adi2__access), (select count(*) from landing.pending_record)"
        ).fetchall()
    assert waiting == 0
    measure(
        Measurement(
            "ADI2 XML through the whole gate",
            watch.seconds,
            empty.seconds,
            "empty lxml loop over the same bytes",
            4,
            detail={
                "months of care": results[0].records_sent,
                "accesses": accesses,
                "MB of the file": large[1].stat().st_size // 2**20,
                "accepted": results[0].records_accepted,
                "discarded": results[0].records_discarded,
                **processor,
            },
        )
    )


def _processor(ours: Stopwatch, empty: Stopwatch) -> dict[str, float]:
    """What both took of a processor in this process: the honest figures when others work on the machine."""
    return {
        "processor time of the gate's process (s)": round(ours.cpu, 2),
        "processor time of the empty loop (s)": round(empty.cpu, 2),
        "ratio of processor times": round(ours.cpu / empty.cpu, 2),
    }


def _copy(conn: psycopg.Connection, path: Path) -> float:
    """Seconds of a bare COPY of the file into a new table without an index."""
    with path.open() as file:
        columns = file.readline().strip().lstrip("\ufeff").split(";")
    conn.execute("drop table if exists staging.registry_copy")
    conn.execute(f"create table staging.registry_copy ({', '.join(f'{c} text' for c in columns)})")
    command = "copy staging.registry_copy from stdin with (format csv, header, delimiter ';')"
    with timed() as watch, path.open("rb") as file, conn.cursor() as cursor, cursor.copy(command) as copy:
        while block := file.read(1 << 20):
            copy.write(block)
    return watch.seconds


def _dbt_snapshot(settings: Settings, folder: Path) -> float:
    """Seconds of `dbt snapshot` over the copied table, with the profile of our own project."""
    for name, text in SNAPSHOT_PROJECT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    info = psycopg.conninfo.conninfo_to_dict(connection.url(settings, "transformer"))
    environment = os.environ | {
        "IASS_DBT_HOST": str(info["host"]),
        "IASS_DBT_PORT": str(info["port"]),
        "IASS_DBT_USER": str(info["user"]),
        "IASS_DBT_DATABASE": str(info["dbname"]),
        "DBT_ENV_SECRET_IASS_PASSWORD": str(info["password"]),
    }
    profiles = Path(__file__).parents[2] / "dbt_project"
    with timed() as watch:
        subprocess.run(
            [
                Path(sys.executable).with_name("dbt"),
                "-q",
                "snapshot",
                "--project-dir",
                folder,
                "--profiles-dir",
                profiles,
            ],
            check=True,
            env=environment,
            cwd=folder,
        )
    return watch.seconds


def _multiply(sample: Path, large: Path, contacts: int) -> None:
    """Write the inserted contacts of a file again and again under new ids until there are enough of them."""
    root = etree.parse(sample).getroot()
    inserted = [c for c in root.iter("Contatto") if c.get("operazione") == "I"]
    head = etree.tostring(root, encoding="unicode").split("<Contatto", 1)[0]
    written = []
    for contact in inserted:
        contact.find("IdContatto").text = "@"
        written.append(etree.tostring(contact, encoding="unicode").partition("@"))
    with large.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n' + head)
        for number in range(contacts):
            before, _, after = written[number % len(written)]
            file.write(f"{before}B-{number:07d}{after}")
        file.write(f"</{root.tag}>\n")


def _multiply_cares(sample: Path, large: Path, cares: int) -> None:
    """Write the inserted records of a file again and again under new ids, all begun on the first day of the month."""
    root = etree.parse(sample).getroot()
    inserted = [care for care in root if care.find("Trasmissione").get("tipo") == "I"]
    with large.open("w", encoding="utf-8") as file:
        file.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<{root.tag}>')
        for number in range(cares):
            care = inserted[number % len(inserted)]
            begun = care.find("Eventi/PresaInCarico")
            begun.set("data", "2013-02-01")
            begun.find("Id_Rec").text = f"B-{number:07d}"
            file.write(etree.tostring(care, encoding="unicode"))
        file.write(f"</{root.tag}>\n")
