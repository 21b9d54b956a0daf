# Everything needs Go and make, nothing else. Tools are Go modules pinned in
# tools/go.mod, built into .tmp/bin, and built again when their version changes.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --warn-undefined-variables --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help

BIN  := .tmp/bin
GO   ?= go
# Arguments for the go test of one run: make test/short ARGS='-run Confirm -v'
ARGS ?=
# What `make test` runs; narrow it while working: make test PKG=./internal/sms
PKG  ?= ./...
# How many random lives make simulate tries for each property, and how many
# histories it lives, from which seed on.
CHECKS    ?= 20000
HISTORIES ?= 1000000
# How many histories of several campaigns that share budgets.
BUDGETED  ?= 100000
SEED      ?= 1
# How many processes make test/kills kills.
KILLS     ?= 240
# How many fleets of each of eighteen kinds lose their power in make test/power.
POWERCUTS ?= 5
# How often make test/flood publishes one request, and for how long it fuzzes.
DUPLICATES ?= 1000000
FUZZ       ?= 5m

# One set of flags for tools, tests and the binary: what one of them compiled, the
# others find in the build cache. Without cgo everything is static, and no C
# compiler is asked for.
export CGO_ENABLED := 0
export GOFLAGS := $(strip $(shell $(GO) env GOFLAGS) -trimpath)

# Containers are removed by the tests that start them, so the reaper that
# testcontainers would start beside them is not needed; it would be one more image
# to fetch. Published ports are on this machine's loopback address, also where the
# container engine's own guess of "the host" is something else.
CONTAINERS := TESTCONTAINERS_RYUK_DISABLED=true TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1

say = @echo "== $(1)"

.PHONY: help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z\/]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

## ---- use

.PHONY: build
build: ## Build bin/staffetta, static
	$(call say,build bin/staffetta)
	@$(GO) build -o bin/staffetta ./cmd/staffetta

.PHONY: demo
demo: build ## See one campaign go its whole way, with NATS and a gateway on board
	@bin/staffetta demo

# The stories are tests, lived in simulated time; what they print is for people.
STORY = @$(GO) test -count=1 -v -run '^Test$(1)$$' ./internal/scenario | grep -v -e '^=== ' -e '^--- ' -e '^PASS$$' -e '^ok '

.PHONY: demo-shopitalia
demo-shopitalia: ## ShopItalia: a code that expires, a send window, a gateway that is down
	$(call STORY,ShopItalia)

.PHONY: demo-bianchi
demo-bianchi: ## Studio Bianchi: every Monday at nine, while the clocks go back
	$(call STORY,Bianchi)

.PHONY: demo-acqualuce
demo-acqualuce: ## AcquaLuce: a monthly budget, and approval above an amount
	$(call STORY,AcquaLuce)

## ---- check

.PHONY: test
test: contract gofmt $(BIN)/nats ## Everything: contract, gofmt, go vet, and all tests (containers included)
	$(call say,go vet and test)
	@$(CONTAINERS) $(GO) test -vet=all -timeout 8m $(ARGS) $(PKG)
	@docker info >/dev/null 2>&1 || echo "== skipped: the container tests in integration; start a container engine and run make test again"

.PHONY: image
image: ## Build the image staffetta, from scratch
	$(call say,build the image staffetta)
	@CGO_ENABLED=0 $(GO) build -trimpath -o .tmp/image/staffetta ./cmd/staffetta
	@docker build --quiet -f deploy/Dockerfile -t staffetta .tmp/image

.PHONY: test/short
test/short: $(BIN)/nats ## All tests that need no container, nothing else
	$(call say,test without containers)
	@$(GO) test -short -timeout 4m $(ARGS) $(PKG)

.PHONY: test/race
test/race: $(BIN)/nats ## All tests under the race detector (slow; needs a C compiler)
	$(call say,test with the race detector)
	@$(CONTAINERS) CGO_ENABLED=1 $(GO) test -race -timeout 20m $(ARGS) $(PKG)

.PHONY: test/kills
test/kills: ## Campaigns flow while processes are killed, many times (KILLS=240 SEED=1)
	$(call say,$(KILLS) kills from seed $(SEED))
	@$(GO) test -count=1 -timeout 30m -run '^TestKills$$' -v ./internal/torture -kills=$(KILLS) -seed=$(SEED) $(ARGS) | grep -vE '^ *===|^ *---'

.PHONY: test/power
test/power: ## Campaigns flow while acknowledged writes are taken back by power cuts (POWERCUTS=5)
	$(call say,$(POWERCUTS) power cuts of each of eighteen kinds)
	@$(GO) test -count=1 -timeout 40m -run '^TestPowerCut$$' -v ./internal/torture -powercuts=$(POWERCUTS) $(ARGS) | grep -vE '^ *===|^ *---'

.PHONY: test/flood
test/flood: ## One request a million times, and a fuzzer at the door (DUPLICATES=1000000 FUZZ=5m)
	$(call say,$(DUPLICATES) times the same request)
	@$(GO) test -count=1 -timeout 60m -run '^TestFloodOfDuplicates$$' -v ./internal/torture -duplicates=$(DUPLICATES) $(ARGS) | grep -vE '^ *===|^ *---'
	$(call say,fuzz what a sender may publish)
	@$(GO) test -run '^$$' -fuzz '^FuzzRequest$$' -fuzztime $(FUZZ) ./internal/journal

.PHONY: gofmt
gofmt:
	$(call say,gofmt)
	@files="$$(gofmt -l .)"; \
	if [ -n "$$files" ]; then echo "run gofmt -w on:"; echo "$$files"; exit 1; fi

.PHONY: lint
lint: gofmt ## gofmt and go vet, alone
	$(call say,go vet)
	@$(GO) vet $(PKG)

.PHONY: lint/static
lint/static: $(BIN)/staticcheck ## staticcheck, slower than lint and stricter
	$(call say,staticcheck)
	@$(BIN)/staticcheck $(PKG)

.PHONY: bench
bench: build $(BIN)/nats-server ## Throughput and latency of the real service, as ratios to the gateway calls alone
	$(call say,bench)
	@$(GO) run ./bench $(ARGS)

.PHONY: simulate
simulate: ## Up to a million histories of one campaign with everything going wrong (HISTORIES=1000000 SEED=1)
	$(call say,$(HISTORIES) histories from seed $(SEED))
	@$(GO) test -count=1 -timeout 60m -run '^TestSimulation$$' -v ./internal/simulate -histories=$(HISTORIES) -seed=$(SEED) $(ARGS) | grep -vE '^ *(===|---)'
	$(call say,without each of the rules: what breaks)
	@$(GO) test -count=1 -timeout 60m -run '^TestEachRuleIsNeeded$$' -v ./internal/simulate | grep -vE '^ *(===|---)'
	$(call say,$(BUDGETED) histories of campaigns that share budgets)
	@$(GO) test -count=1 -timeout 120m -run '^TestNoBudgetIsEverExceeded$$' -v ./internal/budget -histories=$(BUDGETED) | grep -E '^(ok|FAIL|panic)|_test.go'
	$(call say,every call broken in every way)
	@$(GO) test -count=1 -timeout 60m -run '^TestEvery.*CrashPoint' -v ./internal/runner | grep -E '^(ok|FAIL|panic)|stories|_test.go'
	$(call say,$(CHECKS) random lives for each property)
	@$(GO) test -count=1 -timeout 60m -run '^TestRandomLives$$' ./internal/campaign -rapid.checks=$(CHECKS)

## ---- the contract

.PHONY: contract
contract: $(BIN)/buf $(BIN)/protoc-gen-go ## Lint the contract, compare it with the accepted one, check the generated Go
	$(call say,contract: lint)
	@$(BIN)/buf lint
	@$(BIN)/buf format --diff --exit-code --path proto/staffetta
	$(call say,contract: nothing that the accepted one promised is broken)
	@$(BIN)/buf breaking --against proto/accepted.binpb
	$(call say,contract: the generated Go is what the .proto files say)
	@rm -rf .tmp/generated && $(BIN)/buf generate --output .tmp/generated
	@diff -ru --exclude=buf --exclude=accepted.binpb --exclude='*.proto' --exclude='*_test.go' \
		--exclude=doc.go --exclude=testdata .tmp/generated/proto proto \
		|| { echo "run make generate, and commit what it writes"; exit 1; }

.PHONY: contract/accept
contract/accept: $(BIN)/buf ## Promise today's contract: later ones are compared with it
	@$(BIN)/buf build --exclude-source-info --output proto/accepted.binpb
	@echo "proto/accepted.binpb is today's contract now; say in the commit what callers must change"

.PHONY: generate
generate: $(BIN)/buf $(BIN)/protoc-gen-go ## Write the Go of the contract anew
	$(call say,generate)
	@$(BIN)/buf generate

## ---- tools

# tool: $(1) the name in .tmp/bin, $(2) the package, a tool of tools/go.mod.
define tool
$(BIN)/$(1): tools/go.mod tools/go.sum Makefile
	$$(call say,build the tool $(1))
	@$$(GO) -C tools build -o ../$$@ $(2)
	@touch $$@
endef

$(eval $(call tool,buf,github.com/bufbuild/buf/cmd/buf))
$(eval $(call tool,protoc-gen-go,google.golang.org/protobuf/cmd/protoc-gen-go))
$(eval $(call tool,nats-server,github.com/nats-io/nats-server/v2))
$(eval $(call tool,nats,github.com/nats-io/natscli/nats))
$(eval $(call tool,staticcheck,honnef.co/go/tools/cmd/staticcheck))
$(eval $(call tool,benchstat,golang.org/x/perf/cmd/benchstat))

.PHONY: tools
tools: $(addprefix $(BIN)/,buf protoc-gen-go nats-server nats staticcheck benchstat) ## Build all tools into .tmp/bin

.PHONY: clean
clean: ## Remove what make built
	@rm -rf .tmp bin
