#include "runtime/cli/Embedded.h"
#include "runtime/core/File.h"
#include "runtime/core/Hash.h"
#include "runtime/program/TrainState.h"
#include "xfer/rt/weights.h"
#include <climits>
#include <cstddef>
#include <cstring>
#include <unistd.h>

namespace xfer::rt {

static constexpr char magic[8] = {'X', 'F', 'E', 'R', 'E', 'X', 'E', 'C'};
static constexpr uint64_t version = 1;

namespace {
struct Footer {
  char magic[8];
  uint64_t version, offset, size, hash;
};
} // namespace
static_assert(sizeof(Footer) == 40, "the footer is what the header says");

static uint64_t hashOf(const Footer &footer) { return hashBytes(&footer, offsetof(Footer, hash)); }

// Finds the model behind the program; programs that have none are as they were built.
static Status findModel(Executable &executable) {
  Footer footer;
  if (executable.file.size < sizeof(footer))
    return Status::success();
  uint64_t end = executable.file.size - sizeof(footer);
  std::memcpy(&footer, executable.file.data + end, sizeof(footer));
  if (std::memcmp(footer.magic, magic, sizeof(magic)) != 0)
    return Status::success();
  if (footer.hash != hashOf(footer) || footer.offset > end || footer.size != end - footer.offset)
    return failure("this executable is damaged: the model inside cannot be found; export it again");
  if (footer.version > version)
    return failure("the model inside this executable has version {}, this runtime knows {}", footer.version, version);
  executable.programSize = footer.offset;
  executable.model = executable.file.slice(footer.offset, footer.size);
  return Status::success();
}

// Finds the weight files at the end of the program. Whether those that it wants are there is seen when they are loaded.
static Status findFiles(Executable &executable) {
  executable.files.place = "this executable";
  xfer_files_footer_t footer;
  if (executable.programSize < sizeof(footer))
    return Status::success();
  uint64_t end = executable.programSize - sizeof(footer);
  std::memcpy(&footer, executable.file.data + end, sizeof(footer));
  if (std::memcmp(footer.magic, XFER_FILES_MAGIC, sizeof(footer.magic)) != 0)
    return Status::success();
  if (footer.footer != hashBytes(&footer, offsetof(xfer_files_footer_t, footer)) || footer.size > end)
    return failure("this executable is damaged: the weight files inside cannot be found; build it again");
  if (footer.version > XFER_FILES_VERSION)
    return failure("the weight files inside this executable have version {}, this runtime knows {}", footer.version,
                   XFER_FILES_VERSION);
  executable.files.block = executable.file.slice(end - footer.size, footer.size);
  return Status::success();
}

Expected<Executable> openExecutable() {
  Executable executable;
  const char *self = "/proc/self/exe";
  char path[PATH_MAX];
  ssize_t length = ::readlink(self, path, sizeof(path));
  executable.path = length > 0 ? std::string(path, static_cast<size_t>(length)) : self;
  Expected<Bytes> file = mapFile(self);
  if (!file)
    return file.status();
  executable.file = std::move(*file);
  executable.programSize = executable.file.size;
  if (Status status = findModel(executable); status.failed())
    return status;
  if (Status status = findFiles(executable); status.failed())
    return status;
  return executable;
}

static Status pad(AtomicFile &file) {
  static const char zeros[XFER_ALIGNMENT] = {};
  return file.write(zeros, (XFER_ALIGNMENT - file.size() % XFER_ALIGNMENT) % XFER_ALIGNMENT);
}

// The end of a program that takes these files along.
static Status writeFiles(AtomicFile &file, const Bytes &block) {
  xfer_files_footer_t footer = {};
  std::memcpy(footer.magic, XFER_FILES_MAGIC, sizeof(footer.magic));
  footer.version = XFER_FILES_VERSION;
  footer.size = block.size;
  footer.footer = hashBytes(&footer, offsetof(xfer_files_footer_t, footer));
  if (Status status = pad(file); status.failed())
    return status;
  if (Status status = file.write(block.data, block.size); status.failed())
    return status;
  return file.write(&footer, sizeof(footer));
}

Status writeExecutable(const Executable &executable, const Session &session, const std::string &path) {
  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.status();
  if (Status status = file->write(executable.file.data, executable.programSize); status.failed())
    return status;
  if (executable.filesBeside)
    if (Status status = writeFiles(*file, executable.files.block); status.failed())
      return status;
  if (Status status = pad(*file); status.failed())
    return status;
  Footer footer;
  std::memcpy(footer.magic, magic, sizeof(magic));
  footer.version = version;
  footer.offset = file->size();
  Checkpoint model = makeModel(session);
  if (session.manifest.weightsBeside)
    model.add(std::string(constantsBlock), session.program.constants, session.program.constants_size);
  if (Status status = model.appendTo(*file); status.failed())
    return status;
  footer.size = file->size() - footer.offset;
  footer.hash = hashOf(footer);
  if (Status status = file->write(&footer, sizeof(footer)); status.failed())
    return status;
  if (Status status = file->makeExecutable(); status.failed())
    return status;
  return file->commit();
}

} // namespace xfer::rt
