#define TABLE baseline_float
#define WIDTH 16
#define BITS 32
#include "level.h"
