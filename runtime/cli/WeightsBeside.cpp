#include "runtime/cli/WeightsBeside.h"
#include "runtime/core/File.h"
#include "runtime/core/Hash.h"
#include "runtime/weights/Checkpoint.h"
#include "xfer/rt/weights.h"
#include <cstddef>
#include <cstring>

namespace xfer::rt {

namespace {
struct Beside {
  Bytes constants, files;
};
} // namespace

// What the file holds, once everything about it is as it should be. The hash of a weight file is left for when it is
// loaded: few runs do.
static Expected<Beside> readWeightsFile(const std::string &path, const std::string &program, uint64_t size) {
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
  uint64_t filled = size + (header.files > 0 ? (XFER_ALIGNMENT - size % XFER_ALIGNMENT) % XFER_ALIGNMENT : 0);
  uint64_t found = file->size - sizeof(header);
  if (found < filled || found - filled < header.files)
    return truncated(sizeof(header) + filled + header.files);
  Bytes constants = file->slice(sizeof(header), size);
  if (found != filled + header.files || hashBytes(constants.data, size) != header.content)
    return failure("'{}' is damaged: the hash of its content is wrong; copy it again", path);
  return Beside{constants, file->slice(sizeof(header) + filled, header.files)};
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

Status openWeightsBeside(const xfer_program_t &program, const Manifest &manifest, Executable &executable) {
  if (!manifest.weightsBeside)
    return Status::success();
  uint64_t size = program.constants_size;
  Bytes constants;
  if (executable.model) {
    Expected<Bytes> inside = readInside(executable, manifest.hash, size);
    if (!inside)
      return inside.status();
    constants = std::move(*inside);
  } else {
    std::string path = executable.path + XFER_WEIGHTS_SUFFIX;
    Expected<Beside> beside = readWeightsFile(path, manifest.hash, size);
    if (!beside)
      return beside.status();
    constants = std::move(beside->constants);
    executable.filesBeside = beside->files.size > 0;
    executable.files = {std::move(beside->files), "'" + path + "'"};
  }
  if (size > 0)
    std::memcpy(const_cast<void *>(program.constants), constants.data, size);
  return Status::success();
}

} // namespace xfer::rt
