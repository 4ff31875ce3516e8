# MIDAS: `make demo` shows the main job, `make test` proves it. Both set up everything they need.
SHELL := /bin/bash
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STATE  := $(VENV)/state
UV     := $(BIN)/uv pip
export UV_NO_PROGRESS := 1
# Python keeps what it has compiled: the demo and the tests start many short commands.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONUTF8 := 1
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo test test-long check format assets lock bench-deid bench-quality bench-dicomweb sbom bundle screenshots clean

help: ## List what make can do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2}'

$(STATE)/venv: requirements/tools.lock
	@echo "· a virtual environment with uv"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "MIDAS needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/tools.lock
	@mkdir -p $(STATE) && touch $@

$(STATE)/demo: $(STATE)/venv requirements/demo.lock pyproject.toml
	@echo "· what MIDAS and its demo need, from the lock file"
	@$(UV) install -q --require-hashes -r requirements/demo.lock
	@$(UV) install -q --no-build-isolation --no-deps -e .
	@touch $@

$(STATE)/dev: $(STATE)/demo requirements/dev.lock
	@echo "· what the tests need, from the lock file"
	@$(UV) install -q --require-hashes -r requirements/dev.lock
	@touch $@

$(STATE)/assets: $(STATE)/demo package.json package-lock.json tools/build_assets.py $(wildcard src/midas/ui/locale/*/LC_MESSAGES/django.po)
	@echo "· fonts, icons and scripts of the pages"
	@$(BIN)/python tools/build_assets.py
	@touch $@

assets: $(STATE)/assets ## Fetch and place the front-end assets

demo: $(STATE)/demo $(STATE)/assets ## From a hospital's export to a released dataset; serves until Ctrl-C (ONCE=1 stops at the table, FRESH=1 starts over)
	@$(BIN)/python -m midas.testing.demo $(if $(ONCE),--once) $(if $(FRESH),--fresh)

check: $(STATE)/dev ## Style, import contracts, types, secrets and known faults
	@$(BIN)/ruff check -q . && $(BIN)/ruff format -q --check .
	@$(BIN)/lint-imports --no-cache | tail -4
	@$(BIN)/mypy
	@$(BIN)/python tools/scan.py

test: $(STATE)/dev $(STATE)/assets check ## Set up and pass every test (about a quarter of an hour on two cores)
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not long" --cov --cov-report=term:skip-covered -q $(ARGS)

test-long: $(STATE)/dev $(STATE)/assets ## The suites that are too long for `make test`
	@$(BIN)/python -m pytest -m long -q $(ARGS)

format: $(STATE)/dev ## Put the code in its one form
	@$(BIN)/ruff check -q --fix . ; $(BIN)/ruff format -q .

bench-deid: $(STATE)/dev ## MIDAS and every peer on one corpus with planted identifiers: right actions, leaks, speed (ARGS="--files 60 --only midas")
	@$(BIN)/python -W ignore benchmarks/deid.py $(ARGS)

sbom: $(STATE)/dev $(STATE)/assets ## What MIDAS is made of: dist/sbom-python.cdx.json and dist/sbom-pages.cdx.json (CycloneDX)
	@$(BIN)/python tools/bundle.py sbom

bundle: $(STATE)/dev $(STATE)/assets ## One archive that installs MIDAS where there is no internet: dist/midas-VERSION-offline.tar
	@$(BIN)/python tools/bundle.py

bench-quality: $(STATE)/dev ## What each check costs, slices a second, a million images graded and searched, the same by other tools (an hour)
	@failed=0; for one in benchmarks/quality/*.py; do \
		$(BIN)/python -W ignore -m benchmarks.quality.$$(basename $$one .py) || failed=1; done; exit $$failed

bench-dicomweb: $(STATE)/dev ## Searches and metadata of the hub and of Orthanc, the same 11,000 instances (KEEP=1 leaves the hub running; ARGS="--no-million")
	@$(BIN)/python -W ignore -m benchmarks.dicomweb $(if $(KEEP),--keep) $(ARGS)

screenshots: $(STATE)/dev $(STATE)/assets ## Pictures of the running demo for the README
	@$(BIN)/python tools/screenshots.py

lock: $(STATE)/venv ## Resolve the dependencies again
	@$(UV) compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" requirements/tools.in -o requirements/tools.lock
	@$(UV) compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-package midas-platform --extra postgres --extra demo --custom-compile-command "make lock" pyproject.toml -o requirements/demo.lock
	@$(UV) compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-package midas-platform --extra dev --custom-compile-command "make lock" -c requirements/demo.lock pyproject.toml -o requirements/dev.lock

clean: ## Remove the demo and what was built, not the environment
	@rm -rf .demo build dist htmlcov .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis src/midas/ui/static/vendor $(STATE)/assets
