SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup check demo test figures hostile properties screenshots simulate build deploy delete requirements clean

PYTHON ?= python3
VENV := .venv
INSTALL := install --quiet --disable-pip-version-check --no-input
ARCH ?= arm64
STACK ?= fargaze
CONFIRM ?=
ENV ?= default
RUNS ?= 1000000
CASES ?= 1000000
SEED ?= $(shell date +%s)
ONLY ?=

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/complete ## The Python tools of the tests and of the local AWS, in .venv

# Rebuilt only when the list of packages changed. The marker is written last, so a broken setup is
# not kept. checkov is installed separately, because it requires a boto3 that is too old for the
# tests.
$(VENV)/complete: tests/requirements.txt tests/requirements-checkov.txt
	@echo "Installing Python tools into $(VENV) (a minute or two, once)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(VENV)/bin/pip $(INSTALL) -r tests/requirements.txt
	@$(PYTHON) -m venv $(VENV)/checkov
	@$(VENV)/checkov/bin/pip $(INSTALL) -r tests/requirements-checkov.txt
	@touch $@

demo: setup ## The whole system on a local AWS, from a cluster event to the mails
	@$(VENV)/bin/python tests/stack/demo.py

check: ## Format, lints and the domain's unit tests with few random cases: the loop while you edit
	@cargo fmt --all --check
	@cargo clippy --quiet --workspace --all-targets -- --deny warnings
	@PROPTEST_CASES=16 cargo test --quiet --package fargaze --lib

test: setup ## Everything that CI runs
	@$(VENV)/bin/python tests/run.py

figures: setup ## Measures, and writes the tables of README.md and docs/performance.md (ONLY="judging costs")
	@$(VENV)/bin/python tests/figures/figures.py $(ONLY)

hostile: ## A million hostile texts through every renderer (CASES=...)
	@FARGAZE_CASES=$(CASES) cargo test --quiet --profile simulate --package fargaze --test summaries --test report -- hostile

properties: CASES = 20000
properties: ## All property tests with 20,000 random cases each; `make test` draws the same ones each time (CASES=...)
	@PROPTEST_CASES=$(CASES) cargo test --quiet --profile simulate --package fargaze --no-fail-fast

screenshots: ## Pictures of the report's pages in docs/screenshots; needs Chromium
	@$(PYTHON) tests/screenshots/shoot.py

simulate: ## Thirty days and a million runs of the simulation, and a quarter as many on EKS (RUNS=..., SEED=...)
	@cargo run --quiet --profile simulate --package simulation -- --days 30 $(SEED)
	@cargo run --quiet --profile simulate --package simulation -- $(RUNS) $(SEED)
	@cargo run --quiet --profile simulate --package simulation -- --eks $$(($(RUNS) / 4)) $(SEED)

build: setup ## Release bootstraps in target/lambda (ARCH=arm64 or x86_64)
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cargo lambda build --release --output-format binary \
	  $(if $(filter x86_64,$(ARCH)),--x86-64,--arm64) $(addprefix --package ,$(notdir $(wildcard functions/*)))

deploy: setup ## Builds and deploys to your AWS account by samconfig.toml (ENV=default)
	@$(VENV)/bin/python tests/stack/deploy.py "$(ENV)"

delete: setup ## Deletes a stack and all it holds from where samconfig.toml says (STACK=fargaze; asks, or CONFIRM=fargaze)
	@CONFIRM="$(CONFIRM)" $(VENV)/bin/python tests/stack/delete.py "$(STACK)" "$(ENV)"

requirements: ## Pins the newest versions of tests/requirements*.in in tests/requirements*.txt
	@$(PYTHON) -m venv --clear $(VENV)
	@$(VENV)/bin/pip $(INSTALL) -r tests/requirements.in
	@{ echo '# Made by `make requirements` from tests/requirements.in.'; $(VENV)/bin/pip freeze; } > tests/requirements.txt
	@$(PYTHON) -m venv $(VENV)/checkov
	@$(VENV)/checkov/bin/pip $(INSTALL) -r tests/requirements-checkov.in
	@{ echo '# Made by `make requirements` from tests/requirements-checkov.in.'; $(VENV)/checkov/bin/pip freeze; } \
	  > tests/requirements-checkov.txt
	@touch $(VENV)/complete

clean: ## Removes what the other targets made
	cargo clean
	rm -rf $(VENV) .aws-sam .pytest_cache
