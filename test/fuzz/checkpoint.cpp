// Any bytes as a checkpoint. The hash of the index would keep a fuzzer out, so it is put right before the file is read.
#include "runtime/weights/Checkpoint.h"
#include "runtime/core/Hash.h"
#include "test/fuzz/Fuzz.h"
#include <cstring>

using namespace xfer::rt;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto owner = std::make_shared<std::string>(reinterpret_cast<const char *>(data), size);
  constexpr size_t header = 32, sizeAt = 16, hashAt = 24;
  if (size >= header) {
    uint64_t length = 0;
    std::memcpy(&length, owner->data() + sizeAt, sizeof(length));
    if (length <= size - header) {
      uint64_t hash = hashBytes(owner->data() + header, length);
      std::memcpy(owner->data() + hashAt, &hash, sizeof(hash));
    }
  }
  Bytes file{reinterpret_cast<const uint8_t *>(owner->data()), owner->size(), owner};
  auto checkpoint = Checkpoint::parse(file, "c.checkpoint", "program");
  if (checkpoint)
    for (const CheckpointBlock &block : checkpoint->blocks)
      (void)checkpoint->find(block.name);
  return 0;
}
