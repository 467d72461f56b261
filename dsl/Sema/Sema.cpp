#include "dsl/Sema/Sema.h"
#include "dsl/Sema/Checks.h"

using namespace xfer::dsl;

bool xfer::dsl::checkFile(const File &file, llvm::ArrayRef<const File *> imported, Diagnostics &diagnostics) {
  unsigned before = diagnostics.getNumErrors();
  checkPlacement(file, diagnostics);
  checkRequired(file, diagnostics);
  checkSupported(file, diagnostics);
  checkCalls(file, diagnostics);
  Declarations declarations;
  for (const File *other : imported)
    declarations.add(*other);
  declarations.add(file);
  checkNames(file, declarations, diagnostics);
  checkReferences(file, declarations, diagnostics);
  checkBindingTime(file, declarations, diagnostics);
  checkTransfer(file, imported, diagnostics);
  return diagnostics.getNumErrors() == before;
}
