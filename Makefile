# Everything from a bare machine: Python 3.11 or later and make are enough. Each target installs what it needs, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo install test test-all test-histories test-spark lint check format docs site bench requirements clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: install ## Synthetic network, three months of extracts, a release, charts and workbook
	$(BIN)/carti-lake demo

# A file a processor: tests of one file share its fixtures; what lasts begins first, as tests/conftest.py puts them.
PYTEST = $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

test: install ## Run the tests, but for those that need a browser or a server, or that last
	$(PYTEST) -m "not bench and not browser and not server and not slow and not spark"

test-all: install ## Run every test, as CI does
	$(PYTEST)

# Spark itself and its client for Connect are one package under two names: each has an environment of its own.
test-spark: $(VENV)/.sail .venv-spark/.installed ## Run the tests of runs on Spark: served by Sail, and on a cluster with kills (needs Java)
	$(PYTEST) tests/runner/test_spark.py
	.venv-spark/bin/python -m pytest -m spark tests/runner/test_spark_cluster.py

test-histories: install ## Live HISTORIES=100000 histories of faults, kills and rivals in a simulated store
	$(BIN)/python -m tests.histories $(or $(HISTORIES),100000) $(or $(FIRST),0)

lint: install ## Run ruff, mypy, and the check of who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test ## Run lint and tests

format: install ## Put the code into ruff's form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install ## Write the pages that follow from the code
	$(BIN)/python docs/generate.py

site: install ## Build the documentation into build/site; a broken link fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/.bench $(if $(filter small medium,$(SIZE)),,$(VENV)/.spark) ## Measure against pandas, DuckDB and PySpark, and write benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks

install: $(VENV)/.installed ## Make .venv with the package and all it needs, by hash

$(VENV)/.installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "carti_lake needs Python 3.11 or later: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes --requirement requirements.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv-spark/.installed: requirements.txt requirements-spark.txt pyproject.toml
	$(PYTHON) -m venv .venv-spark
	.venv-spark/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.txt
	.venv-spark/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-build-isolation --requirement requirements-spark.txt
	.venv-spark/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.bench: requirements-bench.txt $(VENV)/.installed
	$(PIP) --require-hashes --no-build-isolation --requirement requirements-bench.txt
	@touch $@

$(VENV)/.sail: requirements-sail.txt $(VENV)/.installed
	$(PIP) --require-hashes --requirement requirements-sail.txt
	@touch $@

$(VENV)/.spark: requirements-spark.txt $(VENV)/.installed
	$(PIP) --require-hashes --no-build-isolation --requirement requirements-spark.txt
	@touch $@

# Nothing in the outcome may name a registry: whoever installs uses their own.
COMPILE = uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	--no-emit-index-url --no-emit-find-links --quiet

requirements: ## Resolve the pinned requirements anew (needs uv; UPGRADE=--upgrade for newer versions)
	$(COMPILE) $(UPGRADE) pyproject.toml --extra all --extra dev --output-file requirements.txt
	$(COMPILE) $(UPGRADE) pyproject.toml --extra bench --constraints requirements.txt --output-file requirements-bench.txt
	$(COMPILE) $(UPGRADE) --group spark --constraints requirements.txt --output-file requirements-spark.txt
	$(COMPILE) $(UPGRADE) pyproject.toml --extra spark --group sail --constraints requirements.txt --output-file requirements-sail.txt

clean: ## Remove the environment and caches; lakes stay
	rm -rf $(VENV) .venv-spark build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find src tests benchmarks -type d -name __pycache__ -prune -exec rm -rf {} +
