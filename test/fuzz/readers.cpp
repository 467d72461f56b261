// Any bytes as a data file: the first byte chooses the reader and what is asked of it, the rest is the file. Every
// sample of what a reader accepts must be readable, one by one and at once, to the same values, and classes in range.
#include "runtime/data/Reader.h"
#include "test/fuzz/Fuzz.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <numeric>

using namespace xfer::rt;
using xfer::fuzz::require;

namespace {

struct Request {
  const char *reader, *file;
  std::vector<ReaderOption> options;
  std::vector<Field> fields;
};

Field field(const char *name, ElementType type, std::vector<int64_t> shape, int64_t classes = 0) {
  Field made;
  made.name = name;
  made.type = type;
  made.shape = std::move(shape);
  made.classes = classes;
  return made;
}

// The two fields of a text: its tokens and how many there are.
std::vector<Field> textFields(const TokenizerSpec &spec) {
  Field tokens = field("tokens", ElementType::I32, {spec.atMost}, static_cast<int64_t>(spec.vocabulary.size()));
  tokens.text = "text";
  tokens.tokenizer = std::make_shared<const Tokenizer>(spec);
  Field length = field("length", ElementType::I32, {}, spec.atMost + 1);
  length.isLength = true;
  length.text = tokens.text;
  length.tokenizer = tokens.tokenizer;
  return {tokens, length};
}

std::vector<Field> with(std::vector<Field> fields, const Field &more) {
  fields.push_back(more);
  return fields;
}

std::vector<Field> cocoFields() {
  Field length = field("k", ElementType::I32, {}, 4);
  length.isLength = true;
  return {field("image", ElementType::U8, {2, 3, 3}), field("image:frame", ElementType::I32, {4}),
          field("boxes", ElementType::F32, {3, 4}), field("kinds", ElementType::I32, {3}, 2), length};
}

// New requests go to the end: the first byte of a seed is a place in the list.
const std::vector<Request> &requests() {
  const Field image = field("image", ElementType::F32, {2, 3}), bytes = field("image", ElementType::U8, {2, 3}),
              label = field("label", ElementType::I32, {}, 3), number = field("x", ElementType::F32, {}),
              flag = field("flag", ElementType::Bool, {}), query = field("query", ElementType::I64, {}),
              picture = field("image", ElementType::U8, {2, 3, 3}), mask = field("mask", ElementType::U8, {2, 3}, 3);
  TokenizerSpec words{TokenizerSpec::Words, 4, false, true, 1, 2, {"[UNK]", "<s>", "</s>", "a", "dog", "its", "."}};
  TokenizerSpec pieces{
      TokenizerSpec::Pieces, 5, false, false, -1, 3, {"[PAD]", "[UNK]", "un", "[SEP]", "##like", "##ly", "!"}};
  TokenizerSpec known{TokenizerSpec::Characters, 6, false, false, -1, -1, {"a", "b", "\n", "é", "\xEF\xBF\xBD"}};
  TokenizerSpec letters{TokenizerSpec::Characters, 3, true, false, -1, -1, {"<unk>", "a", "b", "\n", "€"}};
  static const std::vector<Request> all{
      {"idx", "d.idx", {{"image", "d.idx"}}, {bytes}},
      {"idx", "d.idx.gz", {{"label", "d.idx.gz"}}, {label}},
      {"npy", "d.npy", {{"image", "d.npy"}}, {image}},
      {"npy", "d.npy", {{"label", "d.npy"}}, {label}},
      {"npz", "d.npz", {{"", "d.npz"}}, {image, label}},
      {"safetensors", "d.safetensors", {{"", "d.safetensors"}}, {image, label}},
      {"csv", "d.csv", {{"", "d.csv"}}, {number, label}},
      {"csv", "d.csv", {{"", "d.csv"}, {"image", "0..5"}, {"header", false}}, {image}},
      {"tsv", "d.tsv", {{"", "d.tsv"}, {"label_names", "a, b, c"}}, {label, flag}},
      {"csv", "d.csv.gz", {{"", "d.csv.gz"}}, {number}},
      {"lines", "d.txt", {{"", "d.txt"}}, textFields(words)},
      {"lines", "d.txt.gz", {{"", "d.txt.gz"}}, textFields(pieces)},
      {"windows", "d.txt", {{"", "d.txt"}, {"length", 3.0}, {"stride", 2.0}}, textFields(letters)},
      {"windows", "d.txt", {{"", "d.txt"}, {"length", 5.0}}, textFields(known)},
      {"csv", "d.csv", {{"", "d.csv"}}, with(textFields(pieces), label)},
      {"tsv", "d.tsv", {{"", "d.tsv"}, {"text", "0"}, {"header", false}, {"quotes", true}}, textFields(known)},
      {"svmlight", "d.svm", {{"", "d.svm"}, {"from", 0.0}}, {image, label}},
      {"svmlight", "d.svm.gz", {{"", "d.svm.gz"}, {"from", 1.0}, {"label_names", "-1, 7, cat"}}, {label, bytes, query}},
      {"word_counts", "d.review", {{"", "d.review"}, {"words", "d.words"}, {"label_names", "a, b, c"}}, {image, label}},
      {"images", "d.zip", {{"", "d.zip"}, {"on_error", "skip"}, {"resize", true}}, {picture, label}},
      {"images",
       "d.zip",
       {{"", "d.zip"}, {"image", "*/{x}.png"}, {"mask", "*/{x}.mask"}, {"cache", 0.0}},
       {picture, mask, number}},
      {"images", "d.csv", {{"", "d.csv"}, {"resize", true}}, {picture, label}},
      {"coco", "d.json", {{"", "d.json"}, {"files", "pictures"}, {"image_resize", "letterbox"}}, cocoFields()},
  };
  return all;
}

// A grey pixel as a PNG file.
void writePicture(const std::string &pictures) {
  static const char content[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\10\0\0\0\0\x3a\x7e\x9b\x55\0\0\0\nIDATx"
                                "\x9c\x63\x60\0\0\0\2\0\1\x48\xaf\xa4\x71\0\0\0\0IEND\xae\x42\x60\x82";
  std::error_code ignored;
  std::filesystem::create_directories(pictures, ignored);
  xfer::fuzz::writeFile(pictures + "/a.png", {content, sizeof(content) - 1});
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  const Request &request = requests()[data[0] % requests().size()];
  const std::string &folder = xfer::fuzz::scratchFolder();
  // What is unpacked goes where it does not gather.
  static const std::string cache = folder + "/cache";
  setenv("XFER_CACHE", cache.c_str(), /*overwrite=*/1);
  std::error_code ignored;
  std::filesystem::remove_all(cache, ignored);
  xfer::fuzz::writeFile(folder + "/" + request.file, {reinterpret_cast<const char *>(data) + 1, size - 1});
  xfer::fuzz::writeFile(folder + "/d.words", "the\nof\na:b\n\xff\nout\nin\n");
  if (std::strcmp(request.reader, "coco") == 0) // what a description may name: one picture of a pixel
    writePicture(folder + "/pictures");
  auto reader = makeReader(request.reader, request.options, request.fields, folder);
  if (!reader)
    return 0;
  // A file may claim that it has more samples than anything holds only if it has no bytes for each.
  int64_t count = std::min<int64_t>((*reader)->count(), 1000);
  std::vector<int32_t> indices(count);
  std::iota(indices.begin(), indices.end(), 0);
  for (size_t f = 0; f < request.fields.size(); ++f) {
    const uint64_t row = request.fields[f].bytes();
    std::vector<uint8_t> atOnce(row * count), single(row);
    Status all = (*reader)->read(f, indices.data(), indices.size(), atOnce.data());
    for (int64_t i = 0; i < count; ++i) {
      Status one = (*reader)->read(f, &indices[i], 1, single.data());
      require(one.ok() || !all.ok(), "a sample that was read with others cannot be read alone");
      if (all.ok())
        require(std::memcmp(single.data(), atOnce.data() + i * row, row) == 0,
                "a sample depends on what is read with it");
      if (one.ok() && request.fields[f].classes > 0)
        for (uint64_t k = 0; k < row; k += sizeOf(request.fields[f].type)) {
          int32_t value = single[k];
          if (request.fields[f].type == ElementType::I32)
            std::memcpy(&value, single.data() + k, sizeof(value));
          require(value >= 0 && value < request.fields[f].classes, "a class, token or length is out of range");
        }
    }
  }
  return 0;
}
