//===- LinkObjects.h - objects to the file that was asked for -----------------------------------------------------===//

#ifndef XFER_COMPILER_PIPELINE_LINKOBJECTS_H
#define XFER_COMPILER_PIPELINE_LINKOBJECTS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace xfer {

/// How objects become a file.
struct LinkRequest {
  llvm::StringRef compiler; // path of xferc itself, which knows where the runtime is
  bool strip = true;
  bool relocatable = false;              // one object instead of a program
  llvm::ArrayRef<llvm::StringRef> files; // the weight files that the executable takes along
};

/// Writes the objects into a folder of their own and links them; nothing is left behind but `output`.
llvm::Error linkObjects(llvm::ArrayRef<llvm::SmallVector<char, 0>> objects, llvm::StringRef output,
                        const LinkRequest &request);

} // namespace xfer

#endif // XFER_COMPILER_PIPELINE_LINKOBJECTS_H
