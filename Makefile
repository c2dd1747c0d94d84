# Everything runs in .venv, which `make venv` makes; nothing else needs to be installed by hand.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: venv demo test check docs bench clean

venv: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test,check,docs]'
	touch $@

demo: venv
	$(BIN)/twofold demo

test: venv
	$(BIN)/python -m pytest -n 2

check: venv
	$(BIN)/ruff format --check src tests bench
	$(BIN)/ruff check src tests bench
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/mkdocs build --strict --quiet

docs: venv
	$(BIN)/mkdocs build --strict

bench: venv
	$(BIN)/python -m bench

clean:
	rm -rf .venv demo site .mypy_cache .ruff_cache .hypothesis
