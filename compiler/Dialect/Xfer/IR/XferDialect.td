//===- XferDialect.td - the pipeline dialect --------------------------------------------------------------------===//

#ifndef XFER_DIALECT_XFER_IR_XFERDIALECT
#define XFER_DIALECT_XFER_IR_XFERDIALECT

include "mlir/IR/OpBase.td"

def Xfer_Dialect : Dialect {
  let name = "xfer";
  let cppNamespace = "::xfer::pipeline";
  let summary = "The pipeline: options, parameters, states, domains, stages, evaluations, exports";
  let description = [{
    A program is a `builtin.module` that carries the attribute `xfer.program` (its name). It holds ops of this dialect,
    which say what the pipeline consists of and in which order it runs (the order of the ops that act), and
    `func.func`s, which hold every computation as pure `nn`. An argument or result of such a function says with
    `xfer.bind` where it comes from or goes to, so that a function needs no other interface:

    ```mlir
    module attributes {xfer.program = "line"} {
      xfer.option "lr" : float = 1.000000e-02 : f64 help "learning rate"
      xfer.parameter "net.weight" : tensor<2x1xf32> layout "matrix" initial "zeros"
      func.func @step(%w: tensor<2x1xf32> {xfer.bind = #xfer.bind<param, "net.weight">})
          -> (tensor<2x1xf32> {xfer.bind = #xfer.bind<param, "net.weight">}) {
        return %w : tensor<2x1xf32>
      }
    }
    ```

    Names are strings and not symbols: a parameter, a state, a domain, a stage and a function may be spelled alike.
    Only functions are symbols. The verifier of `xfer.program` checks the module as a whole: every name is defined once
    a kind, everything that is named exists, and the signature of every function agrees with what it is bound to.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
}

#endif
