# Everything a contributor runs. `make help` lists it; GNU make and BSD make both read this file.

PYTHON = python3
VENV = .venv
BIN = $(VENV)/bin
COLLECTIONS = build/collections
LINK = $(COLLECTIONS)/ansible_collections/xen/pciback
LAB = build/lab
PCIBACKCTL = native/build/pcibackctl
# What one process has compiled the next one finds, also where the user's own Pythons keep nothing: pytest compiles each
# test in each of its processes otherwise, which is half of what it takes to begin.
ENVIRONMENT = PATH="$$PWD/$(BIN):$$PATH" ANSIBLE_COLLECTIONS_PATH="$$PWD/$(COLLECTIONS)" PYTHONPATH="$$PWD/$(COLLECTIONS)" \
	PCIBACKCTL="$$PWD/$(PCIBACKCTL)" PYTHONDONTWRITEBYTECODE=

# A process for each processor; tests/conftest.py keeps those together that share what they have made.
PYTEST = $(BIN)/python -m pytest --numprocesses=auto --dist=loadscope --durations=15
# Playbooks wait too, for reboots and for each other, and so do sessions that were typed on a real host.
PYTEST_WAITING = $(PYTEST) --numprocesses=$$(($$(getconf _NPROCESSORS_ONLN) + 2))

all: help

help:
	@echo "make demo              site.yml on an embedded dom0: to two guests, again, and what may come then: a minute"
	@echo "make lab               make the embedded dom0 of inventories/lab anew"
	@echo "make test              every kind of test, the five below: about 10 minutes, set-up included"
	@echo "make test-unit         pure logic, modules, the lab, properties, the shape of the sources: 90 seconds"
	@echo "make test-native       the C component's own tests, with sanitizers"
	@echo "make test-conformance  the boot model against real boots"
	@echo "make test-safety       bad input through the role: one sentence, nothing changed"
	@echo "make test-lab          Molecule on the embedded dom0"
	@echo "make test-xen          Molecule on a real Xen with a Debian dom0, in QEMU: about 14 minutes"
	@echo "make soak              what needs time: 10,000 lives, fuzzers, every kill point, all examples, trials that fail: 45 minutes"
	@echo "make lint              every checker, on a copy of the tree"
	@echo "make docs              all documentation as one site, into build/docs/html"
	@echo "make fuzz              the C fuzzers, side by side until they are interrupted"
	@echo "make bench             what things cost, into build/bench.json"
	@echo "make bench-xen         Linux's backend and ours on a real Xen, in QEMU, into build/bench-xen.json"
	@echo "make clean             remove what was made, but for .venv"

collection-link:
	@mkdir -p $(COLLECTIONS)/ansible_collections/xen
	@ln -sfn ../../../.. $(LINK)

$(VENV)/run.stamp: requirements/run.txt
	@sh tests/preflight.sh run "$(PYTHON)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/run.txt
	@touch $@

$(VENV)/test.stamp: requirements/run.txt requirements/test.txt
	@$(MAKE) $(VENV)/run.stamp PYTHON="$(PYTHON)"
	@sh tests/preflight.sh test "$(PYTHON)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/test.txt
	@touch $@

$(VENV)/lint.stamp: requirements/run.txt requirements/lint.txt
	@$(MAKE) $(VENV)/run.stamp PYTHON="$(PYTHON)"
	@sh tests/preflight.sh lint "$(PYTHON)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/lint.txt
	@touch $@

$(VENV)/docs.stamp: requirements/run.txt requirements/docs.txt
	@$(MAKE) $(VENV)/run.stamp PYTHON="$(PYTHON)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/docs.txt
	@touch $@

# Parts that run beside each other find it built (tests/parts.sh).
native:
	@test -n "$$SET_UP" || $(MAKE) -C native -j"$$(getconf _NPROCESSORS_ONLN)"

lab: $(VENV)/run.stamp collection-link native
	$(ENVIRONMENT) $(BIN)/python lab/dom0.py create $(LAB)/dom0 --force --bus pc-nine-nics \
		--firmware $(PCIBACKCTL) --guest firewall --guest storage

demo: $(VENV)/run.stamp collection-link native
	@$(ENVIRONMENT) sh lab/demo.sh

# What the tests need, counted as a part of what they take.
test-setup: $(VENV)/test.stamp collection-link native

# For .ci/run, whose parts run beside each other: nothing is installed any more while they do.
ci-setup: test-setup $(VENV)/lint.stamp $(VENV)/docs.stamp

test:
	@sh tests/parts.sh test 720 "$(MAKE)" test-setup test-unit test-native test-conformance test-safety test-lab

test-unit: $(VENV)/test.stamp collection-link native
	$(ENVIRONMENT) $(PYTEST_WAITING) tests/unit tests/property

test-native: $(VENV)/test.stamp
	$(ENVIRONMENT) sh tests/native.sh

test-conformance: $(VENV)/test.stamp native
	$(ENVIRONMENT) $(PYTEST) tests/conformance

test-safety: $(VENV)/test.stamp collection-link native
	$(ENVIRONMENT) $(PYTEST_WAITING) tests/safety

# Molecule does one thing after the other, for which one processor is enough.
test-lab:
	@sh tests/parts.sh test-lab 0 "$(MAKE)" test-setup --beside test-molecule test-integration

test-integration: $(VENV)/test.stamp collection-link native
	$(ENVIRONMENT) $(PYTEST_WAITING) tests/integration

# From nothing, with a reboot; that of a host whose devices are hidden already is make soak's.
test-molecule: $(VENV)/test.stamp collection-link native
	$(ENVIRONMENT) $(BIN)/molecule test --scenario-name reboot

soak-molecule: $(VENV)/test.stamp collection-link native
	$(ENVIRONMENT) $(BIN)/molecule test --scenario-name default

test-xen:
	@sh tests/parts.sh test-xen 0 "$(MAKE)" test-setup xen-scenario

xen-scenario: $(VENV)/test.stamp collection-link native
	$(ENVIRONMENT) sh tests/xen.sh test-xen sh -c 'molecule test --scenario-name xen && molecule test --scenario-name xen-native'

soak:
	@sh tests/parts.sh soak 0 "$(MAKE)" test-setup soak-native soak-molecule soak-python soak-xen

soak-native: $(VENV)/test.stamp
	@sh tests/preflight.sh soak "$(PYTHON)"
	$(ENVIRONMENT) sh tests/soak_native.sh

# Tests of which make test runs a sample (tests/depth.py).
soak-python: $(VENV)/test.stamp collection-link native
	SOAK=1 $(ENVIRONMENT) $(PYTEST) tests

# Trials that go wrong, and a change of the backend, on a real Xen.
soak-xen: $(VENV)/test.stamp collection-link native
	$(ENVIRONMENT) sh tests/xen.sh soak-xen sh -c 'molecule test --scenario-name xen-trials && molecule test --scenario-name xen-backends'

# For .ci/run: all that needs the Xen lab, which has one machine at a time in a checkout.
ci-xen:
	@sh tests/parts.sh ci-xen 0 "$(MAKE)" test-setup xen-scenario soak-xen

xen-lab:
	@sh tests/preflight.sh xen "$(PYTHON)"
	$(PYTHON) lab/xen_lab.py build

lint: $(VENV)/lint.stamp
	sh tests/lint.sh

docs: $(VENV)/docs.stamp collection-link
	@rm -rf build/docs
	@mkdir -p build/docs/modules && chmod 755 build/docs/modules
	$(ENVIRONMENT) $(BIN)/antsibull-docs collection --use-current --fail-on-error --squash-hierarchy \
		--no-add-antsibull-docs-version --dest-dir build/docs/modules xen.pciback
	$(BIN)/sphinx-build -q -W -c docs -b html . build/docs/html
	$(BIN)/python tests/docs_site.py build/docs/html
	@echo "build/docs/html/index.html"

fuzz:
	$(MAKE) -C native -j7 fuzz FUZZ_SECONDS=0

bench: $(VENV)/test.stamp collection-link native
	$(ENVIRONMENT) $(BIN)/python -m tests.bench.native
	$(ENVIRONMENT) $(BIN)/python -m tests.bench.role

bench-xen: $(VENV)/test.stamp collection-link native
	$(ENVIRONMENT) sh tests/xen.sh bench-xen python -m tests.bench.xen

clean:
	rm -rf build native/build tests/output

.PHONY: all help collection-link native lab demo test test-setup ci-setup test-unit test-native test-conformance test-safety \
	test-lab test-integration test-molecule test-xen xen-scenario ci-xen soak soak-native soak-molecule \
	soak-python soak-xen xen-lab lint docs fuzz bench bench-xen clean
