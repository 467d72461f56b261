#include "compiler/Tools/ProgramReader.h"
#include "compiler/Dialect/NN/IR/NN.h"
#include "compiler/Elaborate/Elaborate.h"
#include "dsl/Sema/Sema.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace xfer {

CompilerSession::CompilerSession() : context(MLIRContext::Threading::ENABLED), library(sources) {
  context.loadDialect<func::FuncDialect, nn::NNDialect, pipeline::XferDialect>();
  context.printOpOnDiagnostic(false); // what an operation looks like helps nobody who wrote a program
}

ProgramReader::ProgramReader(const DriverOptions &options, CompilerSession &session)
    : options(options), context(session.context), sources(session.sources),
      files(sources, session.library, diagnostics, options.data), loads(options.data),
      printer(&context, [this](Diagnostic &diagnostic) { printCompilerMessage(diagnostic); }) {}

/// What the compiler says after elaboration, in the form of every other message.
void ProgramReader::printCompilerMessage(Diagnostic &diagnostic) {
  auto place = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>();
  if (place)
    llvm::errs() << place.getFilename().getValue() << ":" << place.getLine() << ":" << place.getColumn() << ": ";
  else
    llvm::errs() << options.input << ": ";
  llvm::StringRef severity = diagnostic.getSeverity() == DiagnosticSeverity::Error     ? "error"
                             : diagnostic.getSeverity() == DiagnosticSeverity::Warning ? "warning"
                                                                                       : "note";
  llvm::errs() << severity << ": " << diagnostic.str() << "\n";
  for (Diagnostic &note : diagnostic.getNotes())
    printCompilerMessage(note);
}

bool ProgramReader::finishDiagnostics() {
  if (options.strict)
    diagnostics.makeWarningsErrors();
  diagnostics.finish();
  if (options.json)
    dsl::printJson(llvm::outs(), sources, diagnostics);
  else
    dsl::printText(llvm::errs(), sources, diagnostics);
  return !diagnostics.hasErrors();
}

void ProgramReader::collectImports(const dsl::File &file, std::vector<const dsl::File *> &imported) {
  for (const auto &item : file.items) {
    auto *import = llvm::dyn_cast<dsl::ImportItem>(item.get());
    if (!import || !import->file)
      continue;
    const dsl::File *other = files.import(import->file->text, file.id, import->range);
    if (other && other != program && !llvm::is_contained(imported, other)) {
      imported.push_back(other);
      collectImports(*other, imported);
    }
  }
}

/// Reads the program's text and checks it as far as text goes; false where some of it could not be read. Mistakes that
/// the text alone tells do not stop it: elaboration may find more.
bool ProgramReader::parse() {
  program = files.open(options.input);
  if (!program)
    return false;
  std::vector<const dsl::File *> imported;
  collectImports(*program, imported);
  if (diagnostics.hasErrors())
    return false;
  if (program->items.empty()) {
    diagnostics.error("empty-program", {program->id, 0, 0},
                      "the file holds no program; 'xferc new NAME' writes one to begin with");
    return false;
  }
  dsl::checkFile(*program, imported, diagnostics);
  diagnostics.settle();
  return true;
}

/// From the place to the end of its line, in the program's text; nowhere if it is not in there.
dsl::SourceRange ProgramReader::rangeOf(Location location) const {
  auto place = location->findInstanceOf<FileLineColLoc>();
  // The latest of a name: an earlier program of the session may have been the same file.
  for (dsl::FileId file = sources.getNumFiles(); place && file > 0; --file) {
    if (sources.getName(file) != place.getFilename().getValue())
      continue;
    llvm::StringRef line = sources.getLine(file, place.getLine()).rtrim();
    auto begin = static_cast<uint32_t>(line.data() - sources.getText(file).data());
    return {file, begin + place.getColumn() - 1, begin + static_cast<uint32_t>(line.size())};
  }
  return {};
}

/// Looks at the weight files that the program names; false after a mistake in IR, which is printed.
bool ProgramReader::lookAtLoads(bool take) {
  bool good = true;
  auto say = [&](pipeline::LoadOp load, llvm::StringRef message, bool isError) {
    if (isIR()) {
      isError |= options.strict;
      (isError ? load.emitError() : load.emitWarning()) << message;
      good &= !isError;
      return;
    }
    auto [first, others] = message.split('\n');
    dsl::SourceRange range = rangeOf(load.getLoc());
    dsl::Diagnostic &diagnostic = isError ? diagnostics.error("weight-file", range, first)
                                          : diagnostics.warning("missing-weight-file", range, first);
    if (!others.empty())
      diagnostic.note({}, others.ltrim());
  };
  loads.check(*module, [&](pipeline::LoadOp load, llvm::StringRef message) { say(load, message, /*isError=*/true); });
  if (take && good && !diagnostics.hasErrors())
    loads.take(*module, [&](pipeline::LoadOp load, llvm::StringRef message) { say(load, message, /*isError=*/false); });
  return good;
}

bool ProgramReader::load(bool takeFiles) {
  if (isIR()) {
    module = parseSourceFile<ModuleOp>(options.input, &context);
    if (module && !(*module)->hasAttr(pipeline::kProgramAttr)) {
      module->emitError("this is no program: the module has no 'xfer.program'");
      module = nullptr;
    }
    return module && lookAtLoads(takeFiles);
  }
  if (parse()) {
    ElaborateOptions elaborated{llvm::sys::path::stem(options.input).str(), {}};
    for (llvm::StringRef constant : options.constants)
      elaborated.constants[constant.split('=').first.str()] = constant.split('=').second.str();
    elaborated.anyBatch = anyBatch;
    module = elaborate(context, sources, *program, files, elaborated, diagnostics);
    if (module && !diagnostics.hasErrors())
      lookAtLoads(takeFiles);
  }
  return finishDiagnostics() && module;
}

std::vector<std::string> ProgramReader::filesRead() const {
  std::vector<std::string> names(loads.getLookedUp());
  names.insert(names.end(), files.getLookedUp().begin(), files.getLookedUp().end());
  if (isIR())
    names.push_back(options.input);
  for (dsl::FileId file : files.programFiles())
    names.push_back(sources.getName(file).str());
  return names;
}

int checkProgram(const DriverOptions &options) {
  CompilerSession session;
  return checkProgram(options, session);
}

int checkProgram(const DriverOptions &options, CompilerSession &session) {
  return ProgramReader(options, session).load(/*takeFiles=*/false) ? 0 : 1;
}

} // namespace xfer
