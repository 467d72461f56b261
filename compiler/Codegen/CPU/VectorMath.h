//===- VectorMath.h - elementary functions without calls --------------------------------------------------------===//
//
// Elementary functions on f32 and f64 scalars and 1-D vectors, as straight-line arithmetic: a vector loop must never
// call libm (16 calls a register). Largest errors against the exact value, f32, over the whole range unless said:
//   exp 1.2 ulp · log 1 ulp · tanh 2.5 ulp · erf 2 ulp · pow 1 ulp · sin, cos 2^-22 absolute for |x| < 8000
// measured by test/compiler/Codegen/CPU/VectorMathTest.cpp. An f64 argument is computed by libm through `math`.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_CPU_VECTORMATH_H
#define XFER_COMPILER_CODEGEN_CPU_VECTORMATH_H

#include "mlir/IR/Builders.h"

namespace xfer::cpu {

class VectorMath {
public:
  /// `fma`: the target has fused multiply-add; without it a product and a sum are built.
  VectorMath(mlir::OpBuilder &builder, mlir::Location loc, bool fma) : b(builder), loc(loc), fused(fma) {}

  mlir::Value exp(mlir::Value x);
  mlir::Value log(mlir::Value x);
  mlir::Value tanh(mlir::Value x);
  mlir::Value erf(mlir::Value x);
  mlir::Value sin(mlir::Value x);
  mlir::Value cos(mlir::Value x);
  mlir::Value pow(mlir::Value x, mlir::Value y);
  /// x * y + z, rounded once where the target can.
  mlir::Value fma(mlir::Value x, mlir::Value y, mlir::Value z);

private:
  mlir::Value constant(mlir::Value like, double value);
  mlir::Value integer(mlir::Value like, int64_t value);
  mlir::Type integerLike(mlir::Value like);
  mlir::Value polynomial(mlir::Value x, llvm::ArrayRef<double> coefficients);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value div(mlir::Value x, mlir::Value y);
  mlir::Value less(mlir::Value x, mlir::Value y);
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);
  mlir::Value powerOfTwo(mlir::Value exponent);
  mlir::Value sine(mlir::Value x, int64_t quadrant);

  mlir::OpBuilder &b;
  mlir::Location loc;
  bool fused;
};

} // namespace xfer::cpu

#endif // XFER_COMPILER_CODEGEN_CPU_VECTORMATH_H
