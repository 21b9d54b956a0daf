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
# What `make test` runs, of both modules; narrow it while working:
# make test PKG=./internal/sms
PKG  ?= ./... ./proto/...
# How many random lives make simulate tries for each property, and how many
# histories it lives, from which seed on.
CHECKS    ?= 20000
HISTORIES ?= 1000000
# How many histories of several campaigns that share budgets.
BUDGETED  ?= 100000
# How many histories of services that share the gateway's rate.
SHARED    ?= 100000
SEED      ?= 1
# How many processes make test/kills kills.
KILLS     ?= 240
# How many fleets of each of eighteen kinds lose their power in make test/power.
POWERCUTS ?= 5
# How often make test/flood publishes one request, and for how long it fuzzes.
DUPLICATES ?= 1000000
FUZZ       ?= 5m
# How many campaigns are stored in make bench/scale, the fewest first, and how many are
# open beside them.
STORED     ?= 1000,10000,100000,1000000
OPEN       ?= 10000
# How many recipients come with the campaign of make bench/recipients.
RECIPIENTS ?= 100000
# Where known vulnerabilities are looked up. Beside a module proxy alone it is
# file:// and the folder data/osv of the module golang.org/x/vulndb.
VULNDB     ?= https://vuln.go.dev

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

# A build that is stamped: the nearest version, how many commits lie between, the commit.
STAMP = -X github.com/staffetta-io/staffetta/internal/cli.stamped=$(shell git describe --tags --match 'v*' --always --dirty) -X github.com/staffetta-io/staffetta/internal/ops.stamped=$(shell git rev-parse HEAD)

say = @echo "== $(1)"
comma := ,

.PHONY: help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z\/-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

## ---- use

.PHONY: build
build: ## Build bin/staffetta, static
	$(call say,build bin/staffetta)
	@$(GO) build -o bin/staffetta ./cmd/staffetta

.PHONY: demo
demo: build ## See one campaign go its whole way, with NATS and a gateway on board
	@bin/staffetta demo

# The stories are tests, lived in simulated time; what they print is for people.
STORY = @$(GO) test -count=1 -v -run '^Test$(1)$$' ./test/scenario | grep -v -e '^=== ' -e '^--- ' -e '^PASS$$' -e '^ok '

.PHONY: demo-shopitalia
demo-shopitalia: ## ShopItalia: a code that expires, a send window, a gateway that is down
	$(call STORY,ShopItalia)

.PHONY: demo-bianchi
demo-bianchi: ## Studio Bianchi: another list each Monday, and once none that is young enough
	$(call STORY,Bianchi)

.PHONY: demo-acqualuce
demo-acqualuce: ## AcquaLuce: unpaid invoices in, notices out; a monthly budget, and approval above an amount
	$(call STORY,AcquaLuce)

## ---- check

.PHONY: test
test: contract lint tidy/check test/cloudevents test/dashboard test/browser $(BIN)/nats ## Everything: contract, lint, and all tests (containers included)
	$(call say,test)
	@$(CONTAINERS) $(GO) test -vet=off -timeout 8m $(ARGS) $(PKG)
	@docker info >/dev/null 2>&1 || echo "== skipped: the container tests in integration; start a container engine and run make test again"

.PHONY: test/cloudevents
test/cloudevents: ## The SDK of CloudEvents asks for a campaign and reads its events
	$(call say,test with the SDK of CloudEvents)
	@GOWORK=off $(GO) -C tools test -timeout 4m ./cloudevents

.PHONY: test/browser
test/browser: ## The page for people, in a real browser (needs chromium)
	$(call say,test the page in a browser)
	@GOWORK=off $(GO) -C tools test -timeout 5m $(ARGS) ./browser

.PHONY: screenshots
screenshots: ## Pictures of the page into docs/screenshots (needs chromium)
	$(call say,pictures of the page)
	@GOWORK=off $(GO) -C tools test -count=1 -timeout 5m -run '^TestScreenshots$$' ./browser -screenshots=$(abspath docs/screenshots)

.PHONY: test/dashboard
test/dashboard: ## Whether the dashboard for Grafana is what tools/dashboard writes
	$(call say,the dashboard for Grafana is up to date)
	@mkdir -p .tmp && GOWORK=off $(GO) -C tools run ./dashboard ../.tmp/dashboard.json
	@diff -q .tmp/dashboard.json deploy/grafana/staffetta.json || { echo "run make generate, and commit what it writes"; exit 1; }

.PHONY: image
image: ## Build the image staffetta, for production, and staffetta-dev, with sandbox and NATS
	$(call say,build the images staffetta and staffetta-dev)
	@$(GO) build -tags production -ldflags "$(STAMP)" -o .tmp/image/staffetta ./cmd/staffetta
	@docker build --quiet -f deploy/Dockerfile -t staffetta .tmp/image
	@$(GO) build -ldflags "$(STAMP)" -o .tmp/image-dev/staffetta ./cmd/staffetta
	@docker build --quiet -f deploy/Dockerfile -t staffetta-dev .tmp/image-dev

.PHONY: test/short
test/short: $(BIN)/nats ## All tests that need no container, nothing else
	$(call say,test without containers)
	@$(GO) test -short -timeout 4m $(ARGS) $(PKG)

# The race detector sees what runs in the test's own process, and takes several
# times as long. Left out of every change's run: torture, recipes, release and
# integration, which run other processes; simulate, which has one goroutine; and the
# operator's scripts, whose stories are told in real seconds.
UNRACED := /(test/(torture|recipes|simulate)|integration|release)$$
RACE     = CGO_ENABLED=1 $(GO) test -race -vet=off

.PHONY: test/race/quick
test/race/quick: $(BIN)/nats ## The race detector over what a change may break (needs a C compiler)
	$(call say,test with the race detector)
	@if ! command -v "$$($(GO) env CC)" >/dev/null; then echo "== skipped: the race detector needs a C compiler, as gcc"; \
	else $(RACE) -short -skip '^TestOperatorScripts$$' -timeout 15m $(ARGS) $$($(GO) list $(PKG) | grep -vE '$(UNRACED)'); fi

.PHONY: test/race
test/race: $(BIN)/nats ## All tests under the race detector (slow; needs a C compiler)
	$(call say,all tests with the race detector)
	@$(CONTAINERS) $(RACE) -timeout 40m $(ARGS) $(PKG)

.PHONY: test/kills
test/kills: ## Campaigns flow while processes are killed, many times (KILLS=240 SEED=1)
	$(call say,$(KILLS) kills from seed $(SEED))
	@$(GO) test -count=1 -timeout 45m -run '^TestKills' -v ./test/torture -kills=$(KILLS) -seed=$(SEED) $(ARGS) | grep -vE '^ *===|^ *---'

.PHONY: test/power
test/power: ## Campaigns flow while acknowledged writes are taken back by power cuts (POWERCUTS=5)
	$(call say,$(POWERCUTS) power cuts of each of eighteen kinds)
	@$(GO) test -count=1 -timeout 40m -run '^TestPowerCut$$' -v ./test/torture -powercuts=$(POWERCUTS) $(ARGS) | grep -vE '^ *===|^ *---'

.PHONY: test/flood
test/flood: ## One request a million times, and a fuzzer at the door (DUPLICATES=1000000 FUZZ=5m)
	$(call say,$(DUPLICATES) times the same request)
	@$(GO) test -count=1 -timeout 60m -run '^TestFloodOfDuplicates$$' -v ./test/torture -duplicates=$(DUPLICATES) $(ARGS) | grep -vE '^ *===|^ *---'
	$(call say,fuzz what a sender may publish)
	@$(GO) test -run '^$$' -fuzz '^FuzzRequest$$' -fuzztime $(FUZZ) ./internal/contract

.PHONY: test/nightly
test/nightly: $(BIN)/buf $(BIN)/protoc-gen-go ## What takes hours: the recipes of CONTRIBUTING.md, histories, kills, power cuts, the race detector
	$(call say,follow the recipes of CONTRIBUTING.md)
	@$(GO) test -count=1 -timeout 60m -run '^TestFollowTheRecipes$$' -v ./test/recipes -follow | grep -vE '^ *=== '
	$(call say,every change of every clock since 1973)
	@$(GO) test -count=1 -timeout 20m -run '^TestEveryTransitionOfEveryZone$$' ./internal/schedule -past
	@$(MAKE) simulate SEED=$$(date +%Y%m%d)
	@$(MAKE) simulate/rate SEED=$$(date +%Y%m%d)
	@$(MAKE) test/kills SEED=$$(date +%Y%m%d)
	@$(MAKE) test/power
	@$(MAKE) test/flood
	@$(MAKE) test/race
	@$(MAKE) lint/whole

.PHONY: gofmt
gofmt: ## Which files gofmt would write differently
	$(call say,gofmt)
	@files="$$(gofmt -l .)"; \
	if [ -n "$$files" ]; then echo "run gofmt -w on:"; echo "$$files"; exit 1; fi

# Each looks for what the others do not: staticcheck.conf and tools/lint/main.go say
# what, and why the rest is not looked for. All remember what they found in a
# package until it changes.
.PHONY: lint
lint: gofmt $(BIN)/staticcheck $(BIN)/lint $(BIN)/misspell ## gofmt, go vet, staticcheck, tools/lint and spelling
	$(call say,go vet)
	@$(GO) vet $(PKG)
	$(call say,staticcheck)
	@$(BIN)/staticcheck $(PKG)
	$(call say,tools/lint)
	@$(GO) vet -vettool=$(abspath $(BIN)/lint) $(PKG)
	$(call say,spelling)
	@git ls-files -z '*.go' '*.md' '*.proto' Makefile | xargs -0 $(BIN)/misspell -error -i $(MISSPELT)

# Words that are misspelt on purpose: a test asks for the nearest right one.
MISSPELT := seach

.PHONY: lint/whole
lint/whole: $(BIN)/deadcode $(BIN)/govulncheck ## What only the whole program shows: code nothing reaches, known vulnerabilities
	$(call say,deadcode)
	@dead="$$($(BIN)/deadcode -test $(PKG))"; \
	if [ -n "$$dead" ]; then echo "neither the program nor a test reaches:"; echo "$$dead"; exit 1; fi
	$(call say,govulncheck)
	@code=0; said="$$($(BIN)/govulncheck -db $(VULNDB) $(PKG) 2>&1)" || code=$$?; \
	case "$$code/$$said" in \
	1/*"fetching vulnerabilities"*) echo "== skipped: $(VULNDB) is out of reach, so nothing is known of vulnerabilities";; \
	0/*) ;; \
	*) echo "$$said"; exit 1;; \
	esac

.PHONY: bench
bench: build $(BIN)/nats-server ## Throughput and latency of the real service, as ratios to the gateway calls alone
	$(call say,bench)
	@$(GO) run ./test/bench $(ARGS)

.PHONY: bench/scale
bench/scale: build $(BIN)/nats-server ## What finished campaigns cost, as ratios to the fewest (STORED=10000,1000000 OPEN=10000)
	$(call say,bench with $(STORED) stored and $(OPEN) open)
	@$(GO) run ./test/bench -stored $(STORED) -open $(OPEN) $(ARGS)

.PHONY: bench/page
bench/page: build $(BIN)/nats-server ## How long the page takes, and its memory, by what is stored (STORED=1000,1000000 OPEN=10000)
	$(call say,the page with $(STORED) stored and $(OPEN) open)
	@$(GO) run ./test/bench -page -stored $(STORED) -open $(OPEN) $(ARGS)

.PHONY: bench/recipients
bench/recipients: ## A campaign with 100,000 recipients over containers: time beside its parts, memory (RECIPIENTS=100000)
	$(call say,a campaign with $(RECIPIENTS) recipients)
	@$(CONTAINERS) $(GO) test -count=1 -timeout 30m -run '^TestRecipients$$' -v ./integration -recipients=$(RECIPIENTS) $(ARGS) | grep -vE '^ *(===|---)'

.PHONY: simulate/rate
simulate/rate: ## Histories of services that share the gateway's rate (SHARED=100000 SEED=1)
	$(call say,$(SHARED) histories of services that share the rate from seed $(SEED))
	@$(GO) test -count=1 -timeout 180m -run '^TestHistoriesOfTheSharedRate$$' -v ./internal/gateway -histories=$(SHARED) -seed=$(SEED) | grep -vE '^ *(===|---)'

.PHONY: simulate
simulate: ## Up to a million histories of one campaign with everything going wrong (HISTORIES=1000000 SEED=1)
	$(call say,$(HISTORIES) histories from seed $(SEED))
	@$(GO) test -count=1 -timeout 60m -run '^TestSimulation(OfOwnRecipients)?$$' -v ./test/simulate -histories=$(HISTORIES) -seed=$(SEED) $(ARGS) | grep -vE '^ *(===|---)'
	$(call say,without each of the rules: what breaks)
	@$(GO) test -count=1 -timeout 60m -run '^TestEachRuleIsNeeded$$' -v ./test/simulate | grep -vE '^ *(===|---)'
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
	@diff -ru --exclude='*.proto' --exclude='*_test.go' --exclude=doc.go \
		.tmp/generated/proto/staffetta/campaign proto/staffetta/campaign \
		|| { echo "run make generate, and commit what it writes"; exit 1; }
	$(call say,contract: schemas$(comma) reference and streams are what it says)
	@$(GO) test -run '^TestWhatIsGeneratedIsUpToDate$$' ./generate >/dev/null \
		|| { $(GO) test -run '^TestWhatIsGeneratedIsUpToDate$$' ./generate; exit 1; }

.PHONY: contract/accept
contract/accept: $(BIN)/buf ## Promise today's contract: later ones are compared with it
	@$(BIN)/buf build --exclude-source-info --output proto/accepted.binpb
	@echo "proto/accepted.binpb is today's contract now; say in the commit what callers must change"

.PHONY: generate
generate: $(BIN)/buf $(BIN)/protoc-gen-go ## Write anew what follows from the contract: its Go, schemas, reference, streams
	$(call say,generate)
	@$(BIN)/buf generate
	@$(GO) run ./generate
	@GOWORK=off $(GO) -C tools run ./dashboard ../deploy/grafana/staffetta.json

## ---- modules

# go mod tidy and go get do not heed go.work: until the version that go.mod requires
# of the contract is published they ask for it in vain. This heeds it; a new
# requirement is written with go mod edit -require MODULE@VERSION before.
.PHONY: tidy
tidy: ## go mod tidy, of the service and the contract
	@$(GO) run ./release tidy

.PHONY: tidy/check
tidy/check: ## Whether go.mod and go.sum are tidy
	$(call say,go.mod and go.sum are tidy)
	@$(GO) run ./release tidy -diff

.PHONY: release-check
release-check: $(BIN)/buf $(BIN)/nats ## What is missing before the two modules are tagged
	@$(GO) run ./release check

# Everything of a release in one folder: binaries, packages, images, what they are built
# from, licences, checksums. MINISIGN_KEY=release.key signs them.
RELEASE ?= .tmp/release

.PHONY: release
release: $(BIN)/nfpm $(BIN)/image $(BIN)/cyclonedx-gomod ## Binaries, packages, images, SBOM, licences, checksums into .tmp/release
	@rm -rf $(RELEASE)
	@release/build.sh $(RELEASE)

.PHONY: test/release
test/release: build $(BIN)/nfpm $(BIN)/image $(BIN)/cyclonedx-gomod $(BIN)/nats-server ## Build a release twice, compare, verify, install and run it (a Debian root, root rights)
	$(call say,build two releases and compare them)
	@release/test.sh

.PHONY: test/chart
test/chart: build $(BIN)/helm ## The Helm chart: lint, and every object decoded strictly into its Go type
	$(call say,the Helm chart)
	@GOWORK=off $(GO) -C tools/chart test -timeout 4m .

## ---- tools

# tool: $(1) the name in .tmp/bin, $(2) the package, a tool of tools/go.mod. That
# module is outside of the workspace, so that no tool moves a version of the service.
define tool
$(BIN)/$(1): tools/go.mod tools/go.sum Makefile
	$$(call say,build the tool $(1))
	@GOWORK=off $$(GO) -C tools build -o ../$$@ $(2)
	@touch $$@
endef

$(eval $(call tool,buf,github.com/bufbuild/buf/cmd/buf))
$(eval $(call tool,protoc-gen-go,google.golang.org/protobuf/cmd/protoc-gen-go))
$(eval $(call tool,nats-server,github.com/nats-io/nats-server/v2))
$(eval $(call tool,nats,github.com/nats-io/natscli/nats))
$(eval $(call tool,staticcheck,honnef.co/go/tools/cmd/staticcheck))
$(eval $(call tool,lint,./lint))
$(BIN)/lint: tools/lint/main.go
$(eval $(call tool,misspell,github.com/golangci/misspell/cmd/misspell))
$(eval $(call tool,deadcode,golang.org/x/tools/cmd/deadcode))
$(eval $(call tool,govulncheck,golang.org/x/vuln/cmd/govulncheck))
$(eval $(call tool,nfpm,github.com/goreleaser/nfpm/v2/cmd/nfpm))
$(eval $(call tool,cyclonedx-gomod,github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod))
$(eval $(call tool,image,./image))
$(BIN)/image: tools/image/main.go
# Helm has a module of its own: what it requires of Kubernetes moves nothing else.
$(BIN)/helm: tools/helm/go.mod tools/helm/go.sum Makefile
	$(call say,build the tool helm)
	@GOWORK=off $(GO) -C tools/helm build -o ../../$@ helm.sh/helm/v3/cmd/helm
	@touch $@

$(eval $(call tool,benchstat,golang.org/x/perf/cmd/benchstat))

.PHONY: tools
tools: $(addprefix $(BIN)/,buf protoc-gen-go nats-server nats staticcheck lint misspell deadcode govulncheck nfpm cyclonedx-gomod image benchstat) ## Build all tools into .tmp/bin

.PHONY: clean
clean: ## Remove what make built
	@rm -rf .tmp bin
