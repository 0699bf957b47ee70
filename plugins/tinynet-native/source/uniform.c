/* Random numbers: those of NumPy's generator Philox, by Salmon et al., "Parallel Random Numbers: As
 * Easy as 1, 2, 3" (2011). Any part of a stream can be computed by itself, so threads share it.
 */
#include "calls.h"
#include "parts.h"

#include <stdint.h>

enum { BLOCK = 8, ROUNDS = 10, NUMBER_STEP = 256 }; /* numbers in a block; and of parts */

/* `count` numbers of the stream of a key, which begin at the number `first`. */
struct uniform {
    ptrdiff_t first, count;
    const int64_t *key;
    float *numbers;
};

static uint64_t high(unsigned __int128 product) { return (uint64_t)(product >> 64); }

static void philox(const int64_t *key, uint64_t counter, uint64_t words[4])
{
    uint64_t a = counter, b = 0, c = 0, d = 0, key_0 = (uint64_t)key[0], key_1 = (uint64_t)key[1];
    for (int round = 0; round < ROUNDS; round++) {
        const unsigned __int128 of_a = (unsigned __int128)0xD2E7470EE14C6C93 * a;
        const unsigned __int128 of_c = (unsigned __int128)0xCA5A826395121157 * c;
        a = high(of_c) ^ b ^ key_0;
        b = (uint64_t)of_c;
        c = high(of_a) ^ d ^ key_1;
        d = (uint64_t)of_a;
        key_0 += 0x9E3779B97F4A7C15;
        key_1 += 0xBB67AE8584CAA73B;
    }
    words[0] = a, words[1] = b, words[2] = c, words[3] = d;
}

/* NumPy counts blocks from 1, takes the lower half of a word first, and 24 bits of each half. */
static void uniform_part(const void *job, struct part part)
{
    const struct uniform *args = job;
    for (ptrdiff_t i = part.rows.first; i < part.rows.end;) {
        const uint64_t number = (uint64_t)(args->first + i);
        uint64_t words[BLOCK / 2];
        philox(args->key, number / BLOCK + 1, words);
        for (uint64_t at = number % BLOCK; at < BLOCK && i < part.rows.end; at++, i++) {
            const uint32_t bits = (uint32_t)(words[at / 2] >> at % 2 * 32) >> 8;
            args->numbers[i] = (float)bits * (1.0f / (1 << 24));
        }
    }
}

static bool call_uniform(const struct kernels *kernels, const void *job)
{
    (void)kernels; /* the same for all types and levels */
    const struct uniform *args = job;
    run_grids((struct grid[]){{.run = uniform_part,
                               .job = args,
                               .rows = args->count,
                               .row_step = NUMBER_STEP,
                               .work = args->count}},
              1);
    return true;
}

FUNCTION(uniform, 3)
{
    struct array key = input_of(a, 1, 'q');
    ptrdiff_t first = whole_number(a);
    struct array numbers = output(a, 0);
    struct uniform job = {
        .first = first, .count = numbers.size, .key = key.data, .numbers = numbers.data};
    REQUIRE_SIZE(a, 2, &key);
    require(a, first >= 0, "the first number of a stream is number 0");
    require(a, a->failed || a->type == 'f', "random numbers are float32");
    RUN(a, uniform, job);
}
