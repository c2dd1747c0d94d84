"""SQL databases as connectors; it must never import a driver before a connection asks for it."""

from twofold.connectors.sql.connector import SqlConnector, connect

__all__ = ["SqlConnector", "connect"]
