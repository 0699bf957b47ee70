#if defined(__x86_64__) || defined(__i386__)
#define TABLE avx2_double
#define WIDTH 32
#define BITS 64
#include "level.h"
#endif
