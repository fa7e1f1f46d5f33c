/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fuzz.h"

#include <pciback/registers.h>

#include "../tests/core/kernel/kernel_fixture.h"

/*
 * A sequence of commands for the backend in NetBSD's kernel, of what that kernel and three domains do meanwhile, and of
 * calls that fail; two bytes each. Against a model of four rules: a device and a line are one domain's, what fails leaves nothing
 * granted, nodes go only when the kernel is through with them or has not begun, and permissions are given and taken back
 * in pairs, whatever is known of interrupts when they are taken back.
 */

#define DOMAINS 3

static struct kernel_fixture fixture;
static bool looks;			/* the kernel, at new nodes */
static uint8_t stated[2];		/* by the owner, of the interrupts */

static void
look(void *world, unsigned milliseconds)
{
	if (looks)
		kernel_look(world, milliseconds);
}

/* Xen takes back everything of a domain that ends. */
static void
end_domain(uint16_t domain)
{
	struct fake_xen *xen = &fixture.fake.xen;

	xen->life[domain] = PCIBACK_LIFE_GONE;
	for (size_t i = 0; i < FAKE_GRANTS; i++) {
		if (!xen->grants[i].used || xen->grants[i].domain != domain)
			continue;
		xen->grants[i].used = false;
		xen->n_grants--;
	}
}

/* Whether the nodes of a domain name a device, and the kernel's backend is not through with it. */
static bool
has(uint16_t domain, const char *name)
{
	return strcmp(fake_read(&fixture.fake, domain, "state"), "(none)") != 0 &&
	    strcmp(fake_read(&fixture.fake, domain, "state"), "6") != 0 &&
	    (strcmp(fake_read(&fixture.fake, domain, "dev-0"), name) == 0 ||
	    strcmp(fake_read(&fixture.fake, domain, "dev-1"), name) == 0);
}

/* Whether a domain whose devices the kernel's backend is not through with may have that interrupt. */
static bool
has_line(uint16_t domain, uint64_t line)
{
	const struct fake_xen *xen = &fixture.fake.xen;

	for (size_t i = 0; i < FAKE_GRANTS; i++)
		if (xen->grants[i].used && xen->grants[i].domain == domain && strcmp(xen->grants[i].what, "irq") == 0 &&
		    xen->grants[i].first == line)
			return has(domain, "0000:00:04.0") || has(domain, "0000:00:05.0");
	return false;
}

static void
check_owners(void)
{
	unsigned n[2] = { 0, 0 };

	for (uint16_t domain = 1; domain <= DOMAINS; domain++) {
		n[0] += has(domain, "0000:00:04.0");
		n[1] += has(domain, "0000:00:05.0");
	}
	ALWAYS(n[0] <= 1 && n[1] <= 1);
	for (uint64_t line = 20; line <= 22; line++)
		ALWAYS(has_line(1, line) + has_line(2, line) + has_line(3, line) <= 1);
	ALWAYS(fixture.fake.xen.n_errors == 0);
	for (unsigned i = 0; i < 2; i++)
		ALWAYS(!fixture.fake.xen.devices[i].is_open);
}

/* A process for each command: of the one before it knows what Xen and the store have. */
static void
begin(void)
{
	memset(fixture.fake.slots, 0, sizeof(fixture.fake.slots));
	fixture.fake.backend.n_taken = 0;
}

/* False when Xen has refused to take back what a failure had left: that domain is then to be destroyed. */
static bool
attach(uint16_t domain, unsigned which)
{
	size_t before = fixture.fake.xen.n_grants, n = which < 2 ? 1 : 2 - which % 2;
	struct pciback_wanted devices[2];
	int r;

	begin();
	memcpy(devices, kernel_cards, sizeof(devices));
	for (unsigned i = 0; i < 2; i++)
		devices[i].irq = stated[i];
	r = pciback_kernel_attach(&fixture.fake.backend, &fixture.host, domain, devices + which % 2, n, fixture.message);
	fixture.fake.xen.fail_at = 0;
	ALWAYS(r == 0 || fixture.message[0] != '\0');
	/* What the kernel says counts, and of what it does not say, the owner's word. */
	for (unsigned i = which % 2; i < which % 2 + n && r == 0; i++) {
		if (fixture.interrupt_error == 0)
			ALWAYS(stated[i] == 0 || stated[i] == fixture.interrupts[i]);
		else
			ALWAYS(stated[i] != 0);
		ALWAYS(fixture.fake.xen.devices[i].config[REG_INTERRUPT_LINE] ==
		    (fixture.interrupt_error == 0 ? fixture.interrupts[i] : stated[i]));
	}
	if (fixture.fake.backend.n_not_revoked > 0) {
		ALWAYS(r < 0 && fake_said(&fixture.fake, "is held back: nobody gets it"));
		return false;
	}
	/* Where the kernel has stopped half-way, everything stays. */
	ALWAYS(r == 0 || fixture.fake.xen.n_grants == before || strstr(fixture.message, "half-way") != NULL);
	ALWAYS(r != 0 || fixture.fake.xen.n_grants > before || fixture.fake.backend.allow != 0);
	return true;
}

static void
detach(uint16_t domain)
{
	struct pciback_address addresses[PCIBACK_ENTRIES_MAX];
	char before[8];
	size_t n;
	int r;

	/* One that failed half-way revokes once more what is revoked, which Xen takes and this double counts. */
	fixture.fake.xen.fail_at = 0;
	fixture.fake.xen.was_stale = false;
	begin();
	(void)snprintf(before, sizeof(before), "%s", fake_read(&fixture.fake, domain, "state"));
	r = pciback_kernel_detach(&fixture.fake.backend, &fixture.host, domain, addresses, &n, fixture.message);
	ALWAYS(r == 0 || fixture.message[0] != '\0');
	if (r == 0) {
		ALWAYS(strcmp(before, "6") == 0 && fake_held(&fixture.fake, NULL, domain) == 0);
		ALWAYS(strcmp(fake_read(&fixture.fake, domain, "state"), "(none)") == 0);
	} else {
		ALWAYS(strcmp(before, fake_read(&fixture.fake, domain, "state")) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "/local/domain/1/name", "/local/domain/2/name", "/local/domain/3/name" };

	kernel_fixture_init(&fixture);
	fixture.fake.backend.hardware.pause = look;
	looks = true;
	memset(stated, 0, sizeof(stated));
	for (unsigned i = 0; i < DOMAINS; i++)
		fake_put(&fixture.fake, names[i], "a guest");
	if (size > 120)
		size = 120;
	for (size_t i = 0; i + 1 < size; i += 2) {
		uint16_t domain = (uint16_t)(1 + data[i + 1] % DOMAINS);
		char state[2] = { (char)('1' + data[i + 1] / 4 % 6), '\0' };
		const char *before = fake_read(&fixture.fake, domain, "state");
		bool is_served = strcmp(before, "(none)") != 0 && strcmp(before, "6") != 0;

		switch (data[i] % 9) {
		case 0:
		case 1:
			if (!attach(domain, data[i + 1] / 4 % 4))
				return 0;
			break;
		case 2:
			detach(domain);
			break;
		case 3:
			/* The kernel never goes back to where it has not looked, and forgets a domain that it is through with. */
			if (is_served && state[0] != '1')
				fake_write(&fixture.fake, domain, "state", state);
			break;
		case 4:
			if (data[i + 1] >= 128)
				end_domain(domain);
			else if (fixture.fake.xen.life[domain] != PCIBACK_LIFE_GONE)
				fixture.fake.xen.life[domain] = PCIBACK_LIFE_STOPPED;
			break;
		case 5:
			fixture.fake.xen.fail_at = fixture.fake.xen.n_calls + 1 + data[i + 1] % 64;
			break;
		case 6:
			/* What the kernel says of a device stays so while a domain has it. */
			if (fixture.fake.xen.n_grants == 0)
				fixture.interrupts[0] = 20 + data[i + 1] % 2;
			/* But its messages are lost at any time. */
			fixture.interrupt_error = (data[i + 1] & 8) != 0 ? -ENOENT : 0;
			fixture.fake.backend.allow = (data[i + 1] & 4) != 0 ? PCIBACK_ALLOW_KEPT_MAPPINGS : 0;
			break;
		case 7:
			stated[data[i + 1] & 1] = (data[i + 1] & 2) != 0 ? (uint8_t)(20 + data[i + 1] / 4 % 3) : 0;
			break;
		default:
			looks = (data[i + 1] & 1) != 0;
			fixture.fake.xen.was_stale = (data[i + 1] & 2) != 0;
			break;
		}
		check_owners();
	}
	return 0;
}
