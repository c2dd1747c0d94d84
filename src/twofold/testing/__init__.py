"""What a connector author needs to prove a connector: contracts, faults, a state machine.

Product code must never import it.
"""

from importlib.util import find_spec

if find_spec("pytest") is not None:
    import pytest

    # A failing law should show the values it compared, as in a test file of one's own.
    pytest.register_assert_rewrite(
        *(
            f"twofold.testing.{name}"
            for name in ("contract", "laws", "machine", "reading", "store_contract", "thrift", "writing")
        )
    )
