/* All kernels for one element type and one level of dispatch: TABLE is the name of the table; see
 * element.h for BITS and WIDTH. Only files that define them include this. */
#ifndef TINYNET_NATIVE_LEVEL_H
#define TINYNET_NATIVE_LEVEL_H

#ifndef TABLE
#define TABLE baseline_float
#endif

#include "attention_gradients.h"
#include "conv2d.h"
#include "cross_entropy.h"
#include "dense.h"
#include "gelu.h"
#include "group_norm.h"
#include "gru.h"
#include "lstm.h"
#include "normalization.h"
#include "optimizers.h"
#include "pool2d.h"
#include "rotation.h"
#include "simple_rnn.h"

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
    .group_norm = group_norm,
    .group_norm_backward = group_norm_backward,
    .attention = attention,
    .attention_backward = attention_backward,
    .rotate = rotate,
    .simple_rnn = simple_rnn,
    .simple_rnn_backward = simple_rnn_backward,
    .gru = gru,
    .gru_backward = gru_backward,
    .lstm = lstm,
    .lstm_backward = lstm_backward,
    .softmax_cross_entropy = softmax_cross_entropy,
    .relu = relu,
    .relu_backward = relu_backward,
    .add = add_arrays,
    .multiply = multiply_arrays,
    .scale = scale,
    .divide = divide,
    .gelu = gelu,
    .dropout = dropout,
    .update = update,
    .optimizers = OPTIMIZERS,
};

#if defined(TARGET) && defined(__clang__)
#pragma clang attribute pop
#endif

#endif
