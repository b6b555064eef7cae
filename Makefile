# Trunkline's commands. `make help` lists them; each sets up what it needs.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
BENCH ?= jobs speech imports dialling media interruption greeting noise api search

# Who keeps no bytecode compiles our source anew with each process: a second a start, and the tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

# The dashboard needs Node 20.19 or later to be built, not to be used. Where the machine has none, a wheel brings it.
HAS_NODE := $(shell node -p '(([major, minor]) => major > 20 || (major === 20 && minor >= 19))(process.versions.node.split(".").map(Number))' 2>/dev/null)
NODE := $(if $(filter true,$(HAS_NODE)),,$(VENV)/.node)
NPM := $(if $(NODE),PATH="$(abspath $(BIN)):$$PATH" npm,npm) --prefix dashboard --silent
MODULES := dashboard/node_modules/.installed
CLIENT := dashboard/src/client/schema.d.ts
BUILT := src/trunkline/web/dashboard/index.html
# Whose Python describes the API: ours, or one that has the dependencies already.
TRUNKLINE_PYTHON ?=
DESCRIBER := $(or $(TRUNKLINE_PYTHON),$(BIN)/python)
.PHONY: help demo up doctor test test-faults lint bench lock clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info[:2] in {(3, 11), (3, 13)} else "Trunkline with local speech needs Python 3.11 or 3.13; set PYTHON=python3.11, say")'
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: $(VENV)/.python requirements.lock pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

demo: $(VENV)/.runtime $(BUILT) ## Run real spoken calls on this machine (ARGS="--exit --report FILE" ends afterwards)
	@$(BIN)/trunkline demo $(ARGS)

up: $(VENV)/.runtime $(BUILT) ## Run the whole system
	@$(BIN)/trunkline up

doctor: $(VENV)/.runtime ## Say what is missing on this machine
	@$(BIN)/trunkline doctor $(ARGS)

lint: style types floors dashboard-lint ## Style, types and floors, of Python and of the dashboard

.PHONY: style types floors
style: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

floors: $(VENV)/.dev
	$(BIN)/lint-imports --no-cache

$(VENV)/.node: $(VENV)/.python requirements-node.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-node.lock
	@touch $@

$(MODULES): dashboard/package.json dashboard/package-lock.json | $(NODE)
	$(NPM) ci
	@touch $@

# Python changes often and the API's description seldom: what comes of it is made anew only if it differs.
dashboard/.described: $(shell find src/trunkline/core src/trunkline/domain src/trunkline/web -name '*.py') | $(if $(TRUNKLINE_PYTHON),,$(VENV)/.runtime)
	@$(DESCRIBER) -m trunkline openapi > $@.new
	@if cmp -s $@.new dashboard/openapi.json; then rm $@.new; else mv $@.new dashboard/openapi.json; fi
	@touch $@

dashboard/openapi.json: dashboard/.described ;

$(CLIENT): dashboard/openapi.json $(MODULES)
	@$(NPM) run client >/dev/null
	@touch $@

$(BUILT): $(CLIENT) $(MODULES) dashboard/index.html dashboard/vite.config.ts dashboard/postcss.config.cjs \
		$(shell find dashboard/src dashboard/public -type f -not -path '*/client/*')
	$(NPM) run build -- --logLevel error
	@touch $@

.PHONY: dashboard client dashboard-lint
dashboard: $(BUILT) ## Build the dashboard

client: $(CLIENT) ## Generate the dashboard's client from the API's description

dashboard-lint: $(CLIENT) $(MODULES)
	$(NPM) run types
	$(NPM) run lint

.PHONY: screenshots
screenshots: $(VENV)/.dev browser $(BUILT) ## Photograph every page of the dashboard, and have axe look at each (ARGS="--only calls")
	@PYTHONPATH=tests $(BIN)/python -m browser.photograph $(ARGS)

# What is compiled once here, all test processes would compile at once. Errors are theirs to tell.
$(VENV)/.compiled: $(VENV)/.dev
	@$(BIN)/python -m compileall -q src || true
	@$(BIN)/python -m pytest --collect-only -qq >/dev/null || true
	@touch $@

# Chromium comes from the system. Root gets it installed; anybody else is told how by the test itself.
.PHONY: browser
browser:
	@if [ -z "$(TRUNKLINE_SKIP_BROWSER)" ] && ! command -v chromium >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; fi

# Tests wait more than they work, so four processes share two cores, each with servers of its own.
test: $(VENV)/.dev browser $(BUILT) ## Run all tests but the long repetitions
	@$(MAKE) --no-print-directory --jobs=4 --output-sync=target lint $(VENV)/.compiled
	$(BIN)/python -m pytest -m "not soak" -n 4 --dist loadgroup --no-loadscope-reorder $(ARGS)

test-faults: $(VENV)/.dev ## Run the fault suite in full; its last line is one JSON object
	$(BIN)/python -m pytest tests/faults tests/jobs/test_ledger_machine.py tests/jobs/test_delivery.py \
		tests/jobs/test_fairness.py tests/jobs/test_schedule.py tests/dialling/test_outbound_machine.py \
		tests/dialling/test_answering_machines.py tests/dialling/test_dialling_benchmark.py tests/dialling/test_dial_plans.py \
		-m "soak or not soak" $(ARGS)

# The peers that ours is measured against have an environment of their own.
$(VENV)/bench/.peers: $(VENV)/.dev benchmarks/requirements.lock
	@test -x $(VENV)/bench/bin/pip || $(BIN)/python -m venv $(VENV)/bench
	$(VENV)/bench/bin/pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/requirements.lock
	@touch $@

bench: $(VENV)/bench/.peers ## Run the benchmarks (BENCH=jobs: one, with ARGS); each ends in one JSON line
	@for name in $(BENCH); do echo "benchmarks/$$name.py"; $(BIN)/python benchmarks/$$name.py $(ARGS) || exit 1; done

.PHONY: independence
independence: $(VENV)/bench/.peers ## Hold whole calls with Pipecat on the other side of our carrier and of our socket
	@$(BIN)/python benchmarks/independence.py

lock: $(VENV)/.dev ## Pin the dependencies anew (needs uv)
	uv pip compile pyproject.toml --all-extras --group build --universal --generate-hashes --no-emit-index-url --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --all-extras --group dev --universal --generate-hashes --no-emit-index-url --no-header -q -c requirements.lock -o requirements-dev.lock
	uv pip compile --group node --universal --generate-hashes --no-emit-index-url --no-header -q -o requirements-node.lock
	uv pip compile benchmarks/requirements.in --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header -q -o benchmarks/requirements.lock

clean: ## Remove what was set up here
	rm -rf $(VENV) dashboard/node_modules src/trunkline/web/dashboard .mypy_cache .ruff_cache .pytest_cache .hypothesis
