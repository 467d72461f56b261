#include "compiler/Tools/WeightsCommand.h"
#include "compiler/Support/TemporaryFile.h"
#include "compiler/Tools/Report.h"
#include "xfer/rt/WeightList.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include <array>
#include <optional>

using namespace llvm;

namespace xfer {

/// What a file calls its parts may hold anything; a terminal shall not obey it.
static std::string shown(StringRef text) {
  std::string result;
  for (char letter : text)
    result += static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f ? '?' : letter;
  return result;
}

static std::string shapeText(ArrayRef<int64_t> shape) {
  std::string text;
  raw_string_ostream os(text);
  os << "[";
  interleaveComma(shape, os);
  os << "]";
  return text;
}

/// `-0.21 .. 0.35`, one number where all are the same, and what is not finite.
static std::string rangeText(const rt::ListedTensor &tensor) {
  std::string text;
  raw_string_ostream os(text);
  if (tensor.finite) {
    os << format("%.4g", tensor.least);
    if (tensor.least != tensor.greatest)
      os << " .. " << format("%.4g", tensor.greatest);
  }
  uint64_t infinite = tensor.values - tensor.finite - tensor.nan;
  if (tensor.nan)
    os << (text.empty() ? "" : "; ") << tensor.nan << " NaN";
  if (infinite)
    os << (text.empty() ? "" : "; ") << infinite << " infinite";
  return text;
}

static void printText(raw_ostream &os, const rt::WeightListing &listing) {
  SmallVector<std::array<std::string, 4>> rows;
  std::array<size_t, 3> widths = {};
  uint64_t values = 0;
  for (const rt::ListedTensor &tensor : listing.tensors) {
    rows.push_back({shown(tensor.key), tensor.type, shapeText(tensor.shape), rangeText(tensor)});
    for (size_t i = 0; i < widths.size(); ++i)
      widths[i] = std::max(widths[i], rows.back()[i].size());
    values += tensor.values;
  }
  for (const auto &row : rows) {
    std::string line;
    for (size_t i = 0; i < widths.size(); ++i)
      line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    os << StringRef(line + row[3]).rtrim() << "\n";
  }
  os << listing.tensors.size() << (listing.tensors.size() == 1 ? " tensor, " : " tensors, ") << values << " values; "
     << listing.format << ", " << listing.bytes << " bytes\n";
  for (const auto &[key, text] : listing.metadata)
    os << "metadata: " << shown(key) << " = " << shown(text) << "\n";
  if (!listing.others.empty()) {
    os << "beside tensors, and not loaded: ";
    interleaveComma(listing.others, os, [&](const std::string &name) { os << "'" << shown(name) << "'"; });
    os << "\n";
  }
}

static json::Value jsonOf(const rt::WeightListing &listing) {
  json::Array tensors, others;
  for (const rt::ListedTensor &tensor : listing.tensors) {
    auto number = [&](double value) { return tensor.finite ? json::Value(value) : json::Value(nullptr); };
    tensors.push_back(json::Object{{"key", json::fixUTF8(tensor.key)},
                                   {"shape", json::Array(tensor.shape)},
                                   {"dtype", tensor.type},
                                   {"min", number(tensor.least)},
                                   {"max", number(tensor.greatest)},
                                   {"nan", static_cast<int64_t>(tensor.nan)},
                                   {"infinite", static_cast<int64_t>(tensor.values - tensor.finite - tensor.nan)}});
  }
  for (const std::string &name : listing.others)
    others.push_back(json::fixUTF8(name));
  json::Object metadata;
  for (const auto &[key, text] : listing.metadata)
    metadata[json::fixUTF8(key)] = json::fixUTF8(text);
  return json::Object{{"format", listing.format},
                      {"bytes", static_cast<int64_t>(listing.bytes)},
                      {"tensors", std::move(tensors)},
                      {"metadata", std::move(metadata)},
                      {"others", std::move(others)}};
}

/// Has `from` rewritten by another process. The exit status; what went wrong is printed.
static int convertHdf5(const std::string &from, const std::string &to, const std::string &executable) {
  SmallString<256> tool(sys::path::parent_path(executable));
  sys::path::append(tool, "xfer-hdf5");
  if (!sys::fs::can_execute(tool))
    return fail("'" + from + "' is an HDF5 file, and '" + tool +
                "', which reads these, is not there; install it with xferc");
  std::string problem;
  int status = sys::ExecuteAndWait(tool, {tool, from, to}, /*Env=*/std::nullopt, /*Redirects=*/{}, /*SecondsToWait=*/0,
                                   /*MemoryLimit=*/0, &problem);
  if (status < 0)
    return fail("'" + from + "' cannot be read: the library of HDF5 broke off on it (" + StringRef(problem).trim() +
                "); the file is damaged, copy it again");
  return status;
}

int printWeights(const std::string &path, bool json, const std::string &executable) {
  rt::Expected<bool> isHdf5 = rt::isHdf5File(path);
  if (!isHdf5)
    return fail(isHdf5.message());
  std::optional<TemporaryFile> converted;
  if (*isHdf5) {
    SmallString<128> folder;
    sys::path::system_temp_directory(/*ErasedOnReboot=*/true, folder);
    converted.emplace((folder + "/xfer-weights-").str());
    if (int status = convertHdf5(path, converted->path().str(), executable))
      return status;
  }
  rt::Expected<rt::WeightListing> listing = rt::listWeights(converted ? converted->path().str() : path);
  if (!listing)
    return fail(listing.message());
  if (*isHdf5)
    listing->format = "HDF5, as safetensors";
  if (json)
    outs() << llvm::formatv("{0:2}", jsonOf(*listing)) << "\n";
  else
    printText(outs(), *listing);
  return 0;
}

int convertWeightFile(const std::string &from, const std::string &to, const std::string &executable) {
  if (sys::path::extension(to) != ".safetensors")
    return fail("'convert' writes safetensors, and '" + to + "' does not end with .safetensors");
  rt::Expected<bool> isHdf5 = rt::isHdf5File(from);
  if (!isHdf5)
    return fail(isHdf5.message());
  if (*isHdf5)
    return convertHdf5(from, to, executable);
  if (rt::Status status = rt::convertWeights(from, to); status.failed())
    return fail(status.message());
  return 0;
}

} // namespace xfer
