#include "compiler/Target/Instrument.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"
#include "gmock/gmock.h"

using namespace xfer;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

namespace {

/// The functions of a module after instrumentation, which must leave it valid.
std::string instrumented(llvm::StringRef source, Sanitizer sanitizer) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic error;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(source, error, context);
  EXPECT_TRUE(module) << error.getMessage().str();
  if (!module)
    return "";
  instrument(*module, sanitizer);
  EXPECT_FALSE(llvm::verifyModule(*module, &llvm::errs()));
  std::string text;
  llvm::raw_string_ostream stream(text);
  for (llvm::Function &function : *module)
    if (!function.isDeclaration())
      stream << function;
  return text;
}

const char *rows = R"(
target triple = "x86_64-unknown-linux-gnu"
define void @whole(ptr %p, <16 x float> %v) {
  store <16 x float> %v, ptr %p, align 4
  ret void
}
define <16 x float> @rest(ptr %p, <16 x i1> %m) {
  %v = call <16 x float> @llvm.masked.load.v16f32.p0(ptr align 4 %p, <16 x i1> %m, <16 x float> zeroinitializer)
  ret <16 x float> %v
}
define <16 x float> @own() {
  %a = alloca [64 x i8], align 64
  %v = load <16 x float>, ptr %a, align 64
  ret <16 x float> %v
}
define float @single(ptr %p) {
  %v = load float, ptr %p, align 4
  ret float %v
}
)";

const char *lanes = R"(
define void @scatter(<2 x double> %v, <2 x ptr> %p, <2 x i1> %m) {
  call void @llvm.masked.scatter.v2f64.v2p0(<2 x double> %v, <2 x ptr> align 8 %p, <2 x i1> %m)
  ret void
}
)";

const char *copies = R"(
define void @fromStack(ptr %p) {
  %a = alloca [64 x i8], align 64
  call void @llvm.memset.p0.i64(ptr %a, i8 0, i64 64, i1 false)
  call void @llvm.memcpy.p0.p0.i64(ptr %p, ptr %a, i64 64, i1 false)
  ret void
}
define void @between(ptr %p, ptr %q) {
  call void @llvm.memcpy.p0.p0.i64(ptr %p, ptr %q, i64 64, i1 false)
  ret void
}
)";

} // namespace

// What a compiler for users generates has no checks in it.
TEST(Instrument, LeavesCodeAlone) { EXPECT_THAT(instrumented(rows, Sanitizer::None), Not(HasSubstr("san"))); }

// The bytes of a wide vector are told as a range, those under a mask as many as the mask begins with.
TEST(Instrument, TellsThreadsOfWideAccesses) {
  std::string text = instrumented(rows, Sanitizer::Thread);
  EXPECT_THAT(text, HasSubstr("call void @__tsan_write_range(ptr %p, i64 64)"));
  EXPECT_THAT(text,
              AllOf(HasSubstr("call i16 @llvm.cttz.i16"), HasSubstr("call void @__tsan_read_range(ptr %p, i64 %")));
  EXPECT_THAT(text, HasSubstr("call void @__tsan_read4(ptr %p)"));
  EXPECT_THAT(text, Not(HasSubstr("(ptr %a")));
}

// Lanes that go to places of their own are told one by one, and those that are masked off are empty.
TEST(Instrument, TellsThreadsOfLanes) {
  std::string text = instrumented(lanes, Sanitizer::Thread);
  size_t count = 0;
  for (size_t at = text.find("call void @__tsan_write_range"); at != std::string::npos;
       at = text.find("call void @__tsan_write_range", at + 1))
    ++count;
  EXPECT_EQ(count, 2u);
  EXPECT_THAT(text, HasSubstr("i64 8, i64 0"));
}

// Every access is checked before it happens.
TEST(Instrument, ChecksAddresses) {
  std::string text = instrumented(rows, Sanitizer::Address);
  EXPECT_THAT(text, AllOf(HasSubstr("@__asan_report_store"), HasSubstr("@__asan_report_load4")));
  EXPECT_THAT(instrumented(lanes, Sanitizer::Address), HasSubstr("@__asan_report_store8"));
}

// Of a copy from the stack only the side that others see is told.
TEST(Instrument, TellsThreadsOfCopies) {
  std::string text = instrumented(copies, Sanitizer::Thread);
  EXPECT_THAT(text, HasSubstr("call void @__tsan_write_range(ptr %p, i64 64)"));
  EXPECT_THAT(text, Not(HasSubstr("@__tsan_read_range")));
  EXPECT_THAT(text, Not(HasSubstr("@__tsan_memset")));
  EXPECT_THAT(
      text,
      ContainsRegex("ignore_thread_begin\\(\\)\n  call void @llvm.memset.*\n  call void @__tsan_ignore_thread_end"));
  EXPECT_THAT(text, HasSubstr("@__tsan_memcpy(ptr %p, ptr %q, i64 64)"));
}
