#include "denormals.h"

#if defined(__SSE2__)
#include <immintrin.h>

enum { FLUSH_TO_ZERO = 1 << 15, DENORMALS_ARE_ZERO = 1 << 6 };

uint64_t flush_denormals(void)
{
    uint64_t before = _mm_getcsr();
    _mm_setcsr((unsigned)before | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
    return before;
}

void restore_denormals(uint64_t before) { _mm_setcsr((unsigned)before); }

#elif defined(__aarch64__)

static void set(uint64_t control) { __asm__ volatile("msr fpcr, %0" : : "r"(control)); }

uint64_t flush_denormals(void)
{
    const uint64_t flush_to_zero = 1 << 24;
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    set(before | flush_to_zero);
    return before;
}

void restore_denormals(uint64_t before) { set(before); }

#else

uint64_t flush_denormals(void) { return 0; }

void restore_denormals(uint64_t before) { (void)before; }

#endif
