"""The folder of the demo: made fresh, and only over an earlier demo; it must never delete anything else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from twofold.app.demo_configuration import TEXT
from twofold.app.demo_data import make_records
from twofold.app.demo_systems import CRM, ERP, create_systems
from twofold.app.settings import FILE
from twofold.errors import Refused
from twofold.store.location import FILE_NAME, VARIABLE

MARKER = ".twofold-demo"
"""Its presence says that an earlier demo made the folder."""
_OWN = (ERP, CRM, FILE_NAME, FILE)
_TRAILS = ("", "-wal", "-shm", "-journal")


def prepare_workspace(folder: Path, environment: Mapping[str, str] = os.environ) -> None:
    """Two filled databases and a configuration in `folder`, in place of those of an earlier demo.

    Raises `Refused` for a folder that holds anything but a demo, and where the state would be kept elsewhere.
    """
    _check_state(environment)
    _check_folder(folder)
    try:
        _clear(folder)
        (folder / MARKER).write_text(
            "Made by `twofold demo`, which makes these files anew.\n", encoding="utf-8"
        )
        create_systems(folder, make_records())
        (folder / FILE).write_text(TEXT, encoding="utf-8")
    except OSError as error:
        raise Refused(f"{error.filename} cannot be made: {error.strerror}. Name another folder.") from error


def _check_state(environment: Mapping[str, str]) -> None:
    if environment.get(VARIABLE):
        raise Refused(
            f"{VARIABLE} is set, so the demo would keep its couplings in that database. Unset it for now."
        )


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise Refused(f"{folder} is a file. Name a folder for the demo: twofold demo FOLDER.")
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise Refused(
            f"{folder} holds something else than an earlier demo, and nothing in it was touched. "
            "Name another folder: twofold demo FOLDER."
        )


def _clear(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in _OWN:
        for trail in _TRAILS:
            (folder / f"{name}{trail}").unlink(missing_ok=True)
