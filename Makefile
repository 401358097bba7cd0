# Thin: every target is a command or two, and installs what it needs first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(shell find src -name '*.py') pyproject.toml setup.py README.md

.PHONY: run demo test test-clients oracle check compile bench bench-paired bench-durable bench-management bench-delayed bench-topic soak docs clean

# An installation of the project, compiled where there is a C compiler.
$(VENV)/installed: $(SOURCES)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade "pip>=25.1"
	rm -rf build/compiled
	$(BIN)/pip install --quiet --upgrade --upgrade-strategy only-if-needed .
	touch $@

$(VENV)/tests-installed: $(VENV)/installed pyproject.toml
	$(BIN)/pip install --quiet --group test
	touch $@

$(VENV)/check-installed: $(VENV)/installed pyproject.toml
	$(BIN)/pip install --quiet --group check
	touch $@

compile: $(VENV)/installed
	$(BIN)/leveret --version

run: $(VENV)/installed
	$(BIN)/leveret serve --data .data

# The lab in under a minute: real workers on a real broker, and what each scene claims is checked.
demo: $(VENV)/tests-installed
	$(BIN)/python -m leveret.lab.demo

# The suite on the build that this machine makes; then unit and property tests and one pika smoke
# test on the sources, which are plain Python. A process for each core.
test: $(VENV)/tests-installed
	$(BIN)/leveret --version
	$(BIN)/python -m pytest -n auto --dist worksteal
	PYTHONPATH=src $(BIN)/python -m leveret --version
	PYTHONPATH=src $(BIN)/python -m pytest -n auto --dist worksteal tests/unit tests/property tests/integration/test_smoke.py

# Node's amqplib is tested where there is npm.
$(VENV)/clients-installed: $(VENV)/tests-installed
	$(BIN)/pip install --quiet --group clients
	if command -v npm > /dev/null; then npm install --silent --prefix $(VENV)/node amqplib@2.3.1; fi
	touch $@

test-clients: $(VENV)/clients-installed
	$(BIN)/python -m pytest tests/clients

# The conversations, held with RabbitMQ 3.10.8 itself; MODE=record writes its answers down anew.
oracle: $(VENV)/tests-installed
	$(BIN)/python tools/oracle.py $(MODE)

check: $(VENV)/check-installed
	$(BIN)/ruff check src tests tools bench setup.py
	$(BIN)/ruff format --check src tests tools bench setup.py
	$(BIN)/mypy

bench: $(VENV)/installed
	$(BIN)/python bench/run.py

# Beside an earlier commit: make bench-paired BEFORE=HEAD~10
bench-paired: $(VENV)/installed
	$(BIN)/python bench/paired.py $(BEFORE)

# What durability costs. Some parts only: make bench-durable PARTS="recovery latency"
bench-durable: $(VENV)/installed
	$(BIN)/python bench/durable.py $(PARTS)

# What lists and scrapes cost a broker at work. MANAGEMENT_SECONDS=10 is quicker and says less.
bench-management: $(VENV)/installed
	$(BIN)/python bench/management.py

# How late delayed messages come. One part only: make bench-delayed PARTS=storm
bench-delayed: $(VENV)/installed
	$(BIN)/python bench/delayed.py $(PARTS)

# What a topic exchange takes for a new routing key, the worst binding keys being bound.
bench-topic: $(VENV)/tests-installed
	$(BIN)/python bench/topic.py

soak: $(VENV)/tests-installed
	LEVERET_SOAK=1 $(BIN)/python -m pytest

# The pages in docs/ that are made from the code's own tables.
docs: $(VENV)/installed
	$(BIN)/python tools/generate_docs.py

clean:
	rm -rf $(VENV) build src/*.egg-info
