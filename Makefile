# Everything a developer needs, with nothing but Python >= 3.10 and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := -m pip install -q --disable-pip-version-check
EDITABLE := --config-settings editable_mode=strict
PEER_VENV := .venv-peer
PEER_REQUIREMENTS := tests/compat/requirements.txt
LATER_VENV := .venv-peer-later
LATER_REQUIREMENTS := tests/compat/hub/requirements.txt
TORCH_VENV := .venv-torch
TORCH_REQUIREMENTS := tests/integration/torch-requirements.txt
LIGHTNING_VENV := .venv-lightning
LIGHTNING_REQUIREMENTS := tests/integration/lightning-requirements.txt
BENCH_VENV := .venv-bench
BENCH_PEERS := $(patsubst benchmarks/peers/%.txt,$(BENCH_VENV)/%/.installed,$(wildcard benchmarks/peers/*.txt))

# Processes that run tests: one more than there are cores, since many tests wait for a socket or a deadline. Each one
# finds all tests first, which for a few of them is most of the work: where some are asked for, none beside make's own.
WORKERS ?= $(if $(ARGS),0,$(shell expr 1 + $$(getconf _NPROCESSORS_ONLN)))

# The tests start hundreds of interpreters, each of which would compile all of hubport anew.
unit: export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test check lint format types contracts unit peer torch lightning bench bench-peers dev clean FORCE

help: ## what can be made
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(VENV)/.installed-demo ## train a real classifier against an embedded HUB (ARGS="--epochs 5")
	$(BIN)/hubport demo $(ARGS)

test: check unit ## lint, types, import contracts, and every test

check: lint types contracts ## lint, types and import contracts: no test, in seconds

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

# Coverage doubles the work of a test, so that it is measured where that is asked for: CI does.
PYTEST := -m pytest --numprocesses=$(WORKERS) --dist=worksteal $(ARGS)
unit: $(VENV)/.installed-dev peer torch lightning ## the tests (ARGS="-k pacer" some of them, COVERAGE=1 with the floor of coverage)
ifdef COVERAGE
	$(BIN)/coverage erase
	$(BIN)/coverage run $(PYTEST)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report $(if $(ARGS),--fail-under=0)
else
	$(BIN)/python $(PYTEST)
endif

ifneq ($(wildcard $(PEER_REQUIREMENTS)),)
peer: $(PEER_VENV)/.installed $(LATER_VENV)/.installed ## the environments of the old clients that the tests compare with
else
peer:
	@echo "$(PEER_REQUIREMENTS) is not there: no environment for the old clients"
endif

torch: $(TORCH_VENV)/.tried ## the environment of the trainings over two ranks, where torch can be installed

lightning: $(LIGHTNING_VENV)/.tried ## the environment of the training by Lightning, where it can be installed

bench: $(BENCH_VENV)/hubport/.installed bench-peers ## measure beside the peers, and write docs/reference/benchmarks.md (ARGS=--help)
	@$(BENCH_VENV)/hubport/bin/python -m benchmarks $(ARGS)

bench-peers: $(BENCH_PEERS) ## the environments of the peers, each with nothing else in it
	-@$(MAKE) --no-print-directory peer

dev: $(VENV)/.installed-dev ## the environment, with every tool

clean: ## remove everything that make has made
	rm -rf $(VENV) $(PEER_VENV) $(LATER_VENV) $(TORCH_VENV) $(LIGHTNING_VENV) \
	  $(BENCH_VENV) build dist hubport.egg-info htmlcov .coverage .coverage.* \
	  .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.created:
	$(PYTHON) -c 'import sys; sys.exit("hubport needs Python 3.10 or later" if sys.version_info < (3, 10) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP_INSTALL) --upgrade "pip>=25.1"
	@touch $@

# Strict editable mode links each file, so a file that is new or gone is seen at the next install only: the list of
# files is what the installation depends on. The list is rewritten only when it differs.
$(VENV)/.files: FORCE | $(VENV)/.created
	@find src -name '*.py' -o -name py.typed -o -path '*/pages/*' -type f | LC_ALL=C sort > $@.now
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

$(LATER_VENV)/.installed: $(LATER_REQUIREMENTS)
	$(PYTHON) -m venv --clear $(LATER_VENV)
	$(LATER_VENV)/bin/python $(PIP_INSTALL) --no-deps -r $(LATER_REQUIREMENTS)
	@touch $@

# There is no torch for every Python: where it cannot be installed its tests are skipped, with the reason in `.why-not`.
# hubport is linked and not copied, so that it is what the rest of the tests see.
$(TORCH_VENV)/.tried: $(TORCH_REQUIREMENTS) pyproject.toml
	$(PYTHON) -m venv --clear $(TORCH_VENV)
	@if $(TORCH_VENV)/bin/python $(PIP_INSTALL) -r $< -e . >$(TORCH_VENV)/.why-not 2>&1; \
	then mv $(TORCH_VENV)/.why-not $(TORCH_VENV)/.installed; \
	else echo "no torch here, its tests are skipped:"; cat $(TORCH_VENV)/.why-not; fi
	@touch $@

$(LIGHTNING_VENV)/.tried: $(LIGHTNING_REQUIREMENTS) pyproject.toml
	$(PYTHON) -m venv --clear $(LIGHTNING_VENV)
	@if $(LIGHTNING_VENV)/bin/python $(PIP_INSTALL) -r $< -e . >$(LIGHTNING_VENV)/.why-not 2>&1; \
	then mv $(LIGHTNING_VENV)/.why-not $(LIGHTNING_VENV)/.installed; \
	else echo "no Lightning here, its tests are skipped:"; cat $(LIGHTNING_VENV)/.why-not; fi
	@touch $@

$(BENCH_VENV)/hubport/.created: pyproject.toml
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python $(PIP_INSTALL) --upgrade "pip>=25.1"
	$(@D)/bin/python $(PIP_INSTALL) --group bench
	@touch $@

# What users get is measured: a wheel, built from a copy because a build leaves things beside its sources.
$(BENCH_VENV)/hubport/.installed: $(BENCH_VENV)/hubport/.created $(VENV)/.files $(shell find src -type f -not -name '*.pyc')
	@rm -rf $(@D)/source && mkdir $(@D)/source
	@cp -R pyproject.toml README.md LICENSE src $(@D)/source
	$(@D)/bin/python $(PIP_INSTALL) --force-reinstall --no-deps $(@D)/source
	$(@D)/bin/python $(PIP_INSTALL) "$(@D)/source[hub]"
	@rm -rf $(@D)/source
	@touch $@

# A peer that cannot be installed must not keep the others from being measured: it is named in the tables.
$(BENCH_VENV)/%/.installed: benchmarks/peers/%.txt
	@$(PYTHON) -m venv --clear $(@D)
	@if $(@D)/bin/python $(PIP_INSTALL) -r $<; then touch $@; else echo "$* could not be installed: it has no figures"; fi
