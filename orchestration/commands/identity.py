"""`iass identity …`: who is whom, why, and how well it is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.commands.shared import AsJson, ready
from orchestration.errors import IassError

app = typer.Typer(help="Persons: linkage, review, explanation, quality.", no_args_is_help=True)


@app.command()
def review(
    out: Annotated[Path | None, typer.Option(help="CSV file to write, for its owner's eyes only.")] = None,
    decisions: Annotated[
        Path | None, typer.Option("--import", help="The same file with is_same filled in: yes or no.")
    ] = None,
) -> None:
    """Show the pairs that wait for a person to decide, write them to a file, or take her decisions in.

    A decision holds for ever, against any model, and takes effect with the next `iass build`. Shows names: use it where
    nobody looks over your shoulder.
    """
    from orchestration.commands import identity_screen as draw
    from orchestration.identity import review as reviews

    if out and decisions:
        raise IassError("Write a file or take one in, not both at once.")
    settings = ready()
    if decisions:
        if not decisions.exists():
            raise IassError(f"{decisions} does not exist: give the file with the decisions.")
        draw.imported(reviews.take_in(settings, decisions))
    elif out:
        draw.exported(reviews.export(settings, out), out)
    else:
        draw.cases(reviews.cases(settings))


@app.command()
def explain(
    person_key: Annotated[int, typer.Argument(help="Key of a person, as in core.dim_person.")], as_json: AsJson = False
) -> None:
    """Say which records are this person, by which rule or weights. No name and no identifier is shown."""
    from orchestration import screen
    from orchestration.commands import identity_screen as draw
    from orchestration.identity import explain as explaining

    found = explaining.explain(ready(), person_key)
    if as_json:
        screen.json(found)
    else:
        draw.explanation(found)


@app.command()
def train(as_json: AsJson = False) -> None:
    """Make a new model from all that codes have linked so far, and link everything again under it."""
    from orchestration import screen
    from orchestration.identity import run

    settings = ready()
    with screen.working("Training and linking again …"):
        version = run.train(settings)
        found = run.resolve(settings)
    if as_json:
        screen.json(found)
    else:
        screen.line(
            f"Model {version} is in force: {found.changed:,} identities changed, {found.to_review:,} to review."
        )


@app.command()
def quality(
    truth: Annotated[
        Path | None, typer.Option(help="Truth folder of the synthetic region; the home's own if left out.")
    ] = None,
    febrl: Annotated[bool, typer.Option("--febrl", help="Measure on the public data set FEBRL 4 instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Precision and recall of linkage against the truth of the synthetic region, by flow and kind of fault."""
    from orchestration import screen
    from orchestration.commands import identity_screen as draw

    if febrl:
        from orchestration.identity import febrl as public

        scores = [public.measure(), public.measure(hidden=True)]
        screen.json(scores) if as_json else draw.febrl(scores)
        return
    from orchestration.identity import quality as measuring

    settings = ready()
    found = measuring.measure(settings, truth or settings.home / "demo" / "truth")
    if as_json:
        screen.json(found)
    else:
        draw.quality(found)
