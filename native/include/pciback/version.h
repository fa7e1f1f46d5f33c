/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_VERSION_H
#define PCIBACK_VERSION_H

/* The release of the native component. */
#define PCIBACK_VERSION "0.1.0"

/* Raised whenever the meaning of a command's options, output or exit status changes. */
#define PCIBACK_ABI 1

/* The digest of the sources this was built from; the Makefile gives it (source-digest.sh). */
#ifndef PCIBACK_SOURCE_SHA256
#define PCIBACK_SOURCE_SHA256 "unknown"
#endif

#define PCIBACK_QUOTE_(number)	#number
#define PCIBACK_QUOTE(number)	PCIBACK_QUOTE_(number)
#define PCIBACK_DOTTED(a, b, c)	PCIBACK_QUOTE(a) "." PCIBACK_QUOTE(b) "." PCIBACK_QUOTE(c)

#if defined(__clang__)
#define PCIBACK_COMPILER "clang " \
	PCIBACK_DOTTED(__clang_major__, __clang_minor__, __clang_patchlevel__)
#elif defined(__GNUC__)
#define PCIBACK_COMPILER "gcc " PCIBACK_DOTTED(__GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__)
#else
#define PCIBACK_COMPILER "unknown"
#endif

#if defined(__x86_64__)
#define PCIBACK_TARGET_CPU "x86_64"
#elif defined(__i386__)
#define PCIBACK_TARGET_CPU "i386"
#elif defined(__aarch64__)
#define PCIBACK_TARGET_CPU "aarch64"
#else
#define PCIBACK_TARGET_CPU "unknown"
#endif

#if defined(__NetBSD__)
#define PCIBACK_TARGET PCIBACK_TARGET_CPU "-netbsd"
#elif defined(__linux__) && defined(__GLIBC__)
#define PCIBACK_TARGET PCIBACK_TARGET_CPU "-linux-gnu"
#elif defined(__linux__)
#define PCIBACK_TARGET PCIBACK_TARGET_CPU "-linux"
#else
#define PCIBACK_TARGET PCIBACK_TARGET_CPU "-unknown"
#endif

#endif
