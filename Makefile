# Thin: install what is missing, then cargo. `make` alone lists the targets.
SHELL := bash
FUZZ_SECONDS ?= 60
SOAK_ROUNDS ?= 300
SOAK_MINUTES ?= 240

.PHONY: help run demo test portable bench bench-voice screenshots fuzz soak release deny

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 \2/p' $(MAKEFILE_LIST) \
		| awk '{ target = $$1 " " $$2; $$1 = $$2 = ""; printf "  %-18s%s\n", target, $$0 }'

run: ## Install, build, and open Kinmesh joined to a bootstrap node of its own
	@.ci/setup run
	@.ci/run-local

demo: ## A bootstrap node and three peers talk to each other, without a window
	@.ci/setup run
	@cargo build --locked --workspace --bins
	@"$${CARGO_TARGET_DIR:-target}/debug/demo"

test: ## Install, check format and lints, run all tests, build the docs
	@.ci/setup test
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	@# The programs with the tests: for the programs alone, crates would be built once more with fewer features.
	cargo build --locked --workspace --bins --tests
	@# What starts real programs mostly waits: two tests for each processor.
	RUST_TEST_THREADS=$$((2 * $$(getconf _NPROCESSORS_ONLN))) cargo test --locked --workspace
	RUSTDOCFLAGS=-Dwarnings cargo doc --locked --workspace --no-deps

portable: ## Lint and build the programs, and run the tests that need no Linux: what CI does on macOS and Windows
	@.ci/setup run
	@# Not all of `make test`: what is in tests/ needs a screen, networks and sound devices of its own, and
	@# makes them with the tools of Linux.
	cargo clippy --locked -p kinmesh -p kinmesh-bootstrap -- -D warnings
	cargo build --locked -p kinmesh -p kinmesh-bootstrap
	cargo test --locked -p kinmesh-bootstrap
	cargo test --locked -p kinmesh-proto -p kinmesh-core -p kinmesh-seal -p kinmesh-search \
		-p kinmesh-store -p kinmesh-media -p kinmesh-model
	cargo test --locked -p kinmesh -p kinmesh-net --lib

bench: ## Measure, beside the floors of this machine
	@.ci/setup run
	cargo build --locked --release --workspace --bin kinmesh --bin kinmesh-bootstrap --bin bench
	"$${CARGO_TARGET_DIR:-target}/release/bench"

bench-voice: ## Measure calls: delay and quality of a voice on networks of all kinds; needs root
	@.ci/setup voice
	cargo build --locked --release -p kinmesh
	tests/voice/bench

soak: export KINMESH_FAULT_ROUNDS = $(SOAK_ROUNDS)
soak: export KINMESH_FAULT_SEED := $(or $(KINMESH_FAULT_SEED),$(shell date +%Y%m%d))
soak: ## Simulate a town, then meshes for SOAK_MINUTES (240); kill, damage and starve the store SOAK_ROUNDS (300) times
	@.ci/setup test
	@status=0; set -x; \
	cargo run --locked --release -p kinmesh-sim -- --scenario town --seed $(KINMESH_FAULT_SEED) || status=1; \
	cargo run --locked --release -p kinmesh-sim -- --from $$(date +%s) --minutes $(SOAK_MINUTES) || status=1; \
	cargo test --locked --release -p kinmesh-sim --test memory || status=1; \
	cargo test --locked --no-fail-fast -p kinmesh-store --test crash --test directory --test full_disk \
		-- --nocapture || status=1; \
	cargo test --locked -p kinmesh-search --test crash -- --nocapture || status=1; \
	exit $$status

fuzz: export RUSTC_BOOTSTRAP = 1
fuzz: ## Fuzz each decoder for FUZZ_SECONDS (60); needs cargo-fuzz
	@.ci/setup fuzz
	@tests/fuzz/seeds
	@set -e; for target in $$(cargo fuzz list --fuzz-dir tests/fuzz); do \
		cargo fuzz run --fuzz-dir tests/fuzz $$target -- -max_total_time=$(FUZZ_SECONDS); \
	done

screenshots: ## Make the pictures in docs/images anew
	@.ci/setup test
	@tests/screenshots.sh

release: ## Build the small and fast programs into target/release
	@.ci/setup run
	cargo build --locked --release -p kinmesh -p kinmesh-bootstrap

deny: ## Check licences, advisories and sources of the dependencies (needs cargo-deny)
	cargo deny --locked check
