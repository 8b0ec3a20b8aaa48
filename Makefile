# Everything a developer needs, with nothing but Python >= 3.10 and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := -m pip install -q --disable-pip-version-check
EDITABLE := --config-settings editable_mode=strict
PEER_VENV := .venv-peer
PEER_REQUIREMENTS := tests/compat/requirements.txt

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test lint format types contracts unit peer bench dev clean FORCE

help: ## what can be made
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(VENV)/.installed-demo ## train a real classifier against an embedded HUB (ARGS="--epochs 5")
	$(BIN)/hubport demo $(ARGS)

test: lint types contracts unit ## lint, types, import contracts, and every test under coverage

lint: $(VENV)/.installed-dev ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(VENV)/.installed-dev ## mend what ruff can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(VENV)/.installed-dev ## mypy, strict
	$(BIN)/mypy

contracts: $(VENV)/.installed-dev ## who may import whom
	$(BIN)/lint-imports --no-logo

unit: $(VENV)/.installed-dev peer ## the tests, and the floor of coverage (without it: ARGS="-k lane")
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report $(if $(ARGS),--fail-under=0)

ifneq ($(wildcard $(PEER_REQUIREMENTS)),)
peer: $(PEER_VENV)/.installed ## the environment of the old clients that the tests compare with
else
peer:
	@echo "$(PEER_REQUIREMENTS) is not there: no environment for the old clients"
endif

bench: $(VENV)/.installed-dev ## what a call and a simulated day cost on this machine, as Markdown
	@$(BIN)/python benchmarks/call.py
	@echo
	@$(BIN)/python benchmarks/day.py

dev: $(VENV)/.installed-dev ## the environment, with every tool

clean: ## remove everything that make has made
	rm -rf $(VENV) $(PEER_VENV) build dist hubport.egg-info htmlcov .coverage .coverage.* \
	  .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.created:
	$(PYTHON) -c 'import sys; sys.exit("hubport needs Python 3.10 or later" if sys.version_info < (3, 10) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP_INSTALL) --upgrade "pip>=25.1"
	@touch $@

# Strict editable mode links each file, so a file that is new or gone is seen at the next install only: the list of
# files is what the installation depends on. The list is rewritten only when it differs.
$(VENV)/.files: FORCE | $(VENV)/.created
	@find src -name '*.py' -o -name py.typed | LC_ALL=C sort > $@.now
	@if cmp -s $@.now $@; then rm $@.now; else mv $@.now $@; fi

$(VENV)/.installed-demo: pyproject.toml $(VENV)/.files
	$(BIN)/python $(PIP_INSTALL) -e ".[demo]" $(EDITABLE)
	@touch $@

$(VENV)/.installed-dev: pyproject.toml $(VENV)/.files
	$(BIN)/python $(PIP_INSTALL) -e ".[demo]" --group dev $(EDITABLE)
	@touch $@ $(VENV)/.installed-demo

$(PEER_VENV)/.installed: $(PEER_REQUIREMENTS)
	$(PYTHON) -m venv --clear $(PEER_VENV)
	$(PEER_VENV)/bin/python $(PIP_INSTALL) --no-deps -r $(PEER_REQUIREMENTS)
	@touch $@
