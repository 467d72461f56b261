// Keys of weight files against the paths of a model: what matches, what is refused, and the maps that are proposed.
#include "runtime/weights/KeyMap.h"
#include "runtime/weights/KeyPattern.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace xfer::rt;
using testing::HasSubstr;
using testing::Not;

static std::string applied(const char *pattern, const char *target, const char *key) {
  std::optional<KeyPattern> parsed = KeyPattern::parse(pattern);
  EXPECT_TRUE(parsed && parsed->fits(target)) << pattern;
  std::optional<KeyTarget> result = parsed->apply(key, target);
  if (!result)
    return "none";
  std::string text = (*result)[0];
  for (size_t i = 1; i < result->size(); ++i)
    text += "|" + (*result)[i];
  return text;
}

// Captures: all that the wildcards span for one `*`, one each for several, and literal text in between.
TEST(KeyPattern, Apply) {
  EXPECT_EQ(applied("module.*", "*", "module.fc.bias"), "fc.bias");
  EXPECT_EQ(applied("module.*", "*", "fc.module.bias"), "none");
  EXPECT_EQ(applied("*.gamma", "*.weight", "a.b.gamma"), "a.b.weight");
  EXPECT_EQ(applied("*.{weight, bias}_orig", "*.*", "fc.bias_orig"), "fc.bias");
  EXPECT_EQ(applied("*.{mean,var}", "*[*]", "bn.mean"), "bn.mean|");
  EXPECT_EQ(applied("a.*.b.*", "*", "a.x.b.y"), "x.b.y");
  EXPECT_EQ(applied("a.*.b.*", "*.c.*", "a.x.b.y"), "x.c.y");
  EXPECT_EQ(applied("fc.*", "head[*].*", "fc.bias"), "head|.bias");
  EXPECT_EQ(applied("fc.weight", "head.weight", "fc.weight"), "head.weight");
}

// A `*` takes as little as it can, but as much as the rest of the pattern needs.
TEST(KeyPattern, Backtracks) {
  EXPECT_EQ(applied("*.*.weight", "*|*", "a.b.c.weight"), "a|b.c");
  EXPECT_EQ(applied("*.{a, ab}c", "*-*", "x.abc"), "x-ab");
  EXPECT_EQ(applied("*a*a*a*a*a*a*a*b", "*", std::string(600, 'a').c_str()), "none");
}

// Braces that do not pair, and targets that want what the key does not give.
TEST(KeyPattern, Refuses) {
  for (const char *text : {"{a", "a}", "{a, {b}}", "{*}", "}{"})
    EXPECT_FALSE(KeyPattern::parse(text)) << text;
  EXPECT_FALSE(KeyPattern::parse("a")->fits("*"));
  EXPECT_FALSE(KeyPattern::parse("*")->fits("*.*"));
  EXPECT_FALSE(KeyPattern::parse("*.*.*")->fits("*.*"));
  EXPECT_TRUE(KeyPattern::parse("a")->fits("a[*]"));
}

// `[*]` is any index, also none, but no further component.
TEST(KeyPattern, Indices) {
  EXPECT_TRUE(isAtTarget("bn.mean[usps]", {"bn.mean", ""}));
  EXPECT_TRUE(isAtTarget("bn.mean", {"bn.mean", ""}));
  EXPECT_TRUE(isAtTarget("layer.12.mean", {"layer", ".mean"}));
  EXPECT_FALSE(isAtTarget("layer.x.mean", {"layer", ".mean"}));
  EXPECT_FALSE(isAtTarget("bn.mean.x", {"bn.mean", ""}));
  EXPECT_FALSE(isAtTarget("bn.mean[usps", {"bn.mean", ""}));
}

// Indices of lists are components in files.
TEST(KeyMap, Keys) {
  EXPECT_EQ(keyOf("net.layer1[0].conv[12]"), "net.layer1.0.conv.12");
  EXPECT_EQ(keyOf("bn.mean[usps]"), "bn.mean[usps]");
  EXPECT_EQ(keyOf("odd]["), "odd][");
}

namespace {

using Shape = std::vector<int64_t>;
struct Named {
  const char *key;
  Shape shape;
  bool required = true;
};

// matchKeys over a file of zeros in which each key has its shape: "key=slot ..." or the message.
std::string match(const std::vector<Named> &file, const std::vector<KeyRule> &rules, const std::vector<Named> &slots) {
  std::vector<WeightTensor> tensors;
  std::vector<char> zeros(1 << 16);
  for (const Named &named : file)
    tensors.push_back({named.key,
                       StoredType::F32,
                       named.shape,
                       {reinterpret_cast<const uint8_t *>(zeros.data()), *bytesOf(StoredType::F32, named.shape), {}}});
  std::string bytes = encodeWeights(tensors);
  Expected<WeightFile> parsed =
      WeightFile::parse(Bytes{reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(), nullptr}, "w");
  EXPECT_TRUE(parsed) << parsed.message();
  std::vector<KeySlot> all;
  for (const Named &slot : slots)
    all.push_back({slot.key, slot.shape, slot.required});
  Expected<std::vector<KeyMatch>> matches = matchKeys(*parsed, rules, all, "net");
  if (!matches)
    return matches.message();
  std::string text;
  for (const KeyMatch &m : *matches)
    text += (text.empty() ? "" : " ") + parsed->tensors()[m.tensor].name + "=" + all[m.slot].key;
  return text;
}

KeyRule rule(const char *key, const char *target) { return {key, target}; }
KeyRule drop(const char *key) { return {key, std::nullopt}; }

} // namespace

// Keys stand for themselves; the first rule that matches decides; a state may be absent; [1] is [].
TEST(KeyMap, Matches) {
  EXPECT_EQ(match({{"a", {2}}, {"b.c", {1}}}, {}, {{"a", {2}}, {"b.c", {}}, {"s", {4}, false}}), "a=a b.c=b.c");
  EXPECT_EQ(match({{"m.a", {2}}, {"m.b", {3}}}, {drop("m.b"), rule("m.*", "*")}, {{"a", {2}}}), "m.a=a");
  EXPECT_EQ(match({{"m", {2}}}, {rule("*", "*[*]")}, {{"m[x]", {2}}, {"m[y]", {2}}, {"n", {2}, false}}),
            "m=m[x] m=m[y]");
}

// Every kind of misfit is listed, with both shapes.
TEST(KeyMap, Misfits) {
  std::string text =
      match({{"a", {2}}, {"b", {2}}, {"c", {7}}}, {rule("b", "a")}, {{"a", {2}}, {"d", {3, 4}}, {"e", {}, false}});
  EXPECT_THAT(text, HasSubstr("'w' does not fit 'net'"));
  EXPECT_THAT(text, HasSubstr("in the file, not in the model: 'c' [7]"));
  EXPECT_THAT(text, HasSubstr("in the model, not in the file: 'd' [3, 4]"));
  EXPECT_THAT(text, HasSubstr("filled twice: 'a' by 'a' and 'b'"));
  EXPECT_THAT(text, Not(HasSubstr("'e'")));
  EXPECT_THAT(match({{"a", {3, 2}}}, {}, {{"a", {2, 3}}}),
              HasSubstr("of another shape: 'a' is [3, 2] in the file, [2, 3] in the model"));
  EXPECT_THAT(match({{"m.a", {2}}}, {rule("m.*", "n.*")}, {{"a", {2}}}), HasSubstr("'m.a' [2], as 'n.a'"));
}

// A list of hundreds stays readable.
TEST(KeyMap, LongLists) {
  std::vector<std::string> names;
  for (int i = 0; i < 40; ++i)
    names.push_back("part" + std::to_string(i) + ".weight");
  std::vector<Named> slots;
  for (const std::string &name : names)
    slots.push_back({name.c_str(), {2}});
  std::string text = match({}, {}, slots);
  EXPECT_THAT(text, HasSubstr(" and 28 more"));
  EXPECT_THAT(text, Not(HasSubstr("map {")));
}

// A prefix too many is taken off by one rule, junk beside it is dropped, and the rules so far stay behind.
TEST(KeyMap, SuggestsPrefix) {
  std::string text = match({{"module.a.weight", {2}},
                            {"module.a.bias", {3}},
                            {"module.fc.weight", {5}},
                            {"module.fc.bias", {6}},
                            {"x", {1}}},
                           {drop("x")}, {{"a.weight", {2}}, {"a.bias", {3}}});
  EXPECT_THAT(text, HasSubstr("in the model, not in the file: 'a.weight' [2]; did you mean 'module.a.weight'?"));
  EXPECT_THAT(text, HasSubstr("\n  this map fits:\n  map {\n    \"module.fc.*\" -> drop,\n"
                              "    \"module.*\" -> \"*\",\n    \"x\" -> drop\n  }"));
}

// A prefix too few is added, but not to keys that fit as they are.
TEST(KeyMap, SuggestsAddedPrefix) {
  EXPECT_THAT(match({{"a.weight", {2}}, {"a.bias", {3}}}, {}, {{"net.a.weight", {2}}, {"net.a.bias", {3}}}),
              HasSubstr("map {\n    \"*\" -> \"net.*\"\n  }"));
  EXPECT_THAT(match({{"a.weight", {2}}, {"b", {3}}}, {}, {{"net.a.weight", {2}}, {"b", {3}}}),
              HasSubstr("map {\n    \"a.*\" -> \"net.a.*\"\n  }"));
}

// Names that differ in letters are paired if the shapes are equal; endings that are nowhere are dropped together.
TEST(KeyMap, SuggestsNames) {
  std::string text =
      match({{"conv_1.weight", {2}},
             {"conv_1.bias", {3}},
             {"conv_1.count", {9}},
             {"conv_2.weight", {4}},
             {"conv_2.bias", {3}},
             {"conv_2.count", {9}}},
            {}, {{"conv1.weight", {2}}, {"conv1.bias", {3}}, {"conv2.weight", {4}}, {"conv2.bias", {3}}});
  EXPECT_THAT(text, HasSubstr("\"*.count\" -> drop"));
  EXPECT_THAT(text, HasSubstr("\"conv_1.*\" -> \"conv1.*\""));
  EXPECT_THAT(text, HasSubstr("\"conv_2.*\" -> \"conv2.*\""));
  EXPECT_THAT(text, HasSubstr("this map fits"));
  EXPECT_THAT(match({{"conv_1.weight", {2}}}, {}, {{"conv1.weight", {3}}}),
              HasSubstr("a map to begin with:\n  map {\n    \"conv_1.weight\" -> drop\n  }"));
}

// What is suggested fits: the proposed rules, applied, fill everything.
TEST(KeyMap, SuggestionFits) {
  std::vector<Named> file = {{"backbone.body.layer1.0.w", {2}},
                             {"backbone.body.layer1.0.b", {3}},
                             {"backbone.body.fc.w", {7}},
                             {"head.w", {4}},
                             {"backbone.odd", {5}}};
  std::vector<Named> slots = {{"layer1.0.w", {2}}, {"layer1.0.b", {3}}, {"odd", {5}}, {"head.w", {4}}};
  std::vector<WeightTensor> tensors;
  std::vector<KeySlot> all;
  for (const Named &named : file)
    tensors.push_back({named.key, StoredType::F32, named.shape, {}});
  for (const Named &slot : slots)
    all.push_back({slot.key, slot.shape, true});
  std::vector<KeyRule> rules =
      suggestRules({&tensors[0], &tensors[1], &tensors[2], &tensors[4]}, {&all[0], &all[1], &all[2]}, {&tensors[3]});
  EXPECT_THAT(match(file, rules, slots), Not(HasSubstr("does not fit")));
}

// No hang over keys that nobody would write.
TEST(KeyMap, LongKey) {
  std::string key(5000, 'a');
  EXPECT_THAT(match({{key.c_str(), {1}}}, {}, {{"a", {1}}}), HasSubstr("a key of 5000 characters"));
}
