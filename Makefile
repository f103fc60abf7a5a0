# cargo, node and make are assumed; `make test` installs the rest where it may, and says what is missing where it may not.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.PHONY: help run build site test lint rust sdk kosoku schemathesis smoke load faults bench bench-report bus-bench storm-bench fairness lists appends tools clean

BENCH := --manifest-path load-tests/bench/Cargo.toml --target-dir target/bench
SDK := client-sdk
MODULES := $(SDK)/node_modules/.package-lock.json
SITE := $(SDK)/dist/site/index.html
# What the page and the package are made of.
SOURCES := $(shell find $(SDK)/src $(SDK)/ui $(SDK)/site $(SDK)/scripts -type f 2>/dev/null) \
           $(wildcard $(SDK)/package.json $(SDK)/tsconfig*.json)

help:
	@echo "make run      build everything and start on http://127.0.0.1:8080"
	@echo "make build    the release binary, with the page in it"
	@echo "make test     everything that is tested, as in CI"
	@echo "make faults   all that can befall a fleet, in full length, and what came of it (about 15 minutes)"
	@echo "make lint     format, clippy and documentation"
	@echo "make load     k6 against an instance with Postgres and Redis (about six minutes, two cores)"
	@echo "make bench    fan-out and memory beside their floor and other servers (a quarter of an hour, two cores)"
	@echo "make bus-bench storm-bench    what Redis adds to a publish; 10,000 sockets that lose their instance"
	@echo "make fairness whether small rooms keep their pace beside busy neighbours (five minutes, two cores)"
	@echo "make lists    how long first pages of very long lists take, on both databases"
	@echo "make appends  how much is committed a second, on both databases (a minute, two cores)"
	@echo "make clean    remove what was built"

run: build
	exec target/release/belfry serve

build: site
	cargo build --release

site: $(SITE)

$(MODULES): $(SDK)/package-lock.json
	cd $(SDK) && npm ci --no-audit --no-fund
	touch $@

$(SITE): $(MODULES) $(SOURCES)
	cd $(SDK) && npm run build
	touch $@

tools:
	.ci/tools

lint: site
	cargo fmt --all --check
	cargo clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --no-deps --document-private-items
	cargo fmt --check --manifest-path load-tests/bench/Cargo.toml
	cargo clippy $(BENCH) --all-targets -- -D warnings

rust: site
	cargo test --no-run
	.ci/with-namespaces .ci/with-postgres .ci/with-redis cargo test
	cargo test $(BENCH)

# Its tests start a server of their own where they need one.
sdk: export BELFRY_BIN := $(CURDIR)/target/debug/belfry
sdk: site
	cargo build
	cd $(SDK) && npm run typecheck
	cd $(SDK) && npm test
	cd $(SDK) && npm run size
	cd $(SDK) && npm run e2e

# KOSOKU_URL names an echo server; without it the one of this tree is built and started.
kosoku:
	@if [ -n "$${KOSOKU_URL:-}" ]; then .ci/kosoku "$$KOSOKU_URL"; else .ci/with-echo .ci/kosoku; fi

# The REST API beside its own document.
schemathesis: site
	cargo build
	.ci/schemathesis

# Every way in and every command once, by k6; and the codec it speaks.
smoke: site
	cargo build
	node --test load-tests/lib/*.test.mjs
	load-tests/run.sh target/debug/belfry smoke

# SCRIPTS chooses, load-tests/README.md says how each is made larger.
load: build
	.ci/with-postgres .ci/with-redis load-tests/run.sh target/release/belfry $(SCRIPTS)

# One after the other, whatever -j says: they share two cores and one target folder.
test: tools
	$(MAKE) -j1 lint
	$(MAKE) -j1 rust
	$(MAKE) -j1 kosoku
	$(MAKE) -j1 schemathesis
	$(MAKE) -j1 smoke
	$(MAKE) -j1 sdk

# What befalls a fleet, in full length; its short form is a part of `rust`.
faults: tools site
	cargo test --no-run --test blackbox
	.ci/faults

# BENCH_BELFRY measures a binary that is there already; BENCH_ARGS='--rounds 1 --subscribers 1000' makes it short.
bench: $(if $(BENCH_BELFRY),,build)
	.ci/peers
	load-tests/bench/run.sh run $(or $(BENCH_BELFRY),target/release/belfry) \
	    --results load-tests/bench/results.json --plots load-tests/bench/plots --readme README.md $(BENCH_ARGS)

# Two instances over one Postgres and one Redis: what a publish through Redis adds, and how long a storm of sockets takes.
bus-bench storm-bench: %-bench: $(if $(BENCH_BELFRY),,build)
	.ci/with-postgres .ci/with-redis load-tests/bench/run.sh $* $(or $(BENCH_BELFRY),target/release/belfry) $(BENCH_ARGS)

# Tables and plots of the last run, drawn anew.
bench-report:
	load-tests/bench/run.sh report --results load-tests/bench/results.json --plots load-tests/bench/plots --readme README.md

# FAIRNESS_ARGS='--rounds 1 --busy 1000' makes it short, --strict fails where a neighbour is felt too much.
fairness: $(if $(BENCH_BELFRY),,build)
	load-tests/bench/run.sh fairness $(or $(BENCH_BELFRY),target/release/belfry) $(FAIRNESS_ARGS)

# How long the first pages of more than 100,000 comments and of an inbox of as many take, on both databases.
lists: build
	load-tests/bench/run.sh lists target/release/belfry
	.ci/with-postgres load-tests/bench/run.sh lists target/release/belfry

# Durable appends, 64 on their way all the time, on both databases, whatever comes of the first one.
# APPENDS_ARGS='--seconds 2' makes it short, --strict fails below a goal.
appends: $(if $(BENCH_BELFRY),,build)
	status=0; for with in "" .ci/with-postgres; do \
	    $$with load-tests/bench/run.sh appends $(or $(BENCH_BELFRY),target/release/belfry) $(APPENDS_ARGS) || status=1; \
	done; exit $$status

clean:
	cargo clean
	rm -rf $(SDK)/node_modules $(SDK)/dist $(SDK)/.e2e
