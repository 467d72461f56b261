//===- SplitReductions.h - each sample's share of a reduction first -------------------------------------*- C++ -*-===//
#ifndef XFER_COMPILER_BINDINGTIME_SPLITREDUCTIONS_H
#define XFER_COMPILER_BINDINGTIME_SPLITREDUCTIONS_H

#include "compiler/BindingTime/RowWise.h"

namespace xfer {

/// A reduction of rows over the samples and over axes of a sample becomes two: over the sample's own axes, which is a
/// row again and is computed batch by batch, and over the samples. sum over [n, h, w, k] -> [k] keeps k numbers a
/// sample where it kept h * w * k.
void splitReductions(mlir::func::FuncOp function, const RowWiseAnalysis &rows);

} // namespace xfer

#endif // XFER_COMPILER_BINDINGTIME_SPLITREDUCTIONS_H
