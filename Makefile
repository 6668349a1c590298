# `make demo` shows the product, `make test` proves it. Everything else is a part of these two.
VENV ?= .venv
BIN := $(VENV)/bin
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export DAGSTER_DISABLE_TELEMETRY := true
export GX_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1

.PHONY: demo test test-bi lint bench docs install lock clean

demo: install ## the whole pipeline on the synthetic region
	@$(BIN)/iass demo run

test: install lint ## lint, types and every test
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup --no-loadscope-reorder

test-bi: install ## what needs Chromium: Superset's dashboards, installed and rendered, and the accessibility of reports
	@command -v chromium >/dev/null || { echo "Chromium is needed: install the package chromium."; exit 1; }
	@$(BIN)/python -m pytest -m browser

lint: install
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@PYTHONWARNINGS=ignore $(BIN)/sqlfluff lint dbt_project --processes 2 --disable-progress-bar

bench: install ## ratios against limits and peers, written to docs/benchmarks.{json,md}
	@$(BIN)/python -m pytest tests/benchmarks -m bench -s

docs: install ## dbt's documentation of a built home (IASS_HOME), as one page that needs no network
	@$(BIN)/python -c "from orchestration.settings import Settings; from orchestration.warehouse import dbt; print(dbt.docs(Settings.load()))"

install: $(VENV)/.installed
$(VENV)/.installed: requirements.lock pyproject.toml
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed."; exit 1; }
	@python3 -m venv $(VENV) || { echo "python3 cannot make virtual environments: install the package python3-venv."; exit 1; }
	@echo "Installing the locked environment (about a minute, once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

lock: ## after a change of dependencies
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --quiet -o requirements.lock

clean: ## the environment and the home in .iass, its server stopped first
	@test ! -x $(BIN)/iass || IASS_HOME=.iass $(BIN)/iass down || true
	@rm -rf $(VENV) .iass
