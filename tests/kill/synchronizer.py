"""A process that synchronizes one workspace fully and ends; a test kills it."""

from __future__ import annotations

import sys
from pathlib import Path

from twofold.app.context import opened
from twofold.app.runs import synchronize
from twofold.engine.task import Options


def main(workspace: Path) -> None:
    with opened(workspace) as context:
        report = synchronize(context, (), Options(full=True))
    sys.exit(report.exit_code)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
