# What a person types here. `make demo` and `make test` are the two that matter.

# Without the test cache, which does not know of the programs that tests build.
GOTEST   = go test -count=1 -tags urfave_cli_no_docs
SCRIPTS  = install.sh .ci/tools .ci/packages .ci/fuzz .ci/run
FUZZTIME = 20s

# What `make conformance` generates.
DEFINITIONS = 200000
SEED        = 1

.PHONY: build demo test unit conform conformance e2e lint bench fuzz quoting install load
.DEFAULT_GOAL = build

build: ## both programs, into bin/
	PREFIX=$(CURDIR) ./install.sh --quiet

demo: ## the main job on your own screen, against a cloud of our own
	CGO_ENABLED=0 go run ./cmd/escenv-devcloud demo

test: unit conform e2e ## everything; as root on Debian it installs what it needs

unit: ## unit tests, scripts, hooks in real shells; with the race detector
	.ci/packages gcc git bash zsh fish dash ksh tcsh elvish xonsh npm curl tmux strace shellcheck python3 gdb aws less vim \
		direnv zoxide liquidprompt powerlevel9k zsh-autosuggestions zsh-syntax-highlighting
	.ci/tools nushell bash-preexec
	CGO_ENABLED=1 $(GOTEST) -race -timeout 30m ./...
	CGO_ENABLED=1 go test -race -tags escenv_testclock ./internal/clock

conform: ## the evaluator against upstream's: its own suite, and some thousand generated definitions
	cd conformance && go test -count=1 ./...

conformance: ## the same with DEFINITIONS generated definitions; takes minutes
	cd conformance && nice -n 19 go test -count=1 -v -timeout 3h -run TestDifferential . -definitions $(DEFINITIONS) -seed $(SEED)

e2e: ## both programs against MinIO and versitygw, with the real AWS CLI and SDKs
	.ci/packages bash zsh fish aws ip boto3 node npm gdb
	.ci/tools minio versitygw javascript
	cd e2e && go test -count=1 -timeout 20m ./...

lint: ## linters, shell scripts, and what a Mac would compile
	.ci/packages shellcheck zsh fish
	.ci/tools golangci-lint
	.cache/tools/golangci-lint run ./...
	cd e2e && ../.cache/tools/golangci-lint run ./...
	cd conformance && ../.cache/tools/golangci-lint run ./...
	go vet -tags escenv_light ./cmd/escenv
	shellcheck $(SCRIPTS) hooks/*.bash
	for hook in hooks/*.zsh; do zsh -n "$$hook" || exit 1; done
	for hook in hooks/*.fish; do fish --no-execute "$$hook" || exit 1; done
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 go vet -tags urfave_cli_no_docs ./...
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 go vet -tags escenv_light ./cmd/escenv
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 go build -tags escenv_light -o /dev/null ./cmd/escenv
	cd e2e && CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 go vet ./...
	cd conformance && CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 go vet ./...

bench: build ## side by side with its peers
	.ci/packages direnv zsh fish strace npm
	.ci/tools mise sops
	$(GOTEST) -run '^$$' -bench . ./bench/...
	cd conformance && go test -run '^$$' -bench . .

load: ## 200 shells, 10,000 moves, the agent killed 50 times
	cd e2e && ESCENV_LOAD_SHELLS=200 ESCENV_LOAD_MOVES=10000 ESCENV_LOAD_KILLS=50 go test -count=1 -timeout 60m -run TestLoad -v .

fuzz: ## each fuzz target for FUZZTIME
	.ci/fuzz $(FUZZTIME)

quoting: ## a million hostile values through each real shell
	.ci/packages bash zsh fish dash ksh
	nice -n 19 $(GOTEST) -v -timeout 3h -run 'TestHostileValuesReachAChild/^(bash|zsh|fish|dash|ksh)$$' ./shells -args -values 1000000

install: ## into PREFIX, ~/.local unless you say otherwise
	./install.sh
