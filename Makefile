# make demo and make test are all the set-up there is; both install what they miss where they may, and say so.

GO      ?= go
DATA    ?= .data/demo
LISTEN  ?= 127.0.0.1:8080
ARGS    ?=
TOOL     = $(GO) tool -modfile=$(CURDIR)/internal/tools/go.mod
export GOFLAGS ?= -trimpath
export CGO_ENABLED ?= 0

# Packages in which goroutines share memory of ours; the race detector needs cgo and a C compiler.
RACED = ./internal/authn ./internal/blob ./internal/file ./internal/access ./internal/act ./internal/audit ./internal/read ./internal/tenancy ./internal/telemetry ./graph/serve

.PHONY: demo build test test-deploy test-s3 race lint generate drift stats bench console postgres pgbouncer clean

demo: postgres build ## serve made-up data: make demo ARGS="--fresh --size large"
	bin/clientele demo --data $(DATA) --listen $(LISTEN) $(ARGS)

build: console
	$(GO) build -o bin/clientele ./cmd/clientele

test: postgres ## every test, on a real PostgreSQL
	$(GO) test ./...

test-deploy: postgres pgbouncer ## deploy/ without containers: an ordinary server, PgBouncer, isolation and audits there, backup, rolling upgrade, manifests
	$(GO) vet -tags deploy ./deploy
	$(GO) test -count=1 -timeout 30m -tags deploy ./deploy
	cd internal/tools/kube && $(GO) vet . && $(GO) test -count=1 .

test-s3: ## the S3 store on a real S3-compatible server, built from its source and run on loopback
	cd internal/tools/s3 && $(GO) vet . && $(GO) test -count=1 .

race: postgres
	CGO_ENABLED=1 $(GO) test -race $(RACED)

lint: ## vet, format, static checks
	$(GO) vet ./...
	@out=$$($(TOOL) gofumpt -l $$(git ls-files '*.go' | grep -v -e '^ent/db/' -e 'generated.go$$')); \
	  if [ -n "$$out" ]; then echo "not formatted (go tool gofumpt -w):"; echo "$$out"; exit 1; fi
	$(TOOL) staticcheck -checks "all,-ST1000,-ST1003,-ST1020,-ST1021,-ST1022,-ST1005" $$($(GO) list ./... | grep -v /ent/db)

generate: ## the store from ent/schema, the API from graph/schema
	$(GO) generate ./ent
	$(GO) run ./graph/generate

drift: generate ## generated code and the printed SDL are those of their sources
	@if [ -n "$$(git status --porcelain -- ent/db graph/generated.go graph/model graph/schema.graphql)" ]; then \
	  echo "generated files differ from their sources; run make generate and commit:"; \
	  git status --porcelain -- ent/db graph/generated.go graph/model graph/schema.graphql; exit 1; fi

stats: ## what the code generators cost
	@echo "ent types:        $$(ls ent/schema/*.go | grep -v mixin | wc -l)"
	@echo "ent lines:        $$(find ent/db -name '*.go' | xargs cat | wc -l)"
	@echo "GraphQL lines:    $$(cat graph/generated.go graph/model/*.go | wc -l)"
	@echo "our lines:        $$(git ls-files '*.go' | grep -v -e '^ent/db/' -e generated.go -e _test.go | xargs cat | wc -l) and $$(git ls-files '*_test.go' | xargs cat | wc -l) of tests"
	@cache=$$(mktemp -d); start=$$(date +%s); GOCACHE=$$cache $(GO) build -o /dev/null ./cmd/clientele; \
	  echo "cold build:       $$(( $$(date +%s) - start )) s"; GOCACHE=$$cache $(GO) clean -cache; rm -rf $$cache

bench: postgres ## the product against a hand-written floor, as ratios; rights beside casbin (ARGS=policy: these alone)
	$(GO) run ./internal/bench $(ARGS)

console: ## GraphiQL from its npm package; without npm a plain page stands in
	@if command -v npm >/dev/null 2>&1; then \
	  if [ ! -f graph/graphiql/dist/graphiql.min.js ] || [ graph/graphiql/package-lock.json -nt graph/graphiql/dist/graphiql.min.js ]; then \
	    echo "installing GraphiQL from npm …"; \
	    (cd graph/graphiql && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && while read -r f; do cp "node_modules/$$f" dist/ && touch "dist/$$(basename "$$f")"; done < dist.txt) \
	      || echo "npm could not install GraphiQL: the plain console page stands in"; \
	  fi; \
	else echo "no npm: the plain console page stands in for GraphiQL"; fi

postgres: ## installs PostgreSQL from the system's packages where it is missing
	@for f in "$$(command -v initdb)" /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb /opt/homebrew/opt/postgresql@*/bin/initdb; do \
	  if [ -x "$$f" ]; then exit 0; fi; done; \
	if ! command -v apt-get >/dev/null 2>&1; then \
	  echo "PostgreSQL 15 or newer is missing. Install it: dnf install postgresql-server postgresql-contrib (Fedora), brew install postgresql@16 (macOS)"; exit 1; fi; \
	if [ "$$(id -u)" = 0 ]; then as=""; elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as=sudo; else \
	  echo "PostgreSQL is missing. Install it: sudo apt-get install -y postgresql"; exit 1; fi; \
	echo "installing PostgreSQL from the system's packages …"; \
	$$as mkdir -p /etc/postgresql-common && { [ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" | $$as tee /etc/postgresql-common/createcluster.conf >/dev/null; }; \
	$$as env DEBIAN_FRONTEND=noninteractive sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql' >/dev/null

pgbouncer: ## for test-deploy; installed from the system's packages where it is missing, and not started
	@if command -v pgbouncer >/dev/null 2>&1 || [ -x /usr/sbin/pgbouncer ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ]; then as=""; else as=sudo; fi; \
	if ! command -v apt-get >/dev/null 2>&1 || { [ -n "$$as" ] && ! sudo -n true 2>/dev/null; }; then echo "PgBouncer is missing. Install it: sudo apt-get install -y pgbouncer"; exit 1; fi; \
	echo "installing PgBouncer from the system's packages …"; \
	$$as mkdir -p /etc/default && $$as env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends pgbouncer' >/dev/null

clean:
	rm -rf bin graph/graphiql/node_modules
