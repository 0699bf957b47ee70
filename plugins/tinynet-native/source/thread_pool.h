/* The thread pool that runs the tasks of one call at a time. Its threads never touch Python. */
#ifndef TINYNET_NATIVE_THREAD_POOL_H
#define TINYNET_NATIVE_THREAD_POOL_H

#include <stddef.h>

/* Let calls of `run_tasks` from this thread use `count` threads, this one included; initially one.
 * Returns the previous number. */
int use_threads(int count);

/* The number of threads that they may use. */
int threads_in_use(void);

enum { MOST_THREADS = 256 };

/* The number of the calling thread among those that run the tasks of one call; 0 is its caller. */
int thread_number(void);

typedef void task_function(const void *job, ptrdiff_t number);

/* Call `task` for all numbers below `tasks`, in any order, on as many threads as this one may use.
 * Returns when all is done. The pool serves one call at a time: if it is busy, or a task
 * calls this, the calling thread runs all tasks. */
void run_tasks(ptrdiff_t tasks, task_function *task, const void *job);

#endif
