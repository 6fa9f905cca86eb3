# Two commands on a fresh machine: `make demo` runs the whole journey, `make test` the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-slow lint types check benchmarks clean

$(BIN)/.installed: pyproject.toml hatch_build.py src/sixfold/native/kernels.c
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[train]'
	touch $@

$(BIN)/.installed-dev: $(BIN)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

demo: $(BIN)/.installed
	$(BIN)/sixfold demo video --dir demo

test: $(BIN)/.installed-dev
	$(BIN)/pytest -m 'not slow'

test-slow: $(BIN)/.installed-dev
	$(BIN)/pytest -m slow

lint: $(BIN)/.installed-dev
	$(BIN)/ruff check src tests benchmarks examples hatch_build.py
	$(BIN)/ruff format --check src tests benchmarks examples hatch_build.py

types: $(BIN)/.installed-dev
	$(BIN)/mypy

check: lint types test

benchmarks: $(BIN)/.installed-dev
	$(BIN)/python benchmarks/ml100k.py
	$(BIN)/python benchmarks/quality.py

clean:
	rm -rf $(VENV) demo dist build .pytest_cache .mypy_cache .ruff_cache
