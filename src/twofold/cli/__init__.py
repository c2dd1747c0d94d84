"""The command line: parse, one verb, render; it must never decide anything."""
