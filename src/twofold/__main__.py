"""Lets `python -m twofold` be the command; it must never do anything else."""

from twofold.cli.main import run

if __name__ == "__main__":
    run()
