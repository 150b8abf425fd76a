# Every target builds on `setup`, which makes .venv with hardtack and its tools in it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## make .venv with hardtack and its development tools

$(STAMP): pyproject.toml setup.py src/hardtack/heap/_native.c src/hardtack/wasm/_callbacks.c
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

demo: setup ## the lecture's experiment: four answers to a full heap, side by side
	$(BIN)/hardtack demo

test: setup ## the tests, without those that are slow
	$(BIN)/python -m pytest

lint: setup ## ruff, mypy --strict, and the order of the packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

programs: setup ## rebuild src/hardtack/programs/*.wasm from programs/*.c
	$(BIN)/python programs/build.py

docs: setup ## rewrite the pages that are made from the code
	$(BIN)/python docs/make_pages.py

bench: setup ## measure beside peers: system calls and heaps
	$(BIN)/hardtack bench calls
	$(BIN)/hardtack bench heap

soak: setup ## all tests, the slow ones too: 200 runs of every hog, one after another
	$(BIN)/python -m pytest -m "slow or not slow"

.PHONY: help setup demo test lint programs docs bench soak
