# Set-up and daily commands. PYTHON chooses the interpreter of the environment: make demo PYTHON=python3.12
PYTHON ?= python3
VENV := .venv
ORACLE := .venv-parity
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet

.PHONY: help demo test fuzz resume lint parity bench clean

help:
	@echo 'make demo    set up .venv once, then train the CNN on Fashion-MNIST'
	@echo 'make test    run the tests in the same environment'
	@echo 'make fuzz    load twenty thousand damaged files'
	@echo 'make resume  kill and restart training a hundred times, and compare with a run that was never stopped'
	@echo 'make lint    check the code with ruff'
	@echo 'make parity  compare with tf_keras, which this installs into .venv-parity, and write docs/parity.md, formats.md and networks.md'
	@echo 'make bench   measure the speed against hand-written PyTorch and installed peers'
	@echo 'make clean   remove .venv and what tools leave behind'

demo: $(VENV)/.test
	$(BIN)/python examples/fashion_mnist_cnn.py

test: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 -m 'not parity and not fuzz and not resume'

fuzz: $(VENV)/.test
	$(BIN)/python -m pytest -m fuzz

resume: $(VENV)/.test
	$(BIN)/python -m pytest -m resume -s

lint: $(VENV)/.dev
	$(BIN)/ruff check .

parity: $(VENV)/.test $(ORACLE)/.parity
	PARITY_PYTHON=$(ORACLE)/bin/python $(BIN)/python -m pytest -n 2 -m parity --junitxml=$(ORACLE)/parity.xml -o junit_family=xunit1
	$(BIN)/python tests/golden/networks_report.py $(ORACLE)/parity.xml
	$(BIN)/python tests/golden/parity_report.py
	PARITY_PYTHON=$(ORACLE)/bin/python $(BIN)/python tests/golden/formats_report.py

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) $(ORACLE) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp is touched when its installation succeeds, so that only a change of pyproject.toml repeats it.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo 'kerastorch needs Python 3.10 or later; choose one: make demo PYTHON=python3.12'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo 'This Python cannot make environments. On Debian and Ubuntu: sudo apt install python3-venv'; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.test: pyproject.toml | $(BIN)/python
	@echo 'Installing kerastorch and torch into $(VENV), once: some minutes and about 5 GB'
	$(PIP) -e '.[test]'
	@touch $@

$(VENV)/.dev: $(VENV)/.test
	$(PIP) -e '.[dev]'
	@touch $@

# Apart from torch: in one process the two libraries get in each other's way.
$(ORACLE)/.parity:
	$(PYTHON) -m venv $(ORACLE)
	$(ORACLE)/bin/python -m pip install --disable-pip-version-check --quiet tensorflow-cpu tf-keras pandas pillow scipy
	@touch $@
