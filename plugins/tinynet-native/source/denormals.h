/* Denormal numbers: nearer to 0 than the smallest normal one. Many processors compute with them a
 * hundred times more slowly. */
#ifndef TINYNET_NATIVE_DENORMALS_H
#define TINYNET_NATIVE_DENORMALS_H

#include <stdint.h>

/* Make this thread read and write them as 0, if the processor can. Returns the previous mode. */
uint64_t flush_denormals(void);

void restore_denormals(uint64_t before);

#endif
