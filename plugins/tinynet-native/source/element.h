/* The element type and the instructions of one level of dispatch: an element has BITS bits, a
 * vector WIDTH bytes. The target of the instructions is set here, so that one build has every
 * level. A header that is compiled alone gets the baseline. */
#ifndef TINYNET_NATIVE_ELEMENT_H
#define TINYNET_NATIVE_ELEMENT_H

#ifndef BITS
#define BITS 32
#define WIDTH 16
#endif

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <tgmath.h> /* so that sqrt(x) is of the type of x */

#if BITS == 32
#define REAL float
#define INTEGER int32_t
#else
#define REAL double
#define INTEGER int64_t
#endif

#if WIDTH == 64
#define TARGET "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"
#elif WIDTH == 32
#define TARGET "avx2,fma"
#endif

#ifdef TARGET
#include <immintrin.h>
#define PRAGMA(TEXT) _Pragma(#TEXT)
#ifdef __clang__
#define APPLY(TARGET)                                                                              \
    PRAGMA(clang attribute push(__attribute__((target(TARGET))), apply_to = function))
#else
#define APPLY(TARGET) PRAGMA(GCC target(TARGET))
#endif
APPLY(TARGET)
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#endif
