# `make` alone says what there is.
PYTHON ?= python3
.DEFAULT_GOAL := help
.PHONY: help run up down images test test-unit lint generate bench-spawn bench-data bench-admission clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */  make \1|/' | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

run:  ## the Hub on this computer: no cluster, no Docker, no root (PORT=8000)
	@command -v $(PYTHON) >/dev/null || { echo "make run: needs Python 3.11 or newer, and '$(PYTHON)' is not found. Debian, Ubuntu: sudo apt-get install python3 python3-venv" >&2; exit 1; }
	@PORT='$(PORT)' HUB_PORT='$(HUB_PORT)' PROXY_API_PORT='$(PROXY_API_PORT)' exec $(PYTHON) -m tools.run

up:  ## a kind cluster with three machine pools, images, chart (PORT=8000); prints URL and first login
	@PORT='$(PORT)' exec $(PYTHON) -m tools.cluster up

down:  ## remove that cluster; homes stay (PURGE=1 removes them too)
	@exec $(PYTHON) -m tools.cluster down $(if $(PURGE),--purge)

images:  ## build the images whose sources have changed
	@exec $(PYTHON) -m tools.cluster images

test:  ## everything; brings up what it needs, says what it skipped (CI=true skips nothing; STAGES="unit chart" picks)
	@exec $(PYTHON) -m tools.testing.prepare -m tools.testing $(STAGES)

test-unit:  ## unit tests: no network, no Docker, seconds
	@exec $(PYTHON) -m tools.testing.prepare -m tools.testing.unit

lint:  ## ruff and mypy
	@exec $(PYTHON) -m tools.testing.prepare -m tools.testing lint types

generate:  ## values schema, shipped catalog of the chart and reference pages, from the models
	@exec $(PYTHON) -m tools.testing.prepare -m tools.generate

bench-spawn:  ## ours beside plain KubeSpawner in the cluster of `make up`: seconds, CPU and requests per start
	@exec $(PYTHON) -m tools.testing.prepare -m bench.spawn $(ARGS)

bench-data:  ## stores and loads beside other libraries on one S3 server: seconds, memory, requests (ARGS="--rows 2e6")
	@exec $(PYTHON) -m tools.testing.prepare -m bench.data $(ARGS)

bench-admission:  ## decisions at the gate with 5,000 leases and a ledger of a million runs: ms (ARGS="--ledger 1e5")
	@exec $(PYTHON) -m tools.testing.prepare -m bench.admission $(ARGS)

clean:  ## caches, build results, tables of bench-data; never homes, logins or settings
	@rm -rf build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache test-results .remuda/proxy .remuda/bench-data
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
