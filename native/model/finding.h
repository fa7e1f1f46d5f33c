/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_MODEL_FINDING_H
#define PCIBACK_MODEL_FINDING_H

#include <pciback/boot.h>

/* What is said of a boot. */

/* Severities that are settled when the outcome is known: an error if the boot goes wrong, a
 * warning if the backend comes up all the same. A list that nobody reads is an error as well if
 * the boot ends without any; a line that not all of the possible loaders read is one only if they
 * come to different ends. */
#define MODEL_DEPENDS	((enum pciback_severity)16)
#define MODEL_LOST_LIST	((enum pciback_severity)17)
#define MODEL_LOADERS_DIFFER ((enum pciback_severity)18)

/* Adds one, at an offset of the file or PCIBACK_NO_OFFSET. When there are too many, the latest of the
 * least important ones goes. */
#if defined(__GNUC__)
__attribute__((format(printf, 5, 6)))
#endif
void model_finding(struct pciback_boot_prediction *prediction, enum pciback_severity severity,
    const char *code, size_t offset, const char *format, ...);

/* Gives findings whose weight depends on the outcome their severity, and counts errors. */
void model_settle_findings(struct pciback_boot_prediction *prediction);

#endif
