# Needs Python 3.10 or newer, make, and a package index. Everything generated goes under .dev/.
PYTHON ?= python3
PYTEST_ARGS ?=
# Processes that share the tests, file by file. Each computes on one thread, and so do its servers:
# on models this small, a second thread in each takes more time than it gives.
WORKERS ?=
SHARED = $(if $(WORKERS),-n $(WORKERS) --dist loadfile)
ONE_THREAD = $(if $(WORKERS),OMP_NUM_THREADS=1)

# Prepares the host (COMFYUI_VERSION=, COMFYUI_PATH=, COMFYUI_PYTHON=) and runs what follows in its environment.
# Variables given to make reach the tools through the environment.
HOST := $(PYTHON) -B -m tools.host
IN_HOST := $(HOST) --
IN_TEST_HOST := $(HOST) --tests --
MAKEFLAGS += --no-print-directory
OLDEST := COMFYUI_VERSION=0.3.52

.DEFAULT_GOAL := help
WHERE = $(or $(COMFYUI_PATH),ComfyUI $(or $(COMFYUI_VERSION),of the default version))
SAY = @printf '\n== %s  %s\n' "$$(date +%T)"

.PHONY: help setup demo miniature claims test test-fast test-ui test-matrix browser matrix-page matrix-newest-page matrix-live lint pytest bench clean distclean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'
	@echo 'Variables: COMFYUI_VERSION=0.3.52, COMFYUI_PATH=/path/to/ComfyUI, COMFYUI_PYTHON=/path/to/python,'
	@echo '  PYTEST_ARGS=..., WORKERS=2 (processes for the tests), FRONTEND=newest (for test-ui),'
	@echo '  and for demo: CHECKPOINT= MOTION_MODULE= PROMPT= WIDTH= HEIGHT= FRAMES= STEPS= SEED='

setup: ## prepare a ComfyUI and its environment
	$(SAY) 'Preparing $(WHERE)'
	@$(HOST)

demo: ## make an animated clip with a real ComfyUI server
	$(SAY) 'A clip from $(WHERE)'
	@$(IN_HOST) python -m demo

miniature: ## train the miniature world from seeds: about four hours on two cores; goes on where it stopped
	$(SAY) 'Training the miniature world'
	@$(IN_HOST) python -m demo.miniature

claims: ## measure the paper's claims on the miniature world, into docs/miniature.md
	$(SAY) 'Measuring the claims on the miniature world'
	@$(IN_HOST) python -m demo.claims

test: lint pytest ## lint, type check and all tests

test-fast: lint ## the same without the tests that start a server
	$(SAY) 'Tests without a server, on $(WHERE)'
	@$(ONE_THREAD) $(IN_TEST_HOST) pytest -m 'not live and not ui' $(SHARED) $(PYTEST_ARGS)

test-ui: ## the page in a browser, which is installed as root on Debian; FRONTEND=newest: not the host's page
	$(SAY) 'Tests of the page in a browser, on $(WHERE)$(FRONTEND:%=, with the % page)'
	@$(MAKE) browser
	@ADN_UI=required $(IN_TEST_HOST) pytest tests/ui $(PYTEST_ARGS)

# In a browser: on the oldest host's page, the default's, and the newest. The examples of another
# pack are converted to one graph on every host: one runs them. Browser tests wait more than they
# compute, so two kinds run side by side, and say what they did when they end.
SIDE_BY_SIDE = $(MAKE) -j2 --output-sync=recurse --no-print-directory
test-matrix: ## all checks, on the default ComfyUI and, where a server or the page takes part, on the oldest one
	@$(MAKE) test WORKERS=$(or $(WORKERS),2) PYTEST_ARGS='--ignore=tests/ui $(PYTEST_ARGS)'
	@$(MAKE) browser
	@$(SIDE_BY_SIDE) matrix-page matrix-newest-page
	@$(MAKE) browser $(OLDEST)
	@$(SIDE_BY_SIDE) $(OLDEST) matrix-live matrix-page

browser: # both hosts are prepared before two kinds of tests share one
	@$(IN_TEST_HOST) python -m tools.browser

matrix-page:
	@$(MAKE) test-ui

matrix-newest-page:
	@$(MAKE) test-ui FRONTEND=newest

matrix-live:
	@$(MAKE) pytest WORKERS=1 PYTEST_ARGS='tests/live --ignore=tests/live/test_converted_graphs.py $(PYTEST_ARGS)'

lint: ## ruff and pyright
	$(SAY) 'ruff and pyright'
	@$(IN_TEST_HOST) ruff check .
	@$(IN_TEST_HOST) pyright

# Bare: `python -m pytest` puts this folder on sys.path, where nodes/ hides the host's nodes.py.
pytest: ## the tests alone
	$(SAY) 'Tests, on $(WHERE)'
	@$(ONE_THREAD) $(IN_TEST_HOST) pytest $(SHARED) $(PYTEST_ARGS)

bench: ## measure
	$(SAY) 'Measuring on $(WHERE)'
	@$(IN_HOST) python -m benchmarks

clean: ## remove what runs left behind; keep environments, hosts and stand-in models
	rm -rf .dev/base .dev/cache

distclean: ## remove everything generated
	rm -rf .dev
