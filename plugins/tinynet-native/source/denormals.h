/* Numbers nearer to 0 than the smallest normal one, which many processors treat a hundred times as
 * slowly as others. */
#ifndef TINYNET_NATIVE_DENORMALS_H
#define TINYNET_NATIVE_DENORMALS_H

#include <stdint.h>

/* Let this thread take and give 0 for them, where the processor can. Returns how it was before. */
uint64_t flush_denormals(void);

void restore_denormals(uint64_t before);

#endif
