"""Runs a command in a process of its own and says how long it took and how much memory it needed at most."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Measure:
    """Wall seconds, and the peak of resident memory in megabytes."""

    seconds: float
    megabytes: float


def run(arguments: Sequence[str], folder: Path) -> Measure:
    """Run `python ARGUMENTS` in `folder`; raises RuntimeError with its output if it fails."""
    output = folder / "output.txt"
    began = time.perf_counter()
    with output.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=folder, stdout=file, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if process.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(arguments)} ended {process.returncode}: {output.read_text()[-2000:]}")
    return Measure(seconds, usage.ru_maxrss / 1024)


def best(arguments: Sequence[str], folder: Path, times: int) -> Measure:
    """The quickest of several runs: on a shared machine the least disturbed one."""
    return min((run(arguments, folder) for _ in range(times)), key=lambda measure: measure.seconds)
