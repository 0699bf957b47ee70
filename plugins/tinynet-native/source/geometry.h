/* Positions of windows and their cells on an image, and padding of images. */
#ifndef TINYNET_NATIVE_GEOMETRY_H
#define TINYNET_NATIVE_GEOMETRY_H

#include "parts.h"
#include "vector.h"

/* One axis of a correlation: tap t of output o meets input o * step + first + t * reach. */
struct side {
    ptrdiff_t inputs, outputs, taps, step, first, reach;
    ptrdiff_t place, spread; /* output o is written at place + o * spread */
};

/* The windows of an axis as the forward pass reads them. */
static struct side forward_side(const struct axis *a)
{
    return (struct side){.inputs = a->pixels,
                         .outputs = a->windows,
                         .taps = a->cells,
                         .step = a->stride,
                         .first = -a->padding,
                         .reach = a->dilation,
                         .place = 0,
                         .spread = 1};
}

/* A stack of images that a kernel slides over; the channels of both are split into groups. */
struct correlation {
    ptrdiff_t samples, groups;
    ptrdiff_t in_channels, out_channels; /* of all groups together */
    struct side down, right;
    bool relu; /* whether the output is rectified */
    const REAL *input, *bias;
    const REAL *weight; /* (taps, taps, in_channels / groups, out_channels), or as prepared */
    const REAL *untransformed;       /* the weight as tiles that are uneven need it */
    struct preparation *preparation; /* of the weight, or NULL; see preparation.h */
    REAL *output;                    /* (samples, out_height, out_width, out_channels) */
    ptrdiff_t out_height, out_width;
    atomic_bool *enough; /* set to false if memory runs out */
};

enum { CACHED = 1 << 16 /* elements, in the second-level cache */ };

/* Rows of the output to compute at a time, if each and its input have so many elements. */
static ptrdiff_t rows_at_once(ptrdiff_t elements)
{
    return greatest(1, CACHED / greatest(1, elements));
}

/* An image between columns of zeros. */
struct padding {
    ptrdiff_t left, width; /* columns of zeros before the image, and the width with all of them */
    bool needed;
};

static struct padding padding_of(const struct side *s)
{
    ptrdiff_t last = (s->outputs - 1) * s->step + s->first + (s->taps - 1) * s->reach;
    ptrdiff_t left = greatest(0, -s->first), right = greatest(0, last + 1 - s->inputs);
    return (struct padding){left, left + s->inputs + right, left > 0 || right > 0};
}

/* Copy some rows of (height, width, channels) into those of (height, padding->width, channels). */
static void pad(const REAL *image, REAL *copy, struct range rows, ptrdiff_t width,
                ptrdiff_t channels, const struct padding *padding)
{
    ptrdiff_t left = padding->left * channels, row = width * channels;
    ptrdiff_t right = padding->width * channels - left - row;
    image += rows.first * row;
    copy += rows.first * padding->width * channels;
    for (ptrdiff_t y = rows.first; y < rows.end; y++, image += row) {
        memset(copy, 0, (size_t)left * sizeof(REAL));
        memcpy(copy + left, image, (size_t)row * sizeof(REAL));
        memset(copy + left + row, 0, (size_t)right * sizeof(REAL));
        copy += left + row + right;
    }
}

static struct range overlap(struct range a, struct range b)
{
    return (struct range){greatest(a.first, b.first), least(a.end, b.end)};
}

/* Taps [first, end) of output o lie inside the input. */
INLINE struct range taps_inside(const struct side *s, ptrdiff_t o)
{
    ptrdiff_t start = o * s->step + s->first, last = start + (s->taps - 1) * s->reach;
    struct range r = {0, s->taps};
    if (start < 0)
        r.first = (-start + s->reach - 1) / s->reach;
    if (last >= s->inputs)
        r.end = start < s->inputs ? (s->inputs - 1 - start) / s->reach + 1 : 0;
    return r.first < r.end ? r : (struct range){0, 0};
}

/* Windows [first, end) along an axis whose cell lies inside the image. */
static struct range windows_inside(const struct axis *a, ptrdiff_t cell)
{
    ptrdiff_t offset = cell * a->dilation - a->padding, room = a->pixels - 1 - offset;
    struct range r = {0, 0};
    if (offset < 0)
        r.first = (-offset + a->stride - 1) / a->stride;
    if (room >= 0)
        r.end = least(a->windows, room / a->stride + 1);
    return r;
}

/* The index of output (o, p) of an image. */
static ptrdiff_t output_at(const struct correlation *c, ptrdiff_t o, ptrdiff_t p)
{
    ptrdiff_t row = c->down.place + o * c->down.spread;
    ptrdiff_t column = c->right.place + p * c->right.spread;
    return (row * c->out_width + column) * c->out_channels;
}

#endif
