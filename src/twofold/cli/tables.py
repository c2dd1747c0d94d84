"""Lists as tables: jobs, errors, couplings and reviews; it must never ask the store anything."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from twofold.cli.names import Sides
from twofold.core.names import COUNTERS

Row = Mapping[str, Any]

JOBS = "Integration Synchronization Jobs"
ALWAYS = ("inserted", "modified", "unchanged", "failed")
"""The counters that are shown even if they are zero everywhere."""
KEY_WIDTH = 36
"""A key of up to this length is never broken; a longer one is folded, never cut."""
_STYLES = {"failed": "red", "conflicts": "yellow", "skipped": "yellow", "running": "cyan"}


def table(title: str) -> Table:
    """An empty table in the look of the house."""
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1),
    )


def key_column(made: Table, heading: str, keys: Iterable[str | None]) -> None:
    """A column of keys, as wide as the longest within reason."""
    longest = max((len(key) for key in keys if key), default=0)
    made.add_column(heading, overflow="fold", min_width=min(max(longest, len(heading)), KEY_WIDTH))


def record_column(made: Table, heading: str, records: Sequence[Text]) -> None:
    """A column of records as `record_text` makes them, as wide as the longest within reason."""
    longest = max((len(line) for record in records for line in record.plain.splitlines()), default=0)
    made.add_column(heading, overflow="fold", min_width=min(longest, KEY_WIDTH + 10))


def moment(text: str | None) -> str:
    """An ISO moment to the second, as it stands under a heading that says UTC."""
    return "" if text is None else text[:19].replace("T", " ")


def status(word: str) -> Text:
    """A word in the colour of what it means."""
    return Text(word, style=_STYLES.get(word, ""))


# -- jobs --------------------------------------------------------------------------------------------------


def job_table(jobs: Sequence[Row], names: Sides) -> Table:
    """The job log, one line a job; counters that are zero everywhere are left out."""
    shown = _counters(jobs)
    made = table(JOBS)
    made.add_column("Job", justify="right")
    made.add_column("Mapping", overflow="fold")
    made.add_column("Direction", overflow="fold")
    made.add_column("Status")
    for name in shown:
        made.add_column(name.capitalize(), justify="right")
    made.add_column("Started (UTC)", min_width=19)
    made.add_column("Took", justify="right", no_wrap=True)
    for job in jobs:
        made.add_row(*_job_cells(job, names), *[_count(job, name) for name in shown], *_times(job))
    return made


def _counters(jobs: Sequence[Row]) -> list[str]:
    usual = ALWAYS if any(job["type"] == "synchronization" for job in jobs) else ()
    return [name for name in COUNTERS if name in usual or any(job[name] for job in jobs)]


def _job_cells(job: Row, names: Sides) -> list[str | Text]:
    kind = "" if job["type"] == "synchronization" else f" ({job['type']})"
    way = names.way(job["mapping"], job["direction"])
    return [str(job["id"]), job["mapping"], way + kind, status(job["status"])]


def narrow_job_table(jobs: Sequence[Row], names: Sides) -> Table:
    """The job log for a small page: what each job counted, in words."""
    made = table(JOBS)
    made.add_column("Job", justify="right")
    made.add_column("Mapping", overflow="fold")
    made.add_column("Direction", no_wrap=True)
    made.add_column("Result", overflow="fold")
    made.add_column("Started (UTC)", min_width=16)
    for job in jobs:
        way = names.way(job["mapping"], job["direction"])
        made.add_row(str(job["id"]), job["mapping"], way, _result(job), moment(job["started"])[:16])
    return made


def _counted(name: str, count: int) -> str:
    return f"{count:,} {'conflict' if name == 'conflicts' and count == 1 else name}"


def _result(job: Row) -> Text:
    """The status and the type unless they are the usual ones, and the counters that count."""
    counts = [_counted(name, job[name]) for name in COUNTERS if job[name]]
    said = Text(", ".join(counts) or "nothing to do")
    if job["type"] != "synchronization":
        said = Text(f"{job['type']}: ").append(said)
    return said if job["status"] == "finished" else status(job["status"]).append(f": {said.plain}")


def _count(job: Row, name: str) -> Text:
    number = job[name]
    return Text(f"{number:,}", style=_STYLES.get(name, "") if number else "dim")


def _times(job: Row) -> tuple[str, str]:
    if job["finished"] is None:
        return moment(job["started"]), ""
    took = datetime.fromisoformat(job["finished"]) - datetime.fromisoformat(job["started"])
    return moment(job["started"]), duration(took.total_seconds())


def duration(seconds: float) -> str:
    """A length of time as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def job_error_table(errors: Sequence[Row], names: tuple[str, str]) -> Table:
    """The log of one job."""
    made = table("Integration Synchronization Errors")
    left, right = names
    key_column(made, left, [error["left_key"] for error in errors])
    key_column(made, right, [error["right_key"] for error in errors])
    made.add_column("Field", overflow="fold")
    made.add_column("Kind")
    made.add_column("What happened", overflow="fold")
    for error in errors:
        made.add_row(
            _text(error["left_key"]),
            _text(error["right_key"]),
            _text(error["field"]),
            error["kind"],
            _text(error["message"]),
        )
    return made


def _text(value: str | None) -> Text:
    return Text(value or "")


# -- the errors list ---------------------------------------------------------------------------------------


def entry_table(entries: Sequence[Row], names: Sides) -> Table:
    """The Coupled Data Synchronization Errors page: each record, what happened, and what can be answered."""
    made = table("Coupled Data Synchronization Errors")
    made.show_lines = True
    made.add_column("Mapping", overflow="fold")
    records = [record_text(entry, names.of(entry["mapping"])) for entry in entries]
    record_column(made, "Record", records)
    made.add_column("Kind")
    made.add_column("Since (UTC)", min_width=10)
    made.add_column("What happened, and what to answer", overflow="fold")
    for entry, record in zip(entries, records, strict=True):
        made.add_row(
            entry["mapping"],
            record,
            entry["kind"].replace("_", " "),
            moment(entry["since"]),
            _advised(entry),
        )
    return made


def narrow_entry_table(entries: Sequence[Row], names: Sides) -> Table:
    """The same for a small page: the record and what happened below each other."""
    made = table("Coupled Data Synchronization Errors")
    made.show_header = False
    made.add_column(overflow="fold")
    for entry in entries:
        heading = Text(f"{entry['mapping']}  {entry['kind'].replace('_', ' ')}", style="bold")
        heading.append(f"  since {moment(entry['since'])} UTC", style="dim")
        record = record_text(entry, names.of(entry["mapping"]))
        made.add_row(Text("\n").join([heading, record, _advised(entry)]), end_section=True)
    return made


def record_text(row: Row, names: tuple[str, str]) -> Text:
    """Both keys of a row, each with its connection, below each other."""
    left, right = names
    parts = ((left, row["left_key"]), (right, row["right_key"]))
    return Text("\n".join(f"{name} {key}" for name, key in parts if key))


def _advised(entry: Row) -> Text:
    said = Text(entry["message"])
    said.append(f"\n{', '.join(entry['actions'])}", style="cyan")
    return said


def answer_command(entry: Row) -> str:
    """The command that carries out the first of the actions of an entry."""
    action = entry["actions"][0]
    side, key = ("left", entry["left_key"]) if entry["left_key"] else ("right", entry["right_key"])
    record = f"{shlex.quote(entry['mapping'])} {{}}--{side} {shlex.quote(key or '')}"
    verb = "retry" if action == "retry" else "resolve"
    return f"twofold {verb} " + record.format("" if verb == "retry" else f"{action} ")


# -- couplings ---------------------------------------------------------------------------------------------


def coupling_table(couplings: Sequence[Row], mapping: str, names: tuple[str, str]) -> Table:
    """The couplings of a mapping; skipped directions and the last error stand in one column."""
    left, right = names
    made = table(f"Couplings of {mapping}")
    key_column(made, left, [row["left_key"] for row in couplings])
    key_column(made, right, [row["right_key"] for row in couplings])
    made.add_column("State")
    made.add_column("Last synchronized (UTC)", min_width=19)
    made.add_column("Remarks", overflow="fold")
    for row in couplings:
        state = row["state"].replace("_", " ")
        when = moment(row["last_synchronized"])
        made.add_row(
            _text(row["left_key"]), _text(row["right_key"]), state, when, _coupling_remark(row, names)
        )
    return made


def _coupling_remark(row: Row, names: tuple[str, str]) -> Text:
    left, right = names
    said: list[str] = []
    if row["skipped_to_right"]:
        said.append(f"skipped {left} -> {right}")
    if row["skipped_to_left"]:
        said.append(f"skipped {right} -> {left}")
    if row["last_error"]:
        said.append(row["last_error"])
    return Text("; ".join(said))


def narrow_coupling_table(couplings: Sequence[Row], mapping: str, names: tuple[str, str]) -> Table:
    """The same for a small page: both keys below each other."""
    made = table(f"Couplings of {mapping}")
    records = [record_text(row, names) for row in couplings]
    record_column(made, "Record", records)
    made.add_column("State, last synchronized (UTC)", overflow="fold")
    for row, record in zip(couplings, records, strict=True):
        about = [row["state"].replace("_", " "), moment(row["last_synchronized"])]
        remark = _coupling_remark(row, names).plain
        lines = [line for line in (*about, remark) if line]
        made.add_row(record, Text("\n".join(lines)))
    return made


# -- others ------------------------------------------------------------------------------------------------


def review_table(lines: Sequence[Row]) -> Table:
    """The Full Synchronization Review."""
    made = table("Full Synchronization Review")
    made.add_column("Mapping", overflow="fold")
    made.add_column("Direction", overflow="fold")
    made.add_column("Depends on", overflow="fold")
    for heading in ("Left records", "Right records", "Coupled"):
        made.add_column(heading, justify="right")
    made.add_column("Recommendation")
    arrows = {"to_right": "{left} -> {right}", "to_left": "{right} -> {left}", "both": "{left} <-> {right}"}
    for line in lines:
        made.add_row(
            line["name"],
            arrows[line["direction"]].format(left=line["left"], right=line["right"]),
            ", ".join(line["depends_on"]),
            *(f"{line[name]:,}" for name in ("left_count", "right_count", "coupled")),
            line["recommendation"],
        )
    return made


def plain_table(
    title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], *styles: Callable[[str], str]
) -> Table:
    """A table of texts; `styles` colour the first columns."""
    made = table(title)
    for heading in headings:
        made.add_column(heading, overflow="fold")
    for row in rows:
        cells = [Text(cell, style=style(cell)) for cell, style in zip(row, styles, strict=False)]
        made.add_row(*cells, *(Text(cell) for cell in row[len(cells) :]))
    return made
