//===- XferDialectTest.cpp - the pipeline dialect reads, prints and refuses -------------------------------------===//

#include "compiler/Dialect/Xfer/IR/Xfer.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace xfer::pipeline;

namespace {

constexpr const char *kProgram = R"mlir(
module attributes {xfer.program = "digits"} {
  xfer.option "lr" : float = 1.000000e-02 : f64 help "learning rate"
  xfer.option "epochs" : int = 20 : i64
  xfer.option "start" : string = "start.safetensors"
  xfer.load "w.safetensors" into "net" rules [#xfer.load_rule<"fc.*">, #xfer.load_rule<"*.{a, b}" -> "*[*]" transposed = true>]
    added ["w"] layout "keras" content <64, 8, "0123456789abcdef">
  xfer.load #xfer.param<"start"> into "net"
  xfer.site 1 "the loss 'task' is not finite"
  xfer.parameter "net.w" : tensor<4x2xf32> layout "matrix" initial "kaiming_uniform"
  xfer.state "adapt.m" : tensor<4x2xf32> owner "stage:adapt" value dense<0.0> : tensor<4x2xf32>
  xfer.domain "usps" fields [#xfer.field<"x", "f32" shape = [4]>, #xfer.field<"label", "i32" classes = 2>]
    reads [#xfer.read<"", "idx", {x = "x.gz", label = #xfer.param<"lr">}>]
    splits [#xfer.split<"train", of = "all", low = 0.000000e+00 : f64, high = 9.000000e-01 : f64>,
            #xfer.split<"test", of = "all", low = 9.000000e-01 : f64, high = 1.000000e+00 : f64>]
    hidden [#xfer.hidden<"label", "train">]
  func.func @init(%k: tensor<4xi32> {xfer.bind = #xfer.bind<stepkey, "">})
      -> (tensor<4x2xf32> {xfer.bind = #xfer.bind<param, "net.w">}) {
    %w = arith.constant dense<1.0> : tensor<4x2xf32>
    return %w : tensor<4x2xf32>
  }
  func.func @step(%w: tensor<4x2xf32> {xfer.bind = #xfer.bind<param, "net.w">},
                  %x: tensor<8x4xf32> {xfer.bind = #xfer.bind<batch, "usps.x" draw = 1>},
                  %lr: tensor<f32> {xfer.bind = #xfer.bind<option, "lr">})
      -> (tensor<4x2xf32> {xfer.bind = #xfer.bind<param, "net.w">}, tensor<f32> {xfer.bind = #xfer.bind<watch, "task">},
          tensor<f32> {xfer.bind = #xfer.bind<check, "1">}) {
    return %w, %lr, %lr : tensor<4x2xf32>, tensor<f32>, tensor<f32>
  }
  func.func @test(%x: tensor<?x4xf32> {xfer.bind = #xfer.bind<batch, "usps.x">},
                  %a: tensor<f32> {xfer.bind = #xfer.bind<option, "lr">})
      -> (tensor<f32> {xfer.bind = #xfer.bind<output, "accuracy">}) {
    return %a : tensor<f32>
  }
  func.func @reader(%x: tensor<16x4xf32> {xfer.bind = #xfer.bind<input, "x">})
      -> (tensor<16x4xf32> {xfer.bind = #xfer.bind<output, "value">}) {
    return %x : tensor<16x4xf32>
  }
  xfer.pass "parameters" at "init" function @init
  xfer.pass "test" sources [#xfer.source<"usps", domain = "usps", split = "test", batch = 256>] function @test
  xfer.stage "adapt" sources [#xfer.source<"usps", domain = "usps", split = "train", batch = 8>]
    phases [#xfer.phase<@step until_epoch = 1>, #xfer.phase<@step>] epochs #xfer.param<"epochs">
    before ["test"] periodic [#xfer.periodic<"test", every = 2 "epochs">]
    keep #xfer.keep<"best" by = <"test", "accuracy"> oracle = true> watch ["task"]
    watch_over [#xfer.watch<"acc", <"test", "accuracy">>]
  xfer.baseline "source_only" of "adapt"
  xfer.evaluation "usps.test" pass "test" reports [#xfer.report<"accuracy", "value", "accuracy">,
    #xfer.report<"transfer_gain", "gain", "accuracy" over = "source_only">]
  xfer.export "reader" @reader inputs [#xfer.field<"x", "f32" shape = [4]>]
    outputs [#xfer.field<"value", "f32" shape = [4] tag = "prob">] batch 16 like "usps"
  xfer.run stage "adapt"
  xfer.repeat 2 {
    xfer.run evaluation "usps.test"
  }
  xfer.sweep [#xfer.axis<"lr", [1.000000e-02, 2.000000e-02]>] keep <"best" by = <"test", "accuracy">> {
    xfer.run stage "adapt"
  }
}
)mlir";

class XferDialectTest : public ::testing::Test {
protected:
  XferDialectTest() {
    context.loadDialect<XferDialect, func::FuncDialect, arith::ArithDialect>();
    context.getDiagEngine().registerHandler([&](Diagnostic &diagnostic) { message += diagnostic.str() + "\n"; });
  }

  /// Parses kProgram with the first `from` replaced by `to`.
  OwningOpRef<ModuleOp> parse(StringRef from = "", StringRef to = "") {
    std::string text = kProgram;
    if (!from.empty()) {
      size_t at = text.find(from.str());
      EXPECT_NE(at, std::string::npos) << from.str();
      text.replace(at, from.size(), to.str());
    }
    message.clear();
    return parseSourceString<ModuleOp>(text, &context);
  }

  void expectError(StringRef from, StringRef to, StringRef expected) {
    OwningOpRef<ModuleOp> module = parse(from, to);
    EXPECT_FALSE(module) << "accepted: " << to.str();
    EXPECT_NE(message.find(expected.str()), std::string::npos) << message;
  }

  MLIRContext context;
  std::string message;
};

// What is printed reads back as the same program.
TEST_F(XferDialectTest, RoundTrip) {
  OwningOpRef<ModuleOp> module = parse();
  ASSERT_TRUE(module) << message;
  std::string first, second;
  llvm::raw_string_ostream(first) << *module;
  OwningOpRef<ModuleOp> again = parseSourceString<ModuleOp>(first, &context);
  ASSERT_TRUE(again) << message << first;
  llvm::raw_string_ostream(second) << *again;
  EXPECT_EQ(first, second);
}

// The index finds ops by kind and name, and a name may serve two kinds.
TEST_F(XferDialectTest, Index) {
  OwningOpRef<ModuleOp> module = parse();
  ASSERT_TRUE(module) << message;
  FailureOr<ProgramIndex> index = ProgramIndex::build(*module);
  ASSERT_TRUE(succeeded(index));
  EXPECT_EQ(index->passes.count("test"), 1u);
  EXPECT_EQ(index->functions.count("test"), 1u);
  EXPECT_EQ(index->sites, 1);
  EXPECT_EQ(getArgumentBind(index->functions.lookup("step"), 1).getDraw(), 1);
}

// Names that one kind defines twice, or that nothing defines.
TEST_F(XferDialectTest, Names) {
  expectError("\"epochs\" : int = 20 : i64", "\"lr\" : int = 20 : i64", "defines the option 'lr' a second time");
  expectError("param, \"net.w\">}, tensor<f32>", "param, \"net.v\">}, tensor<f32>", "names no parameter");
  expectError("function @test", "function @nowhere", "names no function: @nowhere");
  expectError("before [\"test\"]", "before [\"nothing\"]", "names no pass: 'nothing'");
  expectError("owner \"stage:adapt\"", "owner \"stage:adopt\"", "belongs to the unknown stage 'adopt'");
  expectError("split = \"train\"", "split = \"trian\"", "names no split of 'usps': 'trian'");
  expectError("domain = \"usps\"", "domain = \"usp\"", "names no domain: 'usp'");
  expectError("epochs #xfer.param<\"epochs\">", "epochs #xfer.param<\"lr\">", "which is no integer option");
  expectError("<\"test\", \"accuracy\">", "<\"test\", \"f1\">", "names no output of the pass 'test': 'f1'");
  expectError("\"value\", \"accuracy\">", "\"value\", \"f1\">", "reports 'f1'");
  expectError("over = \"source_only\"", "over = \"other\"", "names no baseline");
  expectError("run stage \"adapt\"", "run stage \"adept\"", "names no stage: 'adept'");
  expectError("run evaluation \"usps.test\"", "run evaluation \"test\"", "names no evaluation: 'test'");
  expectError("run stage \"adapt\"", "run pass \"adept\"", "names no pass: 'adept'");
  expectError("axis<\"lr\"", "axis<\"start\"", "sets 'start', which is no option with a number");
  expectError("keep <\"best\" by = <\"test\"", "keep <\"best\" by = <\"tset\"", "names no pass: 'tset'");
  expectError("of \"adapt\"", "of \"adopt\"", "is of the unknown stage 'adopt'");
  expectError("\"source_only\" of \"adapt\"", "\"source_only\" of \"adapt\" runs",
              "runs, but there is no stage 'source_only'");
  expectError("label = #xfer.param<\"lr\">", "label = #xfer.param<\"rl\">", "reads from the unknown option 'rl'");
  expectError("epochs #xfer.param<\"epochs\">", "epochs #xfer.param<\"epochs\"> epoch_by \"mnist\"",
              "sets the epoch by the unknown source 'mnist'");
  expectError("<\"test\", \"accuracy\">>]\n", "<\"test\", \"accuracy\">>] from \"before\"\n",
              "starts from the unknown stage 'before'");
  expectError("bind<option, \"lr\">", "bind<option, \"rl\">", "names no option");
  expectError("bind<param, \"net.w\">},\n", "bind<state, \"net.v\">},\n", "names no state");
}

// A load names what exists, and rules whose halves fit.
TEST_F(XferDialectTest, Loads) {
  expectError("xfer.load \"w.safetensors\"", "xfer.load 3 : i64", "reads 3 : i64; expected a string or an option");
  expectError("load #xfer.param<\"start\">", "load #xfer.param<\"lr\">", "'lr' names, which is no string option");
  expectError("<\"fc.*\">", "<\"\">", "has the key '', whose braces do not pair");
  expectError("*.{a, b}", "*.{a, b", "braces do not pair");
  expectError("*.{a, b}", "{*, b}", "braces do not pair");
  expectError("-> \"*[*]\"", "-> \"*.*.*\"", "with 2 wildcards to '*.*.*' with 3");
  expectError("\"*.{a, b}\"", "\"a\"", "with 0 wildcards to '*[*]' with 1");
  expectError("<\"start\"> into \"net\"", "<\"start\"> into \"ne\"", "has nothing to fill below 'ne'");
  expectError("added [\"w\"]", "added [\"v\"]", "excepts 'v', which is not below 'net'");
  expectError("<\"start\"> into \"net\"", "<\"start\"> into \"net\" content <0, 8, \"0\">",
              "chosen when the program starts");
  expectError("content <64, 8", "content <32, 8", "has its content of 8 bytes at 32");
  expectError("layout \"keras\"", "layout \"NCHW\"", "has the layout 'NCHW'; expected 'keras' or none");
  expectError("<\"fc.*\">", "<\"fc.*\" transposed = true>", "drops the key 'fc.*' transposed");
}

// Signatures that disagree with what they are bound to.
TEST_F(XferDialectTest, Signatures) {
  expectError("%w: tensor<4x2xf32> {xfer.bind = #xfer.bind<param, \"net.w\">}",
              "%w: tensor<4x2xf32> {xfer.bind = #xfer.bind<watch, \"net.w\">}",
              "bound to watch 'net.w', is an argument");
  expectError("%k: tensor<4xi32> {xfer.bind = #xfer.bind<stepkey, \"\">}", "%k: tensor<4xi32>",
              "binds some of its arguments and results, not all");
  expectError("\"net.w\" : tensor<4x2xf32>", "\"net.w\" : tensor<4x3xf32>", "declared is 'tensor<4x3xf32>'");
  expectError("#xfer.bind<check, \"1\">", "#xfer.bind<check, \"2\">", "names no site");
  expectError("bind<watch, \"task\">", "bind<param, \"net.w\">", "declared is 'tensor<4x2xf32>'");
  expectError("usps.x\" draw = 1", "uspsx\" draw = 1", "is not of the form source.field");
  expectError("inputs [#xfer.field<\"x\"", "inputs [#xfer.field<\"y\"", "declares 'y'");
  expectError("bind<check, \"1\">", "bind<watch, \"task\">", "of 'step' writes watch 'task' a second time");
  expectError("%k: tensor<4xi32> {xfer.bind = #xfer.bind<stepkey, \"\">})\n      -> (tensor<4x2xf32> {xfer.bind = "
              "#xfer.bind<param, "
              "\"net.w\">})",
              "%k: tensor<4xi32>) -> tensor<4x2xf32>", "names @init, which does not bind argument 0");
  expectError("bind<input, \"x\">", "bind<output, \"x\">", "is an argument");
  // Of a function alone.
  for (auto [attribute, expected] : {std::make_pair("xfer.bind = 3 : i64", "with a value that is not #xfer.bind"),
                                     std::make_pair("xfer.bond = 3 : i64", "has the unknown attribute 'xfer.bond'")}) {
    message.clear();
    std::string text = std::string("func.func private @f(tensor<f32> {") + attribute + "})";
    EXPECT_FALSE(parseSourceString<ModuleOp>(text, &context));
    EXPECT_NE(message.find(expected), std::string::npos) << message;
  }
}

// What one op can see alone.
TEST_F(XferDialectTest, Ops) {
  expectError("float = 1.000000e-02 : f64", "int = 1.000000e-02 : f64", "not of kind 'int'");
  expectError("layout \"matrix\"", "layout \"filter\"", "does not fit rank 2");
  expectError("high = 9.000000e-01", "high = 1.900000e+00", "from 0");
  expectError("hidden<\"label\"", "hidden<\"lable\"", "hides 'lable', which is not a field");
  expectError("of = \"all\"", "of = \"everything\"", "of the unknown 'everything'");
  expectError(" until_epoch = 1", "", "only the last has none");
  expectError("batch = 8>", "batch = 0>", "batches of 0");
  expectError("xfer.keep<\"best\"", "xfer.keep<\"last\"", "keeps 'last'");
  expectError("at \"init\"", "at \"noon\"", "runs at 'noon'");
  expectError("xfer.site 1", "xfer.site 2", "expected 1");
  expectError("xfer.repeat 2", "xfer.repeat 0", "value is positive");
  expectError("value dense<0.0> : tensor<4x2xf32>", "value dense<0.0> : tensor<2x4xf32>", "has a value of the type");
  expectError("\"net.w\" : tensor<4x2xf32>", "\"net.w\" : tensor<?x2xf32>", "(C1) has the dynamic type");
  // A row for each sample: of a stage or the program, and read as rows of a source.
  expectError("\"adapt.m\" : tensor<4x2xf32>", "\"adapt.m\" : tensor<?x2xf32>", "(C1) has the dynamic type");
  expectError("\"adapt.m\" : tensor<4x2xf32> owner \"stage:adapt\" value dense<0.0> : tensor<4x2xf32>",
              "\"adapt.m\" : tensor<?x2xf32> owner \"module\"", "(C1) has the dynamic type");
  expectError("\"adapt.m\" : tensor<4x2xf32> owner \"stage:adapt\" value dense<0.0> : tensor<4x2xf32>",
              "\"adapt.m\" : tensor<?x?xf32> owner \"stage:adapt\"", "(C1) has the dynamic type");
  expectError("batch, \"usps.x\" draw = 1", "rows, \"adapt.m per usps\"", "names no state with a row for each sample");
  expectError("owner \"stage:adapt\"", "owner \"stage:\"", "(C2) has the owner 'stage:'");
  expectError("\"label\", \"i32\" classes", "\"x\", \"i32\" classes", "(C1) has two fields 'x'");
  expectError("\"test\", of = \"all\"", "\"train\", of = \"all\"", "(C1) has two splits 'train'");
  expectError("<\"label\", \"train\">", "<\"label\", \"valid\">", "in the unknown split 'valid'");
  expectError("xfer.site 1", "xfer.site 0", "(C1) has the number 0; sites count from 1");
  expectError("[#xfer.source<\"usps\", domain",
              "[#xfer.source<\"usps\", domain = \"usps\", split = \"all\", batch = 4>, "
              "#xfer.source<\"usps\", domain",
              "(C1) has two sources 'usps'");
  expectError("256>] function @test", "256>]", "(C2) has neither a function nor a source with rows");
  expectError("epochs #xfer.param<\"epochs\">", "", "(C3) wants one of epochs and steps");
  expectError("epochs #xfer.param<\"epochs\">", "epochs 0 : i64", "(C3) has the length 0");
  expectError("every = 2 \"epochs\"", "every = 2 \"weeks\"", "every 2 'weeks'");
  expectError("\"accuracy\", \"value\"", "\"accuracy\", \"table\"", "(C2) reports a 'table'");
  expectError("batch 16 like", "batch 0 like", "(C1) has the batch 0");
  expectError("<\"lr\", [1.000000e-02, 2.000000e-02]>", "<\"lr\", []>", "(C1) has an axis without numbers");
  expectError("keep <\"best\"", "keep <\"last\"", "(C2) does not say by what the best point is kept");
  expectError("run stage \"adapt\"", "run test \"adapt\"", "runs a 'test'");
  expectError("{xfer.program = \"digits\"}", "{xfer.program = 3 : i64}", "a string on a module");
  expectError("{xfer.program = \"digits\"}", "{xfer.programme = \"digits\"}",
              "has the unknown attribute 'xfer.programme'");
  expectError("{xfer.program = \"digits\"}", "{xfer.program = \"digits\", xfer.formulas = []}",
              "a list of strings on a stage");
}

// How texts become tokens.
TEST_F(XferDialectTest, Tokenizers) {
  const std::string at = "xfer.domain";
  auto tokenizer = [&](StringRef rule, StringRef vocabulary, int most, int first) {
    return "xfer.tokenizer \"t\" " + rule.str() + " at_most " + std::to_string(most) + " first " +
           std::to_string(first) + " " + vocabulary.str() + "\n  " + at;
  };
  EXPECT_TRUE(parse(at, tokenizer("words", "[\"a\", \"b\"]", 4, 1))) << message;
  expectError(at, tokenizer("syllables", "[\"a\"]", 4, 0), "(C1) has the unknown rule 'syllables'");
  expectError(at, tokenizer("words", "[\"a\"]", 0, 0), "(C1) makes at most 0 tokens");
  expectError(at, tokenizer("words", "[]", 4, -1), "(C2) has an empty vocabulary");
  expectError(at, tokenizer("words", "[\"a\"]", 4, 1), "(C2) puts the token 1 around a text, of 1");
}

} // namespace
