// What ThreadSanitizer takes for a thread. It compares accesses of different threads only, so two chunks that touch the
// same bytes pass unseen where one thread happens to run both. In its build every chunk is therefore shown to it as a
// thread that knows what the thread that runs the chunk knew before, and nothing of the other chunks of the job.
#ifndef XFER_RUNTIME_CPU_SEPARATETHREAD_H
#define XFER_RUNTIME_CPU_SEPARATETHREAD_H

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define XFER_WATCHES_THREADS
#endif
#endif

#ifdef XFER_WATCHES_THREADS
#include <sanitizer/tsan_interface.h>
#endif

namespace xfer::rt {

#ifdef XFER_WATCHES_THREADS

constexpr bool watchesThreads = true;

// While it exists, its scope is a thread of its own. Inlined, since entries and exits of functions are counted a
// thread.
class SeparateThread {
public:
  [[gnu::always_inline]] SeparateThread() : runner(__tsan_get_current_fiber()), scope(__tsan_create_fiber(0)) {
    __tsan_switch_to_fiber(scope, 0);
  }
  [[gnu::always_inline]] ~SeparateThread() {
    __tsan_switch_to_fiber(runner, __tsan_switch_to_fiber_no_sync);
    __tsan_destroy_fiber(scope);
  }
  SeparateThread(const SeparateThread &) = delete;
  SeparateThread &operator=(const SeparateThread &) = delete;

private:
  void *runner, *scope;
};

#else

constexpr bool watchesThreads = false;

struct SeparateThread {
  SeparateThread() {}
};

#endif

} // namespace xfer::rt

#endif
