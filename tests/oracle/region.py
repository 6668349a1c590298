"""A synthetic region that crosses a year and the reform of 31 December 2013, with a sender that stays silent, taken in
by three runs in the order of arrival."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

IASS = str(Path(sys.executable).with_name("iass"))
#: From before the reform to the end of the year after it.
FIRST_MONTH, N_MONTHS, SEED = "2013-11", 14, 41
#: Romagna, where four AUSL became one, and its neighbour Imola. The other senders are silent, the registry is whole.
SENDERS = ("080", "080106", "080110", "080111", "080112", "080113", "080114", "106", "114")
#: Deliveries that never come.
SILENT = ("IASS_11402_2014-02", "IASS_11402_2014-03", "FAR2_080106_2014-Q2")
N_RUNS = 3


@dataclass(frozen=True)
class Home:
    """Where the region and what the product made of it are."""

    folder: Path
    landing: Path
    environment: dict[str, str]

    @property
    def receipts(self) -> Path:
        return self.folder / "receipts"

    def iass(self, *arguments: str) -> str:
        done = subprocess.run(
            [IASS, *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == 0, f"iass {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()


def is_sent(sender: str, file_name: str, senders: tuple[str, ...]) -> bool:
    if file_name.startswith(SILENT):
        return False
    return not senders or any(
        sender == one or (len(one) == 3 and one != "080" and sender.startswith(one)) for one in senders
    )


def make(home: Path, environment: dict[str, str], scale: float, senders: tuple[str, ...] = SENDERS) -> Home:
    """Make the region and take it in."""
    out = home / "region"
    made = Home(home, out / "landing", environment)
    made.iass(
        *("demo", "generate", "--out", str(out), "--scale", str(scale)),
        *("--from", FIRST_MONTH, "--months", str(N_MONTHS), "--seed", str(SEED)),
    )
    with (out / "arrivals.csv").open(newline="") as file:
        arrivals = sorted((row["arrives_on"], row["path"], row["file_name"]) for row in csv.DictReader(file))
    sent = [row for row in arrivals if is_sent(Path(row[1]).parent.name, row[2], senders)]
    days = [on for on, _, _ in sent]
    limits = [days[len(days) * place // N_RUNS] for place in range(1, N_RUNS)]
    for place in range(N_RUNS):
        for on, path, _ in sent:
            if sum(on >= limit for limit in limits) == place:
                target = home / "landing" / path
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(made.landing / path, target)
        made.iass("run")
    return made
