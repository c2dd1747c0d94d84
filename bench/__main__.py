"""`make bench`: a JSON line per figure; TWOFOLD_BENCH_ROWS and TWOFOLD_BENCH_MORE_ROWS set the sizes."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench import floor
from bench.data import age, edit, make_workspace
from bench.measure import Measure, best, run

ROWS = int(os.environ.get("TWOFOLD_BENCH_ROWS", "200000"))
MORE_ROWS = int(os.environ.get("TWOFOLD_BENCH_MORE_ROWS", "1000000"))
TWOFOLD = ("-m", "twofold")
FLOOR = (str(Path(floor.__file__).resolve()),)


def say(figure: str, **values: object) -> None:
    """Print one figure."""
    rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in values.items()}
    print(json.dumps({"figure": figure, **rounded}), flush=True)


def main() -> None:
    """Measure everything, in a temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="twofold-bench-"))
    try:
        _start_up(folder)
        full = _sizes(folder / "small", ROWS)
        if MORE_ROWS:
            more = _sizes(folder / "large", MORE_ROWS)
            say("memory growth", rows=[ROWS, MORE_ROWS], ratio=more.megabytes / full.megabytes, goal=1.1)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start_up(folder: Path) -> None:
    make_workspace(folder / "start", 10)
    run((*TWOFOLD, "init"), folder / "start")
    for command in ("--help", "jobs"):
        found = best((*TWOFOLD, command), folder / "start", 5)
        say(f"start-up {command}", seconds=found.seconds, megabytes=found.megabytes)


def _sizes(folder: Path, rows: int) -> Measure:
    """All figures for one size; returns that of the full synchronization."""
    make_workspace(folder, rows)
    run((*TWOFOLD, "init"), folder)
    run((*TWOFOLD, "apply", "--yes"), folder)
    base = run((*FLOOR, str(folder)), folder)
    full = run((*TWOFOLD, "full-sync", "--create", "restore"), folder)
    say("floor", rows=rows, seconds=base.seconds, megabytes=base.megabytes)
    say(
        "full",
        rows=rows,
        seconds=full.seconds,
        ratio=full.seconds / base.seconds,
        megabytes=full.megabytes,
        goal=2.0,
    )
    age(folder)
    run((*TWOFOLD, "sync"), folder)
    jobs = best((*TWOFOLD, "jobs"), folder, 3)
    idle = best((*TWOFOLD, "sync"), folder, 3)
    say("nothing changed", rows=rows, seconds=idle.seconds, beyond_jobs=idle.seconds - jobs.seconds, goal=0.5)
    _changed(folder, rows, full)
    proof = run((*TWOFOLD, "verify"), folder)
    say(
        "verify",
        rows=rows,
        seconds=proof.seconds,
        megabytes=proof.megabytes,
        goal=15.0 if rows >= 1_000_000 else None,
    )
    return full


def _changed(folder: Path, rows: int, full: Measure) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    edit(folder / "erp.db", "customer", 100, 1, now)
    one = run((*TWOFOLD, "sync"), folder)
    say(
        "1 % changed on one side", rows=rows, seconds=one.seconds, ratio=one.seconds / full.seconds, goal=0.05
    )
    later = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    edit(folder / "erp.db", "customer", 100, 2, later)
    edit(folder / "crm.db", "account", 100, 3, later)
    both = run((*TWOFOLD, "sync"), folder)
    say("1 % changed on both sides", rows=rows, seconds=both.seconds, ratio=both.seconds / full.seconds)


if __name__ == "__main__":
    main()
