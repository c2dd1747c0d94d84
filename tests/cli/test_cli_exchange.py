"""Taking over an installation: couplings in and out as files."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.cli.desk import Desk


def test_placeholder() -> None:
    pass
