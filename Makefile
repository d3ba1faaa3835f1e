# See https://tech.davis-hansson.com/p/make/
SHELL := bash
.DELETE_ON_ERROR:
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --warn-undefined-variables
MAKEFLAGS += --no-builtin-rules
MAKEFLAGS += --no-print-directory

GO ?= go
TOOLS := .tools
# The contract as last released, and a revision that `make breaking` compares with instead.
RELEASED := proto/released.binpb
AGAINST ?=
comma := ,
# How long `make fuzz` spends on each target.
FUZZTIME ?= 10s
# Further flags of `go test` in `make test`, such as -v or -run=Slots.
TESTFLAGS ?=
# One package pattern for `make fuzz` and `make bench`.
PACKAGES ?= ./...
# Languages for `make stubs-test`, such as "go python"; empty: all of them.
LANGUAGES ?=
# Those in which `make stubs-test` also renames fields: the cheap ones.
RENAMED := $(filter go python,$(or $(LANGUAGES),go python))

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-10s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## The whole journey in one terminal, against the embedded Spine
	@bin/spinegate journey

.PHONY: run
run: build ## The gateway with the embedded Spine on 127.0.0.1:50051, until interrupted
	@bin/server sandbox --dir bin/sandbox

.PHONY: build
build: ## The three programs, static, in bin/
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/ ./cmd/...

.PHONY: test
test: ## Every test, shuffled, with the race detector
	$(GO) test -race -shuffle=on -timeout=10m $(TESTFLAGS) ./...
	$(GO) test -C gen/go -race -shuffle=on $(TESTFLAGS) ./...

.PHONY: check
check: ## What CI runs: generated code fresh, lint, contract unbroken, vet, test
	@for step in fresh lint breaking vet test; do \
		began=$$SECONDS; \
		$(MAKE) $$step; \
		echo "==> $$step: $$((SECONDS - began)) s"; \
	done

# The templates are one for what Go alone can generate, and one for each language that needs more.
TEMPLATES := buf.gen.yaml buf.gen.python.yaml
TEMPLATES += buf.gen.java.yaml
TEMPLATES += buf.gen.typescript.yaml
TEMPLATES += buf.gen.rust.yaml
# What is generated whole; and who carries a copy of the service config.
GENERATED := gen/go/spinegate gen/docs gen/openapi/spinegate.swagger.json gen/python/spinegate/v1
GENERATED += gen/java/src/main/java/io/spinegate/v1 gen/kotlin/src
GENERATED += gen/typescript/src/spinegate gen/typescript/src/google
GENERATED += gen/rust/src/generated
CONFIGURED := gen/go/serviceconfig gen/python/spinegate
CONFIGURED += gen/java/src/main/resources/io/spinegate
CONFIGURED += gen/typescript
CONFIGURED += gen/rust/src
# What the templates run.
GENERATORS := $(TOOLS)/buf $(TOOLS)/plugins
GENERATORS += $(TOOLS)/python/stamp $(TOOLS)/java/stamp $(TOOLS)/typescript/stamp $(TOOLS)/rust/stamp

.PHONY: generate
generate: $(GENERATORS) ## Stubs of every language, API reference, OpenAPI document and configuration manual; formats the protos
	$(TOOLS)/buf format -w proto/api
	rm -rf gen/go/spinegate gen/docs
	rm -f gen/python/spinegate/v1/*_pb2*
	rm -rf gen/java/src/main/java/io/spinegate/v1 gen/kotlin/src
	rm -rf gen/typescript/src/spinegate gen/typescript/src/google
	rm -rf gen/rust/src/generated
	for template in $(TEMPLATES); do $(TOOLS)/buf generate --template "$$template"; done
	for copy in $(CONFIGURED); do cp gen/service_config.json "$$copy"; done
	$(GO) run ./cmd/server config manual > docs/config.md.new
	mv docs/config.md.new docs/config.md

# Generates into a copy, so that it proves something whatever state the checkout is in.
.PHONY: fresh
fresh: $(GENERATORS) ## Prove that what is generated is what would be generated
	@copy=$$(mktemp -d); trap 'rm -rf "$$copy"' EXIT; \
	cp -R proto tools buf.yaml $(TEMPLATES) "$$copy"; \
	ln -s "$(CURDIR)/$(TOOLS)" "$$copy/$(TOOLS)"; \
	(cd "$$copy" && for template in $(TEMPLATES); do $(TOOLS)/buf generate --template "$$template"; done); \
	cp gen/python/spinegate/v1/__init__.py "$$copy/gen/python/spinegate/v1"; \
	$(GO) run ./cmd/server config manual > "$$copy/config.md"; \
	( for made in $(GENERATED); do diff -r -x __pycache__ "$$copy/$$made" "$$made" || exit 1; done; \
		for copied in $(CONFIGURED); do diff gen/service_config.json "$$copied/service_config.json" || exit 1; done; \
		diff "$$copy/config.md" docs/config.md ) || \
		{ echo "generated files are stale: run make generate and commit"; exit 1; }

.PHONY: stubs
stubs: generate ## Generate the stubs and build the clients of every language
	@conformance/run.sh --build

.PHONY: stubs-test
stubs-test: build $(TOOLS)/buf $(TOOLS)/plugins $(TOOLS)/python/stamp ## Run every language's client against a sandbox; each must print conformance/expected.txt
	@status=0; \
	{ conformance/run.sh $(LANGUAGES) && $(if $(RENAMED),conformance/renamed.sh --passed $(RENAMED) &&) $(MAKE) guide-test; } || status=$$?; \
	conformance/seconds.sh; \
	exit $$status

.PHONY: renamed
renamed: build $(GENERATORS) ## Prove that the clients of LANGUAGES notice a renamed field; stubs-test does so for Go and Python
	@conformance/renamed.sh $(LANGUAGES)

.PHONY: guide-test
guide-test: ## Follow the consumer guide as a newcomer of each language: make guide-test LANGUAGES="go python"
	$(GO) test -tags guide ./docs -count=1 -timeout=20m -run LanguagesPart -v $(if $(LANGUAGES),-languages="$(LANGUAGES)")

.PHONY: lint
lint: $(TOOLS)/buf $(TOOLS)/golangci-lint ## Lint the protos and the code; the import arrows too
	$(TOOLS)/buf lint
	$(TOOLS)/buf format -d --exit-code proto/api
	$(TOOLS)/golangci-lint run

.PHONY: vet
vet: ## go vet, in both modules
	$(GO) vet ./...
	$(GO) vet -C gen/go ./...

# Modules are compared one by one: of the two, proto/api is ours.
.PHONY: breaking
breaking: $(TOOLS)/buf ## Compare the contract with the one released last, or a revision's: make breaking AGAINST=main
	$(TOOLS)/buf breaking proto/api --against '$(if $(AGAINST),.git#subdir=proto/api$(comma)ref=$(AGAINST),$(RELEASED))'
	@conformance/breaking.sh

.PHONY: released
released: $(TOOLS)/buf ## Keep the contract as released, in the commit that a version's tag will name
	$(TOOLS)/buf build proto/api --exclude-source-info -o $(RELEASED)

.PHONY: fuzz
fuzz: ## Every fuzz target for a short time: make fuzz FUZZTIME=1m PACKAGES=./internal/fhir
	@for package in $$($(GO) list $(PACKAGES)); do \
		for target in $$($(GO) test -list '^Fuzz' "$$package" | grep '^Fuzz' || true); do \
			echo "==> $$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package"; \
		done; \
	done

.PHONY: bench
bench: ## Every benchmark
	$(GO) test -run '^$$' -bench . -benchmem $(PACKAGES)

.PHONY: cover
cover: ## How much of internal/ the tests run, by function, in dist/cover.txt
	@mkdir -p dist
	$(GO) test -coverpkg=./internal/... -coverprofile=dist/cover.out ./...
	$(GO) tool cover -func=dist/cover.out > dist/cover.txt
	@tail -n 1 dist/cover.txt

.PHONY: image
image: ## The container image
	docker build -t spinegate --build-arg VERSION="$$(git describe --tags --always --dirty)" .

.PHONY: clean
clean: ## Remove what was built, the tools too
	rm -rf bin dist $(TOOLS)

# What the installation of tools costs, for conformance/seconds.sh: each rule begins and ends with one of these, and its language.
tools-begin = @mkdir -p $(TOOLS)/seconds && date +%s > $(TOOLS)/seconds/$(1)
tools-end = @echo $$(($$(date +%s) - $$(cat $(TOOLS)/seconds/$(1)))) > $(TOOLS)/seconds/$(1) && touch $@

# The tools are pinned by version and hash in modules of their own (docs/decisions/0002-pinned-tools.md).
$(TOOLS)/buf: tools/buf/go.mod tools/buf/go.sum
	$(call tools-begin,buf)
	$(GO) build -C tools/buf -o ../../$@ github.com/bufbuild/buf/cmd/buf
	$(call tools-end,buf)

$(TOOLS)/golangci-lint: tools/lint/go.mod tools/lint/go.sum
	@mkdir -p $(TOOLS)
	$(GO) build -C tools/lint -o ../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

# One stamp for the plugins, which are built together.
$(TOOLS)/plugins: tools/plugins/go.mod tools/plugins/go.sum
	$(call tools-begin,go)
	$(GO) build -C tools/plugins -o ../../$(TOOLS)/ tool
	$(call tools-end,go)

# Own lines, so that a language is added without touching those of others.
stubs-test: $(TOOLS)/typescript/stamp

# Generators from PyPI, in an environment of their own.
$(TOOLS)/python/stamp: tools/python/requirements.txt
	$(call tools-begin,python)
	@rm -rf $(TOOLS)/python
	python3 -m venv "$$(realpath $(TOOLS))/python" # where it is, also if .tools is a link
	$(TOOLS)/python/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	$(call tools-end,python)

# Generators from Maven Central. Each must be in the list of hashes.
$(TOOLS)/java/stamp: tools/java/pom.xml tools/java/checksums.txt
	$(call tools-begin,java)
	@rm -rf $(TOOLS)/java
	mvn -B -q -ntp -f $< package -Dout="$$(realpath $(TOOLS))/java"
	cd $(TOOLS)/java && sums=$$(sha256sum *) && ! grep -vxFf "$(CURDIR)/tools/java/checksums.txt" <<<"$$sums"
	cd $(TOOLS)/java && mv protoc-[0-9]* protoc && mv protoc-gen-grpc-java-* protoc-gen-grpc-java && \
		mv protoc-gen-grpc-kotlin-* protoc-gen-grpc-kotlin.jar && chmod +x protoc protoc-gen-grpc-java
	$(call tools-end,java)
# The generator and the compiler from npm.
$(TOOLS)/typescript/stamp: tools/typescript/package.json tools/typescript/package-lock.json
	$(call tools-begin,typescript)
	@rm -rf $(TOOLS)/typescript
	@mkdir -p $(TOOLS)/typescript
	@cp $^ $(TOOLS)/typescript
	cd $(TOOLS)/typescript && npm ci --silent --no-audit --no-fund
	$(call tools-end,typescript)
# The generator of the Rust stubs, from crates that the lock file pins.
$(TOOLS)/rust/stamp: tools/rust/Cargo.toml tools/rust/Cargo.lock tools/rust/src/main.rs
	$(call tools-begin,rust)
	@mkdir -p $(TOOLS)/rust
	CARGO_TARGET_DIR=$(TOOLS)/rust-target cargo build --quiet --release --locked --manifest-path tools/rust/Cargo.toml
	cp $(TOOLS)/rust-target/release/protoc-gen-spinegate-rust $(TOOLS)/rust/
	$(call tools-end,rust)
