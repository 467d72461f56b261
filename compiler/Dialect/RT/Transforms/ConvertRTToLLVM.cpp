//===- ConvertRTToLLVM.cpp - runtime calls as LLVM calls ----------------------------------------------------------===//
//
// One walk: no types change (addresses are !llvm.ptr already), so every op is replaced where it stands. The signatures
// of the entries are those of entries.def: the C++ function type of each line is turned into an LLVM function type.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Dialect/RT/Transforms/ConvertRTToLLVM.h"
#include "compiler/Dialect/RT/IR/RT.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "xfer/rt/abi.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace xfer::rtir;

namespace {

template <typename T> Type llvmType(MLIRContext *context) {
  if constexpr (std::is_pointer_v<T>)
    return LLVM::LLVMPointerType::get(context);
  else
    return IntegerType::get(context, 8 * sizeof(T));
}

template <typename Function> struct Signature;
template <typename Result, typename... Parameters> struct Signature<Result(Parameters...)> {
  static LLVM::LLVMFunctionType get(MLIRContext *context) {
    return LLVM::LLVMFunctionType::get(llvmType<Result>(context), {llvmType<Parameters>(context)...});
  }
};

/// The LLVM type of an entry of entries.def; null for another name.
LLVM::LLVMFunctionType getEntryType(MLIRContext *context, StringRef name) {
#define XFER_ENTRY(result, entry, parameters)                                                                          \
  if (name == #entry)                                                                                                  \
    return Signature<result parameters>::get(context);
#include "xfer/rt/entries.def"
  return nullptr;
}

class Converter {
public:
  explicit Converter(ModuleOp module) : module(module), symbols(module), builder(module.getContext()) {}

  void run();

private:
  void convert(Operation *op);
  Value table(Location location, ValueRange values, Operation *in);
  Value convertParallel(ParallelOp op);
  Value constant(Location location, int64_t value) {
    return LLVM::ConstantOp::create(builder, location, builder.getI64Type(), builder.getI64IntegerAttr(value));
  }
  Value call(Location location, StringRef entry, ValueRange operands);
  LLVM::LLVMFuncOp kernel(ParallelOp op);
  Value address(Value base, int64_t bytes) {
    if (bytes == 0)
      return base;
    return LLVM::GEPOp::create(builder, base.getLoc(), base.getType(), builder.getI8Type(), base,
                               constant(base.getLoc(), bytes)); // as a value: a constant of a GEP has 29 bits in MLIR
  }
  Value load(Type type, Value base, int64_t bytes) {
    return LLVM::LoadOp::create(builder, base.getLoc(), type, address(base, bytes));
  }

  ModuleOp module;
  SymbolTable symbols;
  OpBuilder builder;
};

Value Converter::call(Location location, StringRef entry, ValueRange operands) {
  auto function = symbols.lookup<LLVM::LLVMFuncOp>(entry);
  if (!function) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    LLVM::LLVMFunctionType type = getEntryType(builder.getContext(), entry);
    assert(type && "only entries of entries.def are called");
    function = LLVM::LLVMFuncOp::create(builder, location, entry, type);
    symbols.insert(function);
  }
  return LLVM::CallOp::create(builder, location, function, operands).getResult();
}

/// A kernel is declared here and defined in a module of its own.
LLVM::LLVMFuncOp Converter::kernel(ParallelOp op) {
  if (auto known = symbols.lookup<LLVM::LLVMFuncOp>(op.getKernel()))
    return known;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(module.getBody());
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()),
                                          {pointer, builder.getI64Type(), pointer});
  auto declaration = LLVM::LLVMFuncOp::create(builder, op.getLoc(), op.getKernel(), type);
  symbols.insert(declaration);
  return declaration;
}

/// Values one after the other on the stack of the function that `in` stands in.
Value Converter::table(Location location, ValueRange values, Operation *in) {
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Value result;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&in->getParentOfType<func::FuncOp>().front());
    result = LLVM::AllocaOp::create(builder, location, pointer, builder.getI64Type(),
                                    constant(location, std::max<int64_t>(1, values.size())));
  }
  for (auto [index, value] : llvm::enumerate(values))
    LLVM::StoreOp::create(builder, location, value, address(result, 8 * index));
  return result;
}

/// A kernel takes the addresses as a table on the stack; one chunk needs no threads and is called.
Value Converter::convertParallel(ParallelOp op) {
  Location location = op.getLoc();
  Value buffers = table(location, op.getBuffers(), op);
  IntegerAttr chunks;
  if (matchPattern(op.getChunks(), m_Constant(&chunks)) && chunks.getInt() == 1) {
    LLVM::CallOp::create(builder, location, kernel(op), ValueRange{buffers, constant(location, 0), op.getExtents()});
    return LLVM::ConstantOp::create(builder, location, builder.getI32Type(), builder.getI32IntegerAttr(0));
  }
  return call(location, "xfer_parallel",
              {op.getRuntime(), op.getQueue(), LLVM::AddressOfOp::create(builder, location, kernel(op)), buffers,
               op.getChunks(), op.getExtents()});
}

void Converter::convert(Operation *op) {
  builder.setInsertionPoint(op);
  Location location = op->getLoc();
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
  auto replace = [&](Value value) {
    op->getResult(0).replaceAllUsesWith(value);
    op->erase();
  };
  llvm::TypeSwitch<Operation *>(op)
      .Case<BufferOp>([&](BufferOp o) {
        replace(load(pointer, o.getBuffers(), o.getIndex() * sizeof(xfer_buffer_t) + offsetof(xfer_buffer_t, data)));
      })
      .Case<ExtentOp>([&](ExtentOp o) { replace(load(builder.getI64Type(), o.getExtents(), 8 * o.getIndex())); })
      .Case<SelectExtentsOp>([&](SelectExtentsOp o) {
        SmallVector<Value> values;
        for (int64_t index : o.getIndices())
          values.push_back(load(builder.getI64Type(), o.getExtents(), 8 * index));
        replace(table(location, values, o));
      })
      .Case<OffsetOp>([&](OffsetOp o) {
        replace(LLVM::GEPOp::create(builder, location, pointer, builder.getI8Type(), o.getBase(), o.getBytes()));
      })
      .Case<ConstantOp>([&](ConstantOp o) {
        if (!symbols.lookup(kConstantsSymbol)) {
          OpBuilder::InsertionGuard guard(builder);
          builder.setInsertionPointToStart(module.getBody());
          auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), 0);
          symbols.insert(LLVM::GlobalOp::create(builder, location, type, /*isConstant=*/true, LLVM::Linkage::External,
                                                kConstantsSymbol, Attribute(), XFER_ALIGNMENT));
        }
        replace(address(LLVM::AddressOfOp::create(builder, location, pointer, kConstantsSymbol), o.getOffset()));
      })
      .Case<CopyOp>([&](CopyOp o) {
        LLVM::MemcpyOp::create(builder, location, o.getTarget(), o.getSource(), o.getBytes(), /*isVolatile=*/false);
        op->erase();
      })
      .Case<ClearOp>([&](ClearOp o) {
        Value zero = LLVM::ConstantOp::create(builder, location, builder.getI8Type(), builder.getI8IntegerAttr(0));
        LLVM::MemsetOp::create(builder, location, o.getTarget(), zero, o.getBytes(), /*isVolatile=*/false);
        op->erase();
      })
      .Case<StoreIndexOp>([&](StoreIndexOp o) {
        Value index = LLVM::TruncOp::create(builder, location, builder.getI32Type(), o.getIndex());
        LLVM::StoreOp::create(builder, location, index, o.getTarget());
        op->erase();
      })
      .Case<LoadFlagOp>([&](LoadFlagOp o) {
        Value byte = load(builder.getI8Type(), o.getSource(), 0);
        replace(LLVM::TruncOp::create(builder, location, builder.getI1Type(), byte));
      })
      .Case<ParallelOp>([&](ParallelOp o) { replace(convertParallel(o)); })
      .Case<SortOp>([&](SortOp o) {
        replace(call(location, o.getElement().isF32() ? "xfer_sort_f32" : "xfer_sort_i32",
                     {o.getRuntime(), o.getQueue(), o.getX(), o.getValues(), o.getIndices(), o.getOuter(),
                      o.getExtent(), o.getInner()}));
      })
      .Case<CholeskyOp>([&](CholeskyOp o) {
        replace(call(location, "xfer_cholesky_f32",
                     {o.getRuntime(), o.getQueue(), o.getA(), o.getL(), o.getBatch(), o.getN()}));
      })
      .Case<TriangularSolveOp>([&](TriangularSolveOp o) {
        Value transposed = LLVM::ConstantOp::create(builder, location, builder.getI32Type(),
                                                    builder.getI32IntegerAttr(o.getTransposed()));
        replace(call(location, "xfer_triangular_solve_f32",
                     {o.getRuntime(), o.getQueue(), o.getL(), o.getB(), o.getX(), o.getBatch(), o.getN(), o.getM(),
                      transposed}));
      });
}

/// `rt.check`: the rest of the block becomes a block of its own, which a status of 0 goes on with.
void convertCheck(CheckOp check) {
  OpBuilder builder(check);
  Block *block = check->getBlock();
  Block *rest = block->splitBlock(std::next(check->getIterator()));
  Block *leave = builder.createBlock(block->getParent());
  func::ReturnOp::create(builder, check.getLoc(), check.getStatus());
  builder.setInsertionPointToEnd(block);
  Value zero = arith::ConstantIntOp::create(builder, check.getLoc(), 0, 32);
  Value ok = arith::CmpIOp::create(builder, check.getLoc(), arith::CmpIPredicate::eq, check.getStatus(), zero);
  cf::CondBranchOp::create(builder, check.getLoc(), ok, rest, leave);
  check.erase();
}

void Converter::run() {
  SmallVector<CheckOp> checks;
  SmallVector<Operation *> others;
  module.walk([&](Operation *op) {
    if (auto check = dyn_cast<CheckOp>(op))
      checks.push_back(check);
    else if (isa<RTDialect>(op->getDialect()))
      others.push_back(op);
  });
  for (Operation *op : others)
    convert(op);
  for (CheckOp check : checks) {
    APInt status;
    if (matchPattern(check.getStatus(), m_ConstantInt(&status)) && status.isZero())
      check.erase();
    else
      convertCheck(check);
  }
}

} // namespace

void xfer::rtir::convertToLLVM(ModuleOp module) { Converter(module).run(); }
