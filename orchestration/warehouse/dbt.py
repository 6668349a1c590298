"""Builds the stars: decides what is new since the last build and runs dbt once for it.

Where the marks come from, how dbt is called, and what is told of its results. What is built is the business of
the dbt project; linking persons comes before and is done by `orchestration.identity`.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from orchestration.errors import IassError
from orchestration.settings import Settings
from orchestration.warehouse import connection

PROJECT_DIR = Path(__file__).parents[2] / "dbt_project"

#: One build at a time in a database: held by the connection that reads the marks until they are written.
_ADVISORY_LOCK = 0x64627400

_PARTS = ("models", "seeds", "macros", "tests")
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_DEFAULT_THREADS = 3

#: What PostgreSQL says when an index that holds the grain of a table refuses rows; the values stay out of our messages.
_TWICE = re.compile(r"Key \(([^)]*)\)=.* (?:is duplicated|already exists)")


@dataclass(frozen=True)
class Marks:
    """What a build takes in: deliveries and identity changes after the first numbers, up to the second."""

    from_delivery_id: int
    to_delivery_id: int
    from_identity_seq: int
    to_identity_seq: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing came since the last build."""
        return self.from_delivery_id == self.to_delivery_id and self.from_identity_seq == self.to_identity_seq


@dataclass(frozen=True)
class NodeResult:
    """One model, seed or test of a build."""

    name: str
    resource_type: str
    status: str
    seconds: float
    rows: int | None


@dataclass(frozen=True)
class BuildResult:
    """What a build did. `is_skipped`: nothing was new and dbt was not started."""

    is_skipped: bool
    is_full_refresh: bool
    seconds: float
    marks: Marks
    nodes: tuple[NodeResult, ...] = field(default=())

    @property
    def n_models(self) -> int:
        """Models and seeds that were built."""
        return sum(1 for node in self.nodes if node.resource_type in ("model", "seed"))

    @property
    def n_tests(self) -> int:
        """Data tests that passed."""
        return sum(1 for node in self.nodes if node.resource_type in ("test", "unit_test"))


def dbt_args(
    command: str,
    *,
    target_dir: Path,
    log_dir: Path,
    full_refresh: bool = False,
    include_unit_tests: bool = False,
    project_has_changed: bool = False,
    select: Sequence[str] = (),
) -> list[str]:
    """Arguments of one dbt call. Target and log lie in the home, so that nothing is written into the repository."""
    args = [
        command,
        "--project-dir",
        str(PROJECT_DIR),
        "--profiles-dir",
        str(PROJECT_DIR),
        "--target-path",
        str(target_dir),
        "--log-path",
        str(log_dir),
        "--no-use-colors",
        # Every statement in the log costs more than many a statement; what was run stands in the target folder.
        "--log-level-file",
        "info",
    ]
    if project_has_changed:
        # What dbt kept of the project before may name metrics that are gone, and then it cannot read the new one.
        args.append("--no-partial-parse")
    if command == "build":
        if not include_unit_tests:
            args += ["--exclude-resource-type", "unit_test"]
        if select:
            args += ["--select", *select, "--indirect-selection", "cautious"]
        elif full_refresh:
            args.append("--full-refresh")
        else:
            # An incremental build has the project of the one before: a changed file would have meant a full refresh. So
            # seeds and what stands on them alone are as they were, and so are views, as tables are written in place.
            args += ["--exclude-resource-type", "seed", "--exclude", "tag:from_seeds", "config.materialized:view"]
            # A test goes with what it looks at, and not with a dimension that it looks up.
            args += ["--indirect-selection", "cautious"]
    return args


def dbt_environment(
    dsn: str | None, *, base: Mapping[str, str], threads: int = _DEFAULT_THREADS, marks: Marks | None = None
) -> dict[str, str]:
    """Variables for the profile, and the marks for the models. dbt masks those named DBT_ENV_SECRET_… in its logs."""
    known = asdict(marks) if marks else {}
    env = {
        **base,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
        "PYTHONUNBUFFERED": "1",
        "IASS_DBT_THREADS": str(threads),
        # The threads already have all processors: workers of one query would take them from the others, and build each
        # hash once more.
        "PGOPTIONS": "-c max_parallel_workers_per_gather=0",
        **{f"IASS_{name.upper()}": str(value) for name, value in known.items()},
    }
    if dsn:
        parts = conninfo_to_dict(dsn)
        env |= {
            "IASS_DBT_HOST": str(parts["host"]),
            "IASS_DBT_PORT": str(parts.get("port") or 5432),
            "IASS_DBT_USER": str(parts["user"]),
            "IASS_DBT_DATABASE": str(parts["dbname"]),
            "DBT_ENV_SECRET_IASS_PASSWORD": str(parts.get("password") or ""),
        }
    return env


def fingerprint(project_dir: Path = PROJECT_DIR, *, nomenclature_version: int = 0) -> str:
    """What the rows depend on besides the deliveries: when it changes, everything is built anew.

    A new regional nomenclature counts too: it may give another version of its type to any demand.
    """
    digest = hashlib.sha256(f"nomenclature {nomenclature_version}".encode())
    files = [project_dir / "dbt_project.yml"]
    for part in _PARTS:
        files += sorted(p for p in (project_dir / part).rglob("*") if p.suffix in (".sql", ".csv", ".yml"))
    for file in files:
        digest.update(str(file.relative_to(project_dir)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def build(
    settings: Settings,
    full_refresh: bool = False,
    *,
    include_unit_tests: bool = False,
    threads: int = _DEFAULT_THREADS,
    meanwhile: Callable[[], None] | None = None,
) -> BuildResult:
    """Bring the stars up to the newest delivery and identity. Does nothing, quickly, when nothing is new.
    `meanwhile` runs beside dbt, which begins by reading its project on one processor."""
    begun = perf_counter()
    with connection.connect(settings, "transformer", autocommit=True) as conn:
        conn.execute("select pg_advisory_lock(%s)", [_ADVISORY_LOCK])
        project, marks, is_known = _marks(conn)
        is_full = full_refresh or not is_known
        if is_full:
            marks = Marks(0, marks.to_delivery_id, 0, marks.to_identity_seq)
        elif marks.is_empty and not include_unit_tests:
            return BuildResult(True, False, perf_counter() - begun, marks)
        args = dbt_args(
            "build",
            target_dir=_target_dir(settings),
            log_dir=settings.log_dir,
            full_refresh=is_full,
            include_unit_tests=include_unit_tests,
            project_has_changed=not is_known and not _take_parse(settings),
        )
        row = conn.execute(
            "insert into landing.build"
            " (started_at, to_delivery_id, to_identity_seq, project_fingerprint, is_full_refresh)"
            " values (clock_timestamp(), %s, %s, %s, %s) returning build_id",
            [marks.to_delivery_id, marks.to_identity_seq, project, is_full],
        ).fetchone()
        with ThreadPoolExecutor(1, thread_name_prefix="meanwhile") as beside:
            if meanwhile:
                beside.submit(meanwhile)
            dsn = connection.url(settings, "transformer")
            nodes = _run(settings, args, dsn, threads, marks=None if is_full else marks)
        conn.execute("update landing.build set finished_at = clock_timestamp() where build_id = %s", row)
    return BuildResult(False, is_full, perf_counter() - begun, marks, nodes)


def build_some(settings: Settings, names: Sequence[str], *, threads: int = _DEFAULT_THREADS) -> tuple[NodeResult, ...]:
    """Build these models and seeds alone, with the tests that look at nothing else. They take in what the next build
    will take in, and that build does it again: the marks stay where they are."""
    with connection.connect(settings, "transformer", autocommit=True) as conn:
        conn.execute("select pg_advisory_lock(%s)", [_ADVISORY_LOCK])
        _, marks, is_known = _marks(conn)
        if not is_known:
            raise IassError(
                "A model can be built alone once the project as it is now has been built whole: run `iass build` first."
            )
        args = dbt_args("build", target_dir=_target_dir(settings), log_dir=settings.log_dir, select=names)
        return _run(settings, args, connection.url(settings, "transformer"), threads, marks=marks)


def manifest(settings: Settings) -> Path:
    """dbt's manifest of the project, parsed when it is missing or the project has changed. Touches no database."""
    folder = _manifest_dir(settings)
    file, mark = folder / "manifest.json", folder / "fingerprint"
    now = fingerprint()
    if not file.exists() or not mark.exists() or mark.read_text() != now:
        args = dbt_args("parse", target_dir=folder, log_dir=settings.log_dir, project_has_changed=True)
        _run(settings, args, _address(settings), _DEFAULT_THREADS)
        mark.write_text(now)
    return file


def docs(settings: Settings) -> Path:
    """dbt's own documentation site, as one file that needs no network."""
    args = [*dbt_args("docs", target_dir=_target_dir(settings), log_dir=settings.log_dir), "--static"]
    args.insert(1, "generate")
    _run(settings, args, connection.url(settings, "transformer"), _DEFAULT_THREADS)
    return _target_dir(settings) / "static_index.html"


def _marks(conn: psycopg.Connection[tuple[Any, ...]]) -> tuple[str, Marks, bool]:
    """Fingerprint of the project, what is new, and whether the last build was of this same project and is whole: a full
    refresh that was cut short has left views behind that stand on nothing."""
    row = conn.execute(
        "select (select coalesce(max(delivery_id), 0) from landing.delivery),"
        " (select coalesce(max(changed_seq), 0) from raw.identity__person),"
        " (select coalesce(max(nomenclature_version), 0) from landing.nomenclature_version)"
    ).fetchone()
    assert row is not None
    last = conn.execute(
        "select to_delivery_id, to_identity_seq, project_fingerprint, exists (select from landing.build as begun"
        " where begun.build_id > build.build_id and begun.is_full_refresh)"
        " from landing.build where finished_at is not null order by build_id desc limit 1"
    ).fetchone()
    project = fingerprint(nomenclature_version=row[2])
    if last is None:
        return project, Marks(0, row[0], 0, row[1]), False
    # A mark never goes back, even if the newest row of identity was taken away.
    return (
        project,
        Marks(last[0], max(row[0], last[0]), last[1], max(row[1], last[1])),
        last[2] == project and not last[3],
    )


def _target_dir(settings: Settings) -> Path:
    return settings.state_dir / "dbt" / "target"


def _manifest_dir(settings: Settings) -> Path:
    return settings.state_dir / "dbt" / "manifest"


def _address(settings: Settings) -> str | None:
    """The database that a build will use, when there is one already: dbt keeps what it has parsed for this one only."""
    try:
        return connection.url(settings, "transformer")
    except IassError:
        return None


def _take_parse(settings: Settings) -> bool:
    """Let the build of a changed project begin with what `manifest` has parsed anew; whether there is anything."""
    parsed, mark = (_manifest_dir(settings) / name for name in ("partial_parse.msgpack", "fingerprint"))
    if not parsed.exists() or not mark.exists() or mark.read_text() != fingerprint():
        return False
    _target_dir(settings).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(parsed, _target_dir(settings) / parsed.name)
    return True


def _run(
    settings: Settings, args: Sequence[str], dsn: str | None, threads: int, *, marks: Marks | None = None
) -> tuple[NodeResult, ...]:
    target = Path(args[args.index("--target-path") + 1])
    target.mkdir(parents=True, exist_ok=True)
    settings.log_dir.mkdir(parents=True, exist_ok=True)
    results_file = target / "run_results.json"
    results_file.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", "from dbt.cli.main import cli; cli()", *args],
        env=dbt_environment(dsn, base=os.environ, threads=threads, marks=marks),
        capture_output=True,
        text=True,
        preexec_fn=_die_with_parent,
        check=False,
    )
    results = json.loads(results_file.read_text())["results"] if results_file.exists() else []
    if done.returncode != 0:
        raise IassError(_failure(settings, target, results, done.stdout + done.stderr))
    return tuple(_node(result) for result in results)


def _die_with_parent() -> None:
    """A build that was killed must not go on writing behind the back of the next one."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def _node(result: Mapping[str, Any]) -> NodeResult:
    resource_type, _, name = str(result["unique_id"]).split(".", 2)
    rows = (result.get("adapter_response") or {}).get("rows_affected")
    is_table = resource_type in ("model", "seed") and isinstance(rows, int) and rows >= 0
    return NodeResult(
        name, resource_type, str(result["status"]), float(result["execution_time"]), rows if is_table else None
    )


def _failure(settings: Settings, target: Path, results: Sequence[Mapping[str, Any]], output: str) -> str:
    """One sentence on the first thing that failed: what it was, what it means, where to read more."""
    where = f"See {settings.log_dir / 'dbt.log'}."
    for result in results:
        if result["status"] not in ("error", "fail", "runtime error"):
            continue
        node, message = _node(result), str(result.get("message"))
        if node.resource_type == "test" and result["status"] == "fail":
            parsed = _parsed_node(target, str(result["unique_id"]))
            what = f"on {result.get('failures')} rows"
            if (parsed.get("test_metadata") or {}).get("name") == "points_to_members":
                what = _keys_that_point_nowhere(settings, str(result["compiled_code"]))
            return f"The test {parsed.get('name', node.name)} failed {what}. {_description(parsed)}{where}"
        if node.resource_type == "unit_test" and result["status"] == "fail":
            model, _, rule = node.name.partition(".")
            meaning = _description(_parsed_node(target, str(result["unique_id"])))
            return f"The model {model} breaks the rule {rule}. {meaning}{where}"
        twice = _TWICE.search(message)
        if twice:
            return f"Two rows of {node.name} have the same {twice[1]}, so its counts would be too high. {where}"
        reason = next((line.strip() for line in message.splitlines()[1:] if line.strip()), "")
        return f"dbt could not build {node.name}: {reason or message}. {where}"
    lines = [line for line in output.splitlines() if "rror" in line]
    return f"dbt did not finish: {lines[-1].strip() if lines else 'no message'}. {where}"


def _keys_that_point_nowhere(settings: Settings, query: str) -> str:
    """What a test of the keys of a fact found, asked again: dbt tells only how much."""
    with connection.connect(settings, "transformer") as conn:
        found = conn.execute(query.encode()).fetchall()
    return ", ".join(f"for {column} on {count} rows" for column, count in found)


def _parsed_node(target: Path, unique_id: str) -> Mapping[str, Any]:
    """What dbt's manifest says of a node; nothing when there is no manifest."""
    try:
        parsed = json.loads((target / "manifest.json").read_text())
    except (OSError, ValueError):
        return {}
    found: Mapping[str, Any] = (parsed["nodes"] | parsed.get("unit_tests", {})).get(unique_id, {})
    return found


def _description(parsed: Mapping[str, Any]) -> str:
    text = str(parsed.get("description") or "").strip()
    return f"{text} " if text else ""
