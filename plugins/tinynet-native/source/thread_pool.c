/* A thread pool that starts a call within a microsecond: waking a thread takes longer than most
 * kernels do, so workers spin for a while before they sleep.
 *
 * A call opens some slots. A worker takes a slot, runs tasks until none are left, and counts itself
 * as finished. The caller runs tasks too, then closes the slots that are still free and waits for
 * the workers that took one. Only a worker with a slot reads the call, so a worker that sleeps or
 * is preempted delays the caller only if it has taken one.
 */
#include "thread_pool.h"

#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum {
    MAX_WORKERS = MOST_THREADS - 1,
    STACK = 1 << 20,      /* bytes; some systems give a thread less than a kernel takes */
    SPIN = 300 * 1000,    /* nanoseconds */
    PAUSES = 64,          /* between two looks at the clock: some microseconds */
    PAUSES_AT_END = 2000, /* before the caller yields its processor to those it waits for */
    APART = 128,          /* bytes between what different threads write: two cache lines */
};

static _Thread_local int threads = 1;
static _Thread_local int own_number;

static struct {
    task_function *task;
    const void *job;
    ptrdiff_t tasks;
    fenv_t arithmetic; /* of the caller: rounding, and the mode for denormal numbers */
    _Alignas(APART) atomic_ptrdiff_t claimed, last; /* tasks; those that workers claimed */
    _Alignas(APART) atomic_int slots;               /* for workers to take; 0 between calls */
    _Alignas(APART) atomic_int finished;            /* workers that took one, and are done */
} call;

static struct {
    atomic_flag taken; /* by a caller, which owns `workers` and `max_workers` */
    int workers, max_workers;
    atomic_int sleeping; /* changed under `lock` */
    int woken;           /* those of them that may continue; under `lock` */
    pthread_mutex_t lock;
    pthread_cond_t wake_up;
} pool = {
    .taken = ATOMIC_FLAG_INIT,
    .max_workers = MAX_WORKERS,
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .wake_up = PTHREAD_COND_INITIALIZER,
};

int use_threads(int count)
{
    int before = threads;
    threads = count;
    return before;
}

int threads_in_use(void) { return threads; }

int thread_number(void) { return own_number; }

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static long long nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static ptrdiff_t one_more(atomic_ptrdiff_t *count)
{
    return atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

/* The caller begins with the first task and workers with the last, so that the next call, of the
 * same or of another kernel, finds in each processor's cache what that processor left there. */
static void do_tasks_from_first(void)
{
    for (ptrdiff_t number = 0; one_more(&call.claimed) < call.tasks; number++)
        call.task(call.job, number);
}

static void do_tasks_from_last(void)
{
    while (one_more(&call.claimed) < call.tasks)
        call.task(call.job, call.tasks - 1 - one_more(&call.last));
}

/* Take a free slot, if there is one. Only a worker with a slot may read the call. */
static bool take_slot(void)
{
    int slots = atomic_load_explicit(&call.slots, memory_order_relaxed);
    while (slots > 0)
        if (atomic_compare_exchange_weak_explicit(&call.slots, &slots, slots - 1,
                                                  memory_order_acquire, memory_order_relaxed))
            return true;
    return false;
}

/* Wait for a free slot; return false after SPIN nanoseconds. Yields the processor to waiting
 * threads between checks. */
static bool spin(void)
{
    long long begin = nanoseconds();
    do {
        for (int i = 0; i < PAUSES; i++) {
            if (take_slot())
                return true;
            relax();
        }
        sched_yield();
    } while (nanoseconds() - begin < SPIN);
    return false;
}

/* Sleep until a caller wakes this worker. No wake-up is lost: a caller opens its slots before it
 * reads `sleeping`, and a worker increments `sleeping` before it reads the slots. */
static void sleep_until_woken(void)
{
    pthread_mutex_lock(&pool.lock);
    atomic_fetch_add(&pool.sleeping, 1);
    if (atomic_load(&call.slots) > 0) {
        atomic_fetch_sub(&pool.sleeping, 1);
    } else {
        while (pool.woken == 0)
            pthread_cond_wait(&pool.wake_up, &pool.lock);
        pool.woken--;
    }
    pthread_mutex_unlock(&pool.lock);
}

static void wake(int count)
{
    pthread_mutex_lock(&pool.lock);
    for (; count > 0 && atomic_load(&pool.sleeping) > 0; count--) {
        atomic_fetch_sub(&pool.sleeping, 1);
        pool.woken++;
        pthread_cond_signal(&pool.wake_up);
    }
    pthread_mutex_unlock(&pool.lock);
}

static void *work(void *number)
{
    own_number = (int)(intptr_t)number;
    for (;;) {
        if (!spin()) {
            sleep_until_woken();
            continue;
        }
        fesetenv(&call.arithmetic);
        do_tasks_from_last();
        atomic_fetch_add_explicit(&call.finished, 1, memory_order_release);
    }
    return number;
}

static void before_fork(void) { pthread_mutex_lock(&pool.lock); }

static void in_parent(void) { pthread_mutex_unlock(&pool.lock); }

/* A forked process has only the thread that forked, which is not in a call. */
static void in_child(void)
{
    pool.workers = pool.woken = 0;
    atomic_store(&pool.sleeping, 0);
    atomic_store(&call.slots, 0);
    pthread_cond_init(&pool.wake_up, NULL);
    pthread_mutex_unlock(&pool.lock);
    atomic_flag_clear(&pool.taken);
}

static void prepare_for_forks(void) { pthread_atfork(before_fork, in_parent, in_child); }

/* Start one worker. It blocks all signals, which must interrupt the threads of the program. */
static bool start_worker(int number)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t every, before;
    sigfillset(&every);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    bool started = pthread_create(&thread, &attributes, work, (void *)(intptr_t)number) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

/* Start workers until there are `count`, or as many as the system allows. */
static void start_workers(int count)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, prepare_for_forks);
    while (pool.workers < count && pool.workers < pool.max_workers) {
        if (start_worker(pool.workers + 1))
            pool.workers++;
        else
            pool.max_workers = pool.workers;
    }
}

static void run_with(int helpers, ptrdiff_t tasks, task_function *task, const void *job)
{
    start_workers(helpers);
    call.task = task;
    call.job = job;
    call.tasks = tasks;
    fegetenv(&call.arithmetic);
    atomic_store_explicit(&call.claimed, 0, memory_order_relaxed);
    atomic_store_explicit(&call.last, 0, memory_order_relaxed);
    atomic_store_explicit(&call.finished, 0, memory_order_relaxed);
    atomic_store(&call.slots, helpers);
    int awake = pool.workers - atomic_load(&pool.sleeping);
    if (awake < helpers && awake < pool.workers)
        wake(helpers - awake);

    do_tasks_from_first();
    int came = helpers - atomic_exchange_explicit(&call.slots, 0, memory_order_relaxed);
    for (int i = 0; atomic_load_explicit(&call.finished, memory_order_acquire) < came; i++) {
        if (i < PAUSES_AT_END)
            relax();
        else
            sched_yield();
    }
}

void run_tasks(ptrdiff_t tasks, task_function *task, const void *job)
{
    int helpers = (tasks < threads ? (int)tasks : threads) - 1;
    if (helpers > 0 && !atomic_flag_test_and_set_explicit(&pool.taken, memory_order_acquire)) {
        run_with(helpers, tasks, task, job);
        atomic_flag_clear_explicit(&pool.taken, memory_order_release);
        return;
    }
    for (ptrdiff_t number = 0; number < tasks; number++)
        task(job, number);
}
