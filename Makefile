# The whole of it: `make demo` and `make test` need only Python, make and the package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check fix bench slow clean

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("dlkit needs Python 3.11 or newer; try make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo,dev]'
	@touch $@

# Trains word vectors on real Chinese reviews and asks for the neighbours of four words.
demo: $(STAMP)
	$(BIN)/dlkit word2vec train -r reviews
	$(BIN)/dlkit similar 早餐 酒店 电脑 饭 -k 8

test: $(STAMP)
	$(BIN)/python -m pytest -n 2

# The proofs that take minutes.
slow: $(STAMP)
	$(BIN)/python -m pytest -n 2 -m slow

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# CORPUS=path/to/text makes the benchmarks of training run on it; see tests/benchmarks/__main__.py.
bench: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m tests.benchmarks $(if $(CORPUS),--corpus $(CORPUS))

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
