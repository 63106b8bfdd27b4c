# Two commands on a fresh machine: `make report` and `make test`. Both install into .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SAMPLE := data_samples/architect

.PHONY: report test lint install sample clean

report: install sample
	$(BIN)/forensics --case $(SAMPLE)/forensics.toml report --all --output reports

test: install
	$(BIN)/python -m pytest -q -n 2

lint: install
	$(BIN)/ruff check .
	$(BIN)/mypy

install: $(VENV)/.installed

$(VENV)/.installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

# The databases of the sample are built by its own small manager, not stored.
sample: install
	@$(BIN)/python $(SAMPLE)/build.py

clean:
	rm -rf $(VENV) $(SAMPLE)/data build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
