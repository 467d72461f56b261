//===- LoadFiles.h - the files that `load` names, while the program is built -------------------------*- C++ -*-===//
//
// A file that is there is checked against the model and becomes a part of the program; for one that is not there the
// program looks when it runs. Files that an option names are always left for then.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_WEIGHTS_LOADFILES_H
#define XFER_COMPILER_WEIGHTS_LOADFILES_H

#include "compiler/Dialect/Xfer/IR/Xfer.h"
#include "xfer/rt/LoadCheck.h"
#include <string>
#include <vector>

namespace xfer {

/// Says what is wrong with the file of a load; of several lines the first is the message, the others explain it.
using LoadReport = llvm::function_ref<void(pipeline::LoadOp load, llvm::StringRef message)>;

class LoadFiles {
public:
  /// `folder` (may be empty) is where files are looked up first: before the folder of the program's file that has the
  /// clause, and the current one.
  explicit LoadFiles(std::string folder) : folder(std::move(folder)) {}

  /// Checks the files that are there. To be called once.
  void check(mlir::ModuleOp module, LoadReport wrong);

  /// Gives the loads whose file is there its place among the files of the program.
  void take(mlir::ModuleOp module, LoadReport missing);

  /// What the program takes along, in order; mapped as long as this lives.
  llvm::ArrayRef<llvm::StringRef> getTaken() const { return taken; }
  /// Every path that decided what was taken, also those where nothing is.
  llvm::ArrayRef<std::string> getLookedUp() const { return lookedUp; }

private:
  std::vector<std::string> candidates(pipeline::LoadOp load) const;

  std::string folder;
  std::vector<std::string> lookedUp;
  llvm::DenseMap<mlir::Operation *, std::string> pathOf; ///< of the loads whose file is there
  llvm::StringMap<rt::LoadContent> contentOf;            ///< by path
  std::vector<llvm::StringRef> taken;
};

} // namespace xfer

#endif // XFER_COMPILER_WEIGHTS_LOADFILES_H
