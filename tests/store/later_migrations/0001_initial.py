"""The first migration as it is."""

from importlib import import_module

Migration = import_module("twofold.store.migrations.0001_initial").Migration
