#include "runtime/weights/Pickle.h"
#include "runtime/weights/TorchTensors.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace xfer::rt;
using testing::HasSubstr;
using namespace std::string_literals;

static std::string refusal(const std::string &bytes) {
  Expected<Pickle> pickle = Pickle::parse(bytes, allowInCheckpoint);
  return pickle ? "" : pickle.message();
}

// {"a": -2, "b": (True, None, [1.5, 70000]), 3: OrderedDict(c="d")}, as Python 3.11 writes it with protocols 2 and 4.
TEST(Pickle, Values) {
  for (const std::string &bytes :
       {"\x80\x02}q\0(X\1\0\0\0aq\1J\xfe\xff\xff\xffX\1\0\0\0bq\2\x88N]q\3(G?"s
        "\xf8\0\0\0\0\0\0Jp\x11\1\0e\x87q\4K\3ccollections\n"s
        "OrderedDict\nq\5)Rq\6X\1\0\0\0cq\7X\1\0\0\0dq\x08su."s,
        "\x80\4\x95Y\0\0\0\0\0\0\0}\x94(\x8c\1a\x94J\xfe\xff\xff\xff\x8c\1b\x94\x88N]\x94(G?"s
        "\xf8\0\0\0\0\0\0Jp\x11\1\0e\x87\x94K\3"s
        "\x8c\x0b"
        "collections\x94\x8c\x0bOrderedDict\x94\x93\x94)R\x94\x8c\1c\x94\x8c\1d\x94su."s}) {
    const std::string more = bytes + "behind";
    Expected<Pickle> pickle = Pickle::parse(more, allowInCheckpoint);
    ASSERT_TRUE(pickle) << pickle.message();
    EXPECT_EQ(pickle->length(), bytes.size());
    const PickleValue &root = pickle->root();
    ASSERT_EQ(root.kind, PickleValue::Dict);
    ASSERT_EQ(root.items.size(), 6u);
    EXPECT_EQ(pickle->find(root, "a")->integer, -2);
    const PickleValue &b = *pickle->find(root, "b");
    ASSERT_EQ(b.kind, PickleValue::Tuple);
    EXPECT_EQ((*pickle)[b.items[0]].integer, 1);
    EXPECT_EQ((*pickle)[b.items[1]].kind, PickleValue::None);
    EXPECT_EQ((*pickle)[(*pickle)[b.items[2]].items[1]].integer, 70000);
    EXPECT_EQ(pickle->find((*pickle)[root.items[5]], "c")->text, "d");
    EXPECT_EQ(pickle->find(root, "c"), nullptr);
  }
}

// A name that is no part of a tensor ends the reading, whichever way it is written, before anything is made of it.
TEST(Pickle, ForeignGlobals) {
  for (const std::string &bytes : {"\x80\2cposix\nsystem\nX\4\0\0\0date\x85R."s, "\x80\2cposix\nsystem\n."s,
                                   "\x80\4\x8c\5posix\x8c\6system\x93."s, "\x80\2(cposix\nsystem\nt."s})
    EXPECT_THAT(refusal(bytes), HasSubstr("it wants to call 'posix.system', which is no part of a tensor"));
  EXPECT_THAT(refusal("\x80\2c__builtin__\neval\n."s), HasSubstr("'__builtin__.eval'"));
  EXPECT_THAT(refusal("\x80\2ctorch._utils\n_rebuild_qtensor\n."s), HasSubstr("'torch._utils._rebuild_qtensor'"));
  EXPECT_THAT(refusal("\x80\2ctorch\nload\n."s), HasSubstr("'torch.load'"));
  EXPECT_THAT(refusal("\x80\2c\x1b[2J\nx\n."s), HasSubstr("'?[2J.x'"));
  EXPECT_THAT(refusal("\x80\2c"s + std::string(5000, 'a') + "\nx\n."), HasSubstr("aa...x'"));
  // INST, OBJ, EXT1 and texts of protocol 0 are ways to objects as well.
  for (char code : {'i', 'o', '\x82', 'S', 'V', 'P'})
    EXPECT_THAT(refusal("\x80\2"s + code + "posix\nsystem\n."), HasSubstr("which no checkpoint needs"));
}

TEST(Pickle, Damaged) {
  const std::string good = "\x80\2}(X\1\0\0\0aK\1X\1\0\0\0b(K\1K\2tu."s;
  EXPECT_EQ(refusal(good), "");
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_THAT(refusal(good.substr(0, size)), HasSubstr("it is cut off")) << size;
  EXPECT_THAT(refusal("\x80\2."s), HasSubstr("empty stack"));
  EXPECT_THAT(refusal("\x80\2K\1(\x85."s), HasSubstr("empty stack")); // a mark protects what is below it
  EXPECT_THAT(refusal("\x80\2t."s), HasSubstr("closes what is not open"));
  EXPECT_THAT(refusal("\x80\2}(K\1u."s), HasSubstr("key without a value"));
  EXPECT_THAT(refusal("\x80\2K\1K\1K\1s."s), HasSubstr("no dictionary"));
  EXPECT_THAT(refusal("\x80\2K\1K\1a."s), HasSubstr("no list"));
  EXPECT_THAT(refusal("\x80\2h\7."s), HasSubstr("refers to what it has not made"));
  EXPECT_THAT(refusal("\x80\2K\1)R."s), HasSubstr("calls what is no function"));
  EXPECT_THAT(refusal("\x80\2ctorch\nSize\n)R}b."s), HasSubstr("changes an object"));
  EXPECT_THAT(refusal("\x80\2\x8a\5\1."s), HasSubstr("it is cut off"));
  EXPECT_THAT(refusal("\x80\x09."s), HasSubstr("newer than 5"));
  EXPECT_THAT(refusal("\x80\2\x8e\xff\xff\xff\xff\xff\xff\xff\xff."s), HasSubstr("it is cut off"));
}

// Lists that hold themselves are data like others; what makes values without end is not.
TEST(Pickle, Bounds) {
  EXPECT_EQ(refusal("\x80\2]q\0h\0a."s), "");
  EXPECT_THAT(refusal("\x80\2"s + std::string(5 << 20, 'N') + "."), HasSubstr("more values than weights can need"));
  // A list of a thousand pairs, made a dictionary a hundred thousand times.
  std::string bomb = "\x80\2ccollections\nOrderedDict\nq\0]q\1("s;
  for (int i = 0; i < 1000; ++i)
    bomb += "K\1K\2\x86";
  bomb += "eq\1" + "0"s;
  for (int i = 0; i < 100000; ++i)
    bomb += "h\0h\1\x85R"s;
  EXPECT_THAT(refusal(bomb + "."), HasSubstr("more values than weights can need"));
}
