//===- Link.h - objects and the runtime to an executable ----------------------------------------------------------===//
//
// LLD runs inside the compiler. The executable is self-contained: the runtime, the C++ library and everything else are
// linked statically, only glibc is dynamic. The linker still wants files of the machine that the compiler runs on: the
// start files crt1.o, crti.o, crtn.o and glibc of libc6-dev, and crtbeginS.o, libgcc and libstdc++.a of GCC.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_TARGET_LINK_H
#define XFER_COMPILER_TARGET_LINK_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace xfer {

/// Where the files of the machine are.
struct SystemLibraries {
  std::string startFiles; // folder of crt1.o, crti.o, crtn.o
  std::string gcc;        // folder of crtbeginS.o, libgcc.a, libstdc++.a
  std::string loader;     // the dynamic loader

  /// Fails with the names of what is missing and of the packages that have it.
  static llvm::Expected<SystemLibraries> find();
};

/// The archive of the runtime, libxfer_rt.a: in ../lib of the folder of the compiler `executable`, else in the folder
/// of the build.
llvm::Expected<std::string> findRuntime(llvm::StringRef executable);

struct LinkOptions {
  bool strip = true;
};

/// Writes `output` in one piece: a failed link leaves nothing behind.
llvm::Error linkProgram(llvm::ArrayRef<std::string> objects, llvm::StringRef runtime, llvm::StringRef output,
                        const LinkOptions &options);

/// Writes one relocatable object that holds all of them.
llvm::Error mergeObjects(llvm::ArrayRef<std::string> objects, llvm::StringRef output);

} // namespace xfer

#endif // XFER_COMPILER_TARGET_LINK_H
