/* Vectors of LANES elements, from the compiler's vector extensions.
 *
 * Loads and stores need no alignment. `load_first` and `store_first` touch only the first n
 * lanes, 1 <= n <= LANES, so that a row's tail needs no loop of its own; the other lanes load as 0.
 */
#ifndef TINYNET_NATIVE_VECTOR_H
#define TINYNET_NATIVE_VECTOR_H

#include "element.h"

#include "kernels.h"

#define LANES (WIDTH / (int)sizeof(REAL))
#define INLINE static inline __attribute__((always_inline))
/* A loop over vectors whose COUNT is a constant once functions are inlined. The compiler unrolls it
 * and keeps an array of vectors in registers. */
#ifdef __clang__
#define EACH(I, COUNT) _Pragma("clang loop unroll(full)") for (int I = 0; I < (COUNT); I++)
#else
#define EACH(I, COUNT) _Pragma("GCC unroll 16") for (int I = 0; I < (COUNT); I++)
#endif

typedef REAL vec __attribute__((vector_size(WIDTH)));
typedef REAL loose_vec __attribute__((vector_size(WIDTH), aligned(sizeof(REAL)), may_alias));
typedef INTEGER mask __attribute__((vector_size(WIDTH))); /* of comparisons: all bits, or none */
typedef int16_t halves __attribute__((vector_size(LANES * 2)));
typedef uint8_t bytes __attribute__((vector_size(LANES)));
typedef uint8_t loose_bytes __attribute__((vector_size(LANES), aligned(1), may_alias));

INLINE vec load(const REAL *p) { return *(const loose_vec *)p; }
INLINE void store(REAL *p, vec v) { *(loose_vec *)p = v; }
INLINE vec splat(REAL value) { return value - (vec){0}; }
INLINE vec where(mask m, vec yes, vec no) { return (vec)((m & (mask)yes) | (~m & (mask)no)); }
INLINE vec magnitude(vec v) { return (vec)((mask)v & ~(mask)splat(-(REAL)0.0)); }
INLINE vec with_sign_of(vec v, vec sign)
{
    return (vec)((mask)v | ((mask)sign & (mask)splat(-(REAL)0.0)));
}
/* max(v, 0) if `relu`; NaN stays NaN. */
INLINE vec rectified(vec v, bool relu) { return relu ? (vec)((mask)v & ~(v <= (vec){0})) : v; }
INLINE mask load_bytes(const uint8_t *p)
{
    return __builtin_convertvector(*(const loose_bytes *)p, mask);
}
/* In two steps, for which compilers have better instructions. */
INLINE void store_bytes(uint8_t *p, mask m)
{
    *(loose_bytes *)p = __builtin_convertvector(__builtin_convertvector(m, halves), bytes);
}

/* Return true if a comparison is true in any lane. */
INLINE bool any(mask m)
{
#if WIDTH == 64
    return _mm512_test_epi32_mask((__m512i)m, (__m512i)m) != 0;
#elif WIDTH == 32
    return !_mm256_testz_si256((__m256i)m, (__m256i)m);
#else
    typedef int64_t pair __attribute__((vector_size(WIDTH)));
    return (((pair)m)[0] | ((pair)m)[1]) != 0;
#endif
}

/* a * b + c, rounded once if the processor can. Compilers may not fuse other operations: results
 * must not depend on how they compile a loop and its tail. */
#if WIDTH == 64 && BITS == 32
INLINE vec fused(vec a, vec b, vec c)
{
    return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
INLINE vec load_first(const REAL *p, ptrdiff_t n)
{
    return (vec)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
INLINE void store_first(REAL *p, vec v, ptrdiff_t n)
{
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
}
#elif WIDTH == 64
INLINE vec fused(vec a, vec b, vec c)
{
    return (vec)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
INLINE vec load_first(const REAL *p, ptrdiff_t n)
{
    return (vec)_mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1), p);
}
INLINE void store_first(REAL *p, vec v, ptrdiff_t n)
{
    _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1), (__m512d)v);
}
#elif WIDTH == 32 && BITS == 32
INLINE vec fused(vec a, vec b, vec c)
{
    return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
INLINE __m256i mask_of_first(ptrdiff_t n)
{
    return (__m256i)((mask){0, 1, 2, 3, 4, 5, 6, 7} < (INTEGER)n);
}
INLINE vec load_first(const REAL *p, ptrdiff_t n)
{
    return (vec)_mm256_maskload_ps(p, mask_of_first(n));
}
INLINE void store_first(REAL *p, vec v, ptrdiff_t n)
{
    _mm256_maskstore_ps(p, mask_of_first(n), (__m256)v);
}
#elif WIDTH == 32
INLINE vec fused(vec a, vec b, vec c)
{
    return (vec)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
INLINE __m256i mask_of_first(ptrdiff_t n) { return (__m256i)((mask){0, 1, 2, 3} < (INTEGER)n); }
INLINE vec load_first(const REAL *p, ptrdiff_t n)
{
    return (vec)_mm256_maskload_pd(p, mask_of_first(n));
}
INLINE void store_first(REAL *p, vec v, ptrdiff_t n)
{
    _mm256_maskstore_pd(p, mask_of_first(n), (__m256d)v);
}
#else
INLINE vec fused(vec a, vec b, vec c)
{
#if defined(__aarch64__) && BITS == 32
    return (vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#elif defined(__aarch64__)
    return (vec)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#else
    return a * b + c;
#endif
}
INLINE vec load_first(const REAL *p, ptrdiff_t n)
{
    vec v = {0};
    for (int i = 0; i < LANES; i++)
        if (i < n)
            v[i] = p[i];
    return v;
}
INLINE void store_first(REAL *p, vec v, ptrdiff_t n)
{
    for (int i = 0; i < LANES; i++)
        if (i < n)
            p[i] = v[i];
}
#endif

INLINE ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
INLINE ptrdiff_t greatest(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }

/* Load or store n lanes; `whole` says, at compile time, that n is LANES. */
INLINE vec load_n(const REAL *p, ptrdiff_t n, bool whole)
{
    return whole ? load(p) : load_first(p, n);
}
INLINE void store_n(REAL *p, vec v, ptrdiff_t n, bool whole)
{
    if (whole)
        store(p, v);
    else
        store_first(p, v, n);
}

/* The same where n is not known before. */
INLINE vec load_up_to(const REAL *p, ptrdiff_t n) { return load_n(p, n, n == LANES); }
INLINE void store_up_to(REAL *p, vec v, ptrdiff_t n) { store_n(p, v, n, n == LANES); }

/* Lane numbers, and the lanes of two vectors in turn: those of their lower and upper halves. */
#if WIDTH * 8 / BITS == 16
enum { LOG_LANES = 4 };
#define LANE_NUMBERS 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
#define LOWER 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define UPPER 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif WIDTH * 8 / BITS == 8
enum { LOG_LANES = 3 };
#define LANE_NUMBERS 0, 1, 2, 3, 4, 5, 6, 7
#define LOWER 0, 8, 1, 9, 2, 10, 3, 11
#define UPPER 4, 12, 5, 13, 6, 14, 7, 15
#elif WIDTH * 8 / BITS == 4
enum { LOG_LANES = 2 };
#define LANE_NUMBERS 0, 1, 2, 3
#define LOWER 0, 4, 1, 5
#define UPPER 2, 6, 3, 7
#else
enum { LOG_LANES = 1 };
#define LANE_NUMBERS 0, 1
#define LOWER 0, 2
#define UPPER 1, 3
#endif
#ifdef __clang__
#define SHUFFLE(A, B, ...) __builtin_shufflevector(A, B, __VA_ARGS__)
#else
#define SHUFFLE(A, B, ...) __builtin_shuffle(A, B, (mask){__VA_ARGS__})
#endif
INLINE vec zip_lower(vec a, vec b) { return SHUFFLE(a, b, LOWER); }
INLINE vec zip_upper(vec a, vec b) { return SHUFFLE(a, b, UPPER); }

/* Lanes from n on become `other`. */
INLINE vec first_lanes(vec v, ptrdiff_t n, vec other)
{
    return where((mask){LANE_NUMBERS} < (INTEGER)n, v, other);
}

/* Each round halves the number of lanes that differ. */
INLINE REAL lane_sum(vec v)
{
    EACH (round, LOG_LANES)
        v = zip_lower(v, v) + zip_upper(v, v);
    return v[0];
}
INLINE REAL lane_max(vec v)
{
    EACH (round, LOG_LANES) {
        vec a = zip_lower(v, v), b = zip_upper(v, v);
        v = where(a > b, a, b);
    }
    return v[0];
}

/* Allocate memory for so many elements, aligned to a cache line; the caller frees it. */
static REAL *allocate(ptrdiff_t count)
{
    size_t size = (size_t)greatest(count, 1) * sizeof(REAL);
    return aligned_alloc(64, (size + 63) / 64 * 64);
}

#endif
