// Any bytes as a data file: the first byte chooses the reader and what is asked of it, the rest is the file. Every
// sample of what a reader accepts must be readable, one by one and at once, to the same values.
#include "runtime/data/Reader.h"
#include "test/fuzz/Fuzz.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>

using namespace xfer::rt;
using xfer::fuzz::require;

namespace {

struct Request {
  const char *reader, *file;
  std::vector<ReaderOption> options;
  std::vector<Field> fields;
};

const std::vector<Request> &requests() {
  const Field image{"image", ElementType::F32, {2, 3}, 0}, bytes{"image", ElementType::U8, {2, 3}, 0},
      label{"label", ElementType::I32, {}, 3}, number{"x", ElementType::F32, {}, 0},
      flag{"flag", ElementType::Bool, {}, 0};
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
  };
  return all;
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  const Request &request = requests()[data[0] % requests().size()];
  const std::string &folder = xfer::fuzz::scratchFolder();
  xfer::fuzz::writeFile(folder + "/" + request.file, {reinterpret_cast<const char *>(data) + 1, size - 1});
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
    }
  }
  return 0;
}
