//===- ConvertRTToLLVMTest.cpp - runtime calls have the signatures of entries.def ---------------------------------===//

#include "compiler/Dialect/RT/Transforms/ConvertRTToLLVM.h"
#include "compiler/Codegen/LowerToLLVM.h"
#include "compiler/Dialect/RT/IR/RT.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;

namespace {

constexpr const char *kHead = R"mlir(
func.func private @f(%context: !llvm.ptr, %queue: i16, %buffers: !llvm.ptr, %arena: !llvm.ptr, %extents: !llvm.ptr) -> i32 {
  %x = rt.buffer %buffers[1]
  %a = rt.buffer %arena[0]
  %n = rt.extent %extents[2]
  %one = arith.constant 1 : i64
  %ok = arith.constant 0 : i32
)mlir";

class ConvertRTToLLVMTest : public ::testing::Test {
protected:
  ConvertRTToLLVMTest() {
    DialectRegistry registry;
    xfer::registerLowering(registry);
    context.appendDialectRegistry(registry);
    xfer::loadLowering(context);
  }

  std::string convert(StringRef body, bool toTheEnd = false) {
    std::string text = kHead + body.str() + "  return %ok : i32\n}\n";
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    if (toTheEnd)
      EXPECT_TRUE(succeeded(xfer::lowerToLLVM(*module)));
    else
      xfer::rtir::convertToLLVM(*module);
    EXPECT_TRUE(succeeded(verify(*module)));
    bool isLeft = false;
    module->walk([&](Operation *op) { isLeft |= isa<xfer::rtir::RTDialect>(op->getDialect()); });
    EXPECT_FALSE(isLeft);
    std::string result;
    llvm::raw_string_ostream(result) << *module;
    return result;
  }
  static bool has(const std::string &text, StringRef part) { return StringRef(text).contains(part); }

  MLIRContext context;
};

// A kernel of several chunks goes through the thread team; its status ends the function unless it is 0.
TEST_F(ConvertRTToLLVMTest, Parallel) {
  std::string text = convert(R"mlir(
  %s = rt.parallel @k(%x, %a) chunks %n extents %extents in %context on %queue
  rt.check %s
)mlir");
  EXPECT_TRUE(has(text, "llvm.func @xfer_parallel(!llvm.ptr, i16, !llvm.ptr, !llvm.ptr, i64, !llvm.ptr) -> i32"))
      << text;
  EXPECT_TRUE(has(text, "llvm.func @k(!llvm.ptr, i64, !llvm.ptr)")) << text;
  EXPECT_TRUE(has(text, "cf.cond_br")) << text;
}

// One chunk is a plain call, and there is no status to look at.
TEST_F(ConvertRTToLLVMTest, OneChunk) {
  std::string text = convert(R"mlir(
  %s = rt.parallel @k(%x) chunks %one extents %extents in %context on %queue
  rt.check %s
)mlir");
  EXPECT_FALSE(has(text, "xfer_parallel")) << text;
  EXPECT_TRUE(has(text, "llvm.call @k")) << text;
  EXPECT_FALSE(has(text, "cf.cond_br")) << text;
}

// Entries are declared once and as entries.def has them.
TEST_F(ConvertRTToLLVMTest, Entries) {
  std::string text = convert(R"mlir(
  %s = rt.sort f32 %x to %a, %a[%one, %n, %one] in %context on %queue
  rt.check %s
  %t = rt.sort f32 %x to %a, %a[%n, %one, %one] in %context on %queue
  rt.check %t
  %c = rt.cholesky %x to %a[%one, %n] in %context on %queue
  rt.check %c
  %v = rt.triangular_solve %x, %x to %a[%one, %n, %n] transposed in %context on %queue
  rt.check %v
)mlir");
  EXPECT_EQ(StringRef(text).count(
                "llvm.func @xfer_sort_f32(!llvm.ptr, i16, !llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i64, i64) -> i32"),
            1u);
  EXPECT_TRUE(has(text, "llvm.func @xfer_cholesky_f32(!llvm.ptr, i16, !llvm.ptr, !llvm.ptr, i64, i64) -> i32"));
  EXPECT_TRUE(has(text, "llvm.func @xfer_triangular_solve_f32(!llvm.ptr, i16, !llvm.ptr, !llvm.ptr, !llvm.ptr, i64, "
                        "i64, i64, i32) -> i32"));
}

// Copies, constants and chosen extents need no entry; all of it reaches the LLVM dialect.
TEST_F(ConvertRTToLLVMTest, Memory) {
  std::string text = convert(R"mlir(
  %k = rt.constant 128
  %far = rt.constant 3000000000
  rt.copy %far to %x, %n
  rt.copy %k to %a, %n
  rt.clear %a, %n
  %o = rt.offset %a, %n
  rt.store_index %n to %o
  %flag = rt.load_flag %o
  %e = rt.select_extents %extents [1, 0]
  %s = rt.parallel @k(%x) chunks %n extents %e in %context on %queue
  rt.check %s
)mlir",
                             /*toTheEnd=*/true);
  EXPECT_TRUE(has(text, "llvm.mlir.global external constant @xfer_constants()"));
  EXPECT_TRUE(has(text, "3000000000")) << text; // which 32 bits cannot say
  EXPECT_TRUE(has(text, "llvm.intr.memcpy"));
  EXPECT_TRUE(has(text, "llvm.intr.memset"));
  EXPECT_TRUE(has(text, "llvm.func hidden @f")) << text;
}

} // namespace
