// What is collected of comments and signatures, and what counts as undocumented.
#include "dsl/Doc/Reference.h"
#include "dsl/Parse/Parser.h"
#include "gtest/gtest.h"

using namespace xfer::dsl;

static std::vector<DocumentedEntry> collect(llvm::StringRef text) {
  SourceManager sources;
  Diagnostics diagnostics;
  std::unique_ptr<File> file = parseFile(sources, sources.addText("test.xfer", text), diagnostics);
  EXPECT_FALSE(diagnostics.hasErrors());
  return collectEntries(sources, *file);
}

TEST(Reference, TakesSignaturesAsTheyAreWritten) {
  auto entries =
      collect("# One.\nfn f(x: [n],   # rows\n     given step: int,\n     y: string = \"a  #b\") -> [n] = x\n"
              "module m(out: int) (x: [.., in]) -> [.., out] {\n  return x\n}\nparam lr    = 0.1\n");
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].signature, "fn f(x: [n], given step: int, y: string = \"a  #b\") -> [n]");
  EXPECT_EQ(entries[0].text, "One.");
  ASSERT_EQ(entries[0].formals.size(), 3u);
  EXPECT_TRUE(entries[0].formals[1].given);
  EXPECT_EQ(entries[0].formals[2].defaultValue, "\"a  #b\"");
  EXPECT_EQ(entries[1].signature, "module m(out: int) (x: [.., in]) -> [.., out]");
  EXPECT_EQ(entries[1].formals.size(), 2u);
  EXPECT_EQ(entries[2].signature, "param lr = 0.1");
}

TEST(Reference, TellsTheCommentOfAFileFromThatOfItsFirstEntry) {
  auto apart = collect("# About the file.\n\n# About f.\nfn f(x) = x\n");
  EXPECT_EQ(apart[0].fileText, "About the file.");
  EXPECT_EQ(apart[0].text, "About f.");
  auto joined = collect("# About f.\nfn f(x) = x\n");
  EXPECT_EQ(joined[0].fileText, "");
  EXPECT_EQ(joined[0].text, "About f.");
  auto imports = collect("# About the program.\nimport std\nfn f(x) = x\n");
  EXPECT_EQ(imports[0].fileText, "About the program.");
}

TEST(Reference, WantsACommentAndTheShapesOfTensors) {
  EXPECT_NE(findGap(collect("fn f(x) = x\n")[0]), "");
  EXPECT_EQ(findGap(collect("# What.\nfn f(x: float, y: []) = x\n")[0]), "");
  EXPECT_NE(findGap(collect("# What.\nfn f(x: [n]) = x\n")[0]), "");
  EXPECT_NE(findGap(collect("# What.\nmodule f() (x: class(3)[n]) { return x }\n")[0]), "");
  EXPECT_EQ(findGap(collect("# What.  x: [n] -> [n].\nfn f(x: [n]) = x\n")[0]), "");
  // The shapes may be those of the whole file.
  EXPECT_EQ(findGap(collect("# All: x: [n] -> [n].\n\n# What.\nfn f(x: [n]) = x\n")[0]), "");
}

TEST(Reference, FindsTheFirstSentence) {
  EXPECT_EQ(firstSentence("Deep CORAL (Sun et al. 2016, eq. 1): one.\nTwo. Three."),
            "Deep CORAL (Sun et al. 2016, eq. 1): one.");
  EXPECT_EQ(firstSentence("Two lines\nof one"), "Two lines of one");
  EXPECT_EQ(firstSentence("Half of the original. The rest."), "Half of the original.");
}
