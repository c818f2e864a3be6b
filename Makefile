# Everything runs in .venv (made on first use, kept until pyproject.toml changes). `make` alone lists the targets.
# PYTHON=python3.12 make ... chooses another interpreter.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH_VENV := .venv-torch
TORCH_BIN := $(TORCH_VENV)/bin
TORCH := torch==2.13.0
# Tests in parallel: one worker a core, two where a core count cannot be had.
WORKERS ?= $(shell nproc 2>/dev/null || echo 2)
PYTEST := $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal

# Without byte code every start would compile matplotlib and numba again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-rest lint check golden golden-make test-torch test-rtl iverilog bench nightly nightly-laws mutants study study-report validation choices headline transformers clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: $(VENV)/.installed ## compare three learning rules on VGG16; plots in out/demo
	$(BIN)/accelsim compare vgg16-cifar10 --arch near-memory --rules bp,dfa,ssdfa --out out/demo

test: $(VENV)/.installed-test ## the quick tests, of every behaviour; says what it leaves to check and nightly (docs/testing.md)
	$(BIN)/python -m tests.kernels $(WORKERS)
	$(PYTEST)

test-rest: $(VENV)/.installed-test ## the tests that `make test` leaves out, and all random examples (a part of check)
	HYPOTHESIS_PROFILE=full $(PYTEST) -m "(check or hypothesis) and not nightly and not rtl"

lint: $(VENV)/.installed-check ## style, types, imports
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint golden test-rest ## after `make test`, the rest of what must hold before a change is done

golden: $(VENV)/.installed-test ## compare more than a hundred runs with the stored golden set: no number may change (a minute of two cores)
	$(BIN)/python -m tests.golden.runs compare

golden-make: $(VENV)/.installed-test ## store these runs anew, the slow one too, where numbers change on purpose; prints old and new
	$(BIN)/python -m tests.golden.runs make --slow

test-torch: $(TORCH_VENV)/.installed ## numbers against PyTorch, in a virtual environment of its own
	HYPOTHESIS_PROFILE=full $(TORCH_BIN)/python -m pytest -q -n $(WORKERS) -m "torch and not nightly"

test-rtl: iverilog $(VENV)/.installed-rtl ## the PE models against SystemVerilog in Icarus Verilog (from apt-get where it is missing)
	@$(BIN)/python -c 'import sys, find_libpython; sys.exit(find_libpython.find_libpython() is None)' || \
	  { echo "make test-rtl needs a Python with a shared library (libpython): choose one with 'make PYTHON=...' after 'make clean'" >&2; exit 2; }
	HYPOTHESIS_PROFILE=full $(PYTEST) -m rtl tests/rtl

# Never through sudo without need, and with one line where it cannot be had.
iverilog:
	@command -v iverilog >/dev/null && exit; \
	command -v apt-get >/dev/null || { echo "make test-rtl needs Icarus Verilog (iverilog), and there is no apt-get to install it with" >&2; exit 2; }; \
	root=; test "$$(id -u)" = 0 || root=sudo; \
	test -z "$$root" || command -v sudo >/dev/null || { echo "make test-rtl needs Icarus Verilog (iverilog): install it as root" >&2; exit 2; }; \
	apt="$$root env DEBIAN_FRONTEND=noninteractive apt-get -qq"; \
	get="$$apt install --yes --no-install-recommends iverilog"; \
	$$get >/dev/null 2>&1 || { $$apt update && $$get >/dev/null; } || \
	  { echo "make test-rtl needs Icarus Verilog (iverilog), and apt-get could not install it" >&2; exit 2; }

bench: $(VENV)/.installed-test $(TORCH_VENV)/.installed ## speed of kernels and commands, and of simulated and real training steps beside PyTorch's
	$(BIN)/python tests/bench/kernels.py
	$(BIN)/python tests/bench/command_line.py
	$(TORCH_BIN)/python tests/bench/against_torch.py
	$(TORCH_BIN)/python tests/bench/training.py

nightly: $(VENV)/.installed-test ## every test, ten times the random examples, then the kernels' tests without the JIT compiler, mutants, and the golden set with `reproduce all`
	HYPOTHESIS_PROFILE=nightly $(PYTEST) -m ""
	NUMBA_DISABLE_JIT=1 HYPOTHESIS_PROFILE=full $(PYTEST) -m "not nightly" tests/property
	$(BIN)/python -m tests.mutants
	$(BIN)/python -m tests.golden.runs compare --slow

nightly-laws: $(VENV)/.installed-test ## the laws on 10,000 random machines and networks alone (a part of nightly; 15 minutes of two cores)
	HYPOTHESIS_PROFILE=nightly $(PYTEST) tests/property/test_laws.py tests/property/test_monotonicity.py

SEED ?= 0
COUNT ?= 50

mutants: $(VENV)/.installed-test ## faults put into the code that counts words, which tests must notice (a part of nightly; half an hour of one core)
	$(BIN)/python -m tests.mutants --seed $(SEED) --count $(COUNT)

# Real data for the study: ACCELSIM_DATA, or a folder beside the repository.
DATA ?= $(or $(ACCELSIM_DATA),$(wildcard ../shared/data))

study: $(VENV)/.installed ## make the missing runs of the accuracy study (hours; may be stopped, goes on): make study DATA=dir
	@test -n "$(DATA)" || { echo "make study needs a folder with cifar10/, wikitext2/ and fashion-mnist/: make study DATA=dir" >&2; exit 2; }
	$(BIN)/python -m accelsim.studies.accuracy run --data "$(DATA)"

study-report: $(VENV)/.installed ## write reports/accuracy from the runs that are there
	$(BIN)/python -m accelsim.studies.accuracy report

validation: $(VENV)/.installed ## hold the simulator against published silicon, other simulators and formulas; writes reports/validation
	$(BIN)/python -m accelsim.studies.validation

choices: $(VENV)/.installed ## measure what each modelling choice does to DFA against BP; writes reports/choices
	$(BIN)/python -m accelsim.studies.choices

transformers: $(VENV)/.installed ## what direct feedback leaves of a transformer's backward pass; writes reports/transformers
	$(BIN)/python -m accelsim.studies.transformers

headline: $(VENV)/.installed ## what rules cost against BP with intervals, and what moved it; writes reports/headline
	$(BIN)/python -m accelsim.studies.headline

clean: ## remove everything made by make
	rm -rf $(VENV) $(TORCH_VENV) out dist build .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find accelsim tests -name __pycache__ -type d -prune -exec rm -rf {} +

define make_venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "accelsim needs Python 3.11 or newer, got $$($(PYTHON) --version 2>&1): choose one with 'make PYTHON=python3.12 $(MAKECMDGOALS)'" >&2; exit 2; }
	$(PYTHON) -m venv $(1)
endef

$(BIN)/python:
	$(call make_venv,$(VENV))

$(TORCH_BIN)/python:
	$(call make_venv,$(TORCH_VENV))

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

# An installation with extras includes the plain one.
$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	@touch $(VENV)/.installed $@

$(VENV)/.installed-check: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[test,check]"
	@touch $(VENV)/.installed $(VENV)/.installed-test $@

$(VENV)/.installed-rtl: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[test,rtl]"
	@touch $(VENV)/.installed $(VENV)/.installed-test $@

$(TORCH_VENV)/.installed: pyproject.toml | $(TORCH_BIN)/python
	$(TORCH_BIN)/python -m pip install --quiet --editable ".[test]" "$(TORCH)"
	@touch $@
