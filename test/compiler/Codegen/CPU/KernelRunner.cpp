#include "test/compiler/Codegen/CPU/KernelRunner.h"

#include "compiler/AutoDiff/Passes.h"
#include "compiler/Codegen/EmitKernel.h"
#include "compiler/Dialect/NN/Transforms/Passes.h"
#include "compiler/Fusion/Passes.h"

#include "test/compiler/Codegen/CPU/CompiledKernel.h"
#include "test/reference/Reference.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/Error.h"
#include "llvm/TargetParser/Host.h"
#include "gtest/gtest.h"

#include <random>
#include <sys/mman.h>
#include <unistd.h>

using namespace mlir;

namespace xfer::test {

Tensor Tensor::of(std::vector<int64_t> shape, std::vector<double> values) {
  return {std::move(shape), std::move(values)};
}

int64_t Tensor::size() const {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

Tensor Tensor::random(std::vector<int64_t> shape, unsigned seed, double low, double high, bool whole) {
  Tensor tensor{std::move(shape), {}};
  std::mt19937 generator(seed);
  for (int64_t i = 0, n = tensor.size(); i < n; ++i) {
    double unit = generator() / 4294967296.0;
    double value = low + (high - low) * unit;
    tensor.values.push_back(whole ? std::floor(value) : double(float(value)));
  }
  return tensor;
}

namespace {

// Memory whose end is the end of the readable world.
class Guarded {
public:
  explicit Guarded(size_t bytes) {
    size_t page = sysconf(_SC_PAGESIZE);
    mapped = (bytes + page - 1) / page * page + page;
    base = static_cast<char *>(mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base + mapped - page, page, PROT_NONE);
    memset(base, 0xA5, mapped - page);
    start = base + mapped - page - bytes;
  }
  Guarded(const Guarded &) = delete;
  ~Guarded() { munmap(base, mapped); }
  char *data() { return start; }

private:
  size_t mapped;
  char *base, *start;
};

template <typename T> void put(char *to, const std::vector<double> &values) {
  for (size_t i = 0; i < values.size(); ++i) {
    T value = static_cast<T>(values[i]);
    memcpy(to + i * sizeof(T), &value, sizeof(T));
  }
}
template <typename T> void take(const char *from, std::vector<double> &values) {
  for (size_t i = 0; i < values.size(); ++i) {
    T value;
    memcpy(&value, from + i * sizeof(T), sizeof(T));
    values[i] = static_cast<double>(value);
  }
}

size_t bytesOf(Type type) { return type.isInteger(1) ? 1 : type.getIntOrFloatBitWidth() / 8; }

void write(char *to, Type type, const std::vector<double> &values) {
  if (type.isF32())
    put<float>(to, values);
  else if (type.isF64())
    put<double>(to, values);
  else if (type.isInteger(64))
    put<int64_t>(to, values);
  else if (type.isInteger(32))
    put<int32_t>(to, values);
  else if (type.isBF16())
    for (size_t i = 0; i < values.size(); ++i) {
      APFloat value(values[i]);
      bool lost;
      value.convert(APFloat::BFloat(), APFloat::rmNearestTiesToEven, &lost);
      uint16_t bits = value.bitcastToAPInt().getZExtValue();
      memcpy(to + 2 * i, &bits, 2);
    }
  else
    put<uint8_t>(to, values);
}

void read(const char *from, Type type, std::vector<double> &values) {
  if (type.isF32())
    take<float>(from, values);
  else if (type.isF64())
    take<double>(from, values);
  else if (type.isInteger(64))
    take<int64_t>(from, values);
  else if (type.isInteger(32))
    take<int32_t>(from, values);
  else if (type.isBF16())
    for (size_t i = 0; i < values.size(); ++i) {
      uint16_t bits;
      memcpy(&bits, from + 2 * i, 2);
      values[i] = APFloat(APFloat::BFloat(), APInt(16, bits)).convertToFloat();
    }
  else
    take<uint8_t>(from, values);
}

using Function = void (*)(void *const *, int64_t, const int64_t *);

class Runner {
public:
  Runner(const RunOptions &options) : options(options) {}

  std::vector<Tensor> run(StringRef source, ArrayRef<Tensor> arguments);
  size_t object(StringRef source);

private:
  LogicalResult prepare(StringRef source);
  void execute(nn::KernelOp kernel);
  std::vector<int64_t> shapeOf(Value value);
  Guarded &buffer(Value value);
  void set(Value value, const std::vector<double> &values) {
    write(buffer(value).data(), cast<RankedTensorType>(value.getType()).getElementType(), values);
  }

  const RunOptions &options;
  DialectRegistry registry;
  std::unique_ptr<MLIRContext> context;
  OwningOpRef<ModuleOp> program, kernels;
  TargetDescription target;
  llvm::DenseMap<Operation *, EmittedKernel> emitted;
  llvm::DenseMap<Operation *, std::vector<std::pair<std::string, ChunkCount>>> phases;
  std::unique_ptr<llvm::orc::LLJIT> jit;
  llvm::DenseMap<Value, std::unique_ptr<Guarded>> buffers;
};

LogicalResult Runner::prepare(StringRef source) {
  registry.insert<nn::NNDialect, func::FuncDialect, arith::ArithDialect, scf::SCFDialect, math::MathDialect,
                  vector::VectorDialect, LLVM::LLVMDialect>();
  context = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  context->loadAllAvailableDialects();
  program = parseSourceString<ModuleOp>(source, context.get());
  if (!program)
    return failure();
  PassManager fuse(context.get());
  fuse.addNestedPass<func::FuncOp>(createAutoDiffPass());
  fuse.addPass(createCanonicalizerPass());
  fuse.addPass(createCSEPass());
  if (options.mode == "full")
    fuse.addNestedPass<func::FuncOp>(createOnePassVariancePass());
  FuseKernelsOptions fuseOptions;
  fuseOptions.mode = options.mode;
  fuse.addPass(createFuseKernels(fuseOptions));
  if (failed(fuse.run(*program)))
    return failure();
  auto description = TargetDescription::get(options.target);
  if (!description) {
    llvm::errs() << llvm::toString(description.takeError()) << "\n";
    return failure();
  }
  target = *description;
  kernels = ModuleOp::create(program->getLoc());
  OpBuilder builder = OpBuilder::atBlockEnd(kernels->getBody());
  unsigned number = 0;
  WalkResult walked = program->walk([&](nn::KernelOp kernel) {
    auto result = emitKernel(builder, kernel, "kernel" + std::to_string(number++), target);
    if (failed(result))
      return WalkResult::interrupt();
    for (KernelPhase &phase : result->phases)
      phases[kernel].push_back({phase.function.getSymName().str(), phase.chunks});
    emitted[kernel] = *result;
    return WalkResult::advance();
  });
  if (walked.wasInterrupted() || failed(verify(*kernels)))
    return failure();
  if (getenv("XFER_TEST_DUMP"))
    kernels->dump();
  return success();
}

std::vector<int64_t> Runner::shapeOf(Value value) {
  std::vector<int64_t> shape;
  for (const nn::Extent &extent : nn::extentsOf(value.getType()))
    shape.push_back(extent.isDynamic() ? options.extents.at(extent.symbol) : extent.size);
  return shape;
}

Guarded &Runner::buffer(Value value) {
  auto &entry = buffers[value];
  if (!entry) {
    Tensor shaped{shapeOf(value), {}};
    entry =
        std::make_unique<Guarded>(shaped.size() * bytesOf(cast<RankedTensorType>(value.getType()).getElementType()));
  }
  return *entry;
}

void Runner::execute(nn::KernelOp kernel) {
  std::vector<void *> pointers;
  for (Value input : kernel.getInputs())
    pointers.push_back(buffer(input).data());
  for (Value result : kernel.getResults())
    pointers.push_back(buffer(result).data());
  Guarded scratch(emitted[kernel].scratchBytes);
  pointers.push_back(scratch.data());
  std::vector<int64_t> extents;
  for (const std::string &symbol : emitted[kernel].extents)
    extents.push_back(options.extents.at(symbol));
  for (auto &[name, chunks] : phases[kernel]) {
    auto function = llvm::cantFail(jit->lookup(name)).toPtr<Function>();
    int64_t count = chunks.fixed;
    if (chunks.extent)
      count *= (extents[*chunks.extent] + chunks.block - 1) / chunks.block;
    for (int64_t chunk = count; chunk-- > 0;)
      function(pointers.data(), chunk, extents.data());
  }
}

size_t Runner::object(StringRef source) {
  return failed(prepare(source)) ? 0 : llvm::cantFail(compileKernels(*kernels, target, MachineCode::Object)).size();
}

std::vector<Tensor> Runner::run(StringRef source, ArrayRef<Tensor> arguments) {
  if (failed(prepare(source))) {
    ADD_FAILURE() << "does not compile:\n" << source.str();
    return {};
  }
  jit = llvm::cantFail(loadKernels(*kernels, target));
  auto function = *program->getOps<func::FuncOp>().begin();
  for (auto [argument, tensor] : llvm::zip_equal(function.getArguments(), arguments)) {
    EXPECT_EQ(tensor.size(), (Tensor{shapeOf(argument), {}}.size()));
    set(argument, tensor.values);
  }
  std::vector<Tensor> results;
  for (Operation &op : function.getBody().front()) {
    if (auto kernel = dyn_cast<nn::KernelOp>(op)) {
      execute(kernel);
    } else if (auto reshape = dyn_cast<nn::ReshapeOp>(op)) {
      Tensor shaped{shapeOf(reshape.getX()), {}};
      memcpy(buffer(reshape.getResult()).data(), buffer(reshape.getX()).data(),
             shaped.size() * bytesOf(cast<RankedTensorType>(reshape.getX().getType()).getElementType()));
    } else if (auto constant = dyn_cast<nn::ConstantOp>(op)) {
      std::vector<double> values;
      auto elements = cast<DenseElementsAttr>(constant.getValue());
      if (isa<FloatType>(elements.getElementType()))
        for (const APFloat &value : elements.getValues<APFloat>())
          values.push_back(value.convertToDouble());
      else
        for (const APInt &value : elements.getValues<APInt>())
          values.push_back(elements.getElementType().isInteger(1) ? value.getZExtValue() : value.getSExtValue());
      set(constant.getResult(), values);
    } else if (auto end = dyn_cast<func::ReturnOp>(op)) {
      for (Value value : end.getOperands()) {
        Tensor result{shapeOf(value), {}};
        result.values.resize(result.size());
        read(buffer(value).data(), cast<RankedTensorType>(value.getType()).getElementType(), result.values);
        results.push_back(std::move(result));
      }
    } else {
      ADD_FAILURE() << "cannot run " << op.getName().getStringRef().str();
    }
  }
  return results;
}

} // namespace

size_t compileObject(StringRef source, const RunOptions &options) { return Runner(options).object(source); }

std::vector<Tensor> run(StringRef source, ArrayRef<Tensor> arguments, const RunOptions &options) {
  return Runner(options).run(source, arguments);
}

std::vector<Tensor> evaluate(StringRef source, ArrayRef<Tensor> arguments) {
  DialectRegistry registry;
  registry.insert<nn::NNDialect, func::FuncDialect>();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  auto program = parseSourceString<ModuleOp>(source, &context);
  PassManager passes(&context);
  passes.addNestedPass<func::FuncOp>(createAutoDiffPass());
  if (!program || failed(passes.run(*program)))
    return {};
  auto function = *program->getOps<func::FuncOp>().begin();
  std::vector<reference::HostTensor> inputs;
  for (auto [argument, tensor] : llvm::zip_equal(function.getArguments(), arguments)) {
    inputs.emplace_back(cast<RankedTensorType>(argument.getType()).getElementType(), tensor.shape);
    inputs.back().values = tensor.values;
  }
  auto results = reference::evaluate(function, inputs);
  std::vector<Tensor> tensors;
  if (succeeded(results))
    for (reference::HostTensor &result : *results)
      tensors.push_back({result.shape, result.values});
  return tensors;
}

std::vector<std::string> runnableTargets() {
  auto host = llvm::sys::getHostCPUFeatures();
  std::vector<std::string> targets{"x86-64"};
  if (host.lookup("avx2") && host.lookup("fma"))
    targets.push_back("x86-64-v3");
  if (host.lookup("avx512f") && host.lookup("avx512vl") && host.lookup("avx512bw") && host.lookup("avx512dq"))
    targets.push_back("x86-64-v4");
  return targets;
}

} // namespace xfer::test
