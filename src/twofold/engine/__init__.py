"""The imperative shell around the core: read, apply, record; it must never know a connector by class."""
