# make demo, make test: from nothing but Python >= 3.11, make and pip.
# The Python that makes the environment, found before the environment's own comes first in PATH.
PYTHON := $(shell command -v $(or $(PYTHON),python3))
BIN := .venv/bin
# No bash, no activated environment needed: the workflow's jobs find `bevatron` by PATH.
export PATH := $(CURDIR)/$(BIN):$(PATH)
SNAKEMAKE_PROFILES := $(or $(XDG_CONFIG_HOME),$(HOME)/.config)/snakemake

.PHONY: demo test bench profiles lint clean

demo: .venv/ready
	snakemake --profile profiles/local
	@echo "The report: $(CURDIR)/results/report/index.html"

test: .venv/ready
	pytest -m "not cluster and not gpu" $(TESTS)

bench: .venv/ready
	python benchmarks/run.py

lint: .venv/ready
	ruff check src tests benchmarks
	ruff format --check src tests benchmarks
	snakefmt --check Snakefile workflow
	snakemake --lint

# `snakemake --profile cluster` looks for profiles in the user's configuration folder.
profiles:
	@mkdir -p "$(SNAKEMAKE_PROFILES)"
	@for profile in $(CURDIR)/profiles/*/; do \
	  ln -sfn "$${profile%/}" "$(SNAKEMAKE_PROFILES)/$$(basename "$$profile")"; \
	  echo "$(SNAKEMAKE_PROFILES)/$$(basename "$$profile") -> $${profile%/}"; \
	done

# Debian's python3 comes without ensurepip, so pip is put into the environment by the pip that is there.
.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("bevatron needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv --clear --without-pip .venv
	$(PYTHON) -m pip --python $(BIN)/python install --quiet pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv results runs logs .snakemake
