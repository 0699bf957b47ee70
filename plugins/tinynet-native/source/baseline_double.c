#define TABLE baseline_double
#define WIDTH 16
#define BITS 64
#include "level.h"
