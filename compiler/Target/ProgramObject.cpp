//===- ProgramObject.cpp - the symbol that the runtime reads ------------------------------------------------------===//

#include "compiler/Target/ProgramObject.h"
#include "xfer/rt/abi.h"
#include "xfer/rt/weights.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/IR/GlobalVariable.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

using namespace llvm;

namespace xfer {

static GlobalVariable *addGlobal(Module &module, StringRef name, Constant *value, bool isConstant) {
  auto *global = new GlobalVariable(module, value->getType(), isConstant, GlobalValue::ExternalLinkage, value, name);
  global->setVisibility(GlobalValue::HiddenVisibility);
  global->setAlignment(Align(XFER_ALIGNMENT));
  return global;
}

/// The bytes as a hidden global of the name.
static GlobalVariable *addBytes(Module &module, StringRef name, StringRef bytes) {
  return addGlobal(module, name, ConstantDataArray::getString(module.getContext(), bytes, /*AddNull=*/false), true);
}

/// Room for so many bytes, which is no part of the file.
static GlobalVariable *addRoom(Module &module, StringRef name, uint64_t size) {
  ArrayType *type = ArrayType::get(Type::getInt8Ty(module.getContext()), size);
  return addGlobal(module, name, ConstantAggregateZero::get(type), false);
}

void addProgram(Module &module, ArrayRef<std::string> functions, StringRef manifest, StringRef constants, bool beside) {
  LLVMContext &context = module.getContext();
  PointerType *pointer = PointerType::getUnqual(context);
  IntegerType *word = Type::getInt32Ty(context), *doubleWord = Type::getInt64Ty(context);

  GlobalVariable *declared = module.getGlobalVariable("xfer_constants");
  if (declared)
    declared->setName("");
  GlobalVariable *data =
      beside ? addRoom(module, "xfer_constants", constants.size()) : addBytes(module, "xfer_constants", constants);
  if (declared) {
    declared->replaceAllUsesWith(data);
    declared->eraseFromParent();
  }
  SmallVector<Constant *> entries;
  for (const std::string &name : functions) {
    Function *function = module.getFunction(name);
    assert(function && "every function of the table is defined in this module");
    entries.push_back(function);
  }
  ArrayType *tableType = ArrayType::get(pointer, entries.size());
  auto *table = new GlobalVariable(module, tableType, true, GlobalValue::InternalLinkage,
                                   ConstantArray::get(tableType, entries), "xfer_functions");

  // The fields of xfer_program_t, in order.
  static_assert(sizeof(xfer_program_t) == 48, "a new field of xfer_program_t is filled in here");
  StructType *type = StructType::get(context, {word, word, pointer, pointer, doubleWord, pointer, doubleWord});
  Constant *fields = ConstantStruct::get(
      type, {ConstantInt::get(word, XFER_ABI_VERSION), ConstantInt::get(word, functions.size()), table,
             addBytes(module, "xfer_manifest", manifest), ConstantInt::get(doubleWord, manifest.size()), data,
             ConstantInt::get(doubleWord, constants.size())});
  new GlobalVariable(module, type, true, GlobalValue::ExternalLinkage, fields, "xfer_program");
}

/// Fills up to the alignment behind so many bytes.
static void pad(raw_ostream &os, uint64_t size) { os.write_zeros(alignTo(size, XFER_ALIGNMENT) - size); }

static uint64_t sizeOfBlock(ArrayRef<StringRef> files) {
  uint64_t size = 0;
  for (StringRef file : files)
    size += alignTo(file.size(), XFER_ALIGNMENT);
  return size;
}

static void writeBlock(raw_ostream &os, ArrayRef<StringRef> files) {
  for (StringRef file : files) {
    os << file;
    pad(os, file.size());
  }
}

/// The hash of what stands before a member of a header.
template <typename T> static uint64_t hashOfStart(const T &header, size_t bytes) {
  return xxHash64(StringRef(reinterpret_cast<const char *>(&header), bytes));
}

template <typename T> static void writeBytes(raw_ostream &os, const T &header) {
  os.write(reinterpret_cast<const char *>(&header), sizeof(header));
}

Error writeWeights(StringRef path, StringRef program, StringRef constants, ArrayRef<StringRef> files) {
  xfer_weights_header_t header = {};
  static_assert(sizeof(header) == 128, "the constants are aligned in the file");
  assert(program.size() <= sizeof(header.program) && "a longer hash needs a new version of the file");
  std::memcpy(header.magic, XFER_WEIGHTS_MAGIC, sizeof(header.magic));
  header.version = XFER_WEIGHTS_VERSION;
  std::memcpy(header.program, program.data(), program.size());
  header.size = constants.size();
  header.content = xxHash64(constants);
  header.files = sizeOfBlock(files);
  header.header = hashOfStart(header, offsetof(xfer_weights_header_t, header));

  std::error_code error;
  raw_fd_ostream file(path, error);
  if (!error) {
    writeBytes(file, header);
    file << constants;
    if (!files.empty())
      pad(file, constants.size());
    writeBlock(file, files);
    file.close();
    error = file.error();
    file.clear_error();
  }
  if (error)
    return createStringError(error, "cannot write '%s': %s", path.str().c_str(), error.message().c_str());
  return Error::success();
}

void appendFiles(raw_ostream &executable, uint64_t size, ArrayRef<StringRef> files) {
  xfer_files_footer_t footer = {};
  static_assert(sizeof(footer) == 64, "what follows is aligned");
  std::memcpy(footer.magic, XFER_FILES_MAGIC, sizeof(footer.magic));
  footer.version = XFER_FILES_VERSION;
  footer.size = sizeOfBlock(files);
  footer.footer = hashOfStart(footer, offsetof(xfer_files_footer_t, footer));
  pad(executable, size);
  writeBlock(executable, files);
  writeBytes(executable, footer);
}

} // namespace xfer
