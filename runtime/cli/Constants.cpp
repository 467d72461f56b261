#include "runtime/cli/Constants.h"
#include "runtime/core/File.h"
#include "runtime/core/Hash.h"
#include "runtime/weights/Checkpoint.h"
#include "xfer/rt/weights.h"
#include <cstddef>
#include <cstring>

namespace xfer::rt {

// The constants in the file, once everything about it is as it should be.
static Expected<Bytes> readWeightsFile(const std::string &path, const std::string &program, uint64_t size) {
  Expected<Bytes> file = mapFile(path);
  if (!file)
    return failure("{}; the weights of this program stand beside it: copy both files together, or build it again",
                   file.message());
  xfer_weights_header_t header;
  if (file->size < sizeof(header.magic) || std::memcmp(file->data, XFER_WEIGHTS_MAGIC, sizeof(header.magic)) != 0)
    return failure("'{}' holds no weights of a program; copy it again from beside the program that was built", path);
  auto truncated = [&](uint64_t expected) {
    return failure("'{}' is truncated: {} bytes, {} are expected; copy it again", path, file->size, expected);
  };
  if (file->size < sizeof(header))
    return truncated(sizeof(header) + size);
  std::memcpy(&header, file->data, sizeof(header));
  if (header.version > XFER_WEIGHTS_VERSION)
    return failure("'{}' has version {}, this program knows {}; build program and weights with one xferc", path,
                   header.version, XFER_WEIGHTS_VERSION);
  if (header.header != hashBytes(&header, offsetof(xfer_weights_header_t, header)))
    return failure("'{}' is damaged: the hash of its beginning is wrong; copy it again", path);
  std::string owner(header.program, strnlen(header.program, sizeof(header.program)));
  if (owner != program || header.size != size)
    return failure(
        "'{}' belongs to another program (hash {}, this one is {}); copy the file that was built with this one", path,
        owner, program);
  if (file->size < sizeof(header) + size)
    return truncated(sizeof(header) + size);
  Bytes content = file->slice(sizeof(header), file->size - sizeof(header));
  if (content.size != size || hashBytes(content.data, content.size) != header.content)
    return failure("'{}' is damaged: the hash of its content is wrong; copy it again", path);
  return content;
}

static Expected<Bytes> readInside(const Executable &executable, const std::string &program, uint64_t size) {
  Expected<Checkpoint> model = Checkpoint::parse(*executable.model, "the model in this executable", program);
  if (!model)
    return model.status();
  const Bytes *found = model->find(constantsBlock);
  if (!found || found->size != size)
    return failure("this executable is damaged: the model inside has no constants; export it again");
  return *found;
}

Status fillConstants(const xfer_program_t &program, const Manifest &manifest, const Executable &executable) {
  if (!manifest.weightsBeside)
    return Status::success();
  uint64_t size = program.constants_size;
  Expected<Bytes> bytes = executable.model
                              ? readInside(executable, manifest.hash, size)
                              : readWeightsFile(executable.path + XFER_WEIGHTS_SUFFIX, manifest.hash, size);
  if (!bytes)
    return bytes.status();
  if (size > 0)
    std::memcpy(const_cast<void *>(program.constants), bytes->data, size);
  return Status::success();
}

} // namespace xfer::rt
