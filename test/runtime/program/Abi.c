/* The boundary is plain C, and its structs have the sizes that compiled code counts on. */
#include "xfer/rt/abi.h"

typedef char bufferHas24Bytes[sizeof(xfer_buffer_t) == 24 ? 1 : -1];
typedef char programHas48Bytes[sizeof(xfer_program_t) == 48 ? 1 : -1];
