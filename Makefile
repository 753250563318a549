# make run    the server on http://127.0.0.1:8080/, its data in ./im-data
# make test   every test; make -j2 -O test runs two parts side by side
# make lint   types and style, of the JavaScript too where there is a Node.js of 20.19 or newer
# make bench  how fast it is here; BENCH="--base REV --rows pair-*,rate" compares with an earlier commit (bench/README.md)
# make coverage      how much of it the tests run, by lines and branches
# make constraints   the versions that the other targets install, chosen anew
# make docs              the documentation as a site, in docs/_build/html
# make sdist         the source distribution and the wheel, checked
# make npm-package      the JavaScript client as a package for npm, in dist
# make python-package   the Python client as a package without the server, in dist
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

# With NEWEST=1 the newest versions are installed that there are, of Twisted and Autobahn also those above setup.cfg's bounds.
NEWEST ?=
# What the image of the Dockerfile has besides, and what the tests need.
SERVED := mysql,postgresql,redis,http2,brotli
EXTRAS := dev,bench,$(SERVED)

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# compat: the other modes hide the plugin by which twistd knows `im`.
EDITABLE := --config-settings editable_mode=compat --editable
# Two steps, since pip can hash no editable install. The files are made by `make constraints`.
ifeq ($(NEWEST),)
INSTALL_RUN := $(PIP) --require-hashes -r requirements/run.txt && $(PIP) --no-deps $(EDITABLE) .
INSTALL_TEST := $(PIP) --require-hashes -r requirements/test.txt
else
INSTALL_RUN := $(PIP) $(EDITABLE) . && $(PIP) --upgrade twisted autobahn
INSTALL_TEST := $(PIP) $(EDITABLE) '.[$(EXTRAS)]' && $(PIP) --upgrade twisted autobahn
endif

export PIP_ROOT_USER_ACTION := ignore

.PHONY: run test unit-test running-test browser-test script-test bench coverage lint script-lint format constraints sdist npm-package python-package docs clean

run: $(VENV)/made-run
	@exec $(BIN)/twistd --nodaemon --pidfile= im $(OPTIONS)

# Three runs of Python: trial and pytest-twisted each own the reactor, and Playwright's blocking interface runs a loop too.
# They may run side by side: each has databases, ports and folders of its own. The longest come first.
test: browser-test running-test unit-test script-test

unit-test: $(VENV)/made-test $(VENV)/made-swift
	$(BIN)/python -m twisted.trial test

# The second run is of plain Twisted and Autobahn.
running-test: $(VENV)/made-test
	$(BIN)/python -m pytest -rs test/running
	TWIM_SHORTCUTS=off $(BIN)/python -m pytest -rs $(addprefix test/running/test_,go_clients.py promises.py rest.py events.py)

browser-test: $(VENV)/made-test $(VENV)/made-swift
	$(BIN)/python -m pytest -rs -p no:twisted test/browser

# What checks and tests the JavaScript comes by npm, for development alone. Debian 12's own nodejs is too old for it.
NODE_WILL_DO := $(shell node -e 'const [a, b] = process.versions.node.split(".").map(Number); \
  console.log(a > 20 || (a === 20 && b >= 19) ? "yes" : "")' 2>/dev/null)
ifeq ($(NODE_WILL_DO),yes)
script-test: $(VENV)/made-test
	npm run --silent test

script-lint: node_modules/made
	npm run --silent lint
else
script-test script-lint:
	@echo "skipped $@: it needs Node.js 20.19 or newer"; test -z "$(CI)"
endif

node_modules/made: package.json package-lock.json
	@npm ci --silent --no-audit --no-fund
	@touch $@

bench: $(VENV)/made-test
	$(BIN)/python -m bench $(BENCH)

# Of the tests that run in one process; the servers that test/running starts are measured too, by coverage's own start-up hook.
coverage: $(VENV)/made-test
	$(BIN)/coverage erase
	$(BIN)/coverage run -m twisted.trial test
	$(BIN)/coverage run -m pytest test/running
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --sort=cover

constraints: $(VENV)/made-test
	$(BIN)/uv pip compile $(COMPILE) setup.cfg -o requirements/run.txt
	$(BIN)/uv pip compile $(COMPILE) $(foreach extra,$(subst $(COMMA), ,$(SERVED)),--extra $(extra)) setup.cfg -o requirements/server.txt
	$(BIN)/uv pip compile $(COMPILE) $(foreach extra,$(subst $(COMMA), ,$(EXTRAS)),--extra $(extra)) setup.cfg -o requirements/test.txt

COMMA := ,
COMPILE := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make constraints"

sdist: $(VENV)/made-test
	rm -rf dist build
	$(BIN)/python -m build --quiet
	$(BIN)/twine check --strict dist/*

npm-package: node_modules/made
	@mkdir -p dist
	cd asset/js/im && npm pack --pack-destination $(CURDIR)/dist

python-package: $(VENV)/made-test
	$(BIN)/python clients/python/build.py dist

docs: $(VENV)/made-test
	$(BIN)/sphinx-build -q -W -n --keep-going -b html docs docs/_build/html

lint: $(VENV)/made-test script-lint
	$(BIN)/mypy --strict twim
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/made-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) node_modules build dist docs/_build .coverage* *.egg-info _trial_temp* .pytest_cache .hypothesis .mypy_cache .ruff_cache

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "twim needs Python 3.11 or newer; name one with make PYTHON=/path/to/python3"; exit 1; }
	@echo "making $(VENV), which takes a minute"
	@$(PYTHON) -m venv --clear $(VENV) \
	  || { rm -rf $(VENV); echo "a Debian package is missing: apt-get install python3-venv"; exit 1; }
	@touch $@

$(VENV)/made-run: $(VENV)/made setup.cfg pyproject.toml requirements/run.txt
	@$(INSTALL_RUN)
	@touch $@

$(VENV)/made-test: $(VENV)/made-run requirements/test.txt
	@$(INSTALL_TEST)
	@touch $@

# The object store that the tests speak to has requirements of its own. Without it those tests are skipped.
$(VENV)/made-swift: $(VENV)/made
	@$(PYTHON) -m venv $(VENV)/s3
	@$(VENV)/s3/bin/python -m pip install --quiet --disable-pip-version-check swift \
	  || echo "no Swift: the tests of object stores will be skipped"
	@touch $@
