# make demo, make test: from nothing but Python >= 3.11, make and pip.
BIN := .venv/bin
# A colon would end the folder's name in PATH, and an apostrophe a quotation in the environment's scripts.
ifneq (,$(findstring :,$(CURDIR))$(findstring ',$(CURDIR)))
$(error $(CURDIR): Bevatron cannot work in a folder with a colon or an apostrophe in its path; move it to another)
endif
# The Python that makes the environment: not the environment's own, which is first in PATH where it is activated.
PYTHON := $(shell PATH=$$(printf %s "$$PATH" | tr : '\n' | grep -vxF "$$PWD/$(BIN)" | paste -sd :); command -v $(or $(PYTHON),python3))
# Test files that run at once: the slow ones mostly wait, but each may need 2 GB.
WORKERS ?= 2
# No bash, no activated environment needed: the workflow's jobs find `bevatron` by PATH.
export PATH := $(CURDIR)/$(BIN):$(PATH)
SNAKEMAKE_PROFILES := $(or $(XDG_CONFIG_HOME),$(HOME)/.config)/snakemake

.PHONY: demo test test-cluster bench docs profiles lint lock clean

demo: .venv/ready
	snakemake --profile profiles/local
	@echo "The report: $(CURDIR)/results/report/index.html"

test: .venv/ready
	pytest -m "not cluster and not gpu" -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

# On a real Slurm of three virtual nodes, which the tests start and stop: as root, with slurm-wlm and munge installed.
test-cluster: .venv/ready
	pytest -m cluster $(TESTS)

bench: .venv/ready
	python benchmarks/run.py

# The documentation site, in site/; needs no network.
docs: .venv/ready
	python docs/generate_reference.py
	python docs/generate_notebook_pages.py
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet
	@! grep -rlE '(src=|<link[^>]+href=)"?https?://' site --include='*.html' || \
	  { echo "these pages of the site load something from a network" >&2; exit 1; }
	@echo "The site: $(CURDIR)/site/index.html"

lint: .venv/ready
	ruff check src tests benchmarks docs
	ruff format --check src tests benchmarks docs
	lint-imports --no-cache --no-logo
	pyright
	snakefmt --check Snakefile workflow
	snakemake --lint

# `snakemake --profile cluster` looks for profiles in the user's configuration folder.
profiles:
	@mkdir -p "$(SNAKEMAKE_PROFILES)"
	@for file in "$$PWD"/profiles/*/config.yaml; do \
	  profile=$$(dirname "$$file"); \
	  ln -sfn "$$profile" "$(SNAKEMAKE_PROFILES)/$$(basename "$$profile")"; \
	  echo "$(SNAKEMAKE_PROFILES)/$$(basename "$$profile") -> $$profile"; \
	done

# requirements.lock: the versions of constraints.txt with the hashes of all their files, PyTorch's CUDA packages included,
# for `pip install --require-hashes` (containers/, docs/explanation/security.md).
lock: .venv/ready
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --constraint constraints.txt --generate-hashes --universal \
	  --python-version 3.11 --no-annotate --custom-compile-command 'make lock' --quiet --output-file requirements.lock

# Debian's python3 comes without ensurepip, so pip is put into the environment by the pip that is there.
.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("bevatron needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv --clear --without-pip .venv
	$(PYTHON) -m pip --python $(BIN)/python install --quiet pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv results runs logs site .snakemake
