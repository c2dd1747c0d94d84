"""Twofold keeps the business records of two systems in step."""

__version__ = "0.1.0"
