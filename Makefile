# make run    the server on http://127.0.0.1:8080/, its data in ./im-data
# make test   every test
# make lint   types and style
# make bench  how fast it is here
#
# PYTHON chooses the interpreter (3.11 or newer), OPTIONS is passed on to the server:
#   make run OPTIONS="--port tcp:9000 --friend approve"

# The distribution's, if it will do: it is built with profile-guided optimisation and takes a tenth less for a message
# than what pyenv and its like build.
PYTHON ?= $(shell for one in /usr/bin/python3 python3; do \
  $$one -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; done; echo $$one)
OPTIONS ?=
VENV := .venv
BIN := $(VENV)/bin

# compat: the other modes hide the plugin by which twistd knows `im`.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat

export PIP_ROOT_USER_ACTION := ignore

.PHONY: run test unit-test running-test browser-test bench lint format clean

run: $(VENV)/made-run
	@exec $(BIN)/twistd --nodaemon --pidfile= im $(OPTIONS)

# Three runs: trial and pytest-twisted each own the reactor, and Playwright's blocking interface runs a loop too.
test: unit-test running-test browser-test

unit-test: $(VENV)/made-test $(VENV)/made-swift
	$(BIN)/python -m twisted.trial test

running-test: $(VENV)/made-test
	$(BIN)/python -m pytest -rs test/running

browser-test: $(VENV)/made-test $(VENV)/made-swift
	$(BIN)/python -m pytest -rs -p no:twisted test/browser

bench: $(VENV)/made-test
	$(BIN)/python -m bench

lint: $(VENV)/made-test
	$(BIN)/mypy --strict twim
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/made-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist *.egg-info _trial_temp* .pytest_cache .hypothesis .mypy_cache .ruff_cache

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "twim needs Python 3.11 or newer; name one with make PYTHON=/path/to/python3"; exit 1; }
	@echo "making $(VENV), which takes a minute"
	@$(PYTHON) -m venv --clear $(VENV) \
	  || { rm -rf $(VENV); echo "a Debian package is missing: apt-get install python3-venv"; exit 1; }
	@touch $@

$(VENV)/made-run: $(VENV)/made setup.cfg pyproject.toml
	@$(INSTALL) -e .
	@touch $@

$(VENV)/made-test: $(VENV)/made-run
	@$(INSTALL) -e '.[dev,mysql,postgresql,redis]'
	@touch $@

# The object store that the tests speak to has requirements of its own. Without it those tests are skipped.
$(VENV)/made-swift: $(VENV)/made
	@$(PYTHON) -m venv $(VENV)/s3
	@$(VENV)/s3/bin/python -m pip install --quiet --disable-pip-version-check swift \
	  || echo "no Swift: the tests of object stores will be skipped"
	@touch $@
