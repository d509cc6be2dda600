# Everything runs in its own virtual environment, made at first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Test processes; each takes up to 7 GB.
PROCESSES ?= 2

.PHONY: demo test lint docs serving-figures clean

# Trains on drawn street scenes and shows the results: runs/demo/index.html
demo: $(VENV)/.installed
	$(BIN)/python -m hdgan.recipes.demo --workdir=runs/demo

test: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest --numprocesses=$(PROCESSES) --dist=loadfile \
		--no-loadscope-reorder

lint: $(VENV)/.installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Guides and API reference: site/index.html. A warning is an error.
docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# An export's latency, loading and memory; then concurrent good and bad requests.
serving-figures: $(VENV)/.installed-test
	$(BIN)/python -m hdgan.tools.benchmark --what=serving
	PYTHONPATH=. $(BIN)/python tests/mixed_requests.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[imagenet,editor]'
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) build dist site *.egg-info .pytest_cache .ruff_cache
