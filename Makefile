# Everything runs from .venv, which `make venv` makes; `make help` lists the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# ansible-lint and molecule call ansible's commands by their bare names.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

bin := .venv/bin
version := $(shell sed -n 's/^version: *//p' galaxy.yml)
package := dist/greenleaf-cloud-$(version).tar.gz
bundled = $$(echo "$(CURDIR)"/.venv/lib/python3*/site-packages)
files := git ls-files -z --cached --others --exclude-standard
gates := unit lint sanity molecule site integration

.PHONY: help
help: ## List the targets
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: venv
venv: ## Make .venv from requirements.txt, or renew it
	@scripts/venv.sh

.PHONY: lock
lock: ## Renew requirements.txt from pyproject.toml
	"$$(scripts/uv.sh)" pip compile --quiet --upgrade --universal --python-version 3.12 --generate-hashes --no-header --no-annotate \
	  --group sandbox --group checks --output-file requirements.txt pyproject.toml

.PHONY: sandbox
sandbox: venv ## Keep AWS and Cloudflare on loopback until Ctrl-C
	@$(bin)/python -m sandbox

.PHONY: demo
demo: venv ## Stand up prod on the sandbox, twice, and show what it is
	@$(bin)/python -m sandbox run -- $(bin)/python scripts/demo.py

.PHONY: test
test: venv ## Run every gate, two side by side: unit, lint, sanity, molecule, site, integration
	@mkdir -p .cache
	@printf '%s\n' $(gates) | xargs -P 2 -n 1 scripts/gate.sh | tee .cache/test.log || { grep ^FAILED .cache/test.log; exit 1; }
	@echo "passed: $(gates)"

.PHONY: unit
unit: venv ## Unit tests, and what the repository holds itself to
	$(bin)/pytest tests/unit tests/repository

.PHONY: lint
lint: ansible-lint yamllint ruff mypy shellcheck secrets docs-lint ## Linters and the secret scan

.PHONY: ansible-lint
ansible-lint: venv
	mkdir -p .cache
	$(bin)/ansible-lint --nocolor 2>&1 | tee .cache/ansible-lint.log
	grep -q '^Passed:' .cache/ansible-lint.log

.PHONY: yamllint
yamllint: venv
	$(bin)/yamllint --strict .

.PHONY: ruff
ruff: venv
	$(bin)/ruff check
	$(bin)/ruff format --check

.PHONY: mypy
mypy: venv
	$(bin)/mypy collections/ansible_collections/greenleaf/cloud/plugins sandbox scripts

.PHONY: shellcheck
shellcheck: venv
	$(files) '*.sh' .ci/run | xargs -0 $(bin)/shellcheck

# A role's name makes its variables look like secrets; tests make up passwords, and are searched for real keys only.
.PHONY: secrets
secrets: venv
	$(files) ':!requirements.txt' ':!molecule' ':!tests' | xargs -0 $(bin)/detect-secrets-hook --no-verify --exclude-lines '^ *app_secrets_'
	$(files) molecule tests | xargs -0 $(bin)/detect-secrets-hook --no-verify --disable-plugin KeywordDetector --disable-plugin BasicAuthDetector

# antsibull-docs copies the collections that ours builds on as git lists them: .venv must not look like a part of this repository.
.PHONY: docs-lint
docs-lint: venv
	GIT_CEILING_DIRECTORIES="$(CURDIR)/.venv" $(bin)/antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck .
	$(bin)/antsibull-changelog lint
	$(bin)/python scripts/role_docs.py --check

.PHONY: sanity
sanity: build ## ansible-test and galaxy-importer on the built collection
	scripts/ansible-test.sh $(package)
	scripts/galaxy-importer.sh $(package)

.PHONY: molecule
molecule: venv ## Every role's scenario, or one: make molecule scenario=vpc
	$(bin)/python -m sandbox run --directory .cache/molecule -- env SANDBOX_REQUESTS="$(CURDIR)/.cache/molecule/requests.jsonl" MOLECULE_COMMAND_BORDERS=0 \
	  $(bin)/molecule test $(if $(scenario),--scenario-name $(scenario),--all)

.PHONY: integration
integration: venv ## Modules, the guard and the sandbox itself, each test on an account of its own
	$(bin)/pytest tests/integration -m 'not site' --numprocesses 2 --dist worksteal

.PHONY: site
site: venv ## Whole environments side by side in one account: plan, converge, drift, destroy
	$(bin)/pytest tests/integration -m site

.PHONY: bench
bench: venv ## Time, CPU and API calls of prod's converge, check and destroy
	@$(bin)/python benchmarks/run.py

.PHONY: docs
docs: venv ## Renew the roles' READMEs and make the HTML pages of modules and roles: .cache/docs/html/index.html
	$(bin)/python scripts/role_docs.py
	rm -rf .cache/docs && mkdir -p -m 755 .cache/docs/rst
	ANSIBLE_COLLECTIONS_PATH="$(CURDIR)/collections:$(bundled)" $(bin)/antsibull-docs collection --use-current --squash-hierarchy \
	  --fail-on-error --dest-dir .cache/docs/rst greenleaf.cloud
	$(bin)/sphinx-build --quiet -C -D project=greenleaf.cloud -D extensions=sphinx_antsibull_ext -D html_theme=alabaster \
	  -D highlight_language=YAML+Jinja -D suppress_warnings=ref.ref .cache/docs/rst .cache/docs/html

.PHONY: build
build: venv ## Build dist/greenleaf-cloud-<version>.tar.gz
	@$(bin)/ansible-galaxy collection build --force --output-path dist

.PHONY: clean
clean: ## Remove all that make made
	rm -rf .ansible .cache .mypy_cache .ruff_cache .sandbox .venv dist
