/* The file PROGRAM.weights beside an executable that was built with `--weights=beside`: the constants of the program
 * (abi.h), which are then no part of the executable. C, standalone.
 *
 * The header, then the constants. Numbers are little-endian, hashes are XXH64 with seed 0. */
#ifndef XFER_RT_WEIGHTS_H
#define XFER_RT_WEIGHTS_H

#include <stdint.h>

#define XFER_WEIGHTS_MAGIC "XFERWGTS"
#define XFER_WEIGHTS_VERSION 1u
#define XFER_WEIGHTS_SUFFIX ".weights"

typedef struct xfer_weights_header_t {
  char magic[8];
  uint32_t version;
  uint32_t reserved; /* 0 */
  char program[64];  /* the manifest's "hash", filled up with zeros */
  uint64_t size;     /* of the constants */
  uint64_t content;  /* their hash */
  uint64_t header;   /* hash of the 96 bytes before */
  uint8_t padding[24];
} xfer_weights_header_t;

#endif
