# The front door. Each target sets up what it needs: `make results`, `make test`, `make lint`, `make bench`.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help setup results status test test-slow lint lock docs bench clean

PYTHON ?= python3
CONFIG ?=
ifneq ($(CONFIG),)
ifeq ($(shell test -f "$(CONFIG)" && echo found),)
$(error CONFIG=$(CONFIG): no such file; give the path of an experiment, as in make results CONFIG=config/medmnist.yaml)
endif
endif
ifeq ($(origin config),command line)
$(error config=$(config): write it in capitals, make $(MAKECMDGOALS) CONFIG=$(config))
endif
snakemake := PATH="$(CURDIR)/.venv/bin:$$PATH" snakemake $(if $(CONFIG),--configfile "$(CONFIG)")
output = $$(.venv/bin/cbir results $(if $(CONFIG),"$(CONFIG)"))

help: ## say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1	/' | expand -t 18

.venv/.installed: envs/lock.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; make PYTHON=/path/to/python3.11 results")'
	echo "Installing the pinned packages into .venv (once; some minutes)"
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement envs/lock.txt
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

setup: .venv/.installed ## install the pinned packages into .venv

results: setup ## run the default experiment (or CONFIG=file) to tables, figures and a report
	@$(snakemake) --cores all
	results="$(output)"
	if [[ ! -e "$$results/report.html" || -n "$$(find "$$results/tables" "$$results/figures" -newer "$$results/report.html" -print -quit)" ]]; then
		$(snakemake) --report "$$results/report.html" --quiet all
	fi
	echo "Tables:  $$results/tables (start with retrieval_main.md)"
	echo "Figures: $$results/figures"
	echo "Report:  $$results/report.html (open it in a browser)"

status: setup ## say what is done and what is missing of the default experiment (or CONFIG=file)
	@PATH="$(CURDIR)/.venv/bin:$$PATH" cbir status $(if $(CONFIG),"$(CONFIG)")

test: setup ## run the tests
	@.venv/bin/python -m pytest -m "not slow"

test-slow: setup ## run the tests that take minutes
	@.venv/bin/python -m pytest -m slow

lint: setup ## check formatting and style
	@PATH="$(CURDIR)/.venv/bin:$$PATH"
	ruff check .
	ruff format --check .
	lint-imports --no-logo
	snakefmt --check Snakefile workflow/rules
	snakemake --lint
	hadolint Dockerfile

lock: setup ## resolve envs/packages.toml into lock.txt and the conda environments
	@PATH="$(CURDIR)/.venv/bin:$$PATH" python envs/lock.py

docs: setup ## write config/README.md from the schemas
	@.venv/bin/python -m cbir.experiment.reference

bench: setup ## measure speed, memory and coverage and write docs/performance.md and docs/intervals.md (an hour, alone on the machine; QUICK=1: some minutes)
	@.venv/bin/python benchmarks/write_page.py $(if $(QUICK),--quick)

clean: setup ## delete what the default experiment (or CONFIG=file) wrote; other experiments stay
	@.venv/bin/cbir clean $(if $(CONFIG),"$(CONFIG)")
