/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include "simulated.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pciback/backend.h>

#include "../core/guest/state.h"
#include "children_here.h"

/*
 * A Xen that is simulated by another process, for tests. The protocol is in native/README.md,
 * "Simulated Xen"; what is here follows it line by line. The other process is a test and trusted:
 * what it sends is checked so far that a mistake in it ends the connection.
 */

enum message {
	STORE_READ = 1,
	STORE_CHANGE = 2,
	STORE_LIST = 3,
	STORE_WATCH = 4,
	STORE_UNWATCH = 5,
	DOMAIN_LIFE = 6,
	PAGE_MAP = 7,
	PAGE_UNMAP = 8,
	EVENT_BIND = 9,
	EVENT_UNBIND = 10,
	EVENT_UNMASK = 11,
	EVENT_NOTIFY = 12,
	IOPORT = 13,
	IOMEM = 14,
	PIRQ_MAP = 15,
	PIRQ_UNMAP = 16,
	IRQ = 17,
	ASSIGN = 18,
	DEASSIGN = 19,
	MSI_MAP = 20,
	RECOVERED = 21,
	AT_REST = 22,
	REGISTERS = 23,
	PROTECT_TABLE = 24,
	DOM0 = 25,
	IDENTITY = 26,
	RESET = 27,
	LOOKS = 28,

	REPLY = 100,
	WATCH_FIRED = 101,
	EVENT_FIRED = 102,
	REPORT = 103,
	TIME_PASSES = 104,
	REST = 105,
	SHOW_REGISTERS = 106,
	STOP_CLOCK = 107,
	CAPTURE = 108,
	COUNT = 109,
};

#define HEADER_SIZE	12
#define BUFFER_SIZE	((size_t)256 << 10)
#define PAGE_SIZE	4096
#define PAGES_MAX	1024
#define REQUEST_ACCESSES 16		/* that one request may take */

struct page {
	void *address;
	uint16_t domain;
	uint32_t reference;
};

/* Bytes of one message, as they are read or written. */
struct cursor {
	uint8_t *bytes;
	size_t position, length;
	bool failed;			/* past the end */
};

struct simulated_xen {
	struct pciback_backend *backend;
	int fd;
	int error;			/* why the connection is of no use any more */
	uint32_t next_id;
	uint64_t passed;
	bool clock_stands;		/* at this time */
	uint64_t stands_at;
	bool shows_registers;		/* a message is being served: nothing can be asked */
	bool counts;			/* what is done between two looks at what has come */
	uint32_t access_time;		/* microseconds that an access takes */
	uint64_t access_work;		/* microseconds of them that are not in `passed` yet */
	uint32_t n_accesses, n_calls;	/* since the last look, without those of requests */
	uint32_t n_answered;		/* how many of them there were when a request was answered last */
	uint32_t max_accesses, max_calls;	/* that were told */
	bool rest_asked;
	uint32_t rest_id;
	struct cursor out;
	size_t received;		/* bytes in `in` */
	uint8_t *in;
	uint8_t *reply;			/* the payload of the last reply */
	struct page pages[PAGES_MAX];
};

/* ---- Messages --------------------------------------------------------------------------- */

static void
put_bytes(struct cursor *cursor, const void *bytes, size_t length)
{
	if (length > cursor->length - cursor->position) {
		cursor->failed = true;
		return;
	}
	memcpy(cursor->bytes + cursor->position, bytes, length);
	cursor->position += length;
}

static void
put32(struct cursor *cursor, uint32_t value)
{
	put_bytes(cursor, &value, sizeof(value));
}

static void
put64(struct cursor *cursor, uint64_t value)
{
	put_bytes(cursor, &value, sizeof(value));
}

static void
put_text(struct cursor *cursor, const char *text)
{
	size_t length = strlen(text);

	put32(cursor, (uint32_t)length);
	put_bytes(cursor, text, length);
}

static uint32_t
get32(struct cursor *cursor)
{
	uint32_t value = 0;

	if (cursor->length - cursor->position < sizeof(value)) {
		cursor->failed = true;
		return 0;
	}
	memcpy(&value, cursor->bytes + cursor->position, sizeof(value));
	cursor->position += sizeof(value);
	return value;
}

/* Copies a text; returns 0, or -EMSGSIZE when it is too long or has a NUL in it. */
static int
get_text(struct cursor *cursor, char *text, size_t size)
{
	uint32_t length = get32(cursor);
	const uint8_t *bytes = cursor->bytes + cursor->position;

	text[0] = '\0';
	if (cursor->failed || length > cursor->length - cursor->position) {
		cursor->failed = true;
		return -EPROTO;
	}
	cursor->position += length;
	if (length >= size || (length > 0 && memchr(bytes, '\0', length) != NULL))
		return -EMSGSIZE;
	memcpy(text, bytes, length);
	text[length] = '\0';
	return 0;
}

/* The connection is of no use any more: every later call says so. */
static int
lose(struct simulated_xen *sim, int error)
{
	if (sim->error == 0)
		sim->error = error;
	return sim->error;
}

static int
flush_out(void *world)
{
	struct simulated_xen *sim = world;
	size_t sent = 0;

	if (sim->out.failed)
		return lose(sim, -EMSGSIZE);
	while (sim->error == 0 && sent < sim->out.position) {
		ssize_t n = send(sim->fd, sim->out.bytes + sent, sim->out.position - sent, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return lose(sim, -errno);
		if (n > 0)
			sent += (size_t)n;
	}
	sim->out.position = 0;
	return sim->error;
}

/* Begins a message; returns where its length will stand. */
static size_t
begin(struct simulated_xen *sim, enum message type, uint32_t id)
{
	size_t start;

	/* No message is larger than half of it. */
	if (sim->out.position > BUFFER_SIZE / 2)
		(void)flush_out(sim);
	start = sim->out.position;
	put32(&sim->out, 0);
	put32(&sim->out, id);
	put32(&sim->out, (uint32_t)type);
	return start;
}

static void
finish(struct simulated_xen *sim, size_t start)
{
	uint32_t length = (uint32_t)(sim->out.position - start - HEADER_SIZE);

	memcpy(sim->out.bytes + start, &length, sizeof(length));
}

/*
 * What the registers of some simulated devices hold, each up to `size` bytes, without a guest's view
 * of them; nothing where there is no device. Opening one changes nothing of it.
 */
static void
show_registers(struct simulated_xen *sim, uint32_t id, struct cursor *cursor)
{
	const struct pciback_hardware *hardware = &sim->backend->hardware;
	uint32_t size = get32(cursor), n = get32(cursor);
	size_t start = begin(sim, REGISTERS, id);

	for (uint32_t i = 0; i < n && !cursor->failed; i++) {
		struct pciback_device_settings settings;
		struct pciback_address address;
		char name[PCIBACK_ADDRESS_SIZE * 2];
		uint32_t length = 0;

		if (get_text(cursor, name, sizeof(name)) < 0 ||
		    pciback_address_parse(name, strlen(name), &address) < 0)
			cursor->failed = true;
		else if (hardware->open(hardware->world, &address, &settings) == 0)
			length = size < settings.config_size ? size & ~UINT32_C(3) : settings.config_size;
		put32(&sim->out, length);
		for (uint32_t offset = 0; offset < length; offset += 4) {
			uint32_t value = 0;

			if (hardware->operations->config_read(hardware->world, settings.handle, offset, 4,
			    &value) < 0)
				cursor->failed = true;
			/* A configuration space is little-endian. */
			put_bytes(&sim->out, (const uint8_t[]){ (uint8_t)value, (uint8_t)(value >> 8),
			    (uint8_t)(value >> 16), (uint8_t)(value >> 24) }, 4);
		}
	}
	finish(sim, start);
}

/* What comes without having been asked for. */
static void
take_message(struct simulated_xen *sim, uint32_t id, uint32_t type, struct cursor *cursor)
{
	struct pciback_address address;
	char path[PCIBACK_STORE_PATH * 4], name[PCIBACK_ADDRESS_SIZE * 2];
	uint32_t command, state;

	switch (type) {
	case WATCH_FIRED:
		command = get32(cursor);
		/* One that is too long is none of ours. */
		if (get_text(cursor, path, sizeof(path)) == 0)
			pciback_backend_watch(sim->backend, path, command);
		break;
	case EVENT_FIRED:
		pciback_backend_event(sim->backend, get32(cursor));
		break;
	case REPORT:
		command = get32(cursor);
		state = get32(cursor);
		if (get_text(cursor, name, sizeof(name)) < 0 ||
		    pciback_address_parse(name, strlen(name), &address) < 0)
			cursor->failed = true;
		else
			(void)pciback_backend_report(sim->backend, &address, (enum pciback_command)command,
			    (int32_t)state, sim->backend->now);
		break;
	case TIME_PASSES:
		sim->passed += get32(cursor);
		break;
	case REST:
		sim->rest_asked = true;
		sim->rest_id = id;
		break;
	case CAPTURE:
		command = get32(cursor);
		state = get32(cursor);
		if (sim->backend->children.operations != NULL && state < CAPTURES)
			children_here_capture(&sim->backend->children, (uint16_t)command, (enum capture)state,
			    get32(cursor));
		break;
	case COUNT:
		sim->counts = true;
		sim->access_time = get32(cursor);
		break;
	case STOP_CLOCK:
		sim->clock_stands = true;
		break;
	case SHOW_REGISTERS:
		sim->shows_registers = true;
		show_registers(sim, id, cursor);
		sim->shows_registers = false;
		break;
	default:
		cursor->failed = true;
		break;
	}
	if (cursor->failed)
		(void)lose(sim, -EPROTO);
}

/*
 * Takes whole messages out of what was received. With `id` not 0 it stops at the reply to it, and
 * returns 1 with its payload.
 */
static int
take_messages(struct simulated_xen *sim, uint32_t id, struct cursor *ret_reply)
{
	size_t start = 0;
	int found = 0;

	while (sim->error == 0 && found == 0 && sim->received - start >= HEADER_SIZE) {
		uint32_t header[3];
		struct cursor cursor = { .bytes = sim->in + start + HEADER_SIZE };

		memcpy(header, sim->in + start, sizeof(header));
		if (header[0] > BUFFER_SIZE - HEADER_SIZE)
			return lose(sim, -EPROTO);
		if (sim->received - start - HEADER_SIZE < header[0])
			break;
		start += HEADER_SIZE + header[0];
		cursor.length = header[0];
		if (header[2] != REPLY) {
			take_message(sim, header[1], header[2], &cursor);
		} else if (id == 0 || header[1] != id) {
			return lose(sim, -EPROTO);
		} else {
			memcpy(sim->reply, cursor.bytes, header[0]);
			*ret_reply = (struct cursor){ .bytes = sim->reply, .length = header[0] };
			found = 1;
		}
	}
	memmove(sim->in, sim->in + start, sim->received - start);
	sim->received -= start;
	return sim->error < 0 ? sim->error : found;
}

/* Reads once. */
static int
receive_some(struct simulated_xen *sim, int flags)
{
	ssize_t n;

	if (sim->received == BUFFER_SIZE)
		return lose(sim, -EPROTO);
	n = recv(sim->fd, sim->in + sim->received, BUFFER_SIZE - sim->received, flags);
	if (n > 0) {
		sim->received += (size_t)n;
		return 1;
	}
	if (n == 0)
		return lose(sim, -ECONNRESET);
	if (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)
		return 0;
	return lose(sim, -errno);
}

static int
receive_all(void *world)
{
	struct simulated_xen *sim = world;
	int r;

	do {
		r = receive_some(sim, MSG_DONTWAIT);
		if (r > 0 && take_messages(sim, 0, NULL) < 0)
			return sim->error;
	} while (r > 0);
	return r;
}

/* Sends what was begun and waits for its reply; returns the reply's result. */
static int
call(struct simulated_xen *sim, size_t start, struct cursor *ret_reply)
{
	uint32_t id;
	int r;

	memcpy(&id, sim->out.bytes + start + 4, sizeof(id));
	finish(sim, start);
	sim->n_calls++;
	if (flush_out(sim) < 0)
		return sim->error;
	for (;;) {
		r = take_messages(sim, id, ret_reply);
		if (r < 0)
			return r;
		if (r > 0)
			break;
		if (receive_some(sim, 0) < 0)
			return sim->error;
	}
	r = (int32_t)get32(ret_reply);
	return ret_reply->failed || r > 0 ? lose(sim, -EPROTO) : r;
}

/* A message with up to six numbers and a reply without any. */
static int
call_numbers(struct simulated_xen *sim, enum message type, const uint32_t *numbers, size_t n)
{
	size_t start = begin(sim, type, ++sim->next_id);
	struct cursor reply;

	for (size_t i = 0; i < n; i++)
		put32(&sim->out, numbers[i]);
	return call(sim, start, &reply);
}

/* The same with one number in the reply. */
static int
call_number(struct simulated_xen *sim, enum message type, const uint32_t *numbers, size_t n,
    uint32_t *ret_number)
{
	size_t start = begin(sim, type, ++sim->next_id);
	struct cursor reply;
	uint32_t number;
	int r;

	for (size_t i = 0; i < n; i++)
		put32(&sim->out, numbers[i]);
	r = call(sim, start, &reply);
	if (r < 0)
		return r;
	number = get32(&reply);
	if (reply.failed)
		return lose(sim, -EPROTO);
	*ret_number = number;
	return 0;
}

#define NUMBERS(...) \
	(const uint32_t[]){ __VA_ARGS__ }, \
	    sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t)

/* A message without a reply. */
static int
tell(struct simulated_xen *sim, enum message type, const uint32_t *numbers, size_t n)
{
	size_t start = begin(sim, type, 0);

	for (size_t i = 0; i < n; i++)
		put32(&sim->out, numbers[i]);
	finish(sim, start);
	return sim->error;
}

/* ---- The store -------------------------------------------------------------------------- */

static int
store_read(void *world, struct pciback_store_item *items, size_t n)
{
	struct simulated_xen *sim = world;
	size_t start = begin(sim, STORE_READ, ++sim->next_id);
	struct cursor reply;
	int r;

	put32(&sim->out, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		put_text(&sim->out, items[i].path);
	r = call(sim, start, &reply);
	for (size_t i = 0; r == 0 && i < n; i++) {
		items[i].result = (int32_t)get32(&reply);
		if (get_text(&reply, items[i].value, sizeof(items[i].value)) < 0 &&
		    items[i].result == 0)
			items[i].result = -EMSGSIZE;
	}
	return r == 0 && reply.failed ? lose(sim, -EPROTO) : r;
}

static int
store_change(void *world, const struct pciback_store_item *items, size_t n)
{
	struct simulated_xen *sim = world;
	size_t start = begin(sim, STORE_CHANGE, ++sim->next_id);
	struct cursor reply;

	put32(&sim->out, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		put32(&sim->out, (uint32_t)items[i].action);
		put_text(&sim->out, items[i].path);
		put_text(&sim->out, items[i].value);
	}
	return call(sim, start, &reply);
}

static int
store_list(void *world, const char *path, uint16_t *ret_numbers, size_t max, size_t *ret_n)
{
	struct simulated_xen *sim = world;
	size_t start = begin(sim, STORE_LIST, ++sim->next_id), n_numbers = 0;
	struct cursor reply;
	int r;

	put_text(&sim->out, path);
	r = call(sim, start, &reply);
	if (r < 0)
		return r;
	for (uint32_t n = get32(&reply); n > 0 && !reply.failed; n--) {
		uint32_t number = get32(&reply);

		if (number > INT16_MAX)
			continue;
		if (n_numbers < max)
			ret_numbers[n_numbers] = (uint16_t)number;
		n_numbers++;
	}
	if (reply.failed)
		return lose(sim, -EPROTO);
	*ret_n = n_numbers;
	return 0;
}

static int
watch(struct simulated_xen *sim, enum message type, const char *path, uint32_t token)
{
	size_t start = begin(sim, type, 0);

	put32(&sim->out, token);
	put_text(&sim->out, path);
	finish(sim, start);
	return sim->error;
}

static int
store_watch(void *world, const char *path, uint32_t token)
{
	return watch(world, STORE_WATCH, path, token);
}

static int
store_unwatch(void *world, const char *path, uint32_t token)
{
	return watch(world, STORE_UNWATCH, path, token);
}

static int
domain_life(void *world, uint16_t domain, enum pciback_life *ret_life)
{
	uint32_t life = 0;
	int r = call_number(world, DOMAIN_LIFE, NUMBERS(domain), &life);

	if (r < 0)
		return r;
	if (life > PCIBACK_LIFE_GONE)
		return lose(world, -EPROTO);
	*ret_life = (enum pciback_life)life;
	return 0;
}

static int
domain_identity(void *world, uint16_t domain, struct pciback_domain_identity *ret_identity)
{
	uint32_t number = 0;
	int r = call_number(world, IDENTITY, NUMBERS(domain), &number);

	if (r < 0)
		return r;
	memset(ret_identity, 0, sizeof(*ret_identity));
	memcpy(ret_identity->bytes, &number, sizeof(number));
	return 0;
}

/* ---- Pages and events ------------------------------------------------------------------- */

static int
map_file(const char *path, void **ret_address)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), r = 0;
	void *address;

	if (fd < 0)
		return -errno;
	address = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (address == MAP_FAILED)
		r = -errno;
	else
		*ret_address = address;
	(void)close(fd);
	return r;
}

static int
page_unmap(void *world, struct pciback_page *page)
{
	struct simulated_xen *sim = world;

	for (size_t i = 0; i < PAGES_MAX; i++) {
		struct page *entry = &sim->pages[i];

		if (entry->address != page)
			continue;
		entry->address = NULL;
		(void)munmap(page, PAGE_SIZE);
		return call_numbers(sim, PAGE_UNMAP, NUMBERS(entry->domain, entry->reference));
	}
	return -EINVAL;
}

static int
page_map(void *world, uint16_t domain, uint32_t reference, struct pciback_page **ret_page)
{
	struct simulated_xen *sim = world;
	struct page *entry = NULL;
	struct cursor reply;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path) * 4];
	size_t start;
	int r;

	for (size_t i = 0; i < PAGES_MAX && entry == NULL; i++)
		if (sim->pages[i].address == NULL)
			entry = &sim->pages[i];
	if (entry == NULL)
		return -ENOMEM;
	start = begin(sim, PAGE_MAP, ++sim->next_id);
	put32(&sim->out, domain);
	put32(&sim->out, reference);
	r = call(sim, start, &reply);
	if (r < 0)
		return r;
	if (get_text(&reply, path, sizeof(path)) < 0)
		return lose(sim, -EPROTO);
	r = map_file(path, &entry->address);
	if (r < 0) {
		/* It was granted all the same. */
		(void)call_numbers(sim, PAGE_UNMAP, NUMBERS(domain, reference));
		return r;
	}
	entry->domain = domain;
	entry->reference = reference;
	*ret_page = entry->address;
	return 0;
}

static int
event_bind(void *world, uint16_t domain, uint32_t remote_port, uint32_t *ret_port)
{
	return call_number(world, EVENT_BIND, NUMBERS(domain, remote_port), ret_port);
}

static int
event_unbind(void *world, uint32_t port)
{
	return call_numbers(world, EVENT_UNBIND, NUMBERS(port));
}

static int
event_unmask(void *world, uint32_t port)
{
	return tell(world, EVENT_UNMASK, NUMBERS(port));
}

static int
event_notify(void *world, uint32_t port)
{
	struct simulated_xen *sim = world;
	uint32_t n = sim->n_accesses - sim->n_answered;

	/* A guest may ask for them as often as it likes. */
	sim->n_accesses -= n < REQUEST_ACCESSES ? n : REQUEST_ACCESSES;
	sim->n_answered = sim->n_accesses;
	return tell(sim, EVENT_NOTIFY, NUMBERS(port));
}

/* ---- Permissions ------------------------------------------------------------------------ */

static int
ioport(void *world, uint16_t domain, uint32_t first, uint32_t n, bool allow)
{
	return call_numbers(world, IOPORT, NUMBERS(domain, first, n, allow));
}

static int
iomem(void *world, uint16_t domain, uint64_t first_frame, uint64_t n, bool allow)
{
	struct simulated_xen *sim = world;
	size_t start = begin(sim, IOMEM, ++sim->next_id);
	struct cursor reply;

	put32(&sim->out, domain);
	put64(&sim->out, first_frame);
	put64(&sim->out, n);
	put32(&sim->out, allow);
	return call(sim, start, &reply);
}

static int
pirq_map(void *world, uint16_t domain, uint32_t irq, uint32_t *ret_pirq)
{
	return call_number(world, PIRQ_MAP, NUMBERS(domain, irq), ret_pirq);
}

static int
pirq_unmap(void *world, uint16_t domain, uint32_t pirq)
{
	return call_numbers(world, PIRQ_UNMAP, NUMBERS(domain, pirq));
}

static int
irq(void *world, uint16_t domain, uint32_t pirq, bool allow)
{
	return call_numbers(world, IRQ, NUMBERS(domain, pirq, allow));
}

static int
call_device(struct simulated_xen *sim, enum message type, uint16_t domain,
    const struct pciback_address *address)
{
	size_t start = begin(sim, type, ++sim->next_id);
	char name[PCIBACK_ADDRESS_SIZE];
	struct cursor reply;

	pciback_address_format(address, name);
	put32(&sim->out, domain);
	put_text(&sim->out, name);
	return call(sim, start, &reply);
}

static int
assign(void *world, uint16_t domain, const struct pciback_address *address, bool rdm_relaxed)
{
	/* Its machine reserves no memory for devices. */
	(void)rdm_relaxed;
	return call_device(world, ASSIGN, domain, address);
}

static int
deassign(void *world, uint16_t domain, const struct pciback_address *address)
{
	return call_device(world, DEASSIGN, domain, address);
}

static int
msix_table(void *world, const struct pciback_address *address, bool known)
{
	/* No domain's; in its place stands whether Xen is to know the table. */
	return call_device(world, PROTECT_TABLE, known, address);
}

static int
msi_map(void *world, uint16_t domain, const struct pciback_address *address, unsigned entry,
    uint64_t table, uint32_t *ret_pirq)
{
	struct simulated_xen *sim = world;
	size_t start = begin(sim, MSI_MAP, ++sim->next_id);
	char name[PCIBACK_ADDRESS_SIZE];
	struct cursor reply;
	uint32_t pirq;
	int r;

	pciback_address_format(address, name);
	put32(&sim->out, domain);
	put_text(&sim->out, name);
	put32(&sim->out, entry);
	put64(&sim->out, table);
	r = call(sim, start, &reply);
	if (r < 0)
		return r;
	pirq = get32(&reply);
	if (reply.failed)
		return lose(sim, -EPROTO);
	*ret_pirq = pirq;
	return 0;
}

static void
recovered(void *world, uint16_t domain, const struct pciback_address *address,
    enum pciback_command command, enum pciback_recovery result)
{
	struct simulated_xen *sim = world;
	size_t start = begin(sim, RECOVERED, 0);
	char name[PCIBACK_ADDRESS_SIZE];

	pciback_address_format(address, name);
	put32(&sim->out, domain);
	put_text(&sim->out, name);
	put32(&sim->out, (uint32_t)command);
	put32(&sim->out, (uint32_t)result);
	finish(sim, start);
}

int
simulated_xen_dom0(void *world, struct simulated_dom0 *ret_dom0)
{
	struct simulated_xen *sim = world;
	struct cursor reply;
	char name[PCIBACK_ADDRESS_SIZE];
	size_t n;
	int r;

	/* A driver's device has registers, too. */
	ret_dom0->n_drivers = 0;
	if (sim->shows_registers)
		return 0;
	r = call(sim, begin(sim, DOM0, ++sim->next_id), &reply);
	if (r < 0)
		return r;
	r = get_text(&reply, ret_dom0->kernel_backend, sizeof(ret_dom0->kernel_backend));
	n = get32(&reply);
	if (r < 0 || n > SIMULATED_DRIVERS_MAX)
		return lose(sim, -EPROTO);
	for (size_t i = 0; i < n; i++) {
		struct simulated_driver *driver = &ret_dom0->drivers[i];

		if (get_text(&reply, name, sizeof(name)) < 0 ||
		    pciback_address_parse(name, strlen(name), &driver->address) < 0)
			reply.failed = true;
		driver->line = get32(&reply);
		if (get_text(&reply, driver->name, sizeof(driver->name)) < 0)
			reply.failed = true;
	}
	if (reply.failed)
		return lose(sim, -EPROTO);
	ret_dom0->n_drivers = n;
	return 0;
}

int
simulated_xen_reset(void *world, const struct pciback_address *address)
{
	struct simulated_xen *sim = world;
	char name[PCIBACK_ADDRESS_SIZE];
	struct cursor reply;
	size_t start;
	uint32_t wait;
	int r;

	if (sim->shows_registers)
		return 0;
	pciback_address_format(address, name);
	start = begin(sim, RESET, ++sim->next_id);
	put_text(&sim->out, name);
	r = call(sim, start, &reply);
	if (r < 0)
		return r;
	wait = get32(&reply);
	return reply.failed || wait > SIMULATED_RESET_MAX ? lose(sim, -EPROTO) : (int)wait;
}

/* ---- The connection --------------------------------------------------------------------- */

static const struct pciback_xen_operations operations = {
	.store_read = store_read,
	.store_change = store_change,
	.store_list = store_list,
	.store_watch = store_watch,
	.store_unwatch = store_unwatch,
	.domain_life = domain_life,
	.domain_identity = domain_identity,
	.page_map = page_map,
	.page_unmap = page_unmap,
	.event_bind = event_bind,
	.event_unbind = event_unbind,
	.event_unmask = event_unmask,
	.event_notify = event_notify,
	.ioport = ioport,
	.iomem = iomem,
	.pirq_map = pirq_map,
	.pirq_unmap = pirq_unmap,
	.irq = irq,
	.assign = assign,
	.deassign = deassign,
	.msix_table = msix_table,
	.msi_map = msi_map,
	.recovered = recovered,
};

static uint64_t
simulated_clock(void *world)
{
	struct simulated_xen *sim = world;

	if (!sim->clock_stands)
		sim->stands_at = pciback_clock();
	return sim->stands_at + sim->passed;
}

void
simulated_xen_access(void *world)
{
	struct simulated_xen *sim = world;

	/* Its own looks are no work of a backend. */
	if (!sim->counts || sim->shows_registers)
		return;
	sim->n_accesses++;
	sim->access_work += sim->access_time;
	sim->passed += sim->access_work / 1000;
	sim->access_work %= 1000;
}

/* Before it is looked at what has come: tells of more than ever before. */
static int
flush_link(void *world)
{
	struct simulated_xen *sim = world;

	if (sim->counts && (sim->n_accesses > sim->max_accesses || sim->n_calls > sim->max_calls)) {
		(void)tell(sim, LOOKS, NUMBERS(sim->n_accesses, sim->n_calls));
		if (sim->n_accesses > sim->max_accesses)
			sim->max_accesses = sim->n_accesses;
		if (sim->n_calls > sim->max_calls)
			sim->max_calls = sim->n_calls;
	}
	sim->n_accesses = sim->n_answered = sim->n_calls = 0;
	return flush_out(sim);
}

static void
at_rest(void *world)
{
	struct simulated_xen *sim = world;
	size_t start;

	if (!sim->rest_asked)
		return;
	sim->rest_asked = false;
	start = begin(sim, AT_REST, sim->rest_id);
	finish(sim, start);
}

static void
close_link(void *world)
{
	struct simulated_xen *sim = world;

	(void)flush_out(sim);
	(void)close(sim->fd);
	for (size_t i = 0; i < PAGES_MAX; i++)
		if (sim->pages[i].address != NULL)
			(void)munmap(sim->pages[i].address, PAGE_SIZE);
	free(sim->out.bytes);
	free(sim->in);
	free(sim->reply);
	free(sim);
}

static int
connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0)
		return -errno;
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = errno;

		(void)close(fd);
		return -error;
	}
	return fd;
}

int
simulated_xen_open(struct pciback_xen_link *ret_link, struct pciback_backend *backend,
    const char *path, char message[PCIBACK_PLATFORM_MESSAGE])
{
	struct simulated_xen *sim = calloc(1, sizeof(*sim));
	int fd = connect_to(path);

	if (sim != NULL) {
		sim->out.bytes = malloc(BUFFER_SIZE);
		sim->in = malloc(BUFFER_SIZE);
		sim->reply = malloc(BUFFER_SIZE);
	}
	if (fd < 0 || sim == NULL || sim->out.bytes == NULL || sim->in == NULL ||
	    sim->reply == NULL) {
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "the simulated Xen at %s can't be "
		    "reached: %s", path, strerror(fd < 0 ? -fd : ENOMEM));
		if (fd >= 0)
			(void)close(fd);
		if (sim != NULL) {
			free(sim->out.bytes);
			free(sim->in);
			free(sim->reply);
		}
		free(sim);
		return fd < 0 ? fd : -ENOMEM;
	}
	sim->backend = backend;
	sim->fd = fd;
	sim->out.length = BUFFER_SIZE;
	*ret_link = (struct pciback_xen_link){
		.xen = { .operations = &operations, .world = sim },
		.fds = { fd, -1 },
		.n_fds = 1,
		.receive = receive_all,
		.flush = flush_link,
		.clock = simulated_clock,
		.at_rest = at_rest,
		.close = close_link,
	};
	return 0;
}
