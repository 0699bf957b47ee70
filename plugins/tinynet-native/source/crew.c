/* How a call finds help within a microsecond: helpers watch for the next call for a while before
 * they sleep, since to wake takes longer than most kernels do.
 *
 * A call opens so many places. A helper takes one, claims tasks until there are none left, and says
 * that it has left. The caller, which claims tasks too, closes the places that are still free, and
 * waits for those who have come. So nobody looks at a call who has no place in it, and a helper
 * that sleeps or is held up holds nobody up unless it has begun.
 */
#include "crew.h"

#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

enum {
    MOST_HELPERS = 255,
    STACK = 1 << 20,      /* bytes; some systems give a thread less than a kernel takes */
    WATCH = 300 * 1000,   /* nanoseconds */
    PAUSES = 64,          /* between two looks at the clock: some microseconds */
    PAUSES_AT_END = 2000, /* before the caller yields its processor to those it waits for */
    APART = 128,          /* bytes between what different threads write: two cache lines */
};

static _Thread_local int threads = 1;

static struct {
    task_function *task;
    const void *job;
    ptrdiff_t tasks;
    fenv_t arithmetic; /* of the caller: how it rounds, and what it makes of denormal numbers */
    _Alignas(APART) atomic_ptrdiff_t claimed, last; /* tasks; those that helpers claimed */
    _Alignas(APART) atomic_int places;              /* for helpers to take; 0 between calls */
    _Alignas(APART) atomic_int left;                /* helpers that took one, and are done */
} call;

static struct {
    atomic_flag taken; /* by a caller, to whom `hired` and `most` belong */
    int hired, most;
    atomic_int resting; /* changed under `lock` */
    int woken;          /* of them, those who may go; under `lock` */
    pthread_mutex_t lock;
    pthread_cond_t rested;
} crew = {
    .taken = ATOMIC_FLAG_INIT,
    .most = MOST_HELPERS,
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .rested = PTHREAD_COND_INITIALIZER,
};

int use_threads(int count)
{
    int before = threads;
    threads = count;
    return before;
}

int threads_in_use(void) { return threads; }

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

/* The caller begins with the first task and helpers with the last, so that the next call, of the
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

/* Take a place, if there is one. From then on the call is the helper's to read. */
static bool take_place(void)
{
    int places = atomic_load_explicit(&call.places, memory_order_relaxed);
    while (places > 0)
        if (atomic_compare_exchange_weak_explicit(&call.places, &places, places - 1,
                                                  memory_order_acquire, memory_order_relaxed))
            return true;
    return false;
}

/* Whether there was a place in a call before the time was over. Others get the processor between
 * two looks, if they are waiting for one. */
static bool watch(void)
{
    long long begin = nanoseconds();
    do {
        for (int i = 0; i < PAUSES; i++) {
            if (take_place())
                return true;
            relax();
        }
        sched_yield();
    } while (nanoseconds() - begin < WATCH);
    return false;
}

/* Sleep until a caller wants help. A caller looks who rests after it has opened its places, and a
 * helper looks for places after it has said that it rests: one of them sees the other. */
static void rest(void)
{
    pthread_mutex_lock(&crew.lock);
    atomic_fetch_add(&crew.resting, 1);
    if (atomic_load(&call.places) > 0) {
        atomic_fetch_sub(&crew.resting, 1);
    } else {
        while (crew.woken == 0)
            pthread_cond_wait(&crew.rested, &crew.lock);
        crew.woken--;
    }
    pthread_mutex_unlock(&crew.lock);
}

static void wake(int count)
{
    pthread_mutex_lock(&crew.lock);
    for (; count > 0 && atomic_load(&crew.resting) > 0; count--) {
        atomic_fetch_sub(&crew.resting, 1);
        crew.woken++;
        pthread_cond_signal(&crew.rested);
    }
    pthread_mutex_unlock(&crew.lock);
}

static void *help(void *nothing)
{
    for (;;) {
        if (!watch()) {
            rest();
            continue;
        }
        fesetenv(&call.arithmetic);
        do_tasks_from_last();
        atomic_fetch_add_explicit(&call.left, 1, memory_order_release);
    }
    return nothing;
}

static void before_fork(void) { pthread_mutex_lock(&crew.lock); }

static void in_parent(void) { pthread_mutex_unlock(&crew.lock); }

/* Only the thread that forks is there, and it is in no call. */
static void in_child(void)
{
    crew.hired = crew.woken = 0;
    atomic_store(&crew.resting, 0);
    atomic_store(&call.places, 0);
    pthread_cond_init(&crew.rested, NULL);
    pthread_mutex_unlock(&crew.lock);
    atomic_flag_clear(&crew.taken);
}

static void prepare_for_forks(void) { pthread_atfork(before_fork, in_parent, in_child); }

/* One helper more. Signals are for the threads of the program, whose calls they interrupt. */
static bool hire_one(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t every, before;
    sigfillset(&every);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    bool hired = pthread_create(&thread, &attributes, help, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return hired;
}

/* Have so many helpers, or as many as the system lets us have. */
static void hire(int count)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, prepare_for_forks);
    while (crew.hired < count && crew.hired < crew.most) {
        if (hire_one())
            crew.hired++;
        else
            crew.most = crew.hired;
    }
}

static void share_with(int helpers, ptrdiff_t tasks, task_function *task, const void *job)
{
    hire(helpers);
    call.task = task;
    call.job = job;
    call.tasks = tasks;
    fegetenv(&call.arithmetic);
    atomic_store_explicit(&call.claimed, 0, memory_order_relaxed);
    atomic_store_explicit(&call.last, 0, memory_order_relaxed);
    atomic_store_explicit(&call.left, 0, memory_order_relaxed);
    atomic_store(&call.places, helpers);
    int awake = crew.hired - atomic_load(&crew.resting);
    if (awake < helpers && awake < crew.hired)
        wake(helpers - awake);

    do_tasks_from_first();
    int came = helpers - atomic_exchange_explicit(&call.places, 0, memory_order_relaxed);
    for (int i = 0; atomic_load_explicit(&call.left, memory_order_acquire) < came; i++) {
        if (i < PAUSES_AT_END)
            relax();
        else
            sched_yield();
    }
}

void share(ptrdiff_t tasks, task_function *task, const void *job)
{
    int helpers = (tasks < threads ? (int)tasks : threads) - 1;
    if (helpers > 0 && !atomic_flag_test_and_set_explicit(&crew.taken, memory_order_acquire)) {
        share_with(helpers, tasks, task, job);
        atomic_flag_clear_explicit(&crew.taken, memory_order_release);
        return;
    }
    for (ptrdiff_t number = 0; number < tasks; number++)
        task(job, number);
}
