# make install   .venv with everything       make demo    the shipped study, end to end
# make test      the checks and all tests    make bench   speed, as ratios of one run

PYTHON ?= python3
TORCH ?= $(shell grep '^torch==' constraints.txt)
BIN := .venv/bin

.PHONY: install check test test-fast demo bench calibrate clean

# Installs again only when the dependencies change.
install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	grep -v '^torch==' constraints.txt > .venv/constraints.txt
	echo '$(TORCH)' >> .venv/constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  -c .venv/constraints.txt -e '.[hf,train,math,gym,server,dev]'
	touch $@

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/python -m pytest

test-fast: install
	$(BIN)/python -m pytest -m 'not slow'

demo: install
	$(BIN)/liftmap study demo

bench: install
	$(BIN)/python -m bench

calibrate: install
	$(BIN)/python -m bench.calibrate

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
