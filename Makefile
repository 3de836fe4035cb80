# Everything happens in .venv, made from pinned constraints. `make run` and `make test` need only Python ≥ 3.11 and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Processes of the tests: one more than the two cores of the smallest machine, since some wait for others.
WORKERS ?= 3
# What a run needs, then the development set, which is several times as large. Modules are compiled when they are first
# imported: compiling all of torch at once is a third of the wait for the first picture.
INSTALLED := $(VENV)/.installed
READY := $(VENV)/.ready

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Nothing is compiled at installation, so where this is set, as in many containers, every process would compile torch anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test lint audit check quality torture docs clean setup

run: $(INSTALLED)
	$(BIN)/ganzoo run --loss hinge --disc patchgan-sn

test: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# Known holes of dependencies, where pip-audit is there and reaches its database.
audit:
	.ci/audit

check: lint audit test

# Three full trainings, judged by a classifier: about 10 minutes on 2 cores.
quality: $(READY)
	$(BIN)/python examples/quality.py

# Every operation on files fails, tears or is the last: hours. A part: make torture TORTURE='--of hinge --every 10'.
torture: $(READY)
	$(BIN)/python tests/faults/torture.py $(TORTURE)

# The pages of the components, then the site. The variable silences an announcement of the theme.
docs: $(READY)
	$(BIN)/python docs/component_pages.py
	$(BIN)/python docs/checks_page.py
	$(BIN)/python docs/tags_table.py
	$(BIN)/python docs/reference_pages.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

setup: $(READY)

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ganzoo needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --no-compile --constraint constraints.txt --editable .
	touch $(INSTALLED)

$(READY): $(INSTALLED)
	$(BIN)/python -m pip install --no-compile --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache site
