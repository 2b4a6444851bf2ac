# `make help` lists what there is. Needs Python 3.11 or newer and make; everything else is installed into .venv.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

# A stamp carries the checksum of what was installed, so that changed pins install again and nothing else does.
run_sum := $(shell cat requirements/run.txt pyproject.toml | cksum | cut -d' ' -f1)
dev_sum := $(shell cat requirements/dev.txt pyproject.toml | cksum | cut -d' ' -f1)
RUN_STAMP := $(VENV)/.installed-run-$(run_sum)
DEV_STAMP := $(VENV)/.installed-dev-$(dev_sum)

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run dev test fuzz interop check bench pins clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(RUN_STAMP) ## install what running needs; leaves .venv/bin/steelyard

setup-dev: $(RUN_STAMP) $(DEV_STAMP) ## install what testing and checking need, too

run: setup ## run everything: database, server, worker (settings: STEELYARD_*; ARGS="--port 9000")
	@exec $(BIN)/steelyard up $(ARGS)

dev: setup ## the same with one server process and all log lines, for reading
	@STEELYARD_LOG_LEVEL=debug STEELYARD_LOG_FORMAT=console exec $(BIN)/steelyard up --workers 1 $(ARGS)

test: setup-dev ## run the tests (ARGS="tests/ops -k lock")
	@$(BIN)/python -m pytest $(ARGS)

fuzz: setup-dev ## try every task type with made-up params and mutations, many more than the tests do
	@STEELYARD_FUZZ=1 $(BIN)/python -m pytest -q tests/unit/task_types/test_garbage.py tests/unit/task_types/test_random_params.py $(ARGS)

interop: setup-dev ## check answers and pre-labels with FiftyOne (installs 1 GB for the time being)
	@$(BIN)/python -m tests.interop

check: setup-dev ## linters, types, import rules, file sizes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_sizes.py
	$(BIN)/python scripts/docs.py --check

bench: setup-dev ## measure (BENCH_TASKS=10000000 for the long one); needs wrk
	@$(BIN)/python -m tests.bench $(ARGS)

pins: setup-dev ## write requirements/*.txt anew from pyproject.toml (ARGS=--upgrade; needs uv)
	requirements/compile $(ARGS)

clean: ## remove .venv and caches, never data
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed (python3 is older, or missing)." >&2; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python's venv module does not work here; \
	on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

$(RUN_STAMP): | $(BIN)/python
	@echo "Installing packages (about a minute the first time)"
	@$(PIP) install --require-hashes --only-binary :all: -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --no-index -e .
	@rm -f $(VENV)/.installed-run-* && touch $@

$(DEV_STAMP): | $(BIN)/python
	@echo "Installing packages for tests and checks"
	@$(PIP) install --require-hashes --only-binary :all: -r requirements/dev.txt
	@rm -f $(VENV)/.installed-dev-* && touch $@
