# Causeline. `make demo` runs the product on real input, `make test` passes the tests.

CARGO ?= cargo
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
DEMO_ARGS ?=
BENCH_ARGS ?=

.PHONY: help demo serve test test-rust test-ui test-e2e interop fuzz bench ui gen clean-data

help:
	@echo 'make demo     build the UI and the release binary, start the demo shop, print the address (DEMO_ARGS="--fault pool-exhaustion")'
	@echo 'make serve    the same binary without the shop: an empty node on the default ports, data in ./causeline-data'
	@echo 'make test     everything but other people'"'"'s SDKs: unit, property, conformance, crash, golden, UI and browser tests'
	@echo 'make interop  real OpenTelemetry SDKs of Python, Node.js, Go and Java against the binary; DuckDB and Polars against its tables; Schemathesis against its API'
	@echo 'make fuzz     a short run of each fuzz target'
	@echo 'make bench    the benchmarks: a whole node under load and queries (BENCH_ARGS="--quick"), then single crates'
	@echo 'make gen      regenerate the OpenAPI document and the UI'"'"'s client from the code'

ui/node_modules: ui/package-lock.json
	cd ui && npm ci --no-audit --no-fund
	@touch $@

ui/dist/index.html: ui/node_modules $(shell find ui/src ui/public ui/index.html ui/vite.config.ts -type f 2>/dev/null)
	cd ui && npm run build

ui: ui/dist/index.html

release: ui/dist/index.html
	$(CARGO) build --release --locked --bin causeline

demo: release
	$(TARGET_DIR)/release/causeline demo --open $(DEMO_ARGS)

serve: release
	$(TARGET_DIR)/release/causeline serve --data-dir causeline-data

test: test-ui test-rust test-e2e

test-ui: ui/node_modules
	cd ui && npm run check

test-rust: ui/dist/index.html
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) test --workspace --locked

test-e2e: ui/dist/index.html
	scripts/install-chromium
	$(CARGO) test --workspace --locked --no-run
	scripts/e2e $(TARGET_DIR)/debug/causeline

interop:
	$(CARGO) test --workspace --locked --no-run
	CAUSELINE_BIN=$(abspath $(TARGET_DIR))/debug/causeline interop/run
	CAUSELINE_BIN=$(abspath $(TARGET_DIR))/debug/causeline interop/lake/run
	CAUSELINE_BIN=$(abspath $(TARGET_DIR))/debug/causeline interop/contract/run

fuzz:
	fuzz/run

bench: release
	$(CARGO) xtask bench $(BENCH_ARGS)
	$(CARGO) bench --workspace

gen:
	UPDATE_EXPECT=1 $(CARGO) test -p server openapi
	cd ui && npm run gen
