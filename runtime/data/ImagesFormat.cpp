// images(..): JPEG and PNG files of a folder, an archive or a table. They are decoded once, when the domain is opened,
// by as many threads as the program has; what has no room in memory is decoded each time it is used (ImageRows.h).
// A row belongs to one sample alone, so it is the same for every number of threads.
#include "runtime/data/ImageList.h"
#include "runtime/data/ImageRows.h"
#include "runtime/data/ParallelFor.h"
#include "runtime/image/Resize.h"
#include <cstdlib>
#include <cstring>
#include <map>

namespace xfer::rt {

namespace {

// How pictures are brought to the size of their field.
enum class Sizing { None, Bilinear, Bicubic };

// A picture of a sample, as its field wants it.
struct PictureField {
  Field field;
  size_t cells; // its place among the fields
  Sizing sizing;
  int64_t height, width;
  ImageForm form;
  uint64_t rowBytes; // of a sample
  std::shared_ptr<uint8_t> rows;
};

struct ReadChoices {
  bool skips;
  uint64_t cacheBytes;
};

// What became of the samples when they were opened.
struct Decoded {
  std::mutex mutex;
  std::map<size_t, std::string> damaged, misshapen; // by sample
  std::vector<uint64_t> hashes, bytes;              // of the files, all pictures of a sample together
};

// A failure, and whether the file is sound and only of another size.
struct PictureStatus {
  Status status;
  bool misshapen = false;
};

} // namespace

// `FIELD_resize`, or `resize` for all fields.
static Expected<Sizing> sizingOf(FormatRequest &request, const Field &field) {
  Expected<std::string> all = request.choice("resize", "false");
  Expected<std::string> own = all ? request.choice(field.name + "_resize", *all) : all;
  if (!own)
    return own.status();
  if (*own == "false")
    return Sizing::None;
  if (*own == "true" || *own == "bilinear")
    return Sizing::Bilinear;
  if (*own == "bicubic")
    return Sizing::Bicubic;
  return failure("argument 'resize' of reader '{}' is true, \"bilinear\" or \"bicubic\", not \"{}\"", request.reader(),
                 *own);
}

static Expected<PictureField> describePicture(FormatRequest &request, size_t cells) {
  const Field &field = request.fields()[cells];

  const std::vector<int64_t> &shape = field.shape;
  if (shape.size() > 3 || (shape.size() == 3 && (shape[2] < 1 || shape[2] > 4)))
    return failure("field '{}' of shape {} is no picture: rows, columns and up to 4 channels are read", field.name,
                   shapeText(shape));
  Expected<Sizing> sizing = sizingOf(request, field);
  if (!sizing)
    return sizing.status();
  PictureField picture{field, cells, *sizing, shape[0], shape[1], {}, 0, nullptr};
  picture.form.channels = shape.size() == 3 ? static_cast<int>(shape[2]) : 1;
  picture.form.indices = field.classes > 0;
  picture.form.wide = field.type != ElementType::U8 && !picture.form.indices;
  if (picture.sizing != Sizing::None && picture.form.wide)
    return failure("field '{}' of type {} keeps values of 16 bits, which are not resized; declare it u8", field.name,
                   nameOf(field.type));
  picture.rowBytes = static_cast<uint64_t>(field.elements()) * (picture.form.wide ? 2 : 1);
  return picture;
}

// Puts the picture where it belongs, brought to size where that was asked for.
static PictureStatus place(const PictureField &picture, Image image, const std::string &name, uint8_t *to) {
  if (image.height != picture.height || image.width != picture.width) {
    if (picture.sizing == Sizing::None)
      return {failure("'{}' has {} x {} pixels, field '{}' is declared {}; `resize: true` in the arguments of 'images' "
                      "brings pictures to that size",
                      name, image.height, image.width, picture.field.name, shapeText(picture.field.shape)),
              true};
    image = picture.form.indices
                ? resizeNearest(image, picture.height, picture.width)
                : resizeFiltered(image, picture.height, picture.width,
                                 picture.sizing == Sizing::Bicubic ? ResizeFilter::Bicubic : ResizeFilter::Bilinear);
  }
  std::memcpy(to, image.pixels.data(), picture.rowBytes);
  return {};
}

static PictureStatus decodePicture(const FileTree &tree, const std::string &file, const PictureField &picture,
                                   const Bytes &bytes, uint8_t *to) {
  const std::string name = tree.nameOf(file);
  Expected<Image> image = decodeImage(bytes, name, picture.form);
  if (!image)
    return {image.status()};
  return place(picture, std::move(*image), name, to);
}

// Without rows the picture is looked at only if `decodes` says so; its file is read in any case.
static void openSample(const ImageList &list, const std::vector<PictureField> &pictures, size_t sample, bool decodes,
                       Decoded &decoded) {
  for (const PictureField &picture : pictures) {
    const std::string &file = list.cells[picture.cells][sample];
    PictureStatus found;
    Expected<Bytes> bytes = list.tree.read(file, ImageLimits().bytes);
    if (!bytes) {
      found.status = bytes.status();
    } else {
      decoded.hashes[sample] = hashBytes(bytes->data, bytes->size, decoded.hashes[sample]);
      decoded.bytes[sample] += bytes->size;
      std::vector<uint8_t> scratch(picture.rows || !decodes ? 0 : picture.rowBytes);
      uint8_t *to = picture.rows ? picture.rows.get() + sample * picture.rowBytes : scratch.data();
      if (picture.rows || decodes)
        found = decodePicture(list.tree, file, picture, *bytes, to);
    }
    if (found.status.ok())
      continue;
    std::lock_guard<std::mutex> guard(decoded.mutex);
    (found.misshapen ? decoded.misshapen : decoded.damaged).emplace(sample, found.status.message());
    return;
  }
}

// The first that is told, and how many there are.
static std::string tellFailures(const std::map<size_t, std::string> &failures) {
  const size_t others = failures.size() - 1;
  return failures.begin()->second + (others > 0 ? format(" (so are {} more)", others) : "");
}

// The rows of the samples that could be read, one behind the other.
static void closeGaps(const std::map<size_t, std::string> &damaged, uint64_t rowBytes, size_t samples, uint8_t *rows) {
  size_t kept = 0;
  for (size_t sample = 0; sample < samples; ++sample) {
    if (damaged.count(sample))
      continue;
    if (kept != sample)
      std::memcpy(rows + kept * rowBytes, rows + sample * rowBytes, rowBytes);
    ++kept;
  }
}

static Status leaveOut(const std::map<size_t, std::string> &damaged, std::vector<PictureField> &pictures,
                       ImageList &list) {
  const auto samples = static_cast<size_t>(list.samples);
  if (damaged.size() == samples)
    return failure("none of the {} images in '{}' can be read: {}", samples, list.tree.path(), damaged.begin()->second);
  for (PictureField &picture : pictures)
    if (picture.rows)
      closeGaps(damaged, picture.rowBytes, samples, picture.rows.get());
  for (std::vector<std::string> &cells : list.cells) {
    std::vector<std::string> kept;
    for (size_t sample = 0; sample < samples; ++sample)
      if (!damaged.count(sample))
        kept.push_back(std::move(cells[sample]));
    cells = std::move(kept);
  }
  list.samples -= static_cast<int64_t>(damaged.size());
  list.notes.push_back(format("{} of {} images in '{}' cannot be read and are left out: {}", damaged.size(), samples,
                              list.tree.path(), tellFailures(damaged)));
  return Status::success();
}

static Expected<ReadChoices> readChoices(FormatRequest &request) {
  Expected<std::string> onError = request.text("on_error", "fail");
  Expected<double> cache = request.number("cache", 4096);
  for (const Status &status : {onError.status(), cache.status()})
    if (status.failed())
      return status;
  if (*onError != "fail" && *onError != "skip")
    return failure("argument 'on_error' of reader 'images' is \"fail\" or \"skip\", not \"{}\"", *onError);
  if (!(*cache >= 0 && *cache <= 1e9))
    return failure("argument 'cache' of reader 'images' is a number of MiB, not {}", *cache);
  return ReadChoices{*onError == "skip", static_cast<uint64_t>(*cache * 1048576)};
}

static Status makeRows(std::vector<PictureField> &pictures, size_t samples) {
  for (PictureField &picture : pictures) {
    auto *memory = static_cast<uint8_t *>(std::malloc(samples * picture.rowBytes));
    if (!memory)
      return failure("there is not enough memory for {} pictures of shape {}; give 'images' a smaller 'cache'", samples,
                     shapeText(picture.field.shape));
    picture.rows.reset(memory, std::free);
  }
  return Status::success();
}

static std::shared_ptr<const RowSource> rowsOnDemand(const std::shared_ptr<const ImageList> &list,
                                                     const PictureField &picture, uint64_t cacheBytes,
                                                     unsigned threads) {
  auto decode = [list, picture](size_t sample, uint8_t *row) {
    const std::string &file = list->cells[picture.cells][sample];
    Expected<Bytes> bytes = list->tree.read(file, ImageLimits().bytes);
    return bytes ? decodePicture(list->tree, file, picture, *bytes, row).status : bytes.status();
  };
  constexpr size_t passing = 4096; // more than two batches have
  return std::make_shared<ImageRows>(decode, picture.rowBytes, static_cast<size_t>(cacheBytes / picture.rowBytes),
                                     passing, threads);
}

static Array arrayOf(const std::shared_ptr<const ImageList> &list, const PictureField &picture, uint64_t cacheBytes,
                     unsigned threads) {
  Array array;
  array.name = list->tree.path();
  array.type = picture.form.wide ? StoredType::U16 : StoredType::U8;
  array.shape = picture.field.shape;
  array.shape.insert(array.shape.begin(), list->samples);
  if (picture.rows)
    array.bytes = {picture.rows.get(), picture.rowBytes * static_cast<uint64_t>(list->samples), picture.rows};
  else
    array.rows = rowsOnDemand(list, picture, cacheBytes, threads);
  return array;
}

static Expected<FormatResult> assemble(FormatRequest &request, const std::shared_ptr<const ImageList> &list,
                                       const std::vector<PictureField> &pictures, uint64_t cacheBytes) {
  FormatResult result;
  const std::vector<Field> &fields = request.fields();
  result.names.resize(fields.size());
  for (size_t i = 0, picture = 0; i < fields.size(); ++i) {
    if (isPicture(fields[i])) {
      result.arrays.push_back(arrayOf(list, pictures[picture++], cacheBytes, request.threads()));
      continue;
    }
    Expected<Array> values = valuesOf(request, fields[i], list->cells[i], list->tree.path(), result.names[i]);
    if (!values)
      return values.status();
    result.arrays.push_back(std::move(*values));
  }
  for (const std::string &file : list->cells[pictures[0].cells])
    result.sampleFiles.push_back(file);
  result.notes = list->notes;
  return result;
}

Expected<FormatResult> readImages(FormatRequest &request) {
  Expected<ReadChoices> choices = readChoices(request);
  if (!choices)
    return choices.status();
  std::vector<PictureField> pictures;
  uint64_t bytesOfSample = 0;
  for (size_t i = 0; i < request.fields().size(); ++i)
    if (isPicture(request.fields()[i])) {
      Expected<PictureField> picture = describePicture(request, i);
      if (!picture)
        return picture.status();
      bytesOfSample += picture->rowBytes;
      pictures.push_back(std::move(*picture));
    }
  Expected<ImageList> found = listImages(request);
  if (!found)
    return found.status();
  auto list = std::make_shared<ImageList>(std::move(*found));
  const auto samples = static_cast<size_t>(list->samples);
  if (samples <= choices->cacheBytes / bytesOfSample)
    if (Status status = makeRows(pictures, samples); status.failed())
      return status;
  Decoded decoded;
  decoded.hashes.resize(samples);
  decoded.bytes.resize(samples);
  parallelFor(samples, request.threads(),
              [&](size_t sample) { openSample(*list, pictures, sample, choices->skips, decoded); });
  if (!decoded.misshapen.empty())
    return failure("{}", tellFailures(decoded.misshapen));
  if (!decoded.damaged.empty() && !choices->skips)
    return failure("{}; on_error: \"skip\" leaves out what cannot be read", tellFailures(decoded.damaged));
  std::vector<DataFile> files = std::move(list->files);
  for (size_t sample = 0; sample < samples; ++sample)
    files.emplace_back(list->tree.nameOf(list->cells[pictures[0].cells][sample]), decoded.bytes[sample],
                       decoded.hashes[sample]);
  if (!decoded.damaged.empty())
    if (Status status = leaveOut(decoded.damaged, pictures, *list); status.failed())
      return status;
  Expected<FormatResult> result = assemble(request, list, pictures, choices->cacheBytes / pictures.size());
  if (!result)
    return result;
  result->files = std::move(files);
  result->skipped = static_cast<int64_t>(decoded.damaged.size());
  return result;
}

} // namespace xfer::rt
