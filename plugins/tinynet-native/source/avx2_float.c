#if defined(__x86_64__) || defined(__i386__)
#define TABLE avx2_float
#define WIDTH 32
#define BITS 32
#include "level.h"
#endif
