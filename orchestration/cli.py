"""The command line `iass`: arguments in, one call of the owning module, its answer on the screen or as JSON.

No work is done here, and nothing heavy is imported before a command needs it: `iass --help` answers at once. Screens
are drawn in `orchestration.screen`.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.commands import bi, identity, metrics, registry, report
from orchestration.commands.publish import publish
from orchestration.commands.shared import EXIT_REFUSED, AsJson, ready, settings_of_home
from orchestration.errors import NOT_BUILT, IassError

if TYPE_CHECKING:
    from orchestration.intake.delivery import DeliveryResult

EXIT_ERROR = 1


class _App(typer.Typer):
    """Typer, with one way for every error: a sentence on stderr, no traceback, exit code 1."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            # A terminal that knows fewer characters than our tables shows a question mark, and no run ends for it.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        with _errors_as_sentences():
            return super().__call__(*args, **kwargs)


app = _App(
    name="iass",
    help="Regional warehouse of the social-desk flows: gate, identity, stars.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: drawing it costs more than all the rest of a start
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
demo_app = typer.Typer(help="The synthetic region.", no_args_is_help=True)
nomenclature_app = typer.Typer(help="Regional and local nomenclatures.", no_args_is_help=True)
app.add_typer(demo_app, name="demo")
app.add_typer(nomenclature_app, name="nomenclature")
app.add_typer(bi.app, name="bi")
app.add_typer(report.app, name="report")
app.add_typer(metrics.app, name="metrics")
app.add_typer(identity.app, name="identity")
app.add_typer(registry.app, name="registry")
app.command()(publish)

Flow = Annotated[str | None, typer.Option("--flow", help="Flow code, e.g. IASS.")]
Sender = Annotated[str | None, typer.Option("--sender", help="Code of the sender, e.g. 10502.")]


# The database


@app.command()
def up() -> None:
    """Start the database (when it is the embedded one) and bring it up to date."""
    from orchestration import screen
    from orchestration.warehouse import server

    settings = settings_of_home()
    with screen.working("Starting the database …"):
        server.up(settings)
    screen.status(server.status(settings))


@app.command()
def down() -> None:
    """Stop the embedded database."""
    from orchestration import screen
    from orchestration.warehouse import server

    screen.line("Stopped." if server.down(settings_of_home()) else "It was not running.")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Say whether the database runs, where, and what it holds."""
    from orchestration import screen
    from orchestration.warehouse import server

    found = server.status(settings_of_home())
    if as_json:
        screen.json(found)
    else:
        screen.status(found)


@app.command()
def url(
    role: Annotated[str, typer.Option(help="Any role of the warehouse, e.g. loader.")] = "analyst",
) -> None:
    """Print the DSN of a role, password included."""
    from orchestration.warehouse import connection

    print(connection.url(ready(), role))


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": ["--help"]}
)
def psql(
    context: typer.Context,
    role: Annotated[str, typer.Option(help="Any role of the warehouse, e.g. loader.")] = "analyst",
) -> None:
    """Open psql on the warehouse; everything but --role is passed to it, e.g. iass psql -c 'select …'."""
    from orchestration.warehouse import connection, server

    settings = ready()
    dsn, password = connection.without_password(connection.url(settings, role))
    program = str(server.binary("psql"))
    # The password goes by the environment: a command line can be read by everybody on the machine.
    environment = {**os.environ, "PGPASSWORD": password, "PGAPPNAME": f"iass psql {role}"}
    sys.stdout.flush()
    os.execve(program, [program, "--dbname", dsn, *context.args], environment)  # noqa: S606


# Deliveries


@app.command()
def intake(
    paths: Annotated[
        list[Path], typer.Argument(help="Files, or folders that are searched for files.", metavar="PATH…")
    ],
    as_json: AsJson = False,
) -> None:
    """Take deliveries in through the gate. A file that is named is taken at once; of a folder of senders those that
    have come to rest.

    Exit code 3 when one was refused as a whole or nothing of it was loaded, now or at the first time of a repeat; 1
    when one could not be taken in: it stays for the next time, and the others are in."""
    from orchestration.intake.landing import shown

    missing = [path for path in paths if not os.path.lexists(path)]
    if missing:
        raise IassError(f"{shown(str(missing[0]))} does not exist: give files or folders that do.")
    from orchestration import screen
    from orchestration.intake import gate

    settings = ready()
    with screen.deliveries_as_they_come(quiet=as_json) as show:
        results: list[DeliveryResult] = gate.intake(
            settings, paths, on_delivery=show, on_left=screen.left_alone, by_hand=True
        )
    if as_json:
        screen.json(results)
    else:
        screen.intake_totals(results)
    if any(result.is_turned_away for result in results):
        raise typer.Exit(EXIT_REFUSED)


@app.command()
def deliveries(
    flow: Flow = None,
    sender: Sender = None,
    period: Annotated[str | None, typer.Option(help="Period as in the file name, e.g. 2013-03.")] = None,
    outcome: Annotated[str | None, typer.Option(help="accepted, nothing_loaded, refused, failed or repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what has arrived, newest last."""
    from orchestration import screen
    from orchestration.intake import ledger
    from orchestration.warehouse import connection

    if outcome not in (None, *ledger.OUTCOMES):
        raise IassError(f"There is no outcome {outcome!r}: choose one of {', '.join(ledger.OUTCOMES)}.")
    with connection.connect(ready(), "loader") as conn:
        rows = ledger.deliveries(conn, flow=flow, sender=sender, period=period, outcome=outcome)
    if as_json:
        screen.json(rows)
    else:
        screen.deliveries(rows)


@app.command()
def receipt(
    delivery: Annotated[str, typer.Argument(help="Number of the delivery, or its file name.")],
    as_json: AsJson = False,
) -> None:
    """Show what a sender was told about a delivery."""
    from orchestration import screen
    from orchestration.intake import receipt as receipts

    found = receipts.read(ready(), delivery)
    if as_json:
        screen.json(found)
    else:
        screen.receipt(found)


# The warehouse


@app.command()
def build(
    full_refresh: Annotated[bool, typer.Option("--full-refresh", help="Make every table again from raw.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give every person a key and build the stars from what was taken in."""
    from orchestration import screen
    from orchestration.identity import run as identity_run
    from orchestration.warehouse import dbt

    settings = ready()
    with screen.working("Linking persons …"):
        persons = identity_run.resolve(settings)
    with screen.working("Building the stars …"):
        built = dbt.build(settings, full_refresh=full_refresh)
    if as_json:
        screen.json({"identity": persons, "build": built})
    else:
        screen.build(persons, built)


@app.command()
def run(as_json: AsJson = False) -> None:
    """Do all that is pending: take in, link, build, check; as one Dagster run. Exit code 1 when a file could not be
    taken in for an error of ours, though all else was done."""
    from orchestration import screen
    from orchestration.pipeline.run import run_all

    summary = run_all(ready())
    if as_json:
        screen.json(summary)
    else:
        screen.summary(summary)
    if summary.set_aside:
        raise IassError(summary.set_aside)


@app.command()
def dagster(port: Annotated[int, typer.Option(help="Port of the user interface.")] = 3000) -> None:
    """Open the Dagster user interface on this home (Ctrl-C ends it)."""
    from orchestration import screen
    from orchestration.pipeline.run import dagster_home
    from orchestration.warehouse import dbt

    settings = ready()
    with screen.working("Preparing the models …"):
        dbt.manifest(settings)
    program = str(Path(sys.executable).with_name("dagster"))
    environment = {
        **os.environ,
        **settings.environment(),
        "DAGSTER_HOME": str(dagster_home(settings)),
        "DAGSTER_DISABLE_TELEMETRY": "true",
    }
    arguments = [program, "dev", "-m", "orchestration.definitions", "--host", "127.0.0.1", "--port", str(port)]
    os.execve(program, arguments, environment)  # noqa: S606


# Reference


@app.command()
def rules(
    flow: Annotated[str | None, typer.Argument(help="Flow code; all flows when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the catalogue of rules that deliveries are checked against."""
    from orchestration import screen
    from orchestration.intake import contract

    known = contract.flow_codes()
    if flow is not None and flow.upper() not in known:
        raise IassError(f"There is no flow {flow!r}: choose one of {', '.join(known)}.")
    contracts = [contract.load_contract(code) for code in ([flow.upper()] if flow else known)]
    if as_json:
        screen.json([rule for each in contracts for rule in each.rules])
    else:
        screen.rules(contracts)


@nomenclature_app.command("list")
def nomenclature_list(sender: Sender = None, as_json: AsJson = False) -> None:
    """List the regional nomenclature, or with --sender the local one and its association."""
    from orchestration import screen
    from orchestration.intake import nomenclature
    from orchestration.warehouse import connection

    with connection.connect(ready(), "loader") as conn:
        nomenclature.ensure_regional(conn)
        rows = nomenclature.listing(conn, sender=sender)
    if as_json:
        screen.json(rows)
    else:
        screen.table("Nomenclature", rows)


@nomenclature_app.command("export")
def nomenclature_export(
    version: Annotated[int | None, typer.Option(help="Version; the newest when left out.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; the screen when left out.")] = None,
) -> None:
    """Write a version of the regional nomenclature as the CSV file that is published for senders."""
    from orchestration.intake import nomenclature
    from orchestration.warehouse import connection

    with connection.connect(ready(), "loader") as conn:
        nomenclature.ensure_regional(conn)
        text = nomenclature.export(conn, version=version)
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8")


@nomenclature_app.command("check")
def nomenclature_check(sender: Sender = None, as_json: AsJson = False) -> None:
    """List each sender's local codes that are unmapped, expired, ambiguous or broken by a new regional version."""
    from orchestration import screen
    from orchestration.intake import nomenclature
    from orchestration.warehouse import connection

    with connection.connect(ready(), "loader") as conn:
        nomenclature.ensure_regional(conn)
        rows = nomenclature.check(conn, sender=sender)
    if as_json:
        screen.json(rows)
    else:
        screen.table("Local codes to put right", rows, empty="Every local code is in order.")


# The synthetic region


@demo_app.command("generate")
def demo_generate(
    out: Annotated[Path, typer.Option(help="Folder for the deliveries and the truth.")],
    scale: Annotated[float, typer.Option(help="Share of the region: 1 is 4.45 million residents.")] = 0.05,
    start: Annotated[str, typer.Option("--from", help="First month, YYYY-MM.")] = "2013-01",
    months: Annotated[int, typer.Option(min=1, help="How many months.")] = 12,
    seed: Annotated[int, typer.Option(help="The same seed gives the same region.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Make the deliveries of a synthetic region, with known faults and the truth beside them."""
    from orchestration import screen
    from orchestration.demo.generate import generate

    if scale <= 0:
        raise IassError("The scale must be more than 0: 0.05 is a twentieth of the region.")
    with screen.progress(quiet=as_json) as progress:
        summary = generate(out, scale=scale, start_month=_month(start), months=months, seed=seed, progress=progress)
    if as_json:
        screen.json(summary)
    else:
        screen.region(summary)


@demo_app.command("run")
def demo_run(
    scale: Annotated[float, typer.Option(help="Share of the region.")] = 0.05,
    months: Annotated[int, typer.Option(min=1, help="How many months.")] = 12,
    as_json: AsJson = False,
) -> None:
    """Make the synthetic region in this home, send it through the whole pipeline and show what came out."""
    from orchestration import screen
    from orchestration.pipeline.demo import run_demo

    summary = run_demo(ready(), scale=scale, months=months)
    if as_json:
        screen.json(summary)
    else:
        screen.summary(summary)


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise IassError(f"{text!r} is not a month: write it as 2013-01.") from None


@contextmanager
def _errors_as_sentences() -> Iterator[None]:
    try:
        yield
    except IassError as error:
        _fail(str(error))
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            sys.exit(EXIT_ERROR)
        _fail(f"{error.strerror or error} ({error.filename or 'no file named'}): put this right and run again.")
    except Exception as error:
        if os.environ.get("IASS_DEBUG"):
            raise
        if (sentence := _database_sentence(error)) is not None:
            _fail(sentence)
        # The text of an unknown error may repeat what was in a field, so only its kind and place are shown.
        _fail(
            f"Unexpected {type(error).__name__} at {_place(error)}: this is a defect, please report it "
            "(IASS_DEBUG=1 shows all of it)."
        )


def _database_sentence(error: Exception) -> str | None:
    psycopg = sys.modules.get("psycopg")
    if psycopg is None or not isinstance(error, psycopg.Error):
        return None
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
        return NOT_BUILT
    if isinstance(error, psycopg.errors.DiskFull):
        return "The disk of the database is full: free space and run again, nothing is half loaded."
    if isinstance(error, psycopg.OperationalError):
        return "The database went away in the middle: start it with `iass up` and run again, nothing is half loaded."
    return None


def _place(error: Exception) -> str:
    own = Path(__file__).parent
    place = "unknown place"
    trace = error.__traceback__
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if path.is_relative_to(own):
            place = f"{path.relative_to(own.parent)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _fail(sentence: str) -> None:
    print(f"iass: {sentence}", file=sys.stderr)
    sys.exit(EXIT_ERROR)
