//===- NNOps.td - all operations of the nn dialect --------------------------------------------------------------===//
#ifndef XFER_NN_OPS_TD
#define XFER_NN_OPS_TD

include "compiler/Dialect/NN/IR/NNContraction.td"
include "compiler/Dialect/NN/IR/NNElementwise.td"
include "compiler/Dialect/NN/IR/NNGradient.td"
include "compiler/Dialect/NN/IR/NNReduction.td"
include "compiler/Dialect/NN/IR/NNRegions.td"
include "compiler/Dialect/NN/IR/NNStructural.td"

#endif // XFER_NN_OPS_TD
