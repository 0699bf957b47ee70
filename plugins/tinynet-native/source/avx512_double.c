#if defined(__x86_64__) || defined(__i386__)
#define TABLE avx512_double
#define WIDTH 64
#define BITS 64
#include "level.h"
#endif
