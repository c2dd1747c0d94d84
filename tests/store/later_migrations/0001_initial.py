"""The first migration as it is."""

# Django's migrations are named by number.
# ruff: noqa: N999

from importlib import import_module

Migration = import_module("twofold.store.migrations.0001_initial").Migration
