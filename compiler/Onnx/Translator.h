//===- Translator.h - one function of nn operations as an ONNX graph ---------------------------------*- C++ -*-===//
//
// Input: a function whose arguments and results are bound (xfer.bind), free of meanings, gradients and `each`, in which
// the number of samples is the one extent that is not known. Output: a GraphProto, in which parameters, states and
// options are initialisers that somebody else adds, under the names of weight files and in their layouts.
//
// A value has one or both of two forms: the whole tensor, and one that ONNX stretches where it meets others (extents of
// 1, or a scalar). So `nn.broadcast` costs a node only where something reads the repeated tensor itself.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_ONNX_TRANSLATOR_H
#define XFER_COMPILER_ONNX_TRANSLATOR_H

#include "compiler/Dialect/NN/IR/NN.h"
#include "compiler/Dialect/Xfer/IR/Xfer.h"
#include "compiler/Onnx/Graph.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace xfer::onnx {

class Translator {
public:
  Translator(mlir::func::FuncOp function, mlir::ModuleOp program);

  /// The graph, or nothing: `getProblem` says which operation has none in ONNX, and where it stands.
  std::optional<rt::ProtoMessage> run();
  llvm::StringRef getProblem() const { return problem; }
  /// What the initialisers are that are left to others: arguments of the function, with the names that the graph has
  /// for them.
  struct Initializer {
    pipeline::BindAttr bind;
    std::string name;
    mlir::Type element;
  };
  llvm::ArrayRef<Initializer> getInitializers() const { return initializers; }

private:
  //===--- Translator.cpp ----------------------------------------------------------------------------------------===//
  mlir::LogicalResult bindArguments(std::vector<rt::ProtoMessage> &inputs);
  mlir::LogicalResult translate(mlir::Block &block);
  mlir::LogicalResult translate(mlir::Operation &op);
  mlir::LogicalResult refuse(mlir::Location where, const llvm::Twine &why);
  mlir::LogicalResult refuse(mlir::Operation *op, const llvm::Twine &why) { return refuse(op->getLoc(), why); }

  /// The whole tensor, and a form that stretches to it.
  std::string whole(mlir::Value value);
  std::string loose(mlir::Value value);
  void set(mlir::Value value, std::string name) { forms.back().whole[value] = std::move(name); }
  void setLoose(mlir::Value value, std::string name) { forms.back().loose[value] = std::move(name); }
  bool isStretched(mlir::Value value) const { return !find(&Forms::whole, value) && find(&Forms::loose, value); }

  /// Extents as a tensor of int64; the number of samples is asked of the first input.
  std::string shapeOf(mlir::RankedTensorType type);
  std::string permuted(const std::string &name, llvm::ArrayRef<int64_t> permutation);
  std::string cast(const std::string &name, mlir::Type element);
  /// [n, spatial.., c] as [n, c, spatial..], and back.
  std::string channelsFirst(const std::string &name, int64_t rank);
  std::string channelsLast(const std::string &name, int64_t rank);

  //===--- Elementwise.cpp ---------------------------------------------------------------------------------------===//
  bool elementwise(mlir::Operation &op);
  void perElement(mlir::Operation &op, llvm::function_ref<std::string(llvm::ArrayRef<std::string>)> make);
  std::string divide(mlir::Type element, const std::string &a, const std::string &b);
  std::string remainder(mlir::Type element, const std::string &a, const std::string &b);

  //===--- Products.cpp ------------------------------------------------------------------------------------------===//
  mlir::LogicalResult translate(nn::ContractOp op);
  mlir::LogicalResult translate(nn::ConvOp op);
  mlir::LogicalResult translate(nn::ConvInputGradientOp op);
  mlir::LogicalResult translate(nn::WindowMaxOp op);
  mlir::LogicalResult translate(nn::WindowSumOp op);
  std::string filter(mlir::Value w);

  //===--- Structure.cpp -----------------------------------------------------------------------------------------===//
  mlir::LogicalResult translate(nn::ConstantOp op);
  mlir::LogicalResult translate(nn::IotaOp op);
  mlir::LogicalResult translate(nn::BroadcastOp op);
  mlir::LogicalResult translate(nn::ReshapeOp op);
  mlir::LogicalResult translate(nn::ConcatOp op);
  mlir::LogicalResult translate(nn::SliceOp op);
  mlir::LogicalResult translate(nn::PadOp op);
  mlir::LogicalResult translate(nn::ReverseOp op);
  mlir::LogicalResult translate(nn::ReduceOp op);
  mlir::LogicalResult translate(nn::ArgmaxOp op);
  mlir::LogicalResult translate(nn::CumsumOp op);
  mlir::LogicalResult translate(nn::GatherOp op);
  mlir::LogicalResult translate(nn::ScatterOp op);
  mlir::LogicalResult translate(nn::SortOp op);

  //===--- Loops.cpp ---------------------------------------------------------------------------------------------===//
  mlir::LogicalResult translate(nn::LoopOp op);
  mlir::LogicalResult translate(nn::CustomOp op);

  struct Forms {
    llvm::DenseMap<mlir::Value, std::string> whole, loose;
    /// Of a filter or matrix that is an initialiser: its name, in the layout of files.
    llvm::DenseMap<mlir::Value, std::string> stored;
  };
  const std::string *find(llvm::DenseMap<mlir::Value, std::string> Forms::*kind, mlir::Value value) const;

  mlir::func::FuncOp function;
  mlir::ModuleOp program;
  Graph graph;
  std::vector<Forms> forms; ///< one a graph, the innermost last
  std::vector<Initializer> initializers;
  std::string firstInput, problem;
};

} // namespace xfer::onnx

#endif // XFER_COMPILER_ONNX_TRANSLATOR_H
