/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/config_proxy.h>

#include <errno.h>
#include <string.h>

/* The child says the same of its devices. */
static void
log_nothing(void *world, enum pciback_log_level level, const char *line)
{
	(void)world;
	(void)level;
	(void)line;
}

void
pciback_config_proxy_init(struct pciback_config_proxy *proxy, const struct pciback_operations *operations, void *world)
{
	memset(proxy, 0, sizeof(*proxy));
	proxy->operations = (struct pciback_operations){
		.config_read = operations->config_read,
		.config_write = operations->config_write,
		.log = log_nothing,
	};
	proxy->host = (struct pciback_host){ .operations = &proxy->operations, .world = world };
	pciback_log_init(&proxy->log, &proxy->host, 0, 0);
}

int
pciback_config_proxy_give(struct pciback_config_proxy *proxy, const uint8_t bytes[PCIBACK_MESSAGE_SIZE], void *handle)
{
	struct pciback_message message;
	int r;

	if (pciback_message_read(bytes, false, &message) < 0 || message.type != PCIBACK_MESSAGE_GIVE ||
	    proxy->is_given[message.number])
		return -EPROTO;
	message.settings.handle = handle;
	r = pciback_device_resume(&proxy->devices[message.number], &proxy->host, &proxy->log, &message.settings,
	    &message.state);
	proxy->is_given[message.number] = r == 0;
	return r;
}

static int
write_bound(struct pciback_device *device, const struct pciback_message *question)
{
	const struct pciback_host *host = device->host;
	void *handle = device->settings.handle;
	uint32_t current = 0, value = 0;
	int r = pciback_policy_bound(device, question->offset, question->size, 0, 0, &value);

	/* What is not written is not read either. */
	if (r == 0)
		r = host->operations->config_read(host->world, handle, question->offset, question->size, &current);
	if (r == 0)
		r = pciback_policy_bound(device, question->offset, question->size, current, question->value, &value);
	return r < 0 ? r : host->operations->config_write(host->world, handle, question->offset, question->size, value);
}

int
pciback_config_proxy_answer(struct pciback_config_proxy *proxy, const uint8_t bytes[PCIBACK_MESSAGE_SIZE],
    uint8_t ret_answer[PCIBACK_MESSAGE_SIZE])
{
	struct pciback_message question, answer = { .type = PCIBACK_MESSAGE_ANSWER };
	struct pciback_device *device;

	if (pciback_message_read(bytes, true, &question) < 0 || question.type != PCIBACK_MESSAGE_ASK ||
	    (question.ask != PCIBACK_ASK_READ && question.ask != PCIBACK_ASK_WRITE))
		return -EPROTO;
	device = &proxy->devices[question.number];
	if (!proxy->is_given[question.number] || question.offset >= device->settings.config_size)
		answer.result = -EPERM;
	else if (question.ask == PCIBACK_ASK_WRITE)
		answer.result = write_bound(device, &question);
	else
		answer.result = proxy->operations.config_read(proxy->host.world, device->settings.handle,
		    question.offset, question.size, &answer.value);
	pciback_message_write(&answer, ret_answer);
	return 0;
}
