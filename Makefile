# Works on a machine that has only Python >= 3.12 and make. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PY := .venv/bin/python
STAMP := .venv/installed.sha256
export PYTHONUNBUFFERED := 1
# Dozens of processes start in a run; each begins with the code that the first one compiled.
unexport PYTHONDONTWRITEBYTECODE

# Shims of version managers may exist and fail: take the first one that really runs.
define FIND_PYTHON
for name in python3.13 python3.12 python3 python; do \
  if "$$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; then found="$$name"; break; fi; \
done; \
if [ -z "$${found:-}" ]; then echo "Crescendo needs Python 3.12 or newer (with venv)." >&2; exit 1; fi
endef

.PHONY: help
help: ## these lines
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' Makefile

.PHONY: setup
setup: environment translations chromium ## everything the other targets need, in .venv

.PHONY: environment
environment:
	@if [ -x $(PY) ] && ! $(PY) -c '' 2>/dev/null; then rm -rf .venv; fi; \
	if [ ! -x $(PY) ]; then $(FIND_PYTHON); "$$found" -m venv .venv; fi; \
	wanted="$$($(PY) -c 'import hashlib,pathlib,sys; print(hashlib.sha256(pathlib.Path("requirements-dev.txt").read_bytes()).hexdigest(), sys.version)')"; \
	if [ "$$(cat $(STAMP) 2>/dev/null || true)" != "$$wanted" ]; then \
	  $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt; \
	  echo "$$wanted" > $(STAMP); \
	fi

.PHONY: translations
translations: environment
	@stale=0; \
	for po in locale/*/LC_MESSAGES/django.po; do \
	  [ -e "$$po" ] || continue; \
	  if [ ! -e "$${po%.po}.mo" ] || [ "$$po" -nt "$${po%.po}.mo" ]; then stale=1; fi; \
	done; \
	if [ $$stale = 1 ]; then DATABASE_URL=postgresql:///none REDIS_URL=unix:///none $(PY) manage.py compile_translations > /dev/null; fi

.PHONY: chromium
chromium:
	@if [ -z "$${CHROMIUM_PATH:-}" ] && ! command -v chromium-headless-shell chromium >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing Chromium for the browser tests ..."; \
	    install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$$1"; }; \
	    { apt-get update -qq && { install chromium-headless-shell || install chromium; }; } \
	      > /tmp/crescendo-chromium.log 2>&1 || echo "Chromium could not be installed (/tmp/crescendo-chromium.log): browser tests will be skipped." >&2; \
	  else echo "Browser tests will be skipped. To run them: sudo apt-get install chromium-headless-shell (or chromium)" >&2; fi; \
	fi

.PHONY: demo
demo: environment translations ## the main job on a generated company, then the site; ARGS=--once stops after the table
	@$(PY) manage.py demo $(ARGS)

.PHONY: dev
dev: environment translations ## web with autoreload, workers and timetable; PORT=8000
	@DEBUG=1 $(PY) manage.py up --reload --port $(or $(PORT),8000)

.PHONY: test
test: setup ## the whole suite; ARGS="tests/orchestrator -k name" runs a part
	@# Three runs of pytest. Journeys and the fault stand start whole sites and wait more than they work: they go on beside the
	@# many, on servers of their own. Playwright keeps an event loop in its process, beside which Django would hold two
	@# connections: browser tests have a run of theirs. Both are collected from their own folders, not from among thousands.
	@# What tests/architecture says of the source `make check` says.
	@$(PY) -m tests.prepared $(addprefix var/test-gw,0 1 2) $(addprefix var/beside/test-gw,0 1)
	@run() { $(PY) -m pytest "$$@" || { status=$$?; [ $$status = 5 ] && [ -n "$(ARGS)" ] || return $$status; }; }; \
	beside() { CRESCENDO_VAR=$(CURDIR)/var/beside run -n 2 "$$@"; }; \
	{ status=0; \
	  beside --dist loadfile -m "stand or journey" $(or $(ARGS),tests/faults/test_stand.py tests/faults/test_stand_of_batches.py tests/journeys tests/campaigns/cli) || status=$$?; \
	  beside --dist worksteal -m browser $(or $(ARGS),tests/browser) || status=$$?; \
	  exit $$status; } > var/beside.log 2>&1 & beside=$$!; \
	status=0; run -n 3 -m "not browser and not journey and not stand" $(or $(ARGS),--ignore=tests/architecture) || status=$$?; \
	wait $$beside || status=$$?; cat var/beside.log; exit $$status

.PHONY: check
check: environment translations ## linters, types, import contracts, migrations, settings, documents, translations
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check --quiet .
	@DATABASE_URL=postgresql:///none REDIS_URL=unix:///none $(PY) -m mypy orchestrator campaigns tests
	@.venv/bin/lint-imports --no-cache
	@$(PY) manage.py makemigrations --check --dry-run
	@$(PY) manage.py check --fail-level WARNING
	@env -u CLOCK_OFFSET DJANGO_SETTINGS_MODULE=orchestrator.settings.production \
	  SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(60))')" ALLOWED_HOSTS=crescendo.example ADDRESS_HASH_KEY=only-for-this-check \
	  PUBLIC_BASE_URL=https://crescendo.example DATABASE_URL=postgresql:///none REDIS_URL=unix:///none \
	  $(PY) manage.py check --deploy --fail-level WARNING
	@DATABASE_URL=postgresql:///none REDIS_URL=unix:///none $(PY) manage.py compile_translations --check
	@$(PY) -m pytest -q tests/architecture

.PHONY: bench
bench: environment ## every benchmark, one JSON line each
	@for script in benchmarks/[a-z]*.py; do [ "$$script" = benchmarks/coverage.py ] || $(PY) "$$script" $(ARGS); done

.PHONY: faults
faults: environment translations ## break everything at full size and count (three quarters of an hour); results into docs/faults.md
	@$(PY) -m tests.faults.run --write docs/faults.md $(ARGS)
	@[ -n "$(ARGS)" ] || $(PY) -m tests.faults.run --write docs/faults.md --only chaos --only lossy --batches

.PHONY: screenshots
screenshots: setup ## every page at 1280 and 390 px, en and he, into var/screenshots
	@$(PY) manage.py screenshots $(ARGS)

.PHONY: coverage-seeds
coverage-seeds: environment ## 20 demo companies of 2,000 accounts: how many intervals cover the truth
	@$(PY) benchmarks/coverage.py --write docs/coverage.md $(ARGS)

.PHONY: messages
messages: environment ## bring locale/*.po up to the source and compile them
	@DATABASE_URL=postgresql:///none REDIS_URL=unix:///none $(PY) manage.py compile_translations --update

.PHONY: lock
lock: environment ## renew requirements*.txt from pyproject.toml (needs uv)
	@command -v uv >/dev/null || { echo "uv is needed: pip install uv" >&2; exit 1; }
	@uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-annotate --no-emit-index-url --extra services pyproject.toml -o requirements.txt
	@uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-annotate --no-emit-index-url --extra services --extra dev pyproject.toml -o requirements-dev.txt

.PHONY: vendor
vendor: ## renew static/vendor/echarts from its published package (needs Node and npm)
	@mkdir -p var/vendor && cp static/vendor/echarts/build.js var/vendor/ && cd var/vendor && npm init -y > /dev/null \
	  && npm install --silent --no-save --no-package-lock echarts@6.1.0 esbuild@0.28 \
	  && npx esbuild build.js --bundle --minify --format=iife --global-name=echarts --legal-comments=eof --outfile=../../static/vendor/echarts/echarts.min.js

.PHONY: clean
clean: ## stop this checkout's servers and forget its data (var/); the environment stays
	@if [ -x $(PY) ] && [ -d var ]; then $(PY) -c 'from pathlib import Path; from orchestrator import services; services.stop(Path("var"))'; fi
	@rm -rf var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
