# Everything a person or the CI does with this repository. `make` alone lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMPILED := evaluator/pixel_passes.pyx
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help run stack test test-fast lint format types migrate env-example clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

run: $(VENV)/.installed-service ## install the service and start a demo site (LUSS_PORT, LUSS_DATA_DIR)
	@LUSS_LOG_LEVEL=$${LUSS_LOG_LEVEL:-warning} exec $(BIN)/luss demo

stack: $(VENV)/.installed-service ## the same on PostgreSQL, Redis and two workers, as docker-compose.yml has it
	@.ci/system-packages postgresql redis-server
	@LUSS_DATA_DIR=$${LUSS_DATA_DIR:-var/stack} LUSS_LOG_LEVEL=$${LUSS_LOG_LEVEL:-warning} exec $(BIN)/luss stack

test: $(VENV)/.installed-dev ## run every test, the browser's included (LUSS_REQUIRE_ALL=1: a skip is a failure)
	@.ci/system-packages chromium postgresql redis-server
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

test-fast: $(VENV)/.installed-dev ## run the tests that start no process and no browser
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile -m "not slow and not gpu"

lint: $(VENV)/.installed-dev ## check style, templates and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djlint --quiet --check --lint frontend/templates client/report
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev ## rewrite the sources as lint wants them
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint --quiet --reformat frontend/templates client/report

types: $(VENV)/.installed-dev ## check the types (mypy --strict)
	$(BIN)/mypy

migrate: $(VENV)/.installed-service ## bring the database to the newest schema, register the subsets
	$(BIN)/luss admin init

env-example: $(VENV)/.installed-service ## write .env.example from the settings
	$(BIN)/python -m worker.settings > .env.example

clean: ## remove the virtual environment and caches; keeps the data
	rm -rf $(VENV) build *.egg-info evaluator/pixel_passes.c evaluator/*.so .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# The stamps say for which pyproject.toml, constraints.txt and compiled sources an installation was
# made.
$(VENV)/bin/pip:
	@PYTHON=$(PYTHON) .ci/system-packages python3-venv python3-dev gcc
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-service: $(VENV)/bin/pip pyproject.toml constraints.txt $(COMPILED)
	$(INSTALL) --editable '.[server,worker]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed-service
	$(INSTALL) --editable '.[server,worker,model,dev]'
	@touch $@
