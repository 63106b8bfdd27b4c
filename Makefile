# Two commands on a fresh machine: `make report` and `make test`. Both install into .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SAMPLES := data_samples/architect data_samples/aideator

.PHONY: report test lint bench accuracy install sample clean

report: install sample
	@for sample in $(SAMPLES); do $(BIN)/forensics --case $$sample/forensics.toml report --all --output reports || exit; done

test: install
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

lint: install
	$(BIN)/ruff check .
	$(BIN)/mypy

# Minutes, not seconds: every promised figure beside the least that could be done, kept in benchmarks/README.md.
bench: install sample
	$(BIN)/python -m benchmarks

install: $(VENV)/.installed

$(VENV)/.installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

# The databases are built, not stored: one sample's by a small manager of its own, the other's by Alembic on a private PostgreSQL.
sample: install
	@for sample in $(SAMPLES); do $(BIN)/python $$sample/build.py || exit; done

# Faults planted in databases, and how many come out right: a table, the scores, and docs/accuracy.md. Takes an hour or two.
accuracy: install
	$(BIN)/python -m benchmarks.accuracy --depth 1 2 3 --limit 60 --jobs 2 --baselines --csv benchmarks/accuracy/scores.csv --docs docs/accuracy.md

clean:
	rm -rf $(VENV) $(SAMPLES:%=%/data) $(SAMPLES:%=%/.forensics) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
