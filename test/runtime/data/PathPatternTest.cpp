#include "runtime/data/PathPattern.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace xfer::rt;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

static std::string filled(const std::string &from, const std::string &path, const std::string &to) {
  Expected<PathPattern> pattern = PathPattern::parse(from), other = PathPattern::parse(to);
  if (!pattern || !other)
    return pattern ? other.message() : pattern.message();
  PathMatch found;
  if (!pattern->match(path, found))
    return "no match";
  Expected<std::string> text = other->fill(found);
  return text ? *text : text.message();
}

// Names and stars stay within a folder, two stars do not; what was found fills another pattern.
TEST(PathPattern, MatchesAndFills) {
  EXPECT_EQ(filled("{a}/{b}/*.png", "Greek/alpha/07.png", "{b}-{a}-*"), "alpha-Greek-07");
  EXPECT_EQ(filled("*.png", "x.png", "../masks/*.tif"), "../masks/x.tif");
  EXPECT_EQ(filled("{label}/**", "cat/more/x.jpg", "{label}"), "cat");
  EXPECT_EQ(filled("{label}.*.jpg", "cat.4192.jpg", "{label}"), "cat");
  EXPECT_EQ(filled("**/{name}.png", "a/b/c.png", "{name}"), "c");
  EXPECT_EQ(filled("*-*.png", "a-b-c.png", "*+*"), "a-b+c");
}

// What is not whole does not match.
TEST(PathPattern, RefusesOtherPaths) {
  for (const char *path : {"x.jpg", "a/x.png", ".png/", "x.png.gz", ""})
    EXPECT_EQ(filled("*.png", path, "*"), "no match") << path;
  EXPECT_EQ(filled("*.png", ".png", "*"), "");
  EXPECT_EQ(filled("{a}/*.png", "/x.png", "{a}"), "no match");
  EXPECT_EQ(filled("{a}/**", "a/", "{a}"), "no match");
  EXPECT_EQ(filled("plain.png", "plain.png", "other"), "other");
}

TEST(PathPattern, RefusesMistakes) {
  for (const char *pattern : {"{}", "{a", "{a/b}", "{*}"})
    EXPECT_THAT(filled(pattern, "x", "x"), HasSubstr("has a brace that is no name")) << pattern;
  EXPECT_THAT(filled("{a}{a}", "xx", "x"), HasSubstr("names 'a' twice"));
  EXPECT_THAT(filled("{a}.png", "x.png", "{b}"), HasSubstr("says {b}, which the pattern of the images does not name"));
  EXPECT_THAT(filled("{a}.png", "x.png", "*"), HasSubstr("has more stars than"));
}

// Many gaps and a path that almost fits: each place is tried once.
TEST(PathPattern, TakesNoTimeToFail) {
  std::string pattern, path(2000, 'a');
  for (int i = 0; i < 30; ++i)
    pattern += "*a";
  EXPECT_EQ(filled(pattern + "b", path, ""), "no match");
}
