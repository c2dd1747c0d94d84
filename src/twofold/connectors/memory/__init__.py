"""The reference connector, to systems in this process; it must never be more lenient than any other."""

from __future__ import annotations

from twofold.connectors.memory.connection import connect, open_system
from twofold.connectors.memory.connector import MemoryConnector
from twofold.connectors.memory.rows import Rejected
from twofold.connectors.memory.system import MemorySystem

__all__ = ["MemoryConnector", "MemorySystem", "Rejected", "connect", "open_system"]
