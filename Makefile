# `make run` and `make test` need nothing but git, make and python3 (3.11 or newer) with its venv
# module; everything else they install into .venv themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
RUN_STAMP := $(VENV)/.installed-run
TEST_STAMP := $(VENV)/.installed-test

.DEFAULT_GOAL := help
.PHONY: help run test check oracles docs bench clean

help:
	@echo "make run    derive, judge, compile and train every shipped subject; pages go to build/"
	@echo "make test   ruff, pyright and the whole test suite"
	@echo "make check  the quick part of it: ruff and pyright"
	@echo "make oracles  install JAX, with which the tests then compare too"
	@echo "make docs   the full-detail page of every subject, in build/docs/"
	@echo "make bench  the benchmarks"
	@echo "make clean  remove what was built (.venv stays)"

run: $(RUN_STAMP)
	$(BIN)/symderive run --all --out build

test: check
	$(BIN)/python -m pytest -n auto --dist loadfile

check: $(TEST_STAMP)
	$(BIN)/ruff check .
	$(BIN)/pyright

oracles: $(TEST_STAMP)
	$(PIP) jax

docs: $(RUN_STAMP)
	$(BIN)/symderive run --all --detail full --out build/docs

bench: $(RUN_STAMP)
	@for program in benchmarks/*.py; do echo "== $$program"; $(BIN)/python "$$program" || exit 1; done

clean:
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis

# Only a .venv that works gets its stamp: an interrupted installation is done again.
$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing; on Debian: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "python3's venv module is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): pyproject.toml | $(BIN)/python
	$(PIP) --editable .
	@touch $@

$(TEST_STAMP): pyproject.toml | $(BIN)/python
	@command -v git >/dev/null || { echo "git is missing; on Debian: apt-get install git" >&2; exit 1; }
	$(PIP) --editable '.[test,dev]'
	@touch $@ $(RUN_STAMP)
