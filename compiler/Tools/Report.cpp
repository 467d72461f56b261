#include "compiler/Tools/Report.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

int xfer::fail(const Twine &message) {
  errs() << "xferc: error: " << message << "\n";
  return 1;
}

int xfer::fail(Error error) { return fail(toString(std::move(error))); }

int xfer::finish(int status) {
  outs().flush();
  std::error_code error = outs().error();
  if (!error)
    return status;
  outs().clear_error();
  return fail("cannot write to standard output: " + error.message());
}
