// Any bytes through lexer, parser, the checks of the text and all printers.
#include "dsl/AST/Print.h"
#include "dsl/Parse/Parser.h"
#include "dsl/Sema/Sema.h"
#include "test/fuzz/Fuzz.h"
#include "llvm/Support/raw_ostream.h"

using namespace xfer::dsl;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  SourceManager sources;
  Diagnostics diagnostics;
  FileId id = sources.addText("input.xfer", {reinterpret_cast<const char *>(data), size});
  std::unique_ptr<File> file = parseFile(sources, id, diagnostics);
  if (file) {
    std::string tree;
    llvm::raw_string_ostream os(tree);
    print(os, *file);
    checkFile(*file, {}, diagnostics);
  }
  diagnostics.finish();
  std::string text;
  llvm::raw_string_ostream os(text);
  printText(os, sources, diagnostics);
  printJson(os, sources, diagnostics);
  return 0;
}
