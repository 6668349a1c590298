"""Benchmarks are ratios against a limit or a peer, measured in the same run on the same durable server.

`measure` collects them; at the end of the session they are written to docs/benchmarks.json and docs/benchmarks.md with
the machine that they were measured on. Run by `make bench`, never by `make test`: figures depend on the machine.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import date
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


def _write(measurements: list[Measurement]) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    document = {
        "measured_on": date.today().isoformat(),
        "machine": _machine(),
        "peak_mb": peak,
        "measurements": [asdict(m) | {"ratio": m.ratio, "is_met": m.is_met} for m in measurements],
    }
    (DOCS / "benchmarks.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    lines = [
        "# Benchmarks",
        "",
        f"Measured by `make bench` on {document['measured_on']}: {os.cpu_count()} processors, "
        f"{_machine()['memory_gib']} GiB. Ratios matter; seconds depend on the machine.",
        "",
        "| what | ours (s) | peer | peer (s) | ratio | limit | kept |",
        "|---|---:|---|---:|---:|---:|---|",
    ]
    for m in measurements:
        if m.peer is None or m.ratio is None:
            lines.append(f"| {m.name} | {m.ours:.2f} | – | – | – | – | – |")
            continue
        ratio = f"{1 / m.ratio:.1f} × faster" if m.is_floor else f"{m.ratio:.2f}"
        bound = "–" if m.limit is None else f"≥ {m.limit:g} × faster" if m.is_floor else f"≤ {m.limit:g}"
        lines.append(
            f"| {m.name} | {m.ours:.2f} | {m.peer_name} | {m.peer:.2f} | {ratio} | {bound} "
            f"| {'yes' if m.is_met else 'no'} |"
        )
    details = [m for m in measurements if m.detail]
    for m in details:
        lines += ["", f"**{m.name}**", "", "| | |", "|---|---:|"]
        lines += [f"| {name} | {value} |" for name, value in m.detail.items()]
    (DOCS / "benchmarks.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
