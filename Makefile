# Weili. `make help` lists what can be done; `make run` is the way in.
#
# The environment is made from a lock with hashes by pip alone, so that a machine with make, git,
# python3 and python3-venv needs nothing else. Another interpreter: PYTHON=python3.13 make run

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP_INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --no-input
RUNTIME := $(VENV)/.weili-runtime
DEV := $(VENV)/.weili-dev

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# A virtual environment knows its own path and its own Python by heart. One that was moved, whose
# Python is gone, or that was made with another Python than the one now asked for is made anew.
ifneq ($(wildcard $(VENV)/.weili-home),)
FRESH := $(shell test "$$(cat $(VENV)/.weili-home)" = "$$(pwd)" && $(PY) -c '' 2>/dev/null && echo yes)
ifeq ($(FRESH),yes)
ifneq ($(origin PYTHON),file)
VERSION := import sys; print(sys.version_info[:2])
FRESH := $(shell test "$$($(PY) -c '$(VERSION)')" = "$$("$(PYTHON)" -c '$(VERSION)' 2>&1)" && echo yes)
endif
endif
ifneq ($(FRESH),yes)
$(shell rm -f $(VENV)/.weili-home $(RUNTIME) $(DEV) $(PY))
endif
endif

.PHONY: help
help: ## list what can be done here
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; \
		do printf '  make %-16s %s\n' "$$name" "$$text"; done

.PHONY: run
run: $(RUNTIME) ## start everything on http://127.0.0.1:8000 (WEILI_PORT changes the port)
	@$(PY) web/console/build.py || \
		echo "weili: without the console, then; all else works (make console builds it)" >&2
	@exec $(VENV)/bin/weili up

.PHONY: console
console: $(RUNTIME) ## build the pages for people's browsers (a minute the first time)
	@$(PY) web/console/build.py

.PHONY: demo
demo: $(RUNTIME) ## trade a sample world from catalogue to statements, then verify it
	@exec $(VENV)/bin/weili demo

.PHONY: test
test: lint ## all that matters daily: lint, types, walls, tests (10 minutes at most)
	$(PY) -m pytest -m "not long" -n 2 --dist loadscope

# Nothing may print after pytest here: its closing line is the last word of the whole run.
.PHONY: test-long
test-long: $(DEV) ## chaos, browser and long properties
	$(PY) -m pytest -m long -n 2 --dist loadscope

.PHONY: lint
lint: $(DEV) ## style, formatting, types and import walls
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports --no-logo
	$(PY) -m tests.architecture.house_lints

.PHONY: format
format: $(DEV) ## put every file into the house format
	$(PY) -m ruff check --fix-only --quiet .
	$(PY) -m ruff format .

.PHONY: bench
bench: $(RUNTIME) ## measure the order API beside the named baselines
	$(PY) -m bench

.PHONY: bench-catalogue
bench-catalogue: $(RUNTIME) ## measure search, prices, stock and feed over a million SKUs
	$(PY) -m bench.catalogue

.PHONY: bench-console
bench-console: $(DEV) ## measure the console's first page over a million orders (needs chromium)
	@$(PY) web/console/build.py
	$(PY) -m bench.console

.PHONY: bench-growth
bench-growth: $(RUNTIME) ## measure orders and verify with a million older orders (10 GB of disc)
	$(PY) -m bench.growth

.PHONY: bench-overload
bench-overload: $(RUNTIME) ## measure five times as many orders as can be placed, for two minutes
	$(PY) -m bench.overload

.PHONY: docs
docs: $(RUNTIME) ## write the generated references again
	$(PY) -m weili.entrypoints.cli docs

.PHONY: clean
clean: ## remove what tools left behind; the environment and all data stay
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis \
		.import_linter_cache
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# ------------------------------------------------------------------------------ the environment
# The stamps are written last, so an interrupted install is taken up again.

$(VENV)/.weili-home:
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "weili: $(PYTHON) is not here; install Python 3.11 or newer (Debian: apt-get install python3 python3-venv), or name one: PYTHON=python3.13 make run" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "weili: $(PYTHON) is $$("$(PYTHON)" -V 2>&1), but 3.11 or newer is needed; name one: PYTHON=python3.13 make run" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "weili: $(PYTHON) cannot make a virtual environment (no ensurepip); install it (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@$(PY) -m pip --version >/dev/null 2>&1 || { \
		echo "weili: making $(VENV) with $$("$(PYTHON)" -V 2>&1)" && "$(PYTHON)" -m venv --clear $(VENV); }
	@pwd > $@

$(RUNTIME): requirements.lock pyproject.toml | $(VENV)/.weili-home
	@echo "weili: installing from requirements.lock (half a minute the first time)"
	@$(PIP_INSTALL) --no-deps --require-hashes -r requirements.lock
	@$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements-dev.lock | $(RUNTIME)
	@echo "weili: installing the tools from requirements-dev.lock"
	@$(PIP_INSTALL) --no-deps --require-hashes -r requirements-dev.lock
	@touch $@
