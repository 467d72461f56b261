//===- KernelTable.cpp - the kernels of a program, each once ------------------------------------------------------===//

#include "compiler/Codegen/KernelTable.h"
#include "llvm/ADT/Hashing.h"

using namespace mlir;

namespace xfer {
namespace {

/// Writes what two equal kernels have in common. Attributes and types are unique in their context, so their addresses
/// stand for them; values are numbered in the order in which they appear; locations do not count.
class KeyWriter {
public:
  std::string write(nn::KernelOp kernel) {
    writeOp(*kernel);
    return std::move(key);
  }

private:
  void add(const void *pointer) { key.append(reinterpret_cast<const char *>(&pointer), sizeof(pointer)); }
  void add(uint64_t number) { key.append(reinterpret_cast<const char *>(&number), sizeof(number)); }
  void addValue(Value value) { add(uint64_t(values.try_emplace(value, values.size()).first->second)); }

  void writeOp(Operation &op) {
    add(op.getName().getAsOpaquePointer());
    add(op.getAttrDictionary().getAsOpaquePointer());
    add(uint64_t(op.getNumOperands()));
    for (Value operand : op.getOperands()) {
      addValue(operand);
      add(operand.getType().getAsOpaquePointer());
    }
    add(uint64_t(op.getNumResults()));
    for (Value result : op.getResults()) {
      addValue(result);
      add(result.getType().getAsOpaquePointer());
    }
    for (Region &region : op.getRegions())
      for (Block &block : region) {
        add(uint64_t(block.getNumArguments()));
        for (BlockArgument argument : block.getArguments())
          addValue(argument);
        for (Operation &inner : block)
          writeOp(inner);
      }
  }

  std::string key;
  DenseMap<Value, uint64_t> values;
};

} // namespace

void KernelTable::add(nn::KernelOp kernel) {
  auto [entry, isNew] = byKey.try_emplace(KeyWriter().write(kernel), exemplars.size());
  if (isNew)
    exemplars.push_back(kernel);
  numbers[kernel] = entry->second;
}

static StringRef kindName(nn::KernelOp kernel) { return nn::stringifyKernelKind(kernel.getKind()); }

FailureOr<SmallVector<OwningOpRef<ModuleOp>>> KernelTable::emit(unsigned parts, const TargetDescription &target,
                                                                const KernelEmitter &emitter) {
  SmallVector<OwningOpRef<ModuleOp>> modules;
  SmallVector<size_t> load(std::min<size_t>(parts, exemplars.size()));
  for (size_t i = 0; i != load.size(); ++i)
    modules.push_back(ModuleOp::create(exemplars[i].getLoc()));
  for (auto [number, kernel] : llvm::enumerate(exemplars)) {
    unsigned part = llvm::min_element(load) - load.begin();
    load[part] += 4 + llvm::range_size(kernel.getBody().getOps());
    OpBuilder builder = OpBuilder::atBlockEnd(modules[part]->getBody());
    std::string name = llvm::formatv("kernel.{0}.{1}", number, kindName(kernel)).str();
    FailureOr<EmittedKernel> emitted = emitter(builder, kernel, name, target);
    if (failed(emitted))
      return failure();
    KernelCall call{emitted->name, {}, emitted->scratchBytes, emitted->extents};
    for (KernelPhase &phase : emitted->phases)
      call.phases.push_back({phase.function.getSymName().str(), phase.chunks});
    calls.push_back(std::move(call));
  }
  return modules;
}

} // namespace xfer
