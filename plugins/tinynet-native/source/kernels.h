/* The interface between the module and the levels of dispatch: the arguments of every kernel, and
 * the table of functions that each level fills for each element type.
 *
 * REAL is the element type: float or double where element.h is included before, and void in the
 * module, which only passes pointers. Arrays are C-contiguous, images (N, H, W, C). A pointer may
 * be NULL where the Python interface says None.
 */
#ifndef TINYNET_NATIVE_KERNELS_H
#define TINYNET_NATIVE_KERNELS_H

#include "parts.h"

#include <stdint.h>

#ifndef REAL
#define REAL void
#endif

/* One axis of an image under a sliding window: cell `i` of window `o` meets the pixel
 * o * stride - padding + i * dilation, which may lie outside the image. */
struct axis {
    ptrdiff_t pixels, windows, cells, stride, padding, dilation;
};

struct conv2d {
    ptrdiff_t samples, channels, filters, groups;
    struct axis down, right;
    bool relu; /* whether y is rectified */
    const REAL *x, *weight, *bias, *dy;
    REAL *y, *dx, *dweight, *dbias;
};

/* The winners of a window are padded to a multiple of it, whole vectors at every level. */
enum { WINNER_STEP = 16 };

struct pool2d {
    ptrdiff_t samples, channels;
    struct axis down, right;
    const REAL *x, *dy;
    REAL *y, *dx;
    uint8_t *winners; /* (N, Ho, Wo, winner_step): number of the cell with the maximum */
    ptrdiff_t winner_step;
};

/* (rows, inputs) @ (inputs, units). */
struct dense {
    ptrdiff_t rows, inputs, units;
    bool relu; /* whether y is rectified */
    const REAL *x, *weight, *bias, *dy;
    REAL *y, *dx, *dweight, *dbias;
};

/* batch_norm has a mean and an inverse for each channel, layer_norm one for each row, and rms_norm
 * an inverse for each row. */
struct norm {
    ptrdiff_t rows, channels;
    double epsilon;
    bool relu; /* whether y of batch_norm is rectified */
    const REAL *x, *gamma, *beta, *dy;
    const REAL *dy_mean, *product_mean; /* of dy and of dy * normal; NULL for constant statistics */
    REAL *y, *mean, *variance, *squares, *inverse, *dx, *dgamma, *dbeta;
};

/* Statistics of a group are stored for each of its channels, (N, C). */
struct group_norm {
    ptrdiff_t samples, positions, channels, groups;
    double epsilon;
    bool relu; /* whether y is rectified */
    const REAL *x, *gamma, *beta, *dy;
    REAL *y, *mean, *inverse, *dx, *dgamma, *dbeta;
    REAL *sums, *products; /* (N, C): of dy, and of dy * normal, over the positions */
    REAL *offset, *slope;  /* (N, C): their means over the channels of a group, times gamma */
};

/* Consecutive groups of heads / groups heads of the query share a head of the keys and values. */
struct attention {
    ptrdiff_t samples, queries, keys, heads, groups, size, value_size;
    ptrdiff_t mask_rows; /* of a sample: 1 for all queries, or one for each */
    bool causal;
    double scale, rate;
    const REAL *query, *key, *value, *mask, *dy;
    const float *uniform;
    REAL *y, *top, *inverse; /* largest score of each query, and 1 / sum of its exponentials */
    REAL *dquery, *dkey, *dvalue;
};

struct rotation {
    ptrdiff_t samples, steps, heads, pairs;
    const REAL *x, *cosines, *sines;
    REAL *y;
};

struct cross_entropy {
    ptrdiff_t rows, classes;
    double label_smoothing;
    const REAL *logits;
    const int64_t *labels; /* the module has checked that 0 <= label < classes */
    REAL *losses, *gradient;
};

/* A recurrent layer in one direction. LSTMs and GRUs have a gate for each of some columns of the
 * weights. `bias` of a GRU with `reset_after` has two rows. States and cells are those before the
 * first step and, with `last`, after the last step. */
struct recurrence {
    ptrdiff_t samples, steps, channels, units, gate_count;
    bool reverse; /* whether the last step comes first */
    bool relu, reset_after;
    const REAL *x, *weight, *recurrent_weight, *bias;
    const REAL *factors;    /* (N, U), of states in products with recurrent_weight */
    const uint8_t *skipped; /* (N, T): steps that leave the states as they are */
    const REAL *state, *cell;
    REAL *y, *last_state, *last_cell;
    /* Values for the backward pass, (N, T, ...): gates after their nonlinearity; states and cells
     * before each step; `inner` is the product within h of a GRU, or the factor of it. */
    REAL *gates, *before, *cells, *inner;
};

/* Its backward pass. `state_rows` are the states before each step, times the factors. */
struct recurrence_gradients {
    struct recurrence forward;
    const REAL *state_rows, *dy, *dlast_state, *dlast_cell;
    REAL *dgates; /* (N, T, ...), see each layer */
    REAL *dx, *dweight, *drecurrent_weight, *dbias, *dstate, *dcell;
};

struct elementwise {
    ptrdiff_t count;
    double rate;      /* of dropout; the factor of a scale, or a divisor */
    bool approximate; /* of GELU: the formula with tanh */
    const float *uniform;
    const REAL *x, *dy;
    REAL *y, *dx, *mask;
};

/* The update of an optimizer: after the parameter and its gradient come the arrays of its state and
 * then numbers, in the order of the signature in tinynet/kernels/updates.py. */
enum { MOST_SLOTS = 4, MOST_NUMBERS = 12, MOST_OPTIMIZERS = 32 };

struct update {
    const struct optimizer *optimizer;
    ptrdiff_t count;
    const REAL *grad;
    REAL *param, *slots[MOST_SLOTS];
    double numbers[MOST_NUMBERS];
};

struct optimizer {
    const char *name;
    void (*update)(const struct update *, struct range elements);
    int slots, needed_slots; /* those after the needed ones may be None */
    int numbers;
};

/* Gradients are computed if their pointer is not NULL. Kernels that may need memory return false if
 * there is too little. */
struct kernels {
    bool (*conv2d)(const struct conv2d *);
    bool (*conv2d_backward)(const struct conv2d *);
    void (*max_pool2d)(const struct pool2d *);
    void (*max_pool2d_backward)(const struct pool2d *);
    void (*avg_pool2d)(const struct pool2d *);
    void (*avg_pool2d_backward)(const struct pool2d *);
    void (*dense)(const struct dense *);
    void (*dense_backward)(const struct dense *);
    bool (*moments)(const struct norm *);
    void (*batch_norm)(const struct norm *);
    bool (*batch_norm_sums)(const struct norm *);
    void (*batch_norm_backward)(const struct norm *);
    void (*layer_norm)(const struct norm *);
    void (*layer_norm_backward)(const struct norm *);
    void (*group_norm)(const struct group_norm *);
    void (*group_norm_backward)(const struct group_norm *);
    bool (*attention)(const struct attention *);
    bool (*attention_backward)(const struct attention *);
    void (*rotate)(const struct rotation *);
    void (*softmax_cross_entropy)(const struct cross_entropy *);
    bool (*simple_rnn)(const struct recurrence *);
    bool (*simple_rnn_backward)(const struct recurrence_gradients *);
    bool (*gru)(const struct recurrence *);
    bool (*gru_backward)(const struct recurrence_gradients *);
    bool (*lstm)(const struct recurrence *);
    bool (*lstm_backward)(const struct recurrence_gradients *);
    void (*relu)(const struct elementwise *);
    void (*relu_backward)(const struct elementwise *);
    void (*add)(const struct elementwise *);
    void (*multiply)(const struct elementwise *);
    void (*scale)(const struct elementwise *);
    void (*divide)(const struct elementwise *);
    void (*gelu)(const struct elementwise *);
    void (*dropout)(const struct elementwise *);
    void (*update)(const struct update *);
    const struct optimizer *optimizers; /* the last has no name */
};

extern const struct kernels baseline_float, baseline_double;
#if defined(__x86_64__) || defined(__i386__)
#define HAS_X86_LEVELS 1
extern const struct kernels avx2_float, avx2_double, avx512_float, avx512_double;
#endif

#endif
