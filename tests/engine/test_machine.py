"""The state machine lives with the real engine: over many histories no law is broken.

`TWOFOLD_HISTORIES` asks for so many histories of every plot instead of a few; `TWOFOLD_SEED` for others.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from twofold.testing.machine import synchronization_machine

from .town import PLOTS, builder

HISTORIES = int(os.environ.get("TWOFOLD_HISTORIES", "2"))
SEED = int(os.environ.get("TWOFOLD_SEED", "0"))
STEPS = 15
PHASES = (Phase.generate, Phase.shrink) if os.environ.get("TWOFOLD_SHRINK") else (Phase.generate,)


@pytest.mark.parametrize("name", PLOTS)
def test_no_history_breaks_a_law(name: str) -> None:
    chosen = settings(
        max_examples=HISTORIES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=PHASES,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    machine = seed(SEED)(synchronization_machine(builder(name)))
    run_state_machine_as_test(machine, settings=chosen)
