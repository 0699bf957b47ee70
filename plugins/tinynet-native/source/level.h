/* All kernels for one element type and one level of dispatch: TABLE is the name of the table, BITS
 * are those of an element, WIDTH the bytes of a vector. The target of the instructions is set here,
 * so that one build has every level in it. */
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

#include "denormals.h"
#include "kernels.h"
#include "parts.h"

/* Each needs those before it. */
#include "vector.h"
#include "product.h"
#include "columns.h"
#include "geometry.h"
#include "depthwise.h"
#include "correlation.h"
#include "input_gradient.h"
#include "parameter_gradients.h"
#include "conv2d.h"
#include "dense.h"
#include "pool2d.h"
#include "normalization.h"
#include "cross_entropy.h"
#include "elementwise.h"
#include "optimizers.h"

const struct kernels TABLE = {
    .conv2d = conv2d,
    .conv2d_backward = conv2d_backward,
    .max_pool2d = max_pool2d,
    .max_pool2d_backward = max_pool2d_backward,
    .avg_pool2d = avg_pool2d,
    .avg_pool2d_backward = avg_pool2d_backward,
    .dense = dense,
    .dense_backward = dense_backward,
    .moments = moments,
    .batch_norm = batch_norm,
    .batch_norm_sums = batch_norm_sums,
    .batch_norm_backward = batch_norm_backward,
    .layer_norm = layer_norm,
    .layer_norm_backward = layer_norm_backward,
    .softmax_cross_entropy = softmax_cross_entropy,
    .relu = relu,
    .relu_backward = relu_backward,
    .dropout = dropout,
    .adam = adam,
    .sgd = sgd,
    .rmsprop = rmsprop,
};

#if defined(TARGET) && defined(__clang__)
#pragma clang attribute pop
#endif
