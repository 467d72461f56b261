//===- OnnxModel.h - an export of a program as an ONNX file ------------------------------------------*- C++ -*-===//

#ifndef XFER_COMPILER_ONNX_ONNXMODEL_H
#define XFER_COMPILER_ONNX_ONNXMODEL_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <string>

namespace xfer {

/// The bytes of a model (onnx.proto3) that computes an export of `program`, the first where `exported` is empty, for
/// any number of samples, with the values that the weight file of a run has. The exports have been elaborated so
/// (`kAnyBatchAttr`).
llvm::Expected<std::string> makeOnnxModel(mlir::ModuleOp program, llvm::StringRef exported, const std::string &weights);

} // namespace xfer

#endif // XFER_COMPILER_ONNX_ONNXMODEL_H
