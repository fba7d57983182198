# gitlab-runner-controller. `make help` lists the targets; each installs what it needs on Debian 12.

.DEFAULT_GOAL := build
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
.SUFFIXES:
.SECONDARY:
COMMA := ,

VERSION := 0.1.0
# What was changed since the commit is not in it. A number of digits of our own: git's depends on the clone.
COMMIT := $(or $(shell GIT_OPTIONAL_LOCKS=0 git describe --always --exclude='*' --abbrev=12 --dirty 2>/dev/null),unknown)
# Whatever has a time in it has the commit's.
export SOURCE_DATE_EPOCH ?= $(or $(shell git log -1 --format=%ct 2>/dev/null),0)
export CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gitlab-runner-controller

# V=1 shows the commands.
Q := $(if $(V),,@)
say = @printf '  %-5s %s\n' "$(1)" "$(2)"

# ---------------------------------------------------------------------------------------------------------------------
# How the program is compiled. B is the build folder, so that variants (asan) live side by side.

B ?= build
PACKAGES := libcurl json-c yaml-0.1 openssl libwebsockets libuv
DEV_PACKAGES := build-essential pkg-config git libcurl4-openssl-dev libjson-c-dev libyaml-dev libssl-dev \
	libwebsockets-dev libwebsockets-evlib-uv libuv1-dev libcmocka-dev

# Warnings are errors for us; packagers set WERROR= to be safe from tomorrow's compilers.
WERROR ?= -Werror
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wformat=2 -Wvla -Wswitch-enum $(WERROR)
# Debian's packages of some architecture, unpacked (hack/image/sysroot.py): with it, what is installed here does not count.
SYSROOT ?=
PKG_CONFIG := pkg-config
TRIPLET := $(shell $(CC) -dumpmachine)
ifneq ($(SYSROOT),)
PKG_CONFIG := PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/$(TRIPLET)/pkgconfig pkg-config
DEV_PACKAGES :=
endif
# The program does not tell in which folder it was built.
PLACE := $(if $(SYSROOT),--sysroot=$(SYSROOT) -ffile-prefix-map=$(SYSROOT)=) -ffile-prefix-map=$(CURDIR)=.
HARDENING := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fPIE
# What processors do for the flow of control. hack/check-elf says what of all this came out.
MACHINE := $(firstword $(subst -, ,$(TRIPLET)))
FLOW_CFLAGS_x86_64 := -fcf-protection
FLOW_CFLAGS_aarch64 := -mbranch-protection=standard
FLOW_LDFLAGS_x86_64 := ,-z,shstk
HARDENING += $(FLOW_CFLAGS_$(MACHINE))
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -Icontroller $(WARNINGS) $(PLACE) $(CFLAGS) $(VARIANT_CFLAGS) -MMD -MP
LDFLAGS ?=
ALL_LDFLAGS = $(SYSROOT:%=--sysroot=%) $(LDFLAGS) $(VARIANT_LDFLAGS)
VARIANT_CFLAGS = $(HARDENING)
VARIANT_LDFLAGS = -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed$(FLOW_LDFLAGS_$(MACHINE))

SOURCES := $(wildcard controller/*.c controller/*/*.c)
# The page's files are in the program.
PAGE_FILES := $(sort $(wildcard $(addprefix controller/web/page/*.,html css js svg)))
OBJECTS = $(SOURCES:controller/%.c=$(B)/obj/%.o) $(B)/obj/web/page_files.o
# The pure core: its unit tests link these and nothing else, which proves that it waits for nothing.
CORE_OBJECTS = $(filter $(B)/obj/base/% $(B)/obj/runner/%,$(OBJECTS))
LIBRARY_OBJECTS = $(filter-out $(B)/obj/main.o,$(OBJECTS))

BINARY = $(B)/gitlab-runner-controller

##@ Build

.PHONY: build
build: deps $(BINARY) ## Build build/gitlab-runner-controller (the default)

# As it is in the image. The symbols stay here, to be found by its build id.
STRIP ?= strip
.PHONY: stripped
stripped: deps $(B)/stripped/gitlab-runner-controller
$(B)/stripped/gitlab-runner-controller: $(BINARY)
	$(Q)hack/check-elf $<
	$(Q)mkdir -p $(@D)
	$(Q)$(STRIP) -o $@ $<

.PHONY: deps
deps: ## Install the compiler and -dev packages that are missing (apt), or say the line to run
	$(Q)hack/install-deps $(DEV_PACKAGES)

PKG_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS = $(shell $(PKG_CONFIG) --libs $(PACKAGES))
CORE_LIBS = $(shell $(PKG_CONFIG) --libs json-c openssl yaml-0.1)

$(BINARY): $(OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)
	$(Q)ln -sf $(@F) $(@D)/kubectl-glr

# Only this file knows the commit; it is rebuilt when the commit changes.
$(B)/commit: FORCE
	$(Q)mkdir -p $(@D); echo '$(VERSION) $(COMMIT)' | cmp -s - $@ || echo '$(VERSION) $(COMMIT)' > $@
$(B)/obj/version.o: $(B)/commit
$(B)/obj/version.o: VARIANT_CFLAGS += -DVERSION='"$(VERSION)"' -DCOMMIT='"$(COMMIT)"'
.PHONY: FORCE
FORCE:

$(B)/page_files.c: hack/embed $(PAGE_FILES) | deps
	$(Q)mkdir -p $(@D)
	$(Q)hack/embed $(PAGE_FILES) > $@.part && mv $@.part $@
$(B)/obj/web/page_files.o: $(B)/page_files.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(B)/obj/%.o: controller/%.c | deps
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(PKG_CFLAGS) -c -o $@ $<

-include $(wildcard $(B)/obj/*.d $(B)/obj/*/*.d $(B)/tests/*.d $(B)/sim/*.d $(B)/model/*.d)

# What packagers expect: everything below PREFIX, which DESTDIR may put into another folder for the time of packing.
PREFIX ?= /usr/local
INSTALLED := bin/gitlab-runner-controller share/man/man1/gitlab-runner-controller.1 \
	share/bash-completion/completions/gitlab-runner-controller share/zsh/site-functions/_gitlab-runner-controller \
	share/fish/vendor_completions.d/gitlab-runner-controller.fish bin/kubectl-glr bin/kubectl_complete-glr \
	share/man/man1/kubectl-glr.1 share/bash-completion/completions/kubectl-glr share/zsh/site-functions/_kubectl-glr \
	share/fish/vendor_completions.d/kubectl-glr.fish

# What the plugin tells of itself.
PLUGIN := $(B)/kubectl-glr
PLUGIN_FILES := $(addprefix $(B)/plugin/,bash zsh fish kubectl kubectl-glr.1)
$(PLUGIN_FILES): $(BINARY) hack/manual.py
	$(Q)mkdir -p $(@D)
	$(Q)$(if $(filter %.1,$@),python3 hack/manual.py $(PLUGIN) $(@D),$(PLUGIN) completion $(@F) > $@)

.PHONY: install
install: build $(PLUGIN_FILES) ## Put the program, also as kubectl-glr, man pages and completions for bash, zsh, fish and kubectl below PREFIX (/usr/local)
	$(Q)install -D -m 755 $(BINARY) '$(DESTDIR)$(PREFIX)/$(word 1,$(INSTALLED))'
	$(Q)install -D -m 644 manual/gitlab-runner-controller.1 '$(DESTDIR)$(PREFIX)/$(word 2,$(INSTALLED))'
	$(Q)install -D -m 644 manual/gitlab-runner-controller.bash '$(DESTDIR)$(PREFIX)/$(word 3,$(INSTALLED))'
	$(Q)install -D -m 644 manual/_gitlab-runner-controller '$(DESTDIR)$(PREFIX)/$(word 4,$(INSTALLED))'
	$(Q)install -D -m 644 manual/gitlab-runner-controller.fish '$(DESTDIR)$(PREFIX)/$(word 5,$(INSTALLED))'
	$(Q)ln -sf gitlab-runner-controller '$(DESTDIR)$(PREFIX)/$(word 6,$(INSTALLED))'
	$(Q)install -D -m 755 $(B)/plugin/kubectl '$(DESTDIR)$(PREFIX)/$(word 7,$(INSTALLED))'
	$(Q)install -D -m 644 $(B)/plugin/kubectl-glr.1 '$(DESTDIR)$(PREFIX)/$(word 8,$(INSTALLED))'
	$(Q)install -D -m 644 $(B)/plugin/bash '$(DESTDIR)$(PREFIX)/$(word 9,$(INSTALLED))'
	$(Q)install -D -m 644 $(B)/plugin/zsh '$(DESTDIR)$(PREFIX)/$(word 10,$(INSTALLED))'
	$(Q)install -D -m 644 $(B)/plugin/fish '$(DESTDIR)$(PREFIX)/$(word 11,$(INSTALLED))'

.PHONY: uninstall
uninstall: ## Take them away again
	$(Q)rm -f $(INSTALLED:%='$(DESTDIR)$(PREFIX)/%')

##@ Test

# Tests of base/ and runner/ link the core alone; the others link everything but main.o.
TEST_SOURCES := $(wildcard tests/unit/test_*.c)
LONGEST_TESTS := world
TESTS := $(LONGEST_TESTS) $(filter-out $(LONGEST_TESTS),$(TEST_SOURCES:tests/unit/test_%.c=%))
# What fuzzers have found is played once more (tests/fuzz/replay.c).
CORPORA := $(patsubst tests/fuzz/fuzz_%.c,corpus_%,$(wildcard tests/fuzz/fuzz_*.c))
TESTS += $(CORPORA)
CORE_TESTS := $(foreach t,$(TESTS),$(if $(wildcard controller/base/$(t).c controller/runner/$(t).c),$(t)))
CORE_TESTS += $(filter world waits render_golden lists yaml,$(TESTS))

$(B)/tests/%.o: tests/unit/%.c | deps
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -I. -Itests/unit $(PKG_CFLAGS) -c -o $@ $<

# The simulation: the operator, but for what tests/sim has in the place of clocks, sockets, logs and pages.
SIM_REPLACED := base/clock base/jitter base/log net/loop net/process net/watchdog net/http net/http_address \
	net/http_options net/http_pool net/http_reply net/http_transfer web/auth web/debug_state web/page_files web/pages
SIM_OBJECTS = $(patsubst tests/sim/%.c,$(B)/sim/%.o,$(filter-out %/fuzz.c,$(wildcard tests/sim/*.c))) $(filter-out \
	$(SIM_REPLACED:%=$(B)/obj/%.o) $(B)/obj/cli/% $(B)/obj/plugin/% $(B)/obj/net/serve% $(B)/obj/web/fleet%,$(LIBRARY_OBJECTS))

$(B)/sim/%.o: tests/sim/%.c | deps
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -I. $(PKG_CFLAGS) -c -o $@ $<

# A sixth of its time is malloc's, of this one.
SIM_MALLOC := -ljemalloc
$(B)/simulate: $(SIM_OBJECTS)
	$(Q)hack/install-deps $(SIM_MALLOC:-l%=lib%-dev)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) $(SIM_MALLOC)

# Of a story that went wrong, `make sim` prints the line that tells it again: SEED=… WITH='…'.
HISTORIES ?= 20000
HISTORIES_ASAN ?= 1000
.PHONY: sim
sim: deps $(B)/simulate ## Tell stories of the whole operator in a simulated world (HISTORIES=n; SEED=n or INPUT=file, WITH='…', tells one)
ifdef SEED
	$(Q)$(B)/simulate --tell --seed $(SEED) --with '$(WITH)'
else ifdef INPUT
	$(Q)$(B)/simulate --tell --input $(INPUT) --with '$(WITH)'
else
	$(Q)$(B)/simulate --sabotage all
	$(Q)$(B)/simulate --patterns --jobs 2
	$(Q)$(B)/simulate --seed 1 --count $(HISTORIES) --jobs 2
endif

.PHONY: sim-day
sim-day: deps $(B)/simulate ## Stories that nobody has told before: their seeds are the day's (HISTORIES=n)
	$(Q)$(B)/simulate --seed $$(date -u +%Y%m%d)0000 --count $(HISTORIES) --jobs 2

.PHONY: sim-asan
sim-asan: ## Others of them under ASan and UBSan (HISTORIES_ASAN=n)
	$(Q)$(MAKE) build/asan/simulate $(ASAN_VARIANT)
	$(Q)build/asan/simulate --seed $$(date -u +%Y%m%d)5000 --count $(HISTORIES_ASAN) --jobs 2

$(B)/tests/%.o: tests/fuzz/%.c | deps
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests/fuzz $(PKG_CFLAGS) -c -o $@ $<

# Some define what takes the place of what the program does.
$(foreach t,fleet gitlab kube plugin,$(B)/$(t) $(B)/tests/corpus_$(t)): $(B)/tests/peer.o
$(CORPORA:%=$(B)/tests/%): $(B)/tests/corpus_%: $(B)/tests/fuzz_%.o $(B)/tests/replay.o $(LIBRARY_OBJECTS)
	$(Q)$(CC) $(ALL_LDFLAGS) -Wl,-z,muldefs -o $@ $(filter %/peer.o,$^) $(filter-out %/peer.o,$^) $(PKG_LIBS)

# This one has an API server and a clock of its own.
$(B)/tests/poll: $(B)/tests/test_poll.o $(B)/obj/kube/poll.o $(filter $(B)/obj/base/%,$(OBJECTS))
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS) -lcmocka

$(B)/tests/rounds: $(B)/tests/test_rounds.o $(addprefix $(B)/obj/kube/,rounds.o queue.o) $(filter $(B)/obj/base/%,$(OBJECTS))
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS) -lcmocka

# The world in memory, for the tests of the rules.
$(addprefix $(B)/tests/,world decide waits status observed cache explain learn): $(patsubst tests/unit/%.c,$(B)/tests/%.o,$(wildcard tests/unit/world*.c))

$(CORE_TESTS:%=$(B)/tests/%): $(B)/tests/%: $(B)/tests/test_%.o $(CORE_OBJECTS)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS) -lcmocka
# This one brings a loop and a lease of its own.
$(B)/tests/controller: $(B)/tests/test_controller.o $(addprefix $(B)/obj/kube/,controller.o places.o queue.o) $(filter $(B)/obj/base/%,$(OBJECTS))
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS) -lcmocka
# This one brings a ledger, a GitLab and a clock of its own.
$(B)/tests/orphans: $(B)/tests/test_orphans.o $(addprefix $(B)/obj/operator/,orphans.o orphan_index.o) \
	$(addprefix $(B)/obj/kube/,controller.o places.o queue.o) $(CORE_OBJECTS)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS) -lcmocka
# What these define takes the place of what the program does: an API server and a clock of their own.
$(addprefix $(B)/tests/,garbage ledger errand unserved pods reads status_events reconcile perform values api_servers informers search): $(B)/tests/%: $(B)/tests/test_%.o $(LIBRARY_OBJECTS)
	$(Q)$(CC) $(ALL_LDFLAGS) -Wl,-z,muldefs -o $@ $^ $(PKG_LIBS) -lcmocka
# And this one pages, a clock and an API server.
$(B)/tests/auth: $(B)/tests/test_auth.o $(B)/obj/web/auth.o $(CORE_OBJECTS)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS) -lcmocka
# These bring an API server and a clock of their own, in the place of kube/client.c and net/loop.c.
$(B)/tests/watch: $(filter $(B)/obj/kube/watch% $(B)/obj/kube/version.o $(B)/obj/kube/object_text.o,$(OBJECTS))
$(B)/tests/lease $(B)/tests/lease_replicas: $(B)/obj/kube/lease.o
$(addprefix $(B)/tests/,watch lease lease_replicas): $(B)/tests/%: $(B)/tests/test_%.o $(filter $(B)/obj/base/%,$(OBJECTS))
	$(Q)$(CC) $(ALL_LDFLAGS) -Wl,-z,muldefs -o $@ $^ $(CORE_LIBS) -lcmocka
# So does this one, and net/http.c, kube/config.c and kube/exec.c as well.
$(B)/tests/client: $(B)/tests/test_client.o $(addprefix $(B)/obj/kube/,client.o client_stats.o object_text.o credentials.o verbs.o refusal.o limit.o liveness.o) \
	$(filter $(B)/obj/base/%,$(OBJECTS))
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS) -lcmocka
# The simulated servers alone, and a network without distance to ask them by.
$(B)/model/%.o: tests/model/%.c | deps
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -I. $(PKG_CFLAGS) -c -o $@ $<
SERVER_OBJECTS = $(patsubst tests/sim/%.c,$(B)/sim/%.o,$(wildcard $(addprefix tests/sim/,gitlab_*.c api_*.c controllers*.c))) $(B)/model/direct.o \
	$(filter $(B)/obj/base/%,$(OBJECTS))
$(B)/model/replay: $(patsubst tests/model/%.c,$(B)/model/%.o,$(wildcard tests/model/*.c)) $(filter-out %/direct.o,$(SERVER_OBJECTS))
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS)
$(B)/tests/sim_gitlab $(B)/tests/sim_api: $(B)/tests/%: $(B)/tests/test_%.o $(SERVER_OBJECTS)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS) -lcmocka
# These are of the simulated servers.
$(B)/tests/sim_%: $(B)/tests/test_sim_%.o $(filter-out $(B)/sim/main.o,$(SIM_OBJECTS))
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka
$(B)/tests/%: $(B)/tests/test_%.o $(LIBRARY_OBJECTS)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka

# What tries very much, or measures, does so once more as it is built for people, in full size.
PLAIN_TESTS := world explain json_cost long_lists

.PHONY: unit unit-asan unit-plain
unit: unit-plain unit-asan ## Unit tests under ASan and UBSan, some once more without (T=decide runs one program)
unit-asan:
	$(Q)$(MAKE) $(JOBS) unit-run $(ASAN_VARIANT)
unit-plain:
	$(Q)$(if $(or $(if $(T),,all),$(filter $(PLAIN_TESTS),$(T))),$(MAKE) $(JOBS) unit-run T='$(if $(T),$(filter $(PLAIN_TESTS),$(T)),$(PLAIN_TESTS))')

# As many at a time as make's -j says; all of them, whichever fail.
UNIT_RUNS = $(patsubst %,unit-run-%,$(or $(T),$(TESTS)))
.PHONY: unit-run $(TESTS:%=unit-run-%)
unit-run:
	$(Q)$(MAKE) -k -O $(UNIT_RUNS)
$(TESTS:%=unit-run-%): unit-run-%: $(B)/tests/%
	$(Q)LIMIT='$(LIMIT)' RUN='$(RUN)' hack/run-unit $<

.PHONY: unit-names
unit-names:
	@echo $(TESTS)

.PHONY: mutate
mutate: deps ## How good the tests are: change a line, see whether one fails (COUNT=300 a folder, SEED=, T='runner kube/queue.c')
	+$(Q)hack/mutate/run

# Without those that try very much: they take minutes there, and find nothing that is the processor's.
.PHONY: unit-arm64
unit-arm64: ## Unit tests of the core on another architecture: the cross-built image's, under qemu
	$(Q)run=$$(hack/image/qemu aarch64) && RUN="$$run -L $$CACHE/sysroot/arm64/root" hack/image/make arm64 unit-run T='$(or $(T),$(filter-out world explain json_cost map,$(CORE_TESTS)))'

# What the real servers have said, against what the simulated ones say; see tests/model/README.md.
CONVERSATIONS = $(wildcard tests/model/conversations/*.xz)
.PHONY: model
model: $(B)/model/replay ## Hold recorded conversations with the real servers against the simulated ones (RECORD=1: record them anew)
	$(Q)hack/install-deps xz-utils
	$(if $(RECORD),$(Q)hack/python-env; hack/record-conversations)
	$(Q)$(B)/model/replay tests/model/differences.txt $(foreach c,$(CONVERSATIONS),<(xz -dc $(c)))

ASAN_VARIANT = B=build/asan SIM_MALLOC= CFLAGS='-O1 -g' VARIANT_LDFLAGS='-fsanitize=address,undefined' \
	VARIANT_CFLAGS='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'

.PHONY: asan
asan: ## Build build/asan/gitlab-runner-controller with ASan and UBSan
	$(Q)$(MAKE) build $(ASAN_VARIANT)

# It finds what ASan does not: values that nobody has set. What tries the same code many thousand times finds no more here:
# few worlds are enough, and of specs what the tests of their parts try.
VALGRIND_TESTS = $(filter-out hints lists mistakes,$(TESTS))
.PHONY: valgrind
valgrind: ## Unit tests under valgrind
	$(Q)hack/install-deps valgrind
	$(Q)WORLDS=20 CRASHED_WORLDS=1 $(MAKE) unit-run T='$(or $(T),$(VALGRIND_TESTS))' B=build/valgrind CFLAGS='-O1 -g' VARIANT_CFLAGS=-DSLOWNESS=10 VARIANT_LDFLAGS= LIMIT=3600 RUN='valgrind -q --fair-sched=try --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite,indirect'

E2E_CLUSTER ?= e2e

.PHONY: e2e
e2e: build e2e-deps release-deps image ## End-to-end tests on a real local cluster (T=expression selects, as pytest -k)
	$(Q)CLUSTER=$(E2E_CLUSTER) hack/e2e $(if $(T),-k '$(T)')

.PHONY: soak
soak: build e2e-deps image ## The tests of the machinery with outages and delays in full length (slow)
	$(Q)SOAK=1 CLUSTER=$(E2E_CLUSTER) hack/e2e -k '$(or $(T),machinery)'

.PHONY: matrix
matrix: build e2e-deps image ## The tests of the machinery on older Kubernetes (VERSIONS='v1.33.13 …', T=expression)
	$(Q)VERSIONS='$(VERSIONS)' hack/matrix $(if $(T),-k '$(T)')

.PHONY: upgrade-test
upgrade-test: e2e-deps image ## Upgrade a running installation of 0.1.0, with runners and jobs, and take it back (FROM=tag); as root
	$(Q)hack/upgrade-test $(if $(T),-k '$(T)')

.PHONY: install-test
install-test: e2e-deps image ## Installations on a real cluster: helm, other namespaces, wrong orders of uninstalling (T=expression)
	$(Q)hack/install-test $(if $(T),-k '$(T)')

# For the language's own tests of TOML.
$(B)/toml-decode: tests/toml/decode.c $(CORE_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(PKG_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS) -lm

.PHONY: e2e-deps
e2e-deps: $(B)/toml-decode
	$(Q)hack/toml-suite/build
	$(Q)hack/cluster/build
	$(Q)NODE=kwok hack/cluster/build
	$(Q)hack/gitlab-runner/build
	$(Q)hack/promlint/build
	$(Q)hack/verdicts/build
	$(Q)hack/helm/build
	$(Q)hack/prometheus/build
	$(Q)hack/dashlint/build
	$(Q)hack/python-env
	$(Q)hack/cluster/images
	$(Q)hack/install-deps zsh fish man-db groff-base libfaketime

# The judges of image and release, and the other architecture's program. Without root the tests skip what is not there.
.PHONY: release-deps
release-deps:
	$(Q)hack/crane/build
	$(Q)[ "$$(id -u)" != 0 ] || { hack/install-deps skopeo && hack/image/make arm64 stripped && hack/image/qemu aarch64 > /dev/null; }

# Coverage-guided fuzzing by libFuzzer. What it finds lands in build/fuzz; a crash becomes a file of the corpus.
CLANG ?= clang
FUZZ_TARGETS := $(CORPORA:corpus_%=%)
FUZZ_VARIANT = B=build/fuzz CC='$(CLANG)' WERROR= CFLAGS='-O1 -g' VARIANT_LDFLAGS='-fsanitize=fuzzer,address,undefined' \
	VARIANT_CFLAGS='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all'

.PHONY: fuzz
fuzz: ## Fuzz each parser for SECONDS=20 (T=yaml: one of them)
	$(Q)hack/install-deps clang libclang-rt-14-dev
	$(Q)for t in $(or $(T),$(FUZZ_TARGETS)); do $(MAKE) build/fuzz/$$t $(FUZZ_VARIANT) && hack/run-fuzz $$t $(or $(SECONDS),20) || exit 1; done

$(FUZZ_TARGETS:%=$(B)/%): $(B)/%: $(B)/tests/fuzz_%.o $(B)/tests/entry.o $(LIBRARY_OBJECTS)
	$(call say,FUZZ,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -Wl,-z,muldefs -o $@ $(filter %/peer.o,$^) $(filter-out %/peer.o,$^) $(PKG_LIBS)

# The same corpora, played by programs that count the lines that they come to.
COVER_VARIANT = B=build/cover CC='$(CLANG)' WERROR= CFLAGS='-O1 -g' VARIANT_LDFLAGS='-fprofile-instr-generate -lm' \
	VARIANT_CFLAGS='-fprofile-instr-generate -fcoverage-mapping'

.PHONY: fuzz-coverage
fuzz-coverage: ## How much of each parser the corpora reach: at least 95 % of its lines (LINES=1 shows the others)
	$(Q)hack/install-deps clang llvm libclang-rt-14-dev
	$(Q)$(MAKE) $(CORPORA:%=build/cover/tests/%) $(COVER_VARIANT)
	$(Q)hack/fuzz-coverage $(CORPORA:%=build/cover/tests/%)

# Of the simulation only the operator's own code counts, and there what talks to the servers.
SIM_FUZZ_VARIANT = B=build/sim-fuzz CC='$(CLANG)' WERROR= CFLAGS='-O2 -g' VARIANT_CFLAGS= COVERED=-fsanitize=fuzzer-no-link \
	VARIANT_LDFLAGS=-fsanitize=fuzzer
$(foreach d,operator kube gitlab,$(B)/obj/$(d)/%.o): ALL_CFLAGS += $(COVERED)
$(B)/stories: $(B)/sim/fuzz.o $(filter-out %/main.o,$(SIM_OBJECTS))
	$(call say,FUZZ,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

.PHONY: sim-fuzz
sim-fuzz: build/simulate ## Stories that libFuzzer chooses, for SECONDS=60; one that goes wrong is made short
	$(Q)hack/install-deps clang libclang-rt-14-dev
	$(Q)$(MAKE) build/sim-fuzz/stories $(SIM_FUZZ_VARIANT)
	$(Q)hack/run-sim-fuzz $(or $(SECONDS),60)

.PHONY: format
format: ## Lay out the C files as .clang-format says
	$(Q)hack/install-deps clang-format
	$(Q)clang-format -i $(shell git ls-files '*.c' '*.h')

.PHONY: check
check: build ## Formatting, layers, names, docs, warnings, what protects the program, generated files
	$(Q)hack/install-deps clang-format
	$(Q)clang-format --dry-run -Werror $(shell git ls-files '*.c' '*.h') && echo '  FORMAT ok'
	$(Q)hack/check-layers
	$(Q)hack/check-names $(B)/obj
	$(Q)hack/check-pure $(B)/obj
	$(Q)hack/check-docs
	$(Q)hack/check-elf $(BINARY)
	$(Q)hack/check-generated

.PHONY: analyze
analyze: deps ## The compiler's static analyzer over the whole program (slow)
	$(Q)$(MAKE) build B=build/analyze CFLAGS='-O1 -fanalyzer -Wno-analyzer-malloc-leak'

# All processors, unless somebody has said how many.
JOBS = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))
.PHONY: test
test: ## All that CI runs: check, unit tests, a short bench, end-to-end tests
	$(Q)$(MAKE) $(JOBS) check
	$(Q)$(MAKE) $(JOBS) unit
	$(Q)$(MAKE) $(JOBS) model
	$(Q)$(MAKE) $(JOBS) sim
	$(Q)$(MAKE) unit-arm64
	$(Q)CLUSTER=$(E2E_CLUSTER)-bench $(MAKE) bench QUICK=1
	$(Q)$(MAKE) e2e; result=$$?; \
		for c in $(E2E_CLUSTER) $(E2E_CLUSTER)-machinery $(E2E_CLUSTER)-lifecycle $(E2E_CLUSTER)-glr; do CLUSTER=$$c hack/cluster/down; done; exit $$result

##@ Cluster

# By this name the local clusters know the image, and nobody can pull it: a registry of your own is set by IMAGE=….
IMAGE ?= registry.invalid/gitlab-runner-controller
# Where the source is, for the image's labels: https://….
SOURCE ?= https://source.invalid/gitlab-runner-controller
# amd64, arm64, or both: amd64,arm64. What this machine is not is cross-built.
PLATFORMS ?= $(if $(filter aarch64,$(MACHINE)),arm64,amd64)
NAMES = IMAGE='$(IMAGE)' SOURCE='$(SOURCE)' VERSION='$(VERSION)' COMMIT='$(COMMIT)'

.PHONY: image
image: ## Build the operator's image, without Docker or root, for PLATFORMS=amd64,arm64 (default: this machine's), for IMAGE=…
	$(Q)$(NAMES) hack/image/build $(subst $(COMMA), ,$(PLATFORMS))
	$(Q)$(NAMES) hack/image/tell
	$(Q)hack/cluster/images controller

# Who builds it, as a URI, for the provenance; what a pipeline is set there by its definition.
BUILDER ?= urn:gitlab-runner-controller:a-machine-of-ones-own
SIGNING_KEY ?=
REFRESH ?= 1

.PHONY: release
release: ## Fill dist/: image, manifests and chart for IMAGE=registry/name, programs, SBOM, sums; signed by SIGNING_KEY=file
	$(Q)PYTHONPATH=hack $(NAMES) SIGNING_KEY='$(SIGNING_KEY)' python3 -m release.request
	$(Q)$(NAMES) REFRESH=$(REFRESH) hack/image/build amd64 arm64
	$(Q)$(NAMES) BUILDER='$(BUILDER)' SIGNING_KEY='$(SIGNING_KEY)' hack/release/build

.PHONY: release-test
release-test: release-deps ## Two strangers' clones make the same release, byte for byte; a scanner finds in it what it lists (minutes)
	$(Q)hack/release/test

.PHONY: cluster-up
cluster-up: e2e-deps image ## Start a local real cluster (CLUSTER=name, default demo)
	$(Q)hack/cluster/up

.PHONY: cluster-down
cluster-down: ## End it, and leave nothing behind
	$(Q)hack/cluster/down

.PHONY: demo
demo: ## The main job from nothing to its end, on a local real cluster
	$(Q)hack/demo

.PHONY: demo-down
demo-down: ## End the demo's cluster
	$(Q)hack/demo-down

.PHONY: bench
bench: build image build/bench-generator ## What the operator costs, against a bare generator of the same writes (N=1000, QUICK=1, SEED=…)
	$(Q)hack/python-env
	$(Q)hack/bench/run

.PHONY: bench-publish
bench-publish: ## Put the figures of the last bench into the README, and its plot into docs/
	$(Q)PYTHONPATH=hack python3 -m bench.publish

.PHONY: screenshots
screenshots: build ## Take the pictures of the fleet page anew, in docs/ (minutes: its plots are of the last hour)
	$(Q)NODE=kwok hack/cluster/build
	$(Q)hack/screenshots

build/bench-generator: hack/bench/generator.c | deps
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $< $(LDFLAGS) $(shell $(PKG_CONFIG) --cflags --libs libcurl)

.PHONY: manifests
manifests: build ## Generate manifests/install.yaml, docs/reference.md, the man page, completions and the keys of config.toml
	$(Q)hack/cluster/build
	$(Q)hack/python-env
	$(Q)hack/generate

##@ Help

.PHONY: clean
clean: ## Remove build/
	rm -rf build

.PHONY: help
help: ## This text
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
