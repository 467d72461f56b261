/* What stands outside of the code of a compiled program: the constants of one that was built with `--weights=beside`,
 * and the weight files that it takes along. C, standalone.
 *
 * The files taken along are one block: each begins at a multiple of XFER_ALIGNMENT (abi.h) and is filled up with zeros
 * to the next; the manifest's loads say where each begins and what its hash is. The block stands
 *   - at the end of the executable, which is filled up to a multiple of XFER_ALIGNMENT before it, and has a footer;
 *   - with `--weights=beside`, in PROGRAM.weights beside the executable, behind the header and the constants, which are
 *     filled up likewise if a block follows.
 *
 * Numbers are little-endian, hashes are XXH64 with seed 0. */
#ifndef XFER_RT_WEIGHTS_H
#define XFER_RT_WEIGHTS_H

#include <stdint.h>

#define XFER_WEIGHTS_MAGIC "XFERWGTS"
#define XFER_WEIGHTS_VERSION 2u
#define XFER_WEIGHTS_SUFFIX ".weights"

typedef struct xfer_weights_header_t {
  char magic[8];
  uint32_t version;
  uint32_t reserved; /* 0 */
  char program[64];  /* the manifest's "hash", filled up with zeros */
  uint64_t size;     /* of the constants */
  uint64_t content;  /* their hash */
  uint64_t files;    /* size of the block of files, 0 if there is none */
  uint64_t header;   /* hash of the 104 bytes before */
  uint8_t padding[16];
} xfer_weights_header_t;

#define XFER_FILES_MAGIC "XFERLOAD"
#define XFER_FILES_VERSION 1u

typedef struct xfer_files_footer_t {
  char magic[8];
  uint64_t version;
  uint64_t size;   /* of the block before it */
  uint64_t footer; /* hash of the 24 bytes before */
  uint8_t padding[32];
} xfer_files_footer_t;

#endif
