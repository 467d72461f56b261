// A model at the end of an executable: a copy of the program, padding, a checkpoint (weights/Checkpoint.h) and a footer
// of 40 bytes: "XFEREXEC", u64 version, u64 offset, u64 size, u64 hash of the footer's first 32 bytes. The checkpoint
// of a program that was built with its weights beside it has its constants as a block, and the weight files that the
// program takes along stand at the end of the copy of the program, so that it stands by itself.
#ifndef XFER_RUNTIME_CLI_EMBEDDED_H
#define XFER_RUNTIME_CLI_EMBEDDED_H

#include "runtime/core/Bytes.h"
#include "runtime/program/Session.h"

namespace xfer::rt {

constexpr std::string_view constantsBlock = "constants";

struct Executable {
  Bytes file;
  uint64_t programSize = 0; // without the model
  std::optional<Bytes> model;
  TakenFiles files;
  bool filesBeside = false; // they are no part of `file`
  std::string path;         // without links
};

// The running executable.
Expected<Executable> openExecutable();

// Writes a copy of it with the session's model inside.
Status writeExecutable(const Executable &executable, const Session &session, const std::string &path);

} // namespace xfer::rt

#endif
