//===- Graph.h - an ONNX graph while it is made ------------------------------------------------------*- C++ -*-===//
//
// Nodes, their attributes and constants as onnx.proto3 has them (the numbers of the fields are those of that file),
// written as they come: a graph of ONNX is in order. A graph within a graph, the body of a scan, sees the names of
// those around it; constants lie in the outermost one.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_ONNX_GRAPH_H
#define XFER_COMPILER_ONNX_GRAPH_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "xfer/rt/Protobuf.h"
#include "llvm/ADT/StringMap.h"
#include <string>
#include <vector>

namespace xfer::onnx {

/// TensorProto.DataType of an element type of nn.
enum DataType { Float = 1, UInt8 = 2, Int32 = 6, Int64 = 7, Bool = 9, Double = 11, BFloat16 = 16 };
DataType dataTypeOf(mlir::Type element);

/// The attributes of a node, one call each.
class Attributes {
public:
  Attributes &number(llvm::StringRef name, int64_t value);
  Attributes &numbers(llvm::StringRef name, llvm::ArrayRef<int64_t> values);
  Attributes &text(llvm::StringRef name, llvm::StringRef value);
  Attributes &graph(llvm::StringRef name, const rt::ProtoMessage &value);

private:
  friend class Graph;
  rt::ProtoMessage &add(llvm::StringRef name, int64_t type);
  std::vector<rt::ProtoMessage> list;
};

class Graph {
public:
  explicit Graph(mlir::MLIRContext *context) : context(context), scopes(1) {}

  /// A name that nothing has; no name of a program has the sign in it.
  std::string fresh() { return "v/" + std::to_string(++names); }

  /// Adds a node of one result and gives its name.
  std::string node(llvm::StringRef type, llvm::ArrayRef<std::string> inputs, const Attributes &attributes = {});
  void node(llvm::StringRef type, llvm::ArrayRef<std::string> inputs, llvm::ArrayRef<std::string> outputs,
            const Attributes &attributes = {});
  /// The same, or what an equal node before it gave.
  std::string shared(llvm::StringRef type, llvm::ArrayRef<std::string> inputs, const Attributes &attributes = {});

  /// Constants; equal ones are shared.
  std::string constant(mlir::DenseElementsAttr values);
  std::string integers(llvm::ArrayRef<int64_t> values);
  std::string scalar(mlir::Type element, double value);

  /// A name with its type, for the lists of inputs and outputs. Extents that are not known are called `batch`.
  static rt::ProtoMessage describe(llvm::StringRef name, mlir::RankedTensorType type);

  /// From here on nodes belong to an inner graph, until `close` gives it with these inputs and outputs.
  void open() { scopes.emplace_back(); }
  rt::ProtoMessage close(llvm::ArrayRef<rt::ProtoMessage> inputs, llvm::ArrayRef<rt::ProtoMessage> outputs);
  size_t depth() const { return scopes.size(); }

private:
  struct Scope {
    std::vector<rt::ProtoMessage> nodes;
    llvm::StringMap<std::string> known; ///< names of shared nodes, by what they are
  };
  std::string constant(llvm::StringRef key, const rt::ProtoMessage &tensor);

  mlir::MLIRContext *context;
  std::vector<Scope> scopes;
  std::vector<rt::ProtoMessage> constants;
  llvm::StringMap<std::string> knownConstants;
  unsigned names = 0;
};

} // namespace xfer::onnx

#endif // XFER_COMPILER_ONNX_GRAPH_H
