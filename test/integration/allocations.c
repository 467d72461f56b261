/* Preloaded into a compiled program: counts the buffers that it is given (aligned_alloc, which nothing else of it calls)
 * and writes the most bytes that were alive at once to the file that XFER_ALLOCATIONS names. With XFER_ALLOCATIONS_FROM
 * other memory counts too, in pieces of at least so many bytes: copies of a model. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { most = 4096 };
static struct {
  void *start;
  size_t size;
} buffers[most];
static size_t count, live, peak;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *count_in(void *start, size_t size) {
  pthread_mutex_lock(&mutex);
  size_t place = 0;
  while (place < count && buffers[place].start)
    ++place;
  if (place == most)
    abort();
  count = place == count ? count + 1 : count;
  buffers[place].start = start;
  buffers[place].size = size;
  live += size;
  peak = live > peak ? live : peak;
  pthread_mutex_unlock(&mutex);
  return start;
}

void *aligned_alloc(size_t alignment, size_t size) {
  static void *(*original)(size_t, size_t);
  if (!original)
    original = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "aligned_alloc");
  return count_in(original(alignment, size), size);
}

static size_t from = SIZE_MAX;
__attribute__((constructor)) static void prepare(void) {
  const char *bytes = getenv("XFER_ALLOCATIONS_FROM");
  from = bytes ? strtoull(bytes, NULL, 10) : SIZE_MAX;
}

extern void *__libc_malloc(size_t size);
void *malloc(size_t size) {
  void *start = __libc_malloc(size);
  return size >= from && start ? count_in(start, size) : start;
}

void free(void *start) {
  static void (*original)(void *);
  if (!original)
    original = (void (*)(void *))dlsym(RTLD_NEXT, "free");
  pthread_mutex_lock(&mutex);
  for (size_t place = 0; start && place < count; ++place)
    if (buffers[place].start == start) {
      live -= buffers[place].size;
      buffers[place].start = NULL;
      break;
    }
  pthread_mutex_unlock(&mutex);
  original(start);
}

__attribute__((destructor)) static void report(void) {
  const char *path = getenv("XFER_ALLOCATIONS");
  FILE *file = path ? fopen(path, "w") : NULL;
  if (!file)
    return;
  fprintf(file, "%zu\n", peak);
  fclose(file);
}
