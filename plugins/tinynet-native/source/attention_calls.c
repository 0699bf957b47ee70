/* Attention, and the rotation of its vectors. */
#include "calls.h"

/* Take scale, rate and `causal` of an attention whose arrays are these. */
static struct attention take_attention(struct arguments *a, const struct array *query,
                                       const struct array *key, const struct array *value,
                                       const struct array *mask, const struct array *uniform)
{
    struct attention job = {
        .samples = query->shape[0],
        .queries = query->shape[1],
        .heads = query->shape[2],
        .size = query->shape[3],
        .keys = key->shape[1],
        .groups = key->shape[2],
        .value_size = value->shape[3],
        .mask_rows = mask->shape[1],
        .query = query->data,
        .key = key->data,
        .value = value->data,
        .mask = mask->data,
        .uniform = uniform->data,
    };
    job.causal = flag(a);
    job.scale = number(a);
    job.rate = number(a);
    require(a, job.groups > 0 && job.heads % job.groups == 0,
            "the heads of the query are no multiple of those of the keys");
    require(a,
            key->shape[0] == job.samples && key->shape[3] == job.size
                && value->shape[0] == job.samples && value->shape[1] == job.keys
                && value->shape[2] == job.groups,
            "the shapes of the arrays do not fit together");
    require(a,
            !mask->data
                || (mask->shape[0] == job.samples && mask->shape[2] == job.keys
                    && (job.mask_rows == 1 || job.mask_rows == job.queries)),
            "the mask does not fit the queries and keys");
    REQUIRE_SIZE(a, job.samples * job.heads * job.queries * job.keys, uniform);
    return job;
}

FALLIBLE_KERNEL(attention, attention)
FUNCTION(attention, 11)
{
    struct array query = input(a, 4), key = input(a, 4), value = input(a, 4);
    struct array mask = optional_input(a, 3), uniform = optional_input_of(a, 4, 'f');
    struct array y = output(a, 4), top = output(a, 3), inverse = output(a, 3);
    struct attention job = take_attention(a, &query, &key, &value, &mask, &uniform);
    job.y = y.data;
    job.top = top.data;
    job.inverse = inverse.data;
    ptrdiff_t count = job.samples * job.heads * job.queries;
    REQUIRE_SIZE(a, count * job.value_size, &y);
    REQUIRE_SIZE(a, count, &top, &inverse);
    RUN(a, attention, job);
}

FALLIBLE_KERNEL(attention_backward, attention)
FUNCTION(attention_backward, 15)
{
    struct array dy = input(a, 4), query = input(a, 4), key = input(a, 4), value = input(a, 4);
    struct array mask = optional_input(a, 3), uniform = optional_input_of(a, 4, 'f');
    struct array y = input(a, 4), top = input(a, 3), inverse = input(a, 3);
    struct array dquery = optional_output(a, 4), dkey = optional_output(a, 4);
    struct array dvalue = optional_output(a, 4);
    struct attention job = take_attention(a, &query, &key, &value, &mask, &uniform);
    job.dy = dy.data;
    job.y = y.data;
    job.top = top.data;
    job.inverse = inverse.data;
    job.dquery = dquery.data;
    job.dkey = dkey.data;
    job.dvalue = dvalue.data;
    ptrdiff_t count = job.samples * job.heads * job.queries;
    REQUIRE_SIZE(a, count * job.value_size, &y, &dy);
    REQUIRE_SIZE(a, count, &top, &inverse);
    REQUIRE_SIZE(a, query.size, &dquery);
    REQUIRE_SIZE(a, key.size, &dkey);
    REQUIRE_SIZE(a, value.size, &dvalue);
    RUN(a, attention_backward, job);
}

KERNEL(rotate, rotation)
FUNCTION(rotate, 4)
{
    struct array x = input(a, 4), cosines = input(a, 2), sines = input(a, 2), y = output(a, 4);
    struct rotation job = {
        .samples = x.shape[0],
        .steps = x.shape[1],
        .heads = x.shape[2],
        .pairs = x.shape[3] / 2,
        .x = x.data,
        .cosines = cosines.data,
        .sines = sines.data,
        .y = y.data,
    };
    require(a, x.shape[3] % 2 == 0, "vectors of an odd length do not consist of pairs");
    REQUIRE_SIZE(a, job.steps * job.pairs, &cosines, &sines);
    REQUIRE_SIZE(a, x.size, &y);
    RUN(a, rotate, job);
}
