# make studio   sets everything up on first use, then opens the studio (PORT=8501)
# make test     the same set-up, then the whole test suite (ARGS="-m 'not slow'" goes to pytest)
# make clean    removes what the set-up made; your runs/ stay

SHELL := bash
.DELETE_ON_ERROR:
.PHONY: studio test clean

PORT ?= 8501
ARGS ?=
VENV := .venv
STAMP := $(VENV)/.installed

# The first Python that is new enough and can make environments; PYTHON=/path/to/python chooses another.
RIGHT_PYTHON := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c "$(RIGHT_PYTHON)" >/dev/null 2>&1 && echo $$p && break; done)

# Of pip's many lines, the ones that explain a wait.
PIP_NEWS := awk '/^ *Downloading .*[MG]B\)/ { print "  " $$1, $$2, $$3, $$4 } \
	/^Installing collected/ { print "  Unpacking, about a minute" } { fflush() }'

studio: $(STAMP)
	@$(VENV)/bin/python -m streamlit run app/sequential_editing.py --server.port $(PORT)

test: $(STAMP)
	@$(VENV)/bin/python -m pytest $(ARGS)

$(STAMP): requirements.txt pyproject.toml
	@[ -n "$(PYTHON)" ] && "$(PYTHON)" -c "$(RIGHT_PYTHON)" >/dev/null 2>&1 || { echo "eCLIPsed Studio needs Python 3.11 or newer\
	 with its venv module (on Debian and Ubuntu: sudo apt install python3-venv); name another one with PYTHON=/path/to/python." >&2; exit 1; }
	@echo "Setting up in $(VENV), a few minutes and about 6 GB the first time ..."
	@$(VENV)/bin/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear $(VENV)
	@set -o pipefail; $(VENV)/bin/python -m pip install --disable-pip-version-check --progress-bar off -r requirements.txt | $(PIP_NEWS)
	@touch $@
	@echo "Set up."

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
