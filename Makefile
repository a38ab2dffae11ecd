# Two commands: `make demo` shows the whole thing, `make test` proves it. Both make the environment when it is needed.
PYTHON ?= python3
VENV := .venv
PORT ?= 8000
SHARED ?= ../shared
STAMP := $(VENV)/.made-from-lock
REPLAYWEB_SHA512 := b86e748c449195dd29f9f63bfa753121697b86f7e29ab78d8d299a36473f6bd6bc8017666fb3c7e09e362226febe093d2ab1ddd072d27154fef8b82a5797f0a5

.PHONY: webtools demo demo-undo serve test lint build bench messages replay-env replayweb clean help

help: ## these lines
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP) ## build the sample city, retire one old site, build again
	@$(VENV)/bin/python -m tests.demo

demo-undo: $(STAMP) ## remove exactly what the demo added
	@$(VENV)/bin/python -m tests.demo --undo

build: $(STAMP) ## build the sample city
	@$(VENV)/bin/sitegen build

serve: $(STAMP) ## serve build/site on loopback
	@$(VENV)/bin/sitegen serve --port $(PORT)

lint: $(STAMP) ## ruff and mypy
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

bench: $(STAMP) build/bench/corpus/sites.json ## our build beside Hugo's, the short form (bench/README.md)
	@$(VENV)/bin/python bench/build.py --corpus build/bench/corpus --peer hugo --peer-theme $(SHARED)/bench/hugo \
		--pairs 1 --scenario cold,edit,nothing --workdir build/bench --json build/bench/results.json

build/bench/corpus/sites.json:
	@test -f $(SHARED)/bench/gen_corpus.py || { \
		echo "$(SHARED)/bench/gen_corpus.py is not there: make a corpus and run bench/build.py --corpus DIR" >&2; exit 2; }
	@mkdir -p build/bench
	$(PYTHON) $(SHARED)/bench/gen_corpus.py 1000 build/bench/corpus

messages: $(STAMP) ## bring the message catalogues up to date: extract, update, compile
	$(VENV)/bin/python -m tests.messages

test: $(STAMP) lint ## every check
	$(VENV)/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder

.venv-replay/.made-from-lock: tests/replay.lock
	$(PYTHON) -m venv .venv-replay
	.venv-replay/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/replay.lock
	@touch $@

replay-env: .venv-replay/.made-from-lock ## pywb, wacz and cdxj-indexer in an environment of their own, for tests

# ReplayWeb.page (AGPL) opens retired sites as they were: fetched, never committed; a build carries it where it is here.
.replayweb/ui.js:
	@mkdir -p .replayweb
	cd .replayweb && npm pack --silent replaywebpage@2.4.6 >/dev/null
	cd .replayweb && echo "$(REPLAYWEB_SHA512)  replaywebpage-2.4.6.tgz" | sha512sum --check --quiet
	cd .replayweb && tar -xzf replaywebpage-2.4.6.tgz --strip-components=1 package/sw.js package/LICENSE package/ui.js
	@rm .replayweb/replaywebpage-2.4.6.tgz

replayweb: .replayweb/ui.js ## ReplayWeb.page, with which the site opens whole captures (needs npm)

.webtools/.made-from-lock: tests/web/package-lock.json
	@mkdir -p .webtools
	cp tests/web/package.json tests/web/package-lock.json .webtools/
	cd .webtools && npm ci --silent --ignore-scripts --no-audit --no-fund
	@touch $@

webtools: .webtools/.made-from-lock ## axe-core and html-validate, for tests of every kind of page (needs npm)

clean: ## everything that was made, the releases too
	rm -rf build $(VENV) .venv-replay .replayweb .webtools
