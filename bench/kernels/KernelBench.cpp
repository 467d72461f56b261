//===- KernelBench.cpp - percent of the multiply-add peak, kernel by kernel -------------------------------------===//
//
// Each kernel is run in turns with a probe of the peak; the figure is the median of the ratios of neighbours, so that a
// neighbour of the machine who takes half of it for a while does not show as a slow kernel. One thread.
//
//   xfer-bench-kernels [--target-cpu NAME] [--filter TEXT] [--all] [--json] [--knobs ATTRIBUTE] [--asm]
//
//===------------------------------------------------------------------------------------------------------------===//

#include "bench/kernels/KernelCases.h"
#include "bench/kernels/PeakProbe.h"
#include "compiler/Codegen/CPU/ContractionKernel.h"
#include "compiler/Dialect/NN/IR/NN.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <cstdlib>

using namespace mlir;
using namespace xfer;
using namespace xfer::bench;

namespace {
struct Options {
  std::string target = "native", filter, knobs;
  bool all = false, json = false, assembly = false;
};

/// Cache-aligned memory with small numbers in it.
std::unique_ptr<float, decltype(&std::free)> numbers(int64_t count) {
  auto *memory = static_cast<float *>(std::aligned_alloc(64, (count * 4 + 63) / 64 * 64));
  for (int64_t i = 0; i < count; ++i)
    memory[i] = static_cast<float>(i % 17 - 8) / 8;
  return {memory, &std::free};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Figure {
  double percent, seconds, compileSeconds;
  std::string schedule;
};

class Bench {
public:
  explicit Bench(const Options &options)
      : options(options), target(llvm::cantFail(TargetDescription::get(options.target))) {
    context.loadDialect<nn::NNDialect, func::FuncDialect, arith::ArithDialect, scf::SCFDialect, vector::VectorDialect,
                        LLVM::LLVMDialect>();
    peak = std::make_unique<PeakProbe>(context, target);
  }
  Figure time(const KernelCase &one);
  double gigaflops() { return peak->measure() / 1e9; }

private:
  const Options &options;
  MLIRContext context;
  TargetDescription target;
  std::unique_ptr<PeakProbe> peak;
};
} // namespace

Figure Bench::time(const KernelCase &one) {
  OwningOpRef<ModuleOp> source = parseSourceString<ModuleOp>(one.text, &context);
  if (!source)
    std::exit(1);
  Operation *op = &(*source->getOps<func::FuncOp>().begin()).front().front();
  OwningOpRef<ModuleOp> module = ModuleOp::create(op->getLoc());
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  auto knobs = options.knobs.empty() ? DictionaryAttr() : cast<DictionaryAttr>(parseAttribute(options.knobs, &context));
  auto kernel = emitContraction(builder, op, "kernel", {}, {}, knobs, target);
  if (failed(kernel))
    std::exit(1);
  Figure figure;
  auto description = cpu::describeContraction(op);
  auto plans = cpu::planContraction(op->getLoc(), *description, knobs, target);
  llvm::raw_string_ostream(figure.schedule) << toAttribute(plans->front().schedule, plans->front().form, &context);
  if (options.assembly) {
    OwningOpRef<ModuleOp> copy = module->clone();
    auto text = llvm::cantFail(test::compileKernels(*copy, target, MachineCode::Assembly));
    llvm::outs() << StringRef(text.data(), text.size());
  }
  auto compiled = llvm::cantFail(test::CompiledKernel::compile(*module, *kernel, target));
  figure.compileSeconds = compiled->compileSeconds;
  auto count = [](Value value) { return cast<RankedTensorType>(value.getType()).getNumElements(); };
  auto lhs = numbers(count(op->getOperand(0))), rhs = numbers(count(op->getOperand(1)));
  auto result = numbers(count(op->getResult(0)));
  std::vector<double> ratios, seconds;
  auto run = [&] {
    double start = threadSeconds();
    compiled->run({lhs.get(), rhs.get(), result.get()});
    return threadSeconds() - start;
  };
  run();
  int rounds = std::clamp<int>(0.4 / (run() + 1e-3), 7, 101);
  for (int i = 0; i < rounds; ++i) {
    double before = peak->measure(), taken = run(), after = peak->measure();
    ratios.push_back(one.operations / taken / ((before + after) / 2) * 100);
    seconds.push_back(taken);
  }
  figure.percent = median(ratios);
  figure.seconds = median(seconds);
  return figure;
}

int main(int argc, char **argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    StringRef argument = argv[i];
    auto value = [&] { return i + 1 < argc ? std::string(argv[++i]) : std::string(); };
    if (argument == "--target-cpu")
      options.target = value();
    else if (argument == "--filter")
      options.filter = value();
    else if (argument == "--knobs")
      options.knobs = value();
    else if (argument == "--all")
      options.all = true;
    else if (argument == "--json")
      options.json = true;
    else if (argument == "--asm")
      options.assembly = true;
    else {
      llvm::errs() << "unknown option '" << argument << "'\n";
      return 2;
    }
  }
  Bench bench(options);
  if (!options.json)
    llvm::outs() << llvm::formatv("peak {0:f1} GFLOP/s\n", bench.gigaflops());
  double logarithms = 0;
  int headlines = 0;
  for (const KernelCase &one : kernelCases()) {
    if (!(options.all || one.headline || !options.filter.empty()) || !StringRef(one.name).contains(options.filter))
      continue;
    Figure figure = bench.time(one);
    if (options.json)
      llvm::outs() << llvm::formatv(
          "{{\"name\": \"{0}\", \"percent\": {1:f1}, \"seconds\": {2:e3}, \"compile\": {3:f3}}\n", one.name,
          figure.percent, figure.seconds, figure.compileSeconds);
    else
      llvm::outs() << llvm::formatv("{0,-44} {1,6:f1} %  {2,9:f3} ms  compiled in {3:f3} s  {4}\n", one.name,
                                    figure.percent, figure.seconds * 1e3, figure.compileSeconds, figure.schedule);
    llvm::outs().flush();
    if (one.headline) {
      logarithms += std::log(figure.percent);
      ++headlines;
    }
  }
  if (headlines && !options.json)
    llvm::outs() << llvm::formatv("geometric mean of the {0} named kernels: {1:f1} %\n", headlines,
                                  std::exp(logarithms / headlines));
  return 0;
}
