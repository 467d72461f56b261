/* The boundary between a compiled program and its runtime. C, standalone: includes nothing of this project.
 *
 * The object that the compiler writes exports one symbol, `const xfer_program_t xfer_program`: a table of functions,
 * a manifest (JSON, MANIFEST.md) that says what every function takes and gives, and constants. The runtime has main(),
 * reads that symbol and calls the functions; compiled code calls back only what entries.def lists.
 *
 * The boundary is append-only: fields are added at the end of a struct, entries at the end of entries.def, numbers are
 * never used again. A runtime refuses a program whose abi_version is newer than its own.
 *
 * Every buffer names the device that owns it, the memory space in which its address is valid and the queue on which
 * its content becomes ready; every call names the queue on which it runs. The CPU (device 0, host space, queue 0) is
 * the only device of version 1, and its queue is synchronous: a call that has returned is complete.
 */
#ifndef XFER_RT_ABI_H
#define XFER_RT_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XFER_ABI_VERSION 1u

/* Alignment of every buffer, of the arena and of the constants, in bytes. */
#define XFER_ALIGNMENT 64u

/* One running program: threads, devices. Compiled code only passes it on. */
typedef struct xfer_context xfer_context;

typedef uint32_t xfer_device_t; /* which device: a number below the count of devices in use */
#define XFER_DEVICE_CPU 0u

typedef uint16_t xfer_space_t; /* where an address is valid */
#define XFER_SPACE_HOST 0u

typedef uint16_t xfer_queue_t; /* in which order work runs; queue 0 of the CPU completes before it returns */
#define XFER_QUEUE_DEFAULT 0u

/* 0: done. Any other number is a site: place number `status - 1` of the manifest's list "sites". */
typedef int32_t xfer_status_t;
#define XFER_OK 0

/* Row-major and dense; shape and element type are known to the manifest and to the code. 24 bytes, data first. */
typedef struct xfer_buffer_t {
  void *data;           /* aligned to XFER_ALIGNMENT; may be null only if size is 0 */
  uint64_t size;        /* bytes */
  xfer_device_t device; /* owner of the memory */
  xfer_space_t space;   /* where `data` is an address */
  xfer_queue_t queue;   /* the content is ready for work that is put on this queue from now on */
} xfer_buffer_t;

/* A function of the program.
 *   buffers  arguments, then results, in the order in which the manifest lists them; a result that the manifest
 *            declares "in_place": k has the same data as argument k, all others are disjoint
 *   arena    scratch memory of at least the size that the manifest gives, content undefined
 *   extents  values of the symbolic extents, in the order in which the manifest lists them (null if there are none) */
typedef xfer_status_t (*xfer_function_t)(xfer_context *context, xfer_queue_t queue, const xfer_buffer_t *buffers,
                                         const xfer_buffer_t *arena, const int64_t *extents);

/* Chunk number `chunk` of a kernel. Chunks run in any order and at the same time; what a chunk writes does not depend
 * on the number of threads. */
typedef void (*xfer_kernel_t)(void *const *buffers, int64_t chunk, const int64_t *extents);

/* What the compiled object exports under the name xfer_program. */
typedef struct xfer_program_t {
  uint32_t abi_version; /* XFER_ABI_VERSION of the compiler */
  uint32_t function_count;
  const xfer_function_t *functions; /* the manifest's functions name their place here by "index" */
  const char *manifest;             /* UTF-8 JSON, not terminated by a zero byte */
  uint64_t manifest_size;
  const void *constants; /* initial values that the manifest points into; aligned to XFER_ALIGNMENT. If its "weights"
                          * are "beside" the program, memory that the runtime fills before it calls any function */
  uint64_t constants_size;
} xfer_program_t;

extern const xfer_program_t xfer_program;

#define XFER_ENTRY(result, name, parameters) result name parameters;
#include "xfer/rt/entries.def"

#ifdef __cplusplus
}
#endif

#endif
