//===- Instrument.cpp - generated code that a sanitizer watches ---------------------------------------------------===//
//
// AddressSanitizer's pass knows vectors and masks. ThreadSanitizer's looks at accesses of 1, 2, 4, 8 and 16 bytes only,
// so wider ones and those under a mask, which are most of a kernel's, are told to its runtime here as ranges of bytes:
//
//   store <16 x float> %v, ptr %p        ->  call __tsan_write_range(%p, 64), before it
//   masked.store(<16 x float> %v, %p, m) ->  call __tsan_write_range(%p, 4 * number of ones that m begins with)
//   masked.gather(<16 x ptr> %p, m)      ->  call __tsan_read_range(%p[i], m[i] ? 4 : 0) for each i
//
// A mask is the rest of a row, so it begins with its ones. If it does not, less is told than happens, never more.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Target/Instrument.h"
#include "compiler/Target/RunPasses.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/Transforms/Instrumentation/AddressSanitizer.h"
#include "llvm/Transforms/Instrumentation/ThreadSanitizer.h"

using namespace llvm;

namespace xfer {
namespace {

class RangeReports {
public:
  explicit RangeReports(Module &module) : module(module), b(module.getContext()) {
    reads = declare("__tsan_read_range", {b.getPtrTy(), b.getInt64Ty()});
    writes = declare("__tsan_write_range", {b.getPtrTy(), b.getInt64Ty()});
    ignore = declare("__tsan_ignore_thread_begin", {});
    heed = declare("__tsan_ignore_thread_end", {});
  }

  void add(Function &function) {
    for (Instruction &instruction : make_early_inc_range(instructions(function))) {
      b.SetInsertPoint(&instruction);
      if (isa<LoadInst, StoreInst>(instruction))
        addPlain(instruction);
      else if (auto *copy = dyn_cast<MemIntrinsic>(&instruction))
        addCopy(*copy);
      else if (auto *call = dyn_cast<IntrinsicInst>(&instruction))
        addMasked(*call);
    }
  }

private:
  FunctionCallee declare(StringRef name, ArrayRef<Type *> arguments) {
    LLVMContext &context = module.getContext();
    AttributeList attributes = AttributeList().addFnAttribute(context, Attribute::NoUnwind);
    return module.getOrInsertFunction(name, FunctionType::get(b.getVoidTy(), arguments, false), attributes);
  }

  /// Whether it is on the stack of a kernel, so no other thread's; one chunk's is where another's was.
  static bool isOwn(Value *address) {
    SmallVector<const Value *> objects; // of a pointer that a loop moves along: where it starts
    getUnderlyingObjects(address, objects, /*LI=*/nullptr, /*MaxLookup=*/0);
    return all_of(objects, [](const Value *object) { return isa<AllocaInst>(object); });
  }

  void report(bool isWrite, Value *address, Value *bytes) {
    if (!isOwn(address))
      b.CreateCall(isWrite ? writes : reads, {address, bytes});
  }

  void addPlain(Instruction &access) {
    if (isOwn(getLoadStorePointerOperand(&access)))
      return access.setNoSanitizeMetadata();
    uint64_t bytes = module.getDataLayout().getTypeStoreSize(getLoadStoreType(&access));
    if (bytes > 16 || !isPowerOf2_64(bytes))
      report(isa<StoreInst>(access), getLoadStorePointerOperand(&access), b.getInt64(bytes));
  }

  /// The pass tells of both sides of a copy, and of what is on the stack as of everything else; so does the C library,
  /// which a long one calls.
  void addCopy(MemIntrinsic &copy) {
    auto *transfer = dyn_cast<MemTransferInst>(&copy);
    if (!isOwn(copy.getDest()) && !(transfer && isOwn(transfer->getSource())))
      return;
    copy.setNoSanitizeMetadata();
    Value *bytes = b.CreateZExtOrTrunc(copy.getLength(), b.getInt64Ty());
    report(true, copy.getDest(), bytes);
    if (transfer)
      report(false, transfer->getSource(), bytes);
    b.CreateCall(ignore);
    b.SetInsertPoint(copy.getNextNode());
    b.CreateCall(heed);
  }

  void addMasked(IntrinsicInst &call) {
    switch (call.getIntrinsicID()) {
    case Intrinsic::masked_load:
      return addRow(false, call.getArgOperand(0), call.getArgOperand(1), call.getType());
    case Intrinsic::masked_store:
      return addRow(true, call.getArgOperand(1), call.getArgOperand(2), call.getArgOperand(0)->getType());
    case Intrinsic::masked_gather:
      return addLanes(false, call.getArgOperand(0), call.getArgOperand(1), call.getType());
    case Intrinsic::masked_scatter:
      return addLanes(true, call.getArgOperand(1), call.getArgOperand(2), call.getArgOperand(0)->getType());
    default:
      return;
    }
  }

  uint64_t bytesOfLane(Type *type) { return module.getDataLayout().getTypeStoreSize(type->getScalarType()); }

  void addRow(bool isWrite, Value *address, Value *mask, Type *type) {
    unsigned lanes = cast<FixedVectorType>(type)->getNumElements();
    Value *zeros = b.CreateNot(b.CreateBitCast(mask, b.getIntNTy(lanes)));
    Value *ones = b.CreateIntrinsic(Intrinsic::cttz, {zeros->getType()}, {zeros, b.getFalse()});
    report(isWrite, address, b.CreateMul(b.CreateZExtOrTrunc(ones, b.getInt64Ty()), b.getInt64(bytesOfLane(type))));
  }

  void addLanes(bool isWrite, Value *addresses, Value *mask, Type *type) {
    for (unsigned lane = 0; lane != cast<FixedVectorType>(type)->getNumElements(); ++lane)
      report(isWrite, b.CreateExtractElement(addresses, lane),
             b.CreateSelect(b.CreateExtractElement(mask, lane), b.getInt64(bytesOfLane(type)), b.getInt64(0)));
  }

  Module &module;
  IRBuilder<> b;
  FunctionCallee reads, writes, ignore, heed;
};

} // namespace

void instrument(Module &module, Sanitizer sanitizer) {
  if (sanitizer == Sanitizer::None)
    return;
  bool address = sanitizer == Sanitizer::Address;
  for (Function &function : module)
    if (!function.isDeclaration())
      function.addFnAttr(address ? Attribute::SanitizeAddress : Attribute::SanitizeThread);
  ModulePassManager passes;
  if (address) {
    // Sections that are linked to others do not survive when objects are merged into one.
    passes.addPass(AddressSanitizerPass(AddressSanitizerOptions(), /*UseGlobalGC=*/false, /*UseOdrIndicator=*/false));
  } else {
    RangeReports reports(module);
    for (Function &function : module)
      if (!function.isDeclaration())
        reports.add(function);
    passes.addPass(ModuleThreadSanitizerPass());
    passes.addPass(createModuleToFunctionPassAdaptor(ThreadSanitizerPass()));
  }
  PassBuilder builder;
  runPasses(builder, std::move(passes), module);
}

} // namespace xfer
