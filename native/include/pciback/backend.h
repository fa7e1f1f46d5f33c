/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_BACKEND_H
#define PCIBACK_BACKEND_H

/*
 * A backend for Xen PCI pass-through, free of any operating system.
 *
 *	page of a guest --> channel --> topology --> device --> policy --> operations of the host
 *
 * The caller owns every structure, statically if it likes; nothing here allocates, blocks or keeps
 * state of its own. Everything in a page is written by a guest and hostile; everything that a
 * binding gives (settings, results of operations) is trusted as far as it is in range.
 *
 * Functions return 0 or a negative errno value, but for those that answer a guest: they return
 * one of the protocol's error values (enum pciback_answer).
 *
 * Threads: one channel, with its devices and its topology, belongs to one thread at a time. The
 * claim in a channel only keeps a second caller out while a request is served.
 *
 * Sources, by the names used below: [pciif] Xen's public header io/pciif.h; [PCI] PCI Local Bus
 * Specification 3.0; [PCIe] PCI Express Base Specification, chapter 7; [PM] PCI Bus Power
 * Management Interface Specification 1.2; [Linux] what xen-pciback and xen-pcifront of Linux do
 * with the same values.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pciback/address.h>

/* ---- The shared page ------------------------------------------------------------------- */

/* What a frontend writes into its xenstore key "magic" [pciif]. */
#define PCIBACK_MAGIC "7"

/* Vectors that fit in one request [pciif]. */
#define PCIBACK_VECTORS_MAX 128

/* Bits of the page's flags [pciif]. */
enum {
	PCIBACK_FLAG_REQUEST = 1 << 0,		/* the frontend waits for an answer */
	PCIBACK_FLAG_AER_HANDLER = 1 << 1,	/* the frontend answers error reports */
	PCIBACK_FLAG_AER = 1 << 2,		/* the backend waits for an answer */
};

/* What a request asks for [pciif]. Those from AER_DETECTED to AER_SLOT_RESET go the other way. */
enum pciback_command {
	PCIBACK_CONFIG_READ = 0,
	PCIBACK_CONFIG_WRITE = 1,
	PCIBACK_ENABLE_MSI = 2,
	PCIBACK_DISABLE_MSI = 3,
	PCIBACK_ENABLE_MSIX = 4,
	PCIBACK_DISABLE_MSIX = 5,
	PCIBACK_AER_DETECTED = 6,
	PCIBACK_AER_RESUME = 7,
	PCIBACK_AER_MMIO = 8,
	PCIBACK_AER_SLOT_RESET = 9,
	PCIBACK_ENABLE_MULTI_MSI = 10,
};

/*
 * How a request is answered. The first six are [pciif]'s; the others are errno values of Linux,
 * on whatever system, that its backend puts into the same field for PCIBACK_ENABLE_MSIX [Linux].
 */
enum pciback_answer {
	PCIBACK_DONE = 0,
	PCIBACK_NO_DEVICE = -1,
	PCIBACK_INVALID_OFFSET = -2,
	PCIBACK_DENIED = -3,
	PCIBACK_NOT_IMPLEMENTED = -4,
	PCIBACK_FAILED = -5,
	PCIBACK_MSIX_BUSY = -6,			/* ENXIO: MSI is on, or memory decoding is off */
	PCIBACK_MSIX_NO_MEMORY = -12,		/* ENOMEM */
	PCIBACK_MSIX_INVALID = -22,		/* EINVAL: no such vectors */
	PCIBACK_MSIX_ALREADY = -114,		/* EALREADY: MSI-X is on */
};

/*
 * The page that a guest grants, in the byte order of the machine [pciif]. Every field is an
 * atomic: the guest may write at any time, and 32 bits at a time never touch a neighbour (Linux's
 * 64-bit bit operations on the flags do).
 */
struct pciback_page_vector {
	_Atomic uint16_t vector;
	_Atomic uint16_t entry;
};

struct pciback_page_request {
	_Atomic uint32_t command;
	_Atomic int32_t error;
	_Atomic uint32_t domain;
	_Atomic uint32_t bus;
	_Atomic uint32_t devfn;			/* device << 3 | function */
	_Atomic int32_t offset;
	_Atomic int32_t size;			/* bytes */
	_Atomic uint32_t value;
	_Atomic uint32_t info;			/* unused by every frontend */
	struct pciback_page_vector vectors[PCIBACK_VECTORS_MAX];
};

struct pciback_page_aer {
	_Atomic uint32_t command;
	_Atomic int32_t error;			/* there: channel state; back: recovery result */
	_Atomic uint32_t domain;
	_Atomic uint32_t bus;
	_Atomic uint32_t devfn;
};

struct pciback_page {
	_Atomic uint32_t flags;
	struct pciback_page_request request;
	struct pciback_page_aer aer;
};

_Static_assert(sizeof(struct pciback_page_vector) == 4, "xen_msix_entry");
_Static_assert(offsetof(struct pciback_page_vector, entry) == 2, "xen_msix_entry.entry");
_Static_assert(sizeof(struct pciback_page_request) == 548, "xen_pci_op");
_Static_assert(offsetof(struct pciback_page_request, error) == 4, "xen_pci_op.err");
_Static_assert(offsetof(struct pciback_page_request, domain) == 8, "xen_pci_op.domain");
_Static_assert(offsetof(struct pciback_page_request, bus) == 12, "xen_pci_op.bus");
_Static_assert(offsetof(struct pciback_page_request, devfn) == 16, "xen_pci_op.devfn");
_Static_assert(offsetof(struct pciback_page_request, offset) == 20, "xen_pci_op.offset");
_Static_assert(offsetof(struct pciback_page_request, size) == 24, "xen_pci_op.size");
_Static_assert(offsetof(struct pciback_page_request, value) == 28, "xen_pci_op.value");
_Static_assert(offsetof(struct pciback_page_request, info) == 32, "xen_pci_op.info");
_Static_assert(offsetof(struct pciback_page_request, vectors) == 36, "xen_pci_op.msix_entries");
_Static_assert(sizeof(struct pciback_page_aer) == 20, "xen_pcie_aer_op");
_Static_assert(sizeof(struct pciback_page) == 572, "xen_pci_sharedinfo");
_Static_assert(offsetof(struct pciback_page, request) == 4, "xen_pci_sharedinfo.op");
_Static_assert(offsetof(struct pciback_page, aer) == 552, "xen_pci_sharedinfo.aer_op");

/* ---- The host -------------------------------------------------------------------------- */

/* One MSI-X vector: which entry of the device's table, and the pirq that it got. */
struct pciback_vector {
	uint16_t vector;
	uint16_t entry;
};

enum pciback_log_level {
	PCIBACK_LOG_INFO,
	PCIBACK_LOG_WARNING,
	PCIBACK_LOG_ERROR,
};

/*
 * What touches the world. `handle` names a device or a channel and is what the caller put into its
 * settings; `world` is the process's own. Operations on a device (all but notify and log) use the
 * handle alone, so that a process can put those of a binding into a table of its own. They are
 * only ever called for the device that a request was looked up to, with values that were checked.
 *
 * Each returns 0 or a negative errno value. None may block for long: a guest waits with
 * interrupts off. A NULL member is an operation that the host does not have.
 */
struct pciback_operations {
	/* Reads `size` (1, 2 or 4) bytes at `offset`, a multiple of it, below the device's
	 * config_size. The bits above are zero. */
	int (*config_read)(void *world, void *handle, unsigned offset, unsigned size,
	    uint32_t *ret_value);

	/* Writes exactly these bytes. A binding that can only write 32 bits at once has to write
	 * zeros to bits that are cleared by ones, and what it read to others. */
	int (*config_write)(void *world, void *handle, unsigned offset, unsigned size,
	    uint32_t value);

	/* Turns decoding of memory and I/O on for the kinds of BAR that the device has; it stays on
	 * for as long as a guest holds the device (XSA-120). */
	int (*device_enable)(void *world, void *handle);

	/* Moves the device to D0 (0) to D3hot (3); restores what the device forgets on its way back
	 * [PM 5.4]. May be NULL: power states are then left alone. */
	int (*power_set)(void *world, void *handle, unsigned state);

	/*
	 * Gives the guest one MSI: maps a pirq (never 0, which Linux's frontend refuses), programs
	 * address and data, and sets the enable bit; INTX_DISABLE is the library's and is set by
	 * then. A failure leaves nothing behind. disable takes all of it back; what it could not is
	 * logged, and INTx is on again for the guest.
	 * May be NULL, both of them: the device then has no MSI.
	 */
	int (*msi_enable)(void *world, void *handle, uint32_t *ret_pirq);
	int (*msi_disable)(void *world, void *handle);

	/*
	 * The same for `n` (1 to PCIBACK_VECTORS_MAX) entries of the MSI-X table, which exist and
	 * differ; fills in their vectors. -ENOMEM is told to the guest as such.
	 */
	int (*msix_enable)(void *world, void *handle, struct pciback_vector *vectors, size_t n);
	int (*msix_disable)(void *world, void *handle);

	/* Sends an event to the guest behind a channel. */
	void (*notify)(void *world, void *handle);

	/* One line without a newline, at most PCIBACK_LOG_LINE bytes with its NUL; any byte in it is
	 * printable ASCII. */
	void (*log)(void *world, enum pciback_log_level level, const char *line);
};

struct pciback_host {
	const struct pciback_operations *operations;
	void *world;
};

/* ---- Limits and the log ---------------------------------------------------------------- */

/* How often something may happen: a bucket of `burst` that fills with `per_second`. */
struct pciback_limit {
	uint32_t per_second;
	uint32_t burst;
	uint64_t credit;		/* thousandths of one time */
	uint64_t updated;		/* milliseconds */
};

/* A full bucket. Both numbers are at least 1; times are milliseconds of a clock that never goes
 * back. */
void pciback_limit_init(struct pciback_limit *limit, uint32_t per_second, uint32_t burst,
    uint64_t now);

/* Whether it may happen once more now; if so, it is counted. */
bool pciback_limit_take(struct pciback_limit *limit, uint64_t now);

#define PCIBACK_LOG_LINE 160

/* A guest's log: one line a second, whatever the guest does (XSA-43). */
struct pciback_log {
	const struct pciback_host *host;
	uint16_t domain;
	uint64_t now;			/* set by pciback_channel_serve(), or by the caller */
	uint32_t n_dropped;		/* lines since the last that was written */
	struct pciback_limit limit;
};

/* `domain` is the guest's id, which starts each line; `now` in milliseconds. */
void pciback_log_init(struct pciback_log *log, const struct pciback_host *host, uint16_t domain,
    uint64_t now);

/* Writes one line, or counts it if there was one within the second. Arguments as printf(3); bytes
 * that are not printable become '?'. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void pciback_log_write(struct pciback_log *log, enum pciback_log_level level,
    const char *format, ...);

/* ---- A device and its policy ----------------------------------------------------------- */

enum pciback_resource_kind {
	PCIBACK_RESOURCE_NONE,
	PCIBACK_RESOURCE_IO,
	PCIBACK_RESOURCE_MEM32,
	PCIBACK_RESOURCE_MEM64,		/* takes the next BAR as well, which is then NONE */
};

/* What one BAR decodes, in bytes. 64 bits throughout (XSA-476). */
struct pciback_resource {
	enum pciback_resource_kind kind;
	bool prefetchable;
	uint64_t address;		/* on the bus; a multiple of the size */
	uint64_t size;			/* a power of two: I/O from 4, memory from 16, ROM from 2048 */
};

#define PCIBACK_RESOURCES 6

/*
 * A register of a configuration space. Each of its bits is in at most one mask; a bit in none is
 * the guest's to write. How a register is read and written, unless its type says otherwise:
 *
 *	mask		read		written
 *	read_only	as it is	stays
 *	clear_by_one	as it is	a one clears it, a zero leaves it
 *	preserve	zero		stays
 *	zero		zero		zero
 *	none		as it is	as the guest wants it
 */
struct pciback_device;
struct pciback_register_type;

struct pciback_register {
	const struct pciback_register_type *type;	/* NULL: as above */
	uint32_t read_only;
	uint32_t clear_by_one;
	uint32_t preserve;
	uint32_t zero;
	uint32_t value;			/* the type's own, such as what a virtual register shows */
	uint16_t offset;		/* a multiple of the size */
	uint8_t size;			/* bytes: 1, 2 or 4 */
	bool guarded;			/* written only if the device is permissive */
};

/* What a type does otherwise; NULL: as the masks say. Values are those of the whole register. What
 * read returns is shown as it is; the masks have been applied to what write gets. */
struct pciback_register_type {
	enum pciback_answer (*read)(struct pciback_device *device,
	    const struct pciback_register *reg, uint32_t *ret_value);
	/* `value` is what the register would show after the write, with ones only in those bits of
	 * clear_by_one that are to be cleared; `written` are the bits that the guest wrote. */
	enum pciback_answer (*write)(struct pciback_device *device, struct pciback_register *reg,
	    uint32_t value, uint32_t written);
};

/* One deviation from the general policy, for devices that need it. */
enum pciback_quirk_kind {
	PCIBACK_QUIRK_HIDE,		/* hide a capability that is usually shown */
	PCIBACK_QUIRK_SHOW,		/* show a capability that is usually hidden, read-only */
	PCIBACK_QUIRK_REGISTER,		/* a register between 0x40 and 0xff that a driver writes */
};

struct pciback_quirk {
	uint16_t vendor;
	uint16_t first, last;		/* device ids, both included */
	enum pciback_quirk_kind kind;
	uint8_t capability;		/* HIDE, SHOW: its id */
	struct pciback_register reg;	/* REGISTER; `type` is NULL */
};

/* The quirks that are known to be needed. A register yields to a capability at its place. */
const struct pciback_quirk *pciback_quirks(size_t *ret_n);

/* What the binding knows of a device. */
struct pciback_device_settings {
	struct pciback_address address;	/* the real one */
	void *handle;			/* for the operations */
	uint16_t vendor, device;	/* as the system found them: a virtual function shows neither */
	uint16_t config_size;		/* 256 or 4096 bytes */
	bool is_virtual_function;	/* of SR-IOV */
	struct pciback_resource bars[PCIBACK_RESOURCES];	/* a bridge has two */
	struct pciback_resource rom;	/* NONE or MEM32 */
	uint8_t interrupt_line;		/* what the guest reads as such: the host's irq */
	uint32_t pirq;			/* of INTx, 0 for none; the answer to disabling MSI */
	bool permissive;		/* writes to registers that nobody knows pass; logged */
	bool interrupt_control;		/* the guest may switch INTx, MSI and MSI-X in the registers */
	const struct pciback_quirk *quirks;	/* kept, not copied */
	size_t n_quirks;
};

/* Which interrupt a device may use: exactly one of them at a time. */
enum pciback_interrupt {
	PCIBACK_INTX,
	PCIBACK_MSI,
	PCIBACK_MSIX,
};

/* A header has at most 21, and the 48 dwords behind it two each; the rest is for quirks, and the
 * last one marks the end. */
#define PCIBACK_REGISTERS_MAX 128

/* A device in the hands of a guest. Its members are the library's; read them if you like. */
struct pciback_device {
	const struct pciback_host *host;
	struct pciback_log *log;
	struct pciback_device_settings settings;
	uint8_t header_type;		/* 0 device, 1 PCI bridge */
	enum pciback_interrupt interrupt;
	bool interrupt_by_registers;	/* switched on there, not by a request */
	uint16_t command;		/* COMMAND as the guest believes it */
	uint16_t kept, passed;		/* bits of COMMAND: always on; the guest's to have */
	uint16_t power_states;		/* bit n: the device can be in Dn */
	uint8_t msi, msix, power;	/* offsets of capabilities, 0 for none */
	uint16_t n_vectors;		/* of the MSI-X table */
	uint8_t n_registers;
	uint8_t first[64];		/* of each dword: the first register in or behind it */
	struct pciback_register registers[PCIBACK_REGISTERS_MAX];	/* sorted by offset */
};

/*
 * Takes a device over for a guest: turns decoding on, bus mastering, MSI, MSI-X and wake-up events
 * off, and lays out its registers. `host` and `log` outlive the device.
 * Returns 0, -EINVAL when settings or header are impossible (the log says what), -EIO or what an
 * operation returned. A failure leaves bus mastering and MSI off.
 */
int pciback_device_init(struct pciback_device *device, const struct pciback_host *host,
    struct pciback_log *log, const struct pciback_device_settings *settings);

/* Takes the device back: MSI and MSI-X off, bus mastering off. Safe to call twice; an operation
 * that fails does not keep the others from being called, and the first failure is returned. */
int pciback_device_close(struct pciback_device *device);

/*
 * Adds a register between 0 and 0xff. Returns 0, -EINVAL (size, alignment, past 0xff, masks that overlap or reach
 * past the size), -EEXIST when another register has one of its bytes, or -ENOSPC.
 */
int pciback_device_add_register(struct pciback_device *device,
    const struct pciback_register *reg);

/*
 * What a guest reads from a configuration space: `size` bytes (1, 2, 4) at `offset`, a multiple of
 * it, up to 4095. Anything else is PCIBACK_INVALID_OFFSET. *ret_value is 0 unless done. Past the
 * device's config_size there are ones, as on a bus where nobody answers, and the device isn't
 * asked.
 */
enum pciback_answer pciback_config_read(struct pciback_device *device, uint32_t offset,
    uint32_t size, uint32_t *ret_value);

/*
 * A guest's write. It is cut at the borders of registers and each part goes to the one that owns
 * it (XSA-128); parts that nobody owns are dropped unless the device is permissive, and answered
 * with PCIBACK_DONE. The first part that is not done ends the write and is the answer.
 */
enum pciback_answer pciback_config_write(struct pciback_device *device, uint32_t offset,
    uint32_t size, uint32_t value);

/*
 * MSI and MSI-X as requests ask for them, in any order (XSA-157). What is answered [Linux]:
 *
 *	enable_msi	PCIBACK_FAILED and value 0 while MSI or MSI-X is on; else the pirq
 *	enable_msix	PCIBACK_MSIX_*, in this order: INVALID (more than a request has), ALREADY,
 *			BUSY, INVALID (none, more than the table has, an entry that doesn't exist or
 *			comes twice, no MSI-X at all); else the vectors and value 0
 *	disable_*	always done; the value is INTx's pirq
 */
enum pciback_answer pciback_msi_enable(struct pciback_device *device, uint32_t *ret_pirq);
enum pciback_answer pciback_msi_disable(struct pciback_device *device, uint32_t *ret_pirq);
enum pciback_answer pciback_msix_enable(struct pciback_device *device,
    struct pciback_vector *vectors, size_t n);
enum pciback_answer pciback_msix_disable(struct pciback_device *device, uint32_t *ret_pirq);

/* ---- The topology of a guest ----------------------------------------------------------- */

/* How a guest sees its devices [Linux]. */
enum pciback_topology_kind {
	PCIBACK_TOPOLOGY_VIRTUAL,	/* on bus 0 of domain 0, 32 slots */
	PCIBACK_TOPOLOGY_REAL,		/* where they are */
};

#define PCIBACK_DEVICES_MAX 256

struct pciback_place {
	uint32_t key;			/* domain << 16 | bus << 8 | device << 3 | function */
	struct pciback_device *device;
};

struct pciback_topology {
	enum pciback_topology_kind kind;
	size_t n_places;
	struct pciback_place places[PCIBACK_DEVICES_MAX];	/* sorted by key */
};

void pciback_topology_init(struct pciback_topology *topology, enum pciback_topology_kind kind);

/*
 * Gives a device its place and tells which. In a virtual topology the functions of one physical
 * device share a slot and keep their numbers, as a lone function does; a virtual function of
 * SR-IOV becomes function 0 of a slot of its own. The device is kept, not copied.
 * Returns 0, -EEXIST (it has a place), or -ENOSPC.
 */
int pciback_topology_add(struct pciback_topology *topology, struct pciback_device *device,
    struct pciback_address *ret_place);

/* Takes a device's place away; the others keep theirs. Returns 0 or -ENOENT. */
int pciback_topology_remove(struct pciback_topology *topology,
    const struct pciback_device *device);

/* The device at a place, or NULL. Numbers as in a request: any of them may be out of range. */
struct pciback_device *pciback_topology_find(const struct pciback_topology *topology,
    uint32_t domain, uint32_t bus, uint32_t devfn);

/* Where the guest sees a device. Returns 0 or -ENOENT. */
int pciback_topology_place(const struct pciback_topology *topology,
    const struct pciback_device *device, struct pciback_address *ret_place);

/* ---- Requests -------------------------------------------------------------------------- */

/* The way between one guest and its devices. */
struct pciback_channel {
	struct pciback_page *page;
	const struct pciback_topology *topology;
	const struct pciback_host *host;
	struct pciback_log *log;
	void *handle;			/* for notify */
	_Atomic uint32_t claimed;
	bool aer_pending;
	struct pciback_limit limit;	/* of requests */
	struct pciback_vector vectors[PCIBACK_VECTORS_MAX];	/* of the request that is served */
	uint64_t n_requests, n_refused;	/* answered; of these, not with PCIBACK_DONE */
};

/* Requests that one guest may make: the probe of a device takes some hundred at once. */
#define PCIBACK_REQUESTS_PER_SECOND	50000
#define PCIBACK_REQUESTS_BURST		10000

/* Opens a channel over a page that is mapped, aligned to 4 bytes, until the channel is given up.
 * Everything that is pointed to outlives it. `now` in milliseconds. */
void pciback_channel_init(struct pciback_channel *channel, struct pciback_page *page,
    const struct pciback_topology *topology, const struct pciback_host *host,
    struct pciback_log *log, void *handle, uint64_t now);

/* Whether the frontend waits for an answer. */
bool pciback_channel_pending(const struct pciback_channel *channel);

/*
 * Serves what is pending, up to `max` requests one after the other, and notifies the guest of
 * each answer. To be called for each event of the guest; `now` in milliseconds.
 * Returns how many were answered; -EBUSY when somebody else serves the channel; -EAGAIN when the
 * guest is past its limit and a request stays pending: call again later, and leave the event
 * channel masked until then.
 */
int pciback_channel_serve(struct pciback_channel *channel, uint64_t now, unsigned max);

/* ---- Error reports (AER) --------------------------------------------------------------- */

/* How a guest says that recovery went: pci_ers_result of Linux. */
enum pciback_recovery {
	PCIBACK_RECOVERY_NONE = 1,
	PCIBACK_RECOVERY_CAN = 2,
	PCIBACK_RECOVERY_NEEDS_RESET = 3,
	PCIBACK_RECOVERY_DISCONNECT = 4,
	PCIBACK_RECOVERY_DONE = 5,
};

/*
 * Reports an error of the device at `place`: `command` is one of PCIBACK_AER_*, `state` the
 * channel's (1 normal, 2 frozen, 3 permanent failure). Never waits: the answer comes with an event.
 * Returns 0, -EINVAL (another command), -ENOTSUP when the frontend has no handler, or -EBUSY
 * while a report is out.
 */
int pciback_aer_send(struct pciback_channel *channel, enum pciback_command command, int32_t state,
    const struct pciback_address *place);

/*
 * Takes the answer. Returns 0, -EAGAIN while there is none, -ENOENT when nothing was reported. An
 * answer that is none of pciback_recovery is PCIBACK_RECOVERY_DISCONNECT.
 * A caller that waited long enough gives up with pciback_aer_cancel().
 */
int pciback_aer_take(struct pciback_channel *channel, enum pciback_recovery *ret_result);
void pciback_aer_cancel(struct pciback_channel *channel);

/* ---- For the state machine: store, grants, event channels, permissions ----------------------
 * Their operations belong into a table of their own, next to struct pciback_operations, so that
 * the request path depends on none of them. */

#endif
