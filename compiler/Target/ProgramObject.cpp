//===- ProgramObject.cpp - the symbol that the runtime reads ------------------------------------------------------===//

#include "compiler/Target/ProgramObject.h"
#include "xfer/rt/abi.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/IR/GlobalVariable.h"

using namespace llvm;

namespace xfer {

/// The bytes as a hidden global of the name.
static GlobalVariable *addBytes(Module &module, StringRef name, StringRef bytes) {
  Constant *value = ConstantDataArray::getString(module.getContext(), bytes, /*AddNull=*/false);
  auto *global = new GlobalVariable(module, value->getType(), /*isConstant=*/true, GlobalValue::ExternalLinkage, value,
                                    name);
  global->setVisibility(GlobalValue::HiddenVisibility);
  global->setAlignment(Align(XFER_ALIGNMENT));
  return global;
}

void addProgram(Module &module, ArrayRef<std::string> functions, StringRef manifest, StringRef constants) {
  LLVMContext &context = module.getContext();
  PointerType *pointer = PointerType::getUnqual(context);
  IntegerType *word = Type::getInt32Ty(context), *doubleWord = Type::getInt64Ty(context);

  GlobalVariable *declared = module.getGlobalVariable("xfer_constants");
  if (declared)
    declared->setName("");
  GlobalVariable *data = addBytes(module, "xfer_constants", constants);
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

} // namespace xfer
