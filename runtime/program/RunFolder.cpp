#include "runtime/program/RunFolder.h"
#include "runtime/core/File.h"
#include <cerrno>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace xfer::rt {

// Of the files of writeRows(), whose only report is called so.
static constexpr std::string_view rowsName = "predictions-";

Expected<RunFolder> RunFolder::open(const std::string &path, std::string_view advice, std::vector<std::string> *made) {
  if (Status status = makeFolder(path, made); status.failed())
    return status.within(format("the run folder cannot be made ({})", advice));
  // Found out now, not after an hour of training.
  Expected<AtomicFile> trial = AtomicFile::create(path + "/trial");
  if (!trial)
    return trial.status().within(format("the run folder cannot be written ({})", advice));
  return RunFolder(path);
}

// The folder itself is locked, so no file is left behind and the lock goes with the process. Where folders cannot be
// locked there is no such guard.
Status RunFolder::claim() {
  int file = ::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0)
    return failure("cannot read '{}': {}", root, systemReason(errno));
  bool taken = ::flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  lock.reset(&root, [file](const void *) { ::close(file); });
  return taken ? failure("another run is writing in '{}'; wait for it, or choose another folder with --out", root)
               : Status::success();
}

bool RunFolder::hasCheckpoint() const { return fileExists(checkpoint()) || fileExists(checkpoint() + ".previous"); }

Status RunFolder::check() const {
  for (const std::string &path :
       {checkpoint(), checkpoint() + ".previous", results(), weights(), facts(), metrics(), page()})
    if (Status status = checkTarget(path); status.failed())
      return status;
  return Status::success();
}

// The checkpoints go first, the newest behind the one before: at any moment the run of before is whole, or is none. The
// folder is put on the disk, or a power cut might bring back a checkpoint beside the log of another run.
Status RunFolder::clear() const {
  std::vector<std::string> paths = {checkpoint() + ".previous", checkpoint(), results(), weights(), page()};
  if (DIR *listing = ::opendir(root.c_str())) {
    while (dirent *entry = ::readdir(listing)) {
      std::string_view name = entry->d_name, end = ".csv";
      if (name.substr(0, rowsName.size()) == rowsName && name.size() > end.size() &&
          name.substr(name.size() - end.size()) == end)
        paths.push_back(root + "/" + std::string(name));
    }
    ::closedir(listing);
  }
  for (const std::string &path : paths)
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
      return failure("cannot remove '{}': {}", path, systemReason(errno));
  syncFolder(root);
  return Status::success();
}

static std::string safeName(const std::string &name) {
  std::string safe;
  for (char c : name)
    safe += std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' ? c : '_';
  return safe;
}

Status RunFolder::writeRows(const std::string &evaluation, const std::string &report,
                            const PredictionTable &table) const {
  Expected<AtomicFile> file = AtomicFile::create(root + "/" + safeName(report) + "-" + safeName(evaluation) + ".csv");
  if (!file)
    return file.status();
  if (Status status = table.write(*file); status.failed())
    return status;
  return file->commit();
}

} // namespace xfer::rt
