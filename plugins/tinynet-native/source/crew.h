/* Threads of our own that help with one call at a time. They never touch Python. */
#ifndef TINYNET_NATIVE_CREW_H
#define TINYNET_NATIVE_CREW_H

#include <stddef.h>

/* Let calls of `share` from this thread use so many threads, this one included; at first it is one.
 * Returns the number before. */
int use_threads(int count);

/* How many they may use. */
int threads_in_use(void);

typedef void task_function(const void *job, ptrdiff_t number);

/* Call `task` for all numbers below `tasks`, in any order, on as many threads as this one may use.
 * Returns when all is done. Only one call at a time is helped: where another thread is faster, or
 * where a task calls this, the thread does everything itself. */
void share(ptrdiff_t tasks, task_function *task, const void *job);

#endif
