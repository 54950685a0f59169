# `make up` and `make test` do all that is needed; the rest is their parts.
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
STACK ?= dev
BIN := .venv/bin
ROOMS := durable components release policies localazure engine demo proof tests __main__.py
SHELL_ENV := eval "$$($(BIN)/python -m localazure env)"
PULUMI := $(SHELL_ENV) && pulumi --non-interactive --stack $(STACK)
PACK := --policy-pack policies
LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet --upgrade

.PHONY: help setup package start stack up preview policy demo proof test check bench workflows lock down clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.installed node_modules/.package-lock.json ## install what is missing: Python packages, Azurite, the Pulumi engine
	@$(BIN)/python -m engine

.venv/.installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: install it, or name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Installing the Python packages into .venv (once, a few minutes)"
	@$(PYTHON) -m venv --clear .venv \
		|| { echo "Python's venv module is needed (Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

node_modules/.package-lock.json: package-lock.json
	@command -v npm >/dev/null \
		|| { echo "Node.js 18 or newer with npm is needed for Azurite, the storage emulator: install it from https://nodejs.org" >&2; exit 1; }
	@echo "Installing Azurite into node_modules (once, about a minute)"
	@npm ci --silent --no-audit --no-fund
	@touch $@

package: .venv/.installed ## zip the sample app with its dependencies into build/functions.zip
	@$(BIN)/python -m release.package

start: setup
	@$(BIN)/python -m localazure start $(if $(PORT),--port $(PORT))

stack: start package
	@$(SHELL_ENV) && pulumi --non-interactive stack select --create $(STACK)

up: stack ## start local Azure and run `pulumi up` on it
	@$(PULUMI) up --yes $(PACK)
	@$(PULUMI) stack output

preview: stack ## say what `make up` would change
	@$(PULUMI) preview --diff $(PACK)

policy: stack ## judge the program by the policy pack, without changing anything
	@$(PULUMI) preview $(PACK)

demo: setup ## a release told on the terminal, on a local Azure of its own (about a minute)
	@$(BIN)/python -m demo

proof: setup ## release after release with orchestrations running, and the account of them (about 12 minutes)
	@$(BIN)/python -m proof

test: setup package ## run all tests (engine tests included)
	@$(BIN)/python -m pytest -n auto --dist worksteal

check: .venv/.installed ## lint, format and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(ROOMS)

bench: stack ## measure, as ratios within one run
	@$(SHELL_ENV) && $(BIN)/python -m tests.bench.noop_preview
	@$(SHELL_ENV) && $(BIN)/python -m tests.bench.policy_pack
	@$(BIN)/python -m tests.bench.drain_gate
	@$(BIN)/python -m tests.bench.release_machine

workflows: .venv/.installed ## lint the pipelines (with actionlint where Go is)
	@$(BIN)/zizmor --offline --quiet .
	@if command -v go >/dev/null; then go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12; \
		else echo "actionlint needs Go: skipped"; fi

lock: .venv/.installed ## renew the locks of Python and npm packages, the sample app's included
	@$(LOCK) --extra dev --output-file requirements.lock pyproject.toml
	@$(LOCK) --output-file functions/requirements.txt functions/requirements.in
	@npm install --package-lock-only --omit-lockfile-registry-resolved --silent

down: ## stop local Azure; its state stays in .localazure
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m localazure stop; fi

clean: down ## remove all that was installed or made here, local Azure's state included
	@rm -rf .venv node_modules build .localazure .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
