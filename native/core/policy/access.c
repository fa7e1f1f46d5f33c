/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "policy.h"

#include <inttypes.h>

/*
 * The second half of a request's path; the first is in core/dispatch.c. An access is cut into
 * parts, each of which one register owns, or none.
 */

/* A part of an access: all of it in one register, or in none and then naturally aligned. */
struct part {
	struct pciback_register *reg;
	uint32_t size;
};

enum pciback_answer
pciback_raw_read(struct pciback_device *device, uint32_t offset, uint32_t size,
    uint32_t *ret_value)
{
	const struct pciback_host *host = device->host;
	uint32_t value = 0;

	*ret_value = 0;
	if (host->operations->config_read(host->world, device->settings.handle, offset, size,
	    &value) < 0)
		return PCIBACK_FAILED;
	*ret_value = value & pciback_size_mask(size);
	return PCIBACK_DONE;
}

enum pciback_answer
pciback_raw_write(struct pciback_device *device, uint32_t offset, uint32_t size, uint32_t value)
{
	const struct pciback_host *host = device->host;

	if (host->operations->config_write(host->world, device->settings.handle, offset, size,
	    value & pciback_size_mask(size)) < 0)
		return PCIBACK_FAILED;
	return PCIBACK_DONE;
}

/* The part that begins at `position`; the access ends at `end`, in the same dword. */
static struct part
part_at(struct pciback_device *device, uint32_t position, uint32_t end)
{
	uint32_t i = device->first[position / 4], size;

	for (; i < device->n_registers; i++) {
		struct pciback_register *reg = &device->registers[i];

		if ((uint32_t)reg->offset + reg->size <= position)
			continue;
		if (reg->offset > position) {
			if (reg->offset < end)
				end = reg->offset;
			break;
		}
		if ((uint32_t)reg->offset + reg->size < end)
			end = (uint32_t)reg->offset + reg->size;
		return (struct part){ .reg = reg, .size = end - position };
	}
	size = end - position;
	if ((position & 1) != 0 || size == 1)
		size = 1;
	else if ((position & 2) != 0 || size == 3)
		size = 2;
	return (struct part){ .reg = NULL, .size = size };
}

static enum pciback_answer
register_read(struct pciback_device *device, const struct pciback_register *reg,
    uint32_t *ret_value)
{
	enum pciback_answer answer;

	if (reg->type != NULL && reg->type->read != NULL)
		answer = reg->type->read(device, reg, ret_value);
	else
		answer = pciback_raw_read(device, reg->offset, reg->size, ret_value);
	*ret_value &= ~(reg->preserve | reg->zero);
	return answer;
}

enum pciback_answer
pciback_config_read(struct pciback_device *device, uint32_t offset, uint32_t size,
    uint32_t *ret_value)
{
	uint32_t end = offset + size, value = 0;

	*ret_value = 0;
	if (!pciback_is_access(offset, size))
		return PCIBACK_INVALID_OFFSET;
	if (offset >= device->settings.config_size) {
		*ret_value = pciback_size_mask(size);
		return PCIBACK_DONE;
	}
	if (offset >= CONVENTIONAL_END)
		return pciback_raw_read(device, offset, size, ret_value);
	for (uint32_t position = offset; position < end;) {
		struct part part = part_at(device, position, end);
		enum pciback_answer answer;
		uint32_t bits;

		if (part.reg != NULL) {
			answer = register_read(device, part.reg, &bits);
			bits >>= 8 * (position - part.reg->offset);
		} else {
			answer = pciback_raw_read(device, position, part.size, &bits);
		}
		if (answer != PCIBACK_DONE)
			return answer;
		value |= (bits & pciback_size_mask(part.size)) << 8 * (position - offset);
		position += part.size;
	}
	*ret_value = value;
	return PCIBACK_DONE;
}

/* `value` and the bits that were `written`, both at their places in the register. */
static enum pciback_answer
register_write(struct pciback_device *device, struct pciback_register *reg, uint32_t value,
    uint32_t written)
{
	uint32_t stays = reg->read_only | reg->preserve, current = 0;
	enum pciback_answer answer;

	written &= ~(stays | reg->zero);
	if (written == 0 || (reg->guarded && !device->settings.permissive))
		return PCIBACK_DONE;
	if (reg->guarded)
		pciback_device_log(device, PCIBACK_LOG_WARNING,
		    "permissive: %" PRIx32 " is written to register %x", value & written,
		    (unsigned)reg->offset);
	if (reg->type != NULL && reg->type->read != NULL)
		answer = reg->type->read(device, reg, &current);
	else
		answer = pciback_raw_read(device, reg->offset, reg->size, &current);
	if (answer != PCIBACK_DONE)
		return answer;
	value = (current & ~(written | reg->zero | reg->clear_by_one)) | (value & written);
	if (reg->type != NULL && reg->type->write != NULL)
		return reg->type->write(device, reg, value, written);
	return pciback_raw_write(device, reg->offset, reg->size, value);
}

/* What no register owns: dropped, or the owner of the host knows better. */
static enum pciback_answer
unowned_write(struct pciback_device *device, uint32_t offset, uint32_t size, uint32_t value)
{
	if (!device->settings.permissive)
		return PCIBACK_DONE;
	value &= pciback_size_mask(size);
	pciback_device_log(device, PCIBACK_LOG_WARNING,
	    "permissive: %" PRIx32 " is written to %" PRIu32 " bytes at %" PRIx32, value, size,
	    offset);
	return pciback_raw_write(device, offset, size, value);
}

enum pciback_answer
pciback_config_write(struct pciback_device *device, uint32_t offset, uint32_t size,
    uint32_t value)
{
	uint32_t end = offset + size;

	if (!pciback_is_access(offset, size))
		return PCIBACK_INVALID_OFFSET;
	/* Extended space stays as it is, for permissive devices too: ATS, ACS and SR-IOV are there. */
	if (offset >= CONVENTIONAL_END)
		return PCIBACK_DONE;
	for (uint32_t position = offset; position < end;) {
		struct part part = part_at(device, position, end);
		uint32_t bits = value >> 8 * (position - offset);
		enum pciback_answer answer;

		if (part.reg != NULL) {
			uint32_t shift = 8 * (position - part.reg->offset);

			answer = register_write(device, part.reg, bits << shift,
			    pciback_size_mask(part.size) << shift);
		} else {
			answer = unowned_write(device, position, part.size, bits);
		}
		if (answer != PCIBACK_DONE)
			return answer;
		position += part.size;
	}
	return PCIBACK_DONE;
}
