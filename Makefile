# Two commands do everything on a fresh Debian or Ubuntu machine with Python 3.11, make and root:
# `make demo` and `make test`. Both call .ci/setup first, which installs what is missing.

SHELL := /bin/sh
VENV ?= .venv
BIN := $(VENV)/bin
# How many processes the tests run in: most of them wait for others more than they work.
JOBS ?= 3
# Arguments for pytest, the demo or the benchmarks: make test ARGS="-k lab"
ARGS ?=
export VENV

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test fuzz chaos vigil lint format bench broadcast docs proto clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 18
	@echo '  Arguments: make test ARGS="-k lab -x"; make demo KEEP=1 leaves the cluster standing,'
	@echo '  make demo FAMILIES=46 (or 6) shows both address families (or IPv6 alone).'

setup: ## Install everything that the tests need (root)
	@.ci/setup test

demo: ## A cluster on this machine: containers reach each other across hosts (root)
	@.ci/setup demo
	@$(BIN)/hostgwctl lab demo $(if $(KEEP),--keep) $(if $(FAMILIES),--families $(FAMILIES)) $(ARGS)

test: setup lint ## Lint, then run every test (root)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(if $(ARGS),$(ARGS),--ignore=tests/chaos --ignore=tests/causes)
	$(if $(ARGS),,$(BIN)/python -m pytest tests/chaos tests/causes) # limits of seconds: alone

chaos: setup ## Faults in a cluster with packets in flight: 200, 25 min; ARGS="--list", "--faults 20" (root)
	@PYTHONPATH=tests $(BIN)/python -m chaos $(ARGS)

vigil: setup ## Five healthy, busy nodes for an hour: no false alarm; ARGS="--minutes 5" (root)
	@PYTHONPATH=tests $(BIN)/python -m causes $(ARGS)

fuzz: ## Hunt for inputs that break a decoder, until Ctrl-C; ARGS="--rounds 1" ends by itself
	@test -x $(BIN)/ruff || .ci/setup test
	@PYTHONPATH=tests $(BIN)/python -m support.fuzz $(ARGS)

lint: ## ruff, mypy --strict and the import contracts
	@test -x $(BIN)/ruff || .ci/setup test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: ## Let ruff format the code and mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## Measure beside `ip -batch` and BIRD, and write docs/benchmarks.md; QUICK=1: 2 min (root)
	@$(BIN)/python -m bench $(if $(QUICK),--quick) $(ARGS)

broadcast: setup ## Count who hears a container start, and write docs/broadcast.md; QUICK=1: 1 min (root)
	@$(BIN)/python -m bench.broadcast $(if $(QUICK),--quick) $(ARGS)

docs: ## Write the pages that are made from the code: settings, conditions, metrics, manual
	@set -e; for script in docs/render_*.py; do \
		page=$${script#docs/render_}; page=docs/$${page%.py}.md; echo "$$page"; \
		$(BIN)/python "$$script" >"$$page.new"; mv "$$page.new" "$$page"; \
	done; \
	for name in hostgwctl.1 hostgwd.8; do page=docs/man/$$name; echo "$$page"; \
		$(BIN)/python docs/man/render.py "$$name" >"$$page.new"; mv "$$page.new" "$$page"; \
	done

proto: ## Make etcd's message classes from etcd.proto again (needs PyPI)
	sh core/hostgw_core/etcd/api/generate.sh

clean: ## Remove what make made here: the environment, caches, build files
	rm -rf $(VENV) .build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
