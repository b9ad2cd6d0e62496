# `make demo` and `make test` do everything on a fresh machine; the other targets are their parts.

.PHONY: help setup build wheel demo quantus-notebook test lint aarch64 bench gpu-day catalogue reference deny clean

PYTHON := .python/bin/python

help:
	@echo "make demo    set up, build, and run a small real sweep (configs/demo.yml)"
	@echo "make quantus-notebook   fetch FashionMNIST, train a LeNet, and print the table of the Quantus notebook beside the published one"
	@echo "make test    set up and run all tests"
	@echo "make build   set up and build target/release/{scheduler,preflight,worker,means}"
	@echo "make wheel   build target/wheels/attrisweep-*.whl, which pip installs without Rust, a compiler or the checkout"
	@echo "make aarch64   build for aarch64 and compare maps that a worker computes in an emulator; scripts/aarch64/build_and_compare.sh says what it needs"
	@echo "make lint    formatting, clippy, docs and types of Python, as CI checks them"
	@echo "make deny    licences and known faults of dependencies, with cargo-deny, which asks the network"
	@echo "make bench   speed, memory and maps beside Captum's, in ten minutes at most; make bench ARGS=--help for more"
	@echo "make gpu-day   on a machine with a GPU: its tests, and speed with kernels of ours, without them and beside Captum's, in eight minutes"
	@echo "make catalogue   renew docs/catalogue.md from the entries of methods, models, operations and noises"
	@echo "make reference   renew docs/configuration.md from the keys of a config"

setup:
	@scripts/setup.sh

build: setup
	cargo build --release --locked

wheel: setup
	$(PYTHON) scripts/wheel.py

demo: build
	$(PYTHON) scripts/demo/demo.py
	target/release/scheduler --config configs/demo.yml

quantus-notebook: build
	$(PYTHON) scripts/demo/quantus_notebook.py $(ARGS)

test: setup
	@scripts/test.sh

lint: setup
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
	cd python && ../$(PYTHON) -m mypy --cache-dir ../target/mypy

aarch64: setup
	scripts/aarch64/build_and_compare.sh

deny:
	@cargo deny --version >/dev/null 2>&1 || { echo "deny: install cargo-deny first: cargo install --locked cargo-deny" >&2; exit 1; }
	cargo deny --locked check

bench: build
	$(PYTHON) bench/bench.py $(ARGS)
	$(PYTHON) bench/overhead.py

gpu-day: build
	$(PYTHON) bench/gpu_day.py $(ARGS)

catalogue: setup
	cargo build --locked --package worker
	target/debug/worker catalogue --markdown > target/catalogue.md
	mv target/catalogue.md docs/catalogue.md

reference:
	cargo run --locked --quiet --package sweep --example configuration > target/configuration.md
	mv target/configuration.md docs/configuration.md

clean:
	cargo clean
	rm -rf demo outputs/demo
