# Needs Python 3.10 or newer, make, and a package index. Everything generated goes under .dev/.
PYTHON ?= python3
PYTEST_ARGS ?=

# Prepares the host (COMFYUI_VERSION=, COMFYUI_PATH=, COMFYUI_PYTHON=) and runs what follows in its environment.
# Variables given to make reach the tools through the environment.
HOST := $(PYTHON) -B -m tools.host
IN_HOST := $(HOST) --
IN_TEST_HOST := $(HOST) --tests --

.DEFAULT_GOAL := help
.PHONY: help setup demo miniature claims test test-fast test-ui test-matrix lint pytest bench clean distclean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'
	@echo 'Variables: COMFYUI_VERSION=0.3.52, COMFYUI_PATH=/path/to/ComfyUI, COMFYUI_PYTHON=/path/to/python,'
	@echo '  PYTEST_ARGS=..., and for demo: CHECKPOINT= MOTION_MODULE= PROMPT= WIDTH= HEIGHT= FRAMES= STEPS= SEED='

setup: ## prepare a ComfyUI and its environment
	@$(HOST)

demo: ## make an animated clip with a real ComfyUI server
	@$(IN_HOST) python -m demo

miniature: ## train the miniature world from seeds: at most two hours on two cores; goes on where it stopped
	@$(IN_HOST) python -m demo.miniature

claims: ## measure the paper's claims on the miniature world, into docs/miniature.md
	@$(IN_HOST) python -m demo.claims

test: lint pytest ## lint, type check and all tests

test-fast: lint ## the same without the tests that start a server
	@$(IN_TEST_HOST) pytest -m 'not live and not ui' $(PYTEST_ARGS)

test-ui: ## the tests in a browser; installs Debian's chromium where there is none, as root
	@$(PYTHON) -B -m tools.chromium
	@ADN_UI=required $(IN_TEST_HOST) pytest tests/ui $(PYTEST_ARGS)

test-matrix: ## all checks on the default ComfyUI, then the server tests on the oldest supported one
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory pytest COMFYUI_VERSION=0.3.52 PYTEST_ARGS='tests/live --ignore=tests/live/test_converted_graphs.py $(PYTEST_ARGS)'

lint: ## ruff and pyright
	@$(IN_TEST_HOST) ruff check .
	@$(IN_TEST_HOST) pyright

# Bare: `python -m pytest` puts this folder on sys.path, where nodes/ hides the host's nodes.py.
pytest: ## the tests alone
	@$(IN_TEST_HOST) pytest $(PYTEST_ARGS)

bench: ## measure
	@$(IN_HOST) python -m benchmarks

clean: ## remove what runs left behind; keep environments, hosts and stand-in models
	rm -rf .dev/base .dev/cache

distclean: ## remove everything generated
	rm -rf .dev
