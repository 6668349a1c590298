"""Benchmarks are ratios against a limit or a peer, measured in the same run on the same durable server.

`measure` collects them; at the end of the session they are written to docs/benchmarks.json and docs/benchmarks.md with
the machine that they were measured on. Run by `make bench`, never by `make test`: figures depend on the machine.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from pathlib import Path

import pytest
from measuring import Measurement

from orchestration.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="session")
def measurements() -> Iterator[list[Measurement]]:
    collected: list[Measurement] = []
    yield collected
    if collected:
        _write(collected)


@pytest.fixture
def measure(measurements: list[Measurement]) -> Callable[[Measurement], None]:
    """Record a measurement, then fail if its limit is not kept: the table is written either way."""

    def record(measurement: Measurement) -> None:
        measurements.append(measurement)
        assert measurement.is_met, f"{measurement.sentence()}, limit {measurement.limit}"

    return record


@pytest.fixture(scope="session")
def scale() -> float:
    """Scale of the synthetic region for the heavy benchmarks; 1 is the region."""
    return float(os.environ.get("IASS_BENCH_SCALE", "1"))


@pytest.fixture
def durable_settings(server_folder: Path) -> Iterator[Settings]:
    """An installation with a server of its own that writes as in production (fsync on)."""
    from orchestration.warehouse import server

    settings = Settings(home=Path(tempfile.mkdtemp(dir=server_folder)))
    server.up(settings)
    yield settings
    server.down(settings)


def _machine() -> dict[str, str | int]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
    return {"processors": os.cpu_count() or 0, "memory_gib": memory, "python": platform.python_version()}


def _write(measured: list[Measurement]) -> None:
    """The measurements of this run take the place of those of the same name; a run of some keeps the others."""
    file = DOCS / "benchmarks.json"
    earlier = json.loads(file.read_text(encoding="utf-8"))["measurements"] if file.exists() else []
    known = {f.name for f in fields(Measurement)}
    kept = [Measurement(**{name: value for name, value in m.items() if name in known}) for m in earlier]
    names = {(m.name, m.peer_name) for m in measured}
    everything = [m for m in kept if (m.name, m.peer_name) not in names] + measured
    everything.sort(key=lambda m: (m.name, m.peer_name))
    document = {
        "machine": _machine(),
        "measurements": [asdict(m) | {"ratio": m.ratio, "is_met": m.is_met} for m in everything],
    }
    file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (DOCS / "benchmarks.md").write_text("\n".join(_page(everything)) + "\n", encoding="utf-8")


def _page(measurements: list[Measurement]) -> list[str]:
    lines = [
        "# Benchmarks",
        "",
        f"Measured by `make bench` on {os.cpu_count()} processors with {_machine()['memory_gib']} GiB. Ours and peer "
        "are measured in one run: ratios matter, seconds depend on the machine. *Load* is how many processes wanted a "
        "processor in the minutes before; more than there are processors means that others worked on the machine.",
        "",
        "| what | ours | peer | | ratio | limit | kept | day | load |",
        "|---|---:|---|---:|---:|---:|---|---|---:|",
    ]
    for m in measurements:
        when = f"{m.measured_on} | {'–' if m.load is None else m.load} |"
        if m.peer is None or m.ratio is None:
            lines.append(f"| {m.name} | {m.ours:.2f} {m.unit} | – | – | – | – | – | {when}")
            continue
        ratio = f"{1 / m.ratio:.1f} × faster" if m.is_floor else f"{m.ratio:.2f}"
        bound = "–" if m.limit is None else f"≥ {m.limit:g} × faster" if m.is_floor else f"≤ {m.limit:g}"
        lines.append(
            f"| {m.name} | {m.ours:.2f} {m.unit} | {m.peer_name} | {m.peer:.2f} {m.unit} | {ratio} | {bound} "
            f"| {'yes' if m.is_met else 'no'} | {when}"
        )
    for m in measurements:
        if m.detail or m.note:
            lines += ["", f"**{m.name}**", *(["", m.note] if m.note else [])]
        if m.detail:
            lines += ["", "| | |", "|---|---:|", *(f"| {name} | {value} |" for name, value in m.detail.items())]
    return lines
