# make demo, make test: from nothing but Python >= 3.11, make and pip.
BIN := .venv/bin
# A colon would end the folder's name in PATH, and an apostrophe a quotation in the environment's scripts.
ifneq (,$(findstring :,$(CURDIR))$(findstring ',$(CURDIR)))
$(error $(CURDIR): Bevatron cannot work in a folder with a colon or an apostrophe in its path; move it to another)
endif
# Snakemake takes braces in the paths of its own files for wildcards, and Make ends a line's recipe at a line break.
define NEWLINE


endef
ifneq (,$(findstring {,$(CURDIR))$(findstring },$(CURDIR))$(findstring $(NEWLINE),$(CURDIR)))
$(error $(subst $(NEWLINE), ,$(CURDIR)): Bevatron cannot work in a folder with braces or a line break in its path; move it to another)
endif
# The shell would read these in the launchers that pip writes into the environment. Profiles need no environment.
ifneq (,$(filter-out profiles clean,$(or $(MAKECMDGOALS),demo)))
ifneq (,$(findstring $$,$(CURDIR))$(findstring `,$(CURDIR))$(findstring ",$(CURDIR))$(findstring \,$(CURDIR)))
$(error $(CURDIR): no environment can be made in a folder with a dollar sign, a quotation mark, a backquote or a backslash in its path; move it to another)
endif
endif
# The Python that makes the environment: not the environment's own, which is first in PATH where it is activated.
INTERPRETER := $(shell PATH=$$(printf %s "$$PATH" | tr : '\n' | grep -vxF "$$PWD/$(BIN)" | paste -sd :); command -v "$(or $(PYTHON),python3)" | sed 's/[^[:alnum:]_.\/-]/\\&/g')
# Test files that run at once: the slow ones mostly wait, but each may need 2 GB.
WORKERS ?= 2
# No bash, no activated environment needed: the workflow's jobs find `bevatron` by PATH.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Snakemake needs a folder for its cache; on many compute nodes the home does not exist, or cannot be written.
ifeq (,$(XDG_CACHE_HOME))
ifneq (yes,$(shell { test -w "$$HOME/.cache" || { ! test -e "$$HOME/.cache" && test -w "$$HOME"; }; } && echo yes))
export XDG_CACHE_HOME := $(CURDIR)/.snakemake/cache
endif
endif

.PHONY: demo test test-cluster bench docs profiles lint lock clean

demo: .venv/ready
	snakemake --profile profiles/local
	@echo "The report: $$PWD/results/report/index.html"

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
	@echo "The site: $$PWD/site/index.html"

lint: .venv/ready
	ruff check src tests benchmarks docs setup.py
	ruff format --check src tests benchmarks docs setup.py
	lint-imports --no-cache --no-logo
	pyright
	snakefmt --check Snakefile workflow
	snakemake --lint

# `snakemake --profile cluster` looks for profiles in the user's configuration folder.
profiles:
	@folder="$${XDG_CONFIG_HOME:-$$HOME/.config}/snakemake"; \
	mkdir -p "$$folder" || exit; \
	for file in "$$PWD"/profiles/*/config.yaml; do \
	  profile=$$(dirname "$$file"); \
	  link="$$folder/$$(basename "$$profile")"; \
	  ln -sfn "$$profile" "$$link" || exit; \
	  printf '%s -> %s\n' "$$link" "$$profile"; \
	done

# requirements.lock: the versions of constraints.txt with the hashes of all their files, PyTorch's CUDA packages included,
# for `pip install --require-hashes` (containers/, docs/explanation/security.md).
lock: .venv/ready
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --constraint constraints.txt --generate-hashes --universal \
	  --python-version 3.11 --no-annotate --custom-compile-command 'make lock' --quiet --output-file requirements.lock

# Debian's python3 comes without ensurepip, so pip is put into the environment by the pip that is there.
.venv/ready: pyproject.toml constraints.txt
	@$(INTERPRETER) -c 'import sys; sys.exit("bevatron needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	$(INTERPRETER) -m venv --clear --without-pip .venv
	$(INTERPRETER) -m pip --python $(BIN)/python install --quiet pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv results runs logs site .snakemake
