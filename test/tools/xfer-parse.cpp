// The front end alone, for its tests: xfer-parse FILE... [--tokens|--ast|--syntax|--check] [--format=json]
// --syntax parses; --check, which is the default, goes on to what text alone can tell, each file seeing those before
// it. Exit status 1 after an error of a program, 2 after one of the command line.
#include "dsl/AST/Print.h"
#include "dsl/Parse/Parser.h"
#include "dsl/Parse/Tokens.h"
#include "dsl/Sema/Sema.h"
#include "llvm/Support/raw_ostream.h"

using namespace xfer::dsl;

static void process(llvm::StringRef action, const SourceManager &sources, FileId file,
                    std::vector<std::unique_ptr<File>> &files, Diagnostics &diagnostics) {
  if (action == "--tokens")
    return printTokens(llvm::outs(), sources, file, diagnostics);
  unsigned before = diagnostics.getNumErrors();
  std::unique_ptr<File> ast = parseFile(sources, file, diagnostics);
  if (ast && action == "--ast")
    print(llvm::outs(), *ast);
  if (!ast || action != "--check" || diagnostics.getNumErrors() != before)
    return;
  std::vector<const File *> imported;
  for (const auto &other : files)
    imported.push_back(other.get());
  checkFile(*ast, imported, diagnostics);
  files.push_back(std::move(ast));
}

int main(int argc, char **argv) {
  llvm::StringRef action = "--check";
  std::vector<llvm::StringRef> paths;
  bool json = false;
  for (llvm::StringRef argument : llvm::ArrayRef(argv + 1, argc - 1)) {
    if (argument == "--format=json")
      json = true;
    else if (argument == "--tokens" || argument == "--ast" || argument == "--syntax" || argument == "--check")
      action = argument;
    else
      paths.push_back(argument);
  }
  SourceManager sources;
  Diagnostics diagnostics;
  std::vector<std::unique_ptr<File>> files;
  for (llvm::StringRef path : paths) {
    llvm::Expected<FileId> file = sources.openFile(path);
    if (!file) {
      llvm::errs() << llvm::toString(file.takeError()) << '\n';
      return 2;
    }
    process(action, sources, *file, files, diagnostics);
  }
  diagnostics.finish();
  if (json)
    printJson(llvm::outs(), sources, diagnostics);
  else
    printText(llvm::errs(), sources, diagnostics);
  return diagnostics.hasErrors();
}
