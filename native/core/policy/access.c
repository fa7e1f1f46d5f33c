/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/policy.h>

#include <inttypes.h>

#include "read.h"
#include "report.h"

/*
 * The second half of a request's path, behind core/channel.c and core/policy/read.h. An access is
 * cut into parts, each of which one register owns, or none.
 */

/* The register that has the byte at `position`, or the next one behind it; never NULL. */
static struct pciback_register *
register_from(struct pciback_device *device, uint32_t position)
{
	struct pciback_register *reg = &device->registers[device->first[position / 4]];

	while ((uint32_t)reg->offset + reg->size <= position)
		reg++;
	return reg;
}

/* How long the part of an access is that begins at `position`: to the end of `reg`, or before
 * it, and then naturally aligned. The access ends at `end`, in the same dword. */
static uint32_t
part_size(const struct pciback_register *reg, uint32_t position, uint32_t end)
{
	uint32_t limit = reg->offset, size;

	if (limit <= position) {
		limit += reg->size;
		return (limit < end ? limit : end) - position;
	}
	size = (limit < end ? limit : end) - position;
	if ((position & 1) != 0 || size == 1)
		return 1;
	return (position & 2) != 0 || size == 3 ? 2 : size;
}

/* An access that several registers share, or that is less than a register, or in none. */
PCIBACK_COLD enum pciback_answer
read_parts(struct pciback_device *device, uint32_t offset, uint32_t size, uint32_t *ret_value)
{
	const struct pciback_register *reg = register_from(device, offset);
	uint32_t end = offset + size, value = 0;

	for (uint32_t position = offset; position < end;) {
		uint32_t part = part_size(reg, position, end), bits = 0;
		enum pciback_answer answer;

		if (reg->offset <= position) {
			answer = pciback_register_read(device, reg, &bits);
			bits >>= 8 * (position - reg->offset);
			reg++;
		} else {
			answer = pciback_raw_read(device, position, part, &bits);
		}
		if (answer != PCIBACK_DONE)
			return answer;
		value |= bits << 8 * (position - offset);
		position += part;
	}
	/* The last register may reach past the access. */
	*ret_value = value & pciback_size_mask(size);
	return PCIBACK_DONE;
}

/* What is past the end of a space is not asked for: the device may answer with an error that takes
 * the host down (XSA-59). */
PCIBACK_COLD enum pciback_answer
read_extended(struct pciback_device *device, uint32_t offset, uint32_t size, uint32_t *ret_value)
{
	if (offset < device->settings.config_size)
		return pciback_raw_read(device, offset, size, ret_value);
	*ret_value = pciback_size_mask(size);
	return PCIBACK_DONE;
}

enum pciback_answer
pciback_config_read_rest(struct pciback_device *device, uint32_t offset, uint32_t size,
    uint32_t *ret_value)
{
	if (!pciback_is_access(offset, size))
		return PCIBACK_INVALID_OFFSET;
	return offset < PCIBACK_CONFIG_PCI ? read_parts(device, offset, size, ret_value) :
	    read_extended(device, offset, size, ret_value);
}

enum pciback_answer
pciback_config_read(struct pciback_device *device, uint32_t offset, uint32_t size,
    uint32_t *ret_value)
{
	return pciback_config_read_inline(device, offset, size, ret_value);
}

/* `value` and the bits that were `written`, both at their places in the register. */
PCIBACK_HOT enum pciback_answer
register_write(struct pciback_device *device, struct pciback_register *reg, uint32_t value,
    uint32_t written)
{
	uint32_t stays, current = 0;
	enum pciback_answer answer;

	written &= ~(reg->read_only | reg->preserve | reg->zero);
	if (written == 0 || (reg->guarded && !device->settings.permissive))
		return PCIBACK_DONE;
	if (reg->guarded)
		pciback_device_log(device, PCIBACK_LOG_WARNING,
		    "permissive: %" PRIx32 " is written to register %x", value & written,
		    (unsigned)reg->offset);
	stays = pciback_size_mask(reg->size) & ~(written | reg->zero | reg->clear_by_one);
	if (stays != 0) {
		if (reg->type != NULL && reg->type->read != NULL)
			answer = reg->type->read(device, reg, &current);
		else
			answer = pciback_raw_read(device, reg->offset, reg->size, &current);
		if (answer != PCIBACK_DONE)
			return answer;
	}
	value = (current & stays) | (value & written);
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

/* As read_parts(). */
PCIBACK_COLD enum pciback_answer
write_parts(struct pciback_device *device, uint32_t offset, uint32_t size, uint32_t value)
{
	struct pciback_register *reg = register_from(device, offset);
	uint32_t end = offset + size;

	for (uint32_t position = offset; position < end;) {
		uint32_t part = part_size(reg, position, end), bits = value >> 8 * (position - offset);
		enum pciback_answer answer;

		if (reg->offset <= position) {
			uint32_t shift = 8 * (position - reg->offset);

			answer = register_write(device, reg, bits << shift,
			    pciback_size_mask(part) << shift);
			reg++;
		} else {
			answer = unowned_write(device, position, part, bits);
		}
		if (answer != PCIBACK_DONE)
			return answer;
		position += part;
	}
	return PCIBACK_DONE;
}

enum pciback_answer
pciback_config_write(struct pciback_device *device, uint32_t offset, uint32_t size,
    uint32_t value)
{
	if (offset < PCIBACK_CONFIG_PCI) {
		struct pciback_register *first = &device->registers[device->first[offset / 4]];

		if (first->offset == offset && first->size == size)
			return register_write(device, first, value, pciback_size_mask(size));
		if (pciback_is_access(offset, size))
			return write_parts(device, offset, size, value);
	} else if (pciback_is_access(offset, size)) {
		/* Extended space stays as it is, for permissive devices too: ATS, ACS and SR-IOV are
		 * there. */
		return PCIBACK_DONE;
	}
	return PCIBACK_INVALID_OFFSET;
}
