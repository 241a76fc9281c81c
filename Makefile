PYTHON ?= python3
# Those for which every pinned library has a wheel; `requires-python` and the README say the same.
PYTHONS := 3.11 3.12 3.13 3.14
VENV := .venv
BIN := $(VENV)/bin
# The sample's, whatever a `.env` of this folder says.
export RELANCE_HOME ?= var
export RELANCE_CONFIG ?= config
export RELANCE_KEYS ?=
export RELANCE_CATALOG ?=

.PHONY: run test ui check bench bench-nights soak lock help

help: ## what each target does
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] not in "$(PYTHONS)".split())' \
		|| { echo "relance runs on Python $(PYTHONS), and $(PYTHON) is none of them; say PYTHON=/path/to/python3.13"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(RELANCE_HOME)/sample/customers.csv: | $(VENV)/installed
	$(BIN)/relance sample $(RELANCE_HOME)/sample --customers 50000 --seed 1

run: $(VENV)/installed $(RELANCE_HOME)/sample/customers.csv ## the whole pipeline on the sample CRM, files in the outbox
	$(BIN)/relance run

test: $(VENV)/installed ## the test suite
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

ui: $(VENV)/installed $(RELANCE_HOME)/sample/customers.csv ## Dagster at 127.0.0.1:3000 and the marketer's page at 127.0.0.1:8000, on the same home
	$(BIN)/python -m commands.ui

check: $(VENV)/installed ## linters, types, the import rule
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright
	$(BIN)/lint-imports

bench: $(VENV)/installed ## what we hold ourselves to: the pipeline, phones, e-mails, every network's files, the page
	$(BIN)/python -m benchmarks.bench
	$(BIN)/python -m benchmarks.phones
	$(BIN)/python -m benchmarks.identifiers
	$(BIN)/python -m benchmarks.networks
	$(BIN)/python -m benchmarks.portal

bench-nights: $(VENV)/installed ## two nights of ten million customers (long; `python -m benchmarks.nights CUSTOMERS` for fewer)
	$(BIN)/python -m benchmarks.nights

soak: $(VENV)/installed ## a year of nights with 200 kills; the report is docs/soak.md (hours; `python -m tests.soak --help`)
	$(BIN)/python -m tests.soak

lock: $(VENV)/installed ## pin every dependency with its hashes, naming no host, and look for its wheel for each Python
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --no-strip-extras --generate-hashes --no-emit-index-url --no-header \
		--python-version $(firstword $(PYTHONS)) --group dev --extra postgresql -o requirements.lock pyproject.toml
	@for version in $(PYTHONS); do \
		$(BIN)/uv pip install --quiet --dry-run --no-deps --only-binary :all: --require-hashes --python-version $$version \
			--target $(VENV)/of-no-python -r requirements.lock || { echo "not for Python $$version"; exit 1; }; \
	done
