"""The few kinds of error, importable from every floor; it must never import anything of Twofold.

    TwofoldError
    |-- Refused            you asked wrongly: a sentence, exit 2 / HTTP 4xx, nothing done
    |-- Transient          try again later: back-off, never counts towards skipped
    |   |-- Throttled
    |   `-- Unreachable
    |-- Fatal              stop: the job failed, nothing after the last recorded page
    |   |-- NotAuthorised
    |   |-- SchemaDrift
    |   |-- StoreBroken
    |   `-- MassDelete
    `-- Interrupted        a person asked to stop; what was in hand is recorded

The fifth kind, "this row failed", is not an exception but a value in `ports.Results`.
"""


class TwofoldError(Exception):
    """Anything that Twofold tells a person; `str(error)` is a whole sentence with the way out."""


class Refused(TwofoldError):
    """The request cannot be done as asked, and nothing was done.

    `problems` holds further sentences when several things are wrong at once.
    """

    def __init__(self, sentence: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(sentence)
        self.problems = problems


class Transient(TwofoldError):
    """The other system cannot answer now but may answer later."""


class Throttled(Transient):
    """The other system asked for patience; `retry_after` is in seconds."""

    def __init__(self, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class Unreachable(Transient):
    """The other system could not be reached, or the connection broke."""


class Fatal(TwofoldError):
    """The run must stop; everything recorded so far stands."""


class NotAuthorised(Fatal):
    """The other system refused who we are or what we may do."""


class SchemaDrift(Fatal):
    """A table no longer has what the mapping needs."""


class StoreBroken(Fatal):
    """The state database cannot be used."""


class MassDelete(Fatal):
    """A side reads empty, or a run would delete many records, and nobody allowed it."""


class Interrupted(TwofoldError):
    """A person stopped the run; what was in hand is recorded."""
