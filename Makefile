# radnet_spark: `make demo` from a fresh clone to a result, `make test` for all tests. Both need Linux, Python 3.11
# (or uv, which brings one) and a C++ compiler, and install everything else into .venv and .uv.
SHELL := /bin/bash
UV_VERSION := 0.13.9
UV_MINIMUM := 0.8.4
BIN := .venv/bin
ROOT ?= radnet-out
PYTHON := $(shell for p in python3.11 python3 python; do $$p -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && command -v $$p && break; done)
UV := $(shell uv --version 2>/dev/null | awk -v need=$(UV_MINIMUM) '{ split($$2, have, "."); split(need, want, "."); if (have[1] > want[1] || have[1] == want[1] && (have[2] > want[2] || have[2] == want[2] && have[3]+0 >= want[3])) print "uv" }')
ifeq ($(UV),)
UV := .uv/bin/uv
endif
export CMAKE_TOOLCHAIN_FILE := $(CURDIR)/build-support/horovod.toolchain.cmake

.PHONY: help setup demo test unit lint types arch bench docs check clean prerequisites
help:            ## this list
	@grep -hE '^[a-z-]+: .*##|^[a-z-]+:  +##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: .venv/installed  ## the environment in .venv, so that .venv/bin/radnet runs

prerequisites:
	@[ "$$(uname -s)" = Linux ] || { echo "radnet_spark needs Linux; this is $$(uname -s)" >&2; exit 1; }
	@[ -n "$(PYTHON)" ] || [ "$(UV)" = uv ] || { echo "Python 3.11 is missing: install it (Debian: apt-get install python3.11 python3.11-venv) or install uv" >&2; exit 1; }
	@command -v c++ >/dev/null || command -v g++ >/dev/null || { echo "a C++ compiler is missing: install one (Debian: apt-get install g++)" >&2; exit 1; }

.uv/bin/uv: | prerequisites
	@echo "installing uv into .uv"
	@$(PYTHON) -m venv .uv || { rm -rf .uv; echo "Python's venv module is missing: install it (Debian: apt-get install python3.11-venv)" >&2; exit 1; }
	@.uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/installed: pyproject.toml uv.lock build-support/horovod.toolchain.cmake | prerequisites $(filter .uv/bin/uv,$(UV))
	@echo "installing the locked packages into .venv; Horovod is compiled, which takes some minutes the first time"
	@$(UV) sync --frozen --extra local --group dev $(if $(PYTHON),--python $(PYTHON))
	@touch $@

demo: setup      ## a synthetic hospital and real DICOM files through every stage; says where the report is
	@$(BIN)/radnet demo --root $(ROOT)

test: setup lint arch  ## all tests: unit, spark, dist, jobs
	@$(BIN)/pytest tests/unit -n 2
	@$(BIN)/pytest tests/spark tests/dist tests/jobs

unit: setup      ## only the tests that need no JVM, but for those that read every real file
	@$(BIN)/pytest tests/unit -m "not real_files" -n 2

lint: setup      ## ruff
	@$(BIN)/ruff check radnet_spark tests jobs
	@$(BIN)/ruff format --check radnet_spark tests jobs

types: setup     ## mypy
	@$(BIN)/mypy

arch: setup      ## the order of the layers
	@$(BIN)/lint-imports

bench: setup     ## the benchmarks, as ratios against a named rival
	@for file in benchmarks/bench_*.py; do $(BIN)/python $$file || exit 1; done

docs: setup      ## the documentation as a site in site/
	@$(BIN)/mkdocs build --quiet

check: lint types arch unit  ## what to run before a commit

clean:           ## removes the environment and what runs wrote
	@rm -rf .venv .uv $(ROOT)
