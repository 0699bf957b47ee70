#if defined(__x86_64__) || defined(__i386__)
#define TABLE avx512_float
#define WIDTH 64
#define BITS 32
#include "level.h"
#endif
