#include "compiler/Target/TargetDescription.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace xfer;

// Every name that the option offers has a description, with at least the registers of the base instruction set.
TEST(TargetDescription, DescribesEveryName) {
  mlir::MLIRContext context;
  for (llvm::StringRef name : TargetDescription::names()) {
    llvm::Expected<TargetDescription> target = TargetDescription::get(name);
    ASSERT_TRUE(static_cast<bool>(target)) << name.str();
    EXPECT_FALSE(target->triple.empty());
    EXPECT_GE(target->vectorRegisters, 16u);
    EXPECT_GE(target->lanes(mlir::Float32Type::get(&context)), 4u);
    EXPECT_GT(target->level1Bytes, 0);
  }
}

// The widths are those of the instruction sets.
TEST(TargetDescription, KnowsVectorWidths) {
  EXPECT_EQ(llvm::cantFail(TargetDescription::get("x86-64")).vectorBits, 128u);
  EXPECT_FALSE(llvm::cantFail(TargetDescription::get("x86-64")).fusedMultiplyAdd);
  EXPECT_EQ(llvm::cantFail(TargetDescription::get("x86-64-v3")).vectorBits, 256u);
  EXPECT_EQ(llvm::cantFail(TargetDescription::get("x86-64-v4")).vectorBits, 512u);
  EXPECT_EQ(llvm::cantFail(TargetDescription::get("aarch64")).vectorRegisters, 32u);
}

// A wrong name says which names are right.
TEST(TargetDescription, RefusesUnknownNames) {
  llvm::Expected<TargetDescription> target = TargetDescription::get("pentium");
  ASSERT_FALSE(static_cast<bool>(target));
  std::string text = llvm::toString(target.takeError());
  EXPECT_NE(text.find("unknown target cpu 'pentium'"), std::string::npos) << text;
  EXPECT_NE(text.find("x86-64-v3"), std::string::npos) << text;
}
