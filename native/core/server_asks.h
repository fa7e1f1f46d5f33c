/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_CORE_SERVER_ASKS_H
#define PCIBACK_CORE_SERVER_ASKS_H

#include <pciback/server.h>

/* What the policy of a server's device asks of it: `world` of these operations is not used but by `log`, where it is the
 * server; their handle is a struct pciback_served, that of `notify` the server. */
void pciback_server_fill(struct pciback_operations *ret_operations);

/* Sends a message, unless the server has ended; one that can't be sent ends it. */
void pciback_server_tell(struct pciback_server *server, const struct pciback_message *message);

/* Ends it, if it has not ended: 1 as was asked, or a negative errno value. */
void pciback_server_end(struct pciback_server *server, int why);

#endif
