//===- NNInterfaces.td - what every nn operation answers --------------------------------------------------------===//
#ifndef XFER_NN_INTERFACES_TD
#define XFER_NN_INTERFACES_TD

include "mlir/IR/OpBase.td"

def NNOpInterface : OpInterface<"NNOpInterface"> {
  let cppNamespace = "::xfer::nn";
  let description = "An operation of the nn dialect, as activity analysis and differentiation see it.";
  let methods = [
    InterfaceMethod<[{
      The derivative of the results with respect to operand `index`: `None` when there is no such thing (integers,
      a cut gradient), `Zero` when it is constant zero (`floor`, `sign`), `Some` otherwise.
    }], "::xfer::nn::DerivativeKind", "getDerivativeKind", (ins "unsigned":$index)>
  ];
}

def LibraryRoutineInterface : OpInterface<"LibraryRoutineInterface"> {
  let cppNamespace = "::xfer::nn";
  let description = [{
    An operation that no emitter fits: it is emitted as a call of the runtime function `xfer_<name>_<element type>`.
    A routine works on the last axes of its operands; all axes before are batch axes.
  }];
  let methods = [
    InterfaceMethod<"The name of the routine, e.g. `sort`.", "::llvm::StringRef", "getRoutineName">,
    InterfaceMethod<"How many trailing axes of the first operand one call works on; 0: the axis is an attribute.",
                    "unsigned", "getRoutineRank">
  ];
}

#endif // XFER_NN_INTERFACES_TD
