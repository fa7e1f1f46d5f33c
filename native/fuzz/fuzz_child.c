/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "fake_xen.h"

/* The child of domain 1 sends what the fuzzer says; that of domain 2 is honest enough to answer. */
struct children {
	struct pciback_message waits[4];	/* answers that an honest one would give */
	size_t n_waits[4];
	const uint8_t *data;
	size_t size;
};

static int
start(void *world, size_t number)
{
	struct children *children = world;

	children->n_waits[number] = 0;
	return 0;
}

static int
send(void *world, size_t number, const uint8_t bytes[PCIBACK_MESSAGE_SIZE], void *device)
{
	struct children *children = world;
	struct pciback_message message, *answer = &children->waits[number];

	(void)device;
	ALWAYS(pciback_message_read(bytes, false, &message) == 0);
	*answer = (struct pciback_message){ .number = message.number };
	children->n_waits[number] = 1;
	if (message.type == PCIBACK_MESSAGE_START)
		answer->type = PCIBACK_MESSAGE_STARTED;
	else if (message.type == PCIBACK_MESSAGE_GIVE)
		answer->type = PCIBACK_MESSAGE_GIVEN;
	else if (message.type == PCIBACK_MESSAGE_STOP)
		answer->type = PCIBACK_MESSAGE_ENDED;
	else
		children->n_waits[number] = 0;
	return 0;
}

/* What the fuzzer says: bytes of a message, behind how many they are. */
static bool
take(struct children *children, uint8_t ret_bytes[PCIBACK_MESSAGE_SIZE])
{
	size_t n;

	if (children->size < 2)
		return false;
	n = children->data[0];
	children->data++;
	children->size--;
	if (n > children->size)
		n = children->size;
	memset(ret_bytes, 0, PCIBACK_MESSAGE_SIZE);
	memcpy(ret_bytes, children->data, n);
	children->data += n;
	children->size -= n;
	return true;
}

static int
receive(void *world, size_t number, uint8_t ret_bytes[PCIBACK_MESSAGE_SIZE], unsigned wait)
{
	struct children *children = world;

	(void)wait;
	/* An empty message stands for what an honest one says. */
	if (number == 0 && take(children, ret_bytes) && ret_bytes[0] != 0)
		return 1;
	if (children->n_waits[number] == 0)
		return 0;
	children->n_waits[number] = 0;
	pciback_message_write(&children->waits[number], ret_bytes);
	return 1;
}

static void
end(void *world, size_t number)
{
	struct children *children = world;

	children->n_waits[number] = 0;
}

/*
 * What a captured child says, in the middle of everything that happens to its guest: the other guest keeps what it has,
 * its device is not written to, and all is taken back once.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pciback_child_operations operations = { .start = start, .send = send,
		.receive = receive, .end = end };
	static struct fake fake;
	struct children children = { .data = NULL };
	uint8_t others[256];
	size_t held;

	fake_init(&fake);
	pciback_backend_serve_by(&fake.backend, &(struct pciback_children){ .operations = &operations,
		.world = &children });
	fake_create(&fake, 1, 0, 2);
	fake_create(&fake, 2, 2, 1);
	fake_frontend(&fake, 2, true);
	fake_set(&fake, 2, "/state", "4");
	held = fake_held(&fake, NULL, 2);
	memcpy(others, fake.xen.devices[2].config, sizeof(others));
	children.data = data;
	children.size = size;
	fake_frontend(&fake, 1, true);
	fake_set(&fake, 1, "/state", "4");
	for (unsigned i = 0; i < 20 && children.size >= 2; i++) {
		pciback_backend_child(&fake.backend, 0);
		if (i % 8 == 3) {
			fake_write(&fake, 1, "state-1", i % 16 == 3 ? "5" : "1");
			fake_set(&fake, 1, "state", "7");
			fake_set(&fake, 1, "/state", "7");
			fake_set(&fake, 1, "/state", "4");
		}
		fake_pass(&fake, 50);
	}
	ALWAYS(fake_held(&fake, NULL, 2) == held);
	ALWAYS(memcmp(others, fake.xen.devices[2].config, sizeof(others)) == 0);
	ALWAYS(fake.guests[1].child.is_running);
	children.size = 0;
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	fake_pass(&fake, 2000);
	ALWAYS(fake_held(&fake, NULL, 1) == 0);
	ALWAYS((fake.xen.devices[0].config[4] & 4) == 0);
	ALWAYS((fake.xen.devices[0].config[0x52] & 1) == 0);
	ALWAYS(fake_end(&fake));
	return 0;
}
