//===- OnnxCommand.cpp - `xferc onnx`
//------------------------------------------------------------------------------===//

#include "compiler/Onnx/OnnxModel.h"
#include "compiler/Tools/ProgramReader.h"
#include "compiler/Tools/Report.h"
#include "compiler/Tools/WriteFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

namespace xfer {

namespace {
class OnnxCommand : public ProgramReader {
public:
  OnnxCommand(const DriverOptions &options, CompilerSession &session) : ProgramReader(options, session) {
    anyBatch = true;
  }

  int write(const std::string &output) {
    if (isIR())
      return fail("'" + options.input + "' is IR; 'onnx' wants the program's text");
    if (!load(/*takeFiles=*/false))
      return 1;
    if (llvm::sys::fs::equivalent(output, options.input) || llvm::sys::fs::equivalent(output, options.weightFile))
      return fail("'" + output + "' is what the model is made of; give the output another name with '-o'");
    llvm::Expected<std::string> model = makeOnnxModel(*module, options.exported, options.weightFile);
    if (!model)
      return fail(model.takeError());
    if (llvm::Error error = writeFile(output, *model))
      return fail(std::move(error));
    return 0;
  }
};
} // namespace

int writeOnnxFile(const DriverOptions &options) {
  std::string output = options.output;
  if (output.empty())
    output = llvm::sys::path::stem(options.input).str() + ".onnx";
  CompilerSession session;
  return OnnxCommand(options, session).write(output);
}

} // namespace xfer
