# `make fit` trains on the bundled English forms, `make test` runs the tests; both set up `.venv` first.
# `make docs` builds the documentation site, `make release-check` checks what a release needs.
# Options go through ARGS: `make fit ARGS="--config conf/inflection.yaml"`.
PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
# Small graphs gain nothing from a second thread, and threads that wait for a busy core lose much.
export OMP_NUM_THREADS ?= 1

.PHONY: fit test lint docs release-check clean

fit: $(VENV)/.fit
	$(VENV)/bin/python -m lightning_modules.fit $(ARGS)

test: $(VENV)/.test $(VENV)/.scatter
	$(VENV)/bin/python -m pytest -n auto --dist loadfile $(ARGS)

lint: $(VENV)/.test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	PYTHONPATH=. $(VENV)/bin/lint-imports --no-cache

docs: $(VENV)/.docs
	$(VENV)/bin/python -m sphinx --fail-on-warning --keep-going --quiet docs build/docs
	@echo "Open build/docs/index.html"

# Takes long: it runs the slow tests, and tests the oldest versions of everything, and newer Pythons.
release-check: lint docs $(VENV)/.scatter
	PYTHON=$(PYTHON) .ci/release-check

clean:
	rm -rf $(VENV)

# torch comes first: everything after it, and the build of torch-scatter, finds it there.
$(VENV)/.torch: constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet torch
	touch $@

$(VENV)/.fit: $(VENV)/.torch pyproject.toml
	$(PIP) install --quiet --editable '.[text,viz]'
	touch $@

$(VENV)/.test: $(VENV)/.torch pyproject.toml
	$(PIP) install --quiet --editable '.[test]'
	touch $@ $(VENV)/.fit

$(VENV)/.docs: $(VENV)/.torch pyproject.toml
	$(PIP) install --quiet --editable '.[docs]'
	touch $@

# Compiled from source against the installed torch. torch-geometric-pool, for the interop tests, needs
# it, and scikit-learn, which it does not declare. The package and all other tests need none of them.
$(VENV)/.scatter: $(VENV)/.test
	@$(PIP) install --quiet --no-build-isolation torch-scatter > $(VENV)/scatter.log 2>&1 \
		&& $(PIP) install --quiet torch-geometric-pool scikit-learn >> $(VENV)/scatter.log 2>&1 \
		|| echo "torch-scatter could not be built (see $(VENV)/scatter.log): going on without it"
	@touch $@
