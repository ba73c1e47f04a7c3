# `make run` is all it takes. Everything Go works without make too; it needs neither Node nor a C compiler.

PREFIX ?= $(HOME)/.local
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/openvibez
# The newest tag and the commits since: 0.1.0, or 0.1.0+3.g1a2b3c4. Empty without git, where Go may know more.
VERSION := $(or $(VERSION),$(shell git describe --tags --match 'v*' --dirty=.dirty 2>/dev/null | sed 's/^v//; s/-\([0-9]*\)-g/+\1.g/' | grep . || \
	{ n=$$(git rev-list --count HEAD 2>/dev/null) && echo "0.0.0+$$n.g$$(git describe --always --dirty=.dirty)"; }))
BUILD := -trimpath -ldflags="-s -w"
GOLANGCI := $(CACHE)/golangci-lint-v2.12.2/golangci-lint
NFPM := $(CACHE)/nfpm-v2.45.0/nfpm
ARCH := $(shell go env GOARCH)
PACKAGE := bin/package
PAGE := $(shell find ui/src ui/public ui/icon/app.svg ui/index.html ui/vite.config.ts ui/tsconfig.json -type f ! -name '*.test.ts')
PLUGINS := $(notdir $(wildcard plugins/*))
# Node of a version that can build the page.
NODE := $(shell node -p 'const [a, b] = process.versions.node.split(".").map(Number); a > 22 || a == 22 && b >= 12 || a == 20 && b >= 19 ? "yes" : ""' 2>/dev/null)
NODE := $(and $(NODE),$(shell command -v npm 2>/dev/null))
# Go refuses to stamp a version where git refuses to work, as in another user's clone.
export GOFLAGS := $(GOFLAGS) $(shell git status >/dev/null 2>&1 || echo -buildvcs=false)

# webview_go asks for webkit2gtk-4.0; the file in this directory gives it 4.1.
export PKG_CONFIG_PATH := $(CURDIR)/ui/window/pkgconfig:$(PKG_CONFIG_PATH)

.PHONY: help run build page window test chaos lint bench generate install package clean

help: ## what there is
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12

run: ## build and start it, installing what is missing where that takes no password
	@ui/window/deps.sh
	@$(MAKE) --no-print-directory build
	@bin/openvibez

build: page window ## build everything into bin/
	CGO_ENABLED=0 go build -trimpath -ldflags="-s -w -X main.release=$(VERSION)" -o bin/openvibez ./host
	CGO_ENABLED=0 go build $(BUILD) -o bin/openvibez-sandbox ./host/sandbox/helper
	CGO_ENABLED=0 go build $(BUILD) -o bin/openvibez-provider-demo ./sdk/example
	$(foreach p,$(PLUGINS),CGO_ENABLED=0 go build $(BUILD) -o bin/openvibez-provider-$(p) ./plugins/$(p) &&) true

window:
	@if ui/window/deps.sh check; then \
		echo "go build -o bin/openvibez-window ./ui/window"; \
		CGO_ENABLED=1 go build $(BUILD) -tags webview -o bin/openvibez-window ./ui/window; \
	else \
		echo "No window is built (ui/window/deps.sh says what is missing): the chat will open in the browser."; \
	fi

ifeq ($(NODE),)
page:
	@echo "The chat page is not built: that takes Node 20.19 or newer ($(or $(shell node -v 2>/dev/null),there is none)). Get it from https://nodejs.org and run make again. The command line works without it."
else
page: ui/dist/index.html
endif

ui/dist/index.html: ui/node_modules/.package-lock.json $(PAGE)
	cd ui && npm run --silent build
	@touch $@

ui/node_modules/.package-lock.json: ui/package-lock.json
	cd ui && npm ci --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

test: ## vet and test what this machine can; what is skipped says what it needs
	go vet work
	go test -timeout 30m work
	@if [ -d ui/node_modules ]; then cd ui && npm test --silent; else echo "The page's tests are skipped: make page brings what they need."; fi

chaos: N ?= 40
chaos: ## kill everything N times at random moments and look at what is left: make chaos N=1000
	go test -count 1 -timeout 12h -v ./e2e -run TestChaos -chaos $(N)

lint: $(GOLANGCI) ## golangci-lint and buf
	$(GOLANGCI) run ./... ./sdk/...
	@if ui/window/deps.sh check; then $(GOLANGCI) run --build-tags webview ./ui/window; fi
	@if [ -d ui/node_modules ]; then ui/node_modules/.bin/buf lint; fi

$(GOLANGCI):
	GOBIN=$(@D) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.12.2

bench: page ## measure; the figures are ratios within one run
	go test -run '^$$' -bench . -benchtime 1x ./e2e
	go test -run '^$$' -bench ConfinedStart -benchtime 1x ./host/plugin
	go test -run '^$$' -bench 'Decide|Differential' ./host/policy
	go test -run '^$$' -bench 'Stream|LastPage|ListSessions|Send$$|Search|Restart' -benchtime 20x -timeout 30m ./host/store
	go test -run '^$$' -bench True -benchtime 100x ./host/sandbox
	go test -run '^$$' -bench Helper -benchtime 2x ./host/sandbox
	go test -run '^$$' -bench Battery -benchtime 1x ./host/sandbox

generate: ui/node_modules/.package-lock.json ## write the generated code and the icons anew
	ui/node_modules/.bin/buf generate
	go generate ./ui/icon

install: build ## install into PREFIX, which is ~/.local
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/applications $(DESTDIR)$(PREFIX)/share/icons/hicolor/scalable/apps
	install -m 755 bin/openvibez* $(DESTDIR)$(PREFIX)/bin
	install -m 644 ui/icon/app.svg $(DESTDIR)$(PREFIX)/share/icons/hicolor/scalable/apps/openvibez.svg
	sed 's|^Exec=openvibez|Exec=$(PREFIX)/bin/openvibez|' ui/window/openvibez.desktop > $(DESTDIR)$(PREFIX)/share/applications/openvibez.desktop
	@# Where AppArmor keeps user namespaces for programs it knows. Others than root: openvibez sandbox apparmor --help
	@if [ -z "$(DESTDIR)" ] && [ -n "$(filter /usr% /opt%,$(PREFIX))" ] && [ "$$(id -u)" = 0 ] && [ -d /etc/apparmor.d ]; then \
		$(PREFIX)/bin/openvibez sandbox apparmor > /etc/apparmor.d/openvibez-sandbox && \
		if command -v apparmor_parser >/dev/null; then apparmor_parser -r /etc/apparmor.d/openvibez-sandbox || true; fi; \
	fi

package: build $(NFPM) ## make .deb, .rpm and .tar.gz for this architecture, in bin/package
	@ui/window/deps.sh check && [ -n "$(NODE)" ] || { echo "A package has the window and the page in it; what they need is said above."; exit 1; }
	@[ -n "$(VERSION)" ] || { echo "Without git it takes a word more: make package VERSION=1.2.3"; exit 1; }
	rm -rf $(PACKAGE)
	$(eval STAGE := $(PACKAGE)/openvibez-$(VERSION)-linux-$(ARCH))
	install -Dm 755 -t $(STAGE)/bin bin/openvibez bin/openvibez-window bin/openvibez-sandbox $(addprefix bin/openvibez-provider-,demo $(PLUGINS))
	install -Dm 644 ui/window/openvibez.desktop -t $(STAGE)/share/applications
	install -Dm 644 ui/icon/app.svg $(STAGE)/share/icons/hicolor/scalable/apps/openvibez.svg
	install -Dm 644 -t $(STAGE)/share/doc/openvibez README.md
	install -Dm 644 -t $(STAGE)/share/doc/openvibez/docs docs/*
	install -Dm 644 LICENSE $(STAGE)/share/doc/openvibez/copyright
	install -d $(STAGE)/share/bash-completion/completions $(STAGE)/share/zsh/site-functions $(STAGE)/share/fish/vendor_completions.d
	bin/openvibez completion bash > $(STAGE)/share/bash-completion/completions/openvibez
	bin/openvibez completion zsh > $(STAGE)/share/zsh/site-functions/_openvibez
	bin/openvibez completion fish > $(STAGE)/share/fish/vendor_completions.d/openvibez.fish
	chmod -R u=rwX,go=rX $(STAGE)
	for kind in deb rpm; do STAGE=$(STAGE) VERSION='$(VERSION)' ARCH=$(ARCH) $(NFPM) package -f host/package/nfpm.yaml -p $$kind -t $(PACKAGE) || exit 1; done
	tar -C $(PACKAGE) --owner=0 --group=0 --sort=name -czf $(STAGE).tar.gz $(notdir $(STAGE))
	rm -r $(STAGE)
	@ls -lh $(PACKAGE)

$(NFPM):
	GOBIN=$(@D) go install github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.0

clean: ## remove what was built
	rm -rf bin ui/dist/* ui/node_modules
