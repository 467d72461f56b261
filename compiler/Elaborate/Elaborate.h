//===- Elaborate.h - checked AST to a program of functions --------------------------------------------------------===//
//
// Input: the AST of a program's files. Output: one module with the ops of the pipeline (dialect xfer) and a func.func
// of nn operations for everything that is computed. The program is elaborated twice: first to discover modules,
// parameters and mistakes, then to build.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_ELABORATE_ELABORATE_H
#define XFER_COMPILER_ELABORATE_ELABORATE_H

#include "dsl/AST/AST.h"
#include "dsl/Source/Diagnostics.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <map>
#include <optional>
#include <string>

namespace xfer {

/// Where further files come from: imports of the program, and the library, whose files are read at the first use of
/// one of their names.
class FileLoader {
public:
  virtual ~FileLoader() = default;
  /// The file that `import "path"` names, seen from `importer`; null where it could not be read, which was reported.
  virtual const dsl::File *import(llvm::StringRef path, dsl::FileId importer, dsl::SourceRange range) = 0;
  /// The library file that defines `name`; null where none does.
  virtual const dsl::File *library(llvm::StringRef name) = 0;
  /// The text of a file of data that `range` names, unpacked if it is gzipped; nothing after an error, which was
  /// reported.
  virtual std::optional<std::string> readText(llvm::StringRef name, dsl::SourceRange range) = 0;
  /// Every name that the library defines, in no order.
  virtual void eachLibraryName(llvm::function_ref<void(llvm::StringRef)> visit) = 0;
};

struct ElaborateOptions {
  std::string programName;
  /// Values of `const`s, as given to `xferc build`.
  std::map<std::string, std::string> constants;
  /// Builds each export for any number of samples, too: a function that the attribute `kAnyBatchAttr` of its op names.
  bool anyBatch = false;
};

/// Of an export: its function for any number of samples, a symbol, or as text why it has none.
inline constexpr llvm::StringLiteral kAnyBatchAttr = "any_batch";

/// The elaborated program; null after errors, which are in `diagnostics`.
mlir::OwningOpRef<mlir::ModuleOp> elaborate(mlir::MLIRContext &context, const dsl::SourceManager &sources,
                                            const dsl::File &program, FileLoader &loader,
                                            const ElaborateOptions &options, dsl::Diagnostics &diagnostics);

} // namespace xfer

#endif // XFER_COMPILER_ELABORATE_ELABORATE_H
