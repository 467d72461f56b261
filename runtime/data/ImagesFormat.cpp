// images(..): JPEG and PNG files of a folder, an archive or a table. They are decoded once, when the domain is opened,
// by as many threads as the program has; what has no room in memory is decoded each time it is used (ImageRows.h).
// A row belongs to one sample alone, so it is the same for every number of threads. Other formats that have pictures
// (CocoFormat.cpp) make their own list of them.
#include "runtime/data/ImageList.h"
#include "runtime/data/ImageRows.h"
#include "runtime/data/ParallelFor.h"
#include "runtime/image/Resize.h"
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>

namespace xfer::rt {

namespace {

// How pictures are brought to the size of their field. A letterbox keeps their proportions: bilinear, in the middle of
// zeros, the odd row or column below or to the right.
enum class Sizing { None, Bilinear, Bicubic, Letterbox };

// What became of a picture: its extents in the file, and those that it takes up in the row.
struct Frame {
  int32_t height, width, rows, columns;
};

// A picture of a sample, as its field wants it.
struct PictureField {
  Field field;
  std::string reader; // that was asked for it, for messages
  size_t cells;       // its place among the fields
  Sizing sizing;
  int64_t height, width;
  ImageForm form;
  uint64_t rowBytes; // of a sample
  std::shared_ptr<uint8_t> rows;
  std::shared_ptr<std::vector<Frame>> frames; // by sample; null if no field wants them
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
  if (*own == "letterbox")
    return Sizing::Letterbox;
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
  PictureField picture{field, request.reader(), cells, *sizing, shape[0], shape[1], {}, 0, nullptr, nullptr};
  picture.form.channels = shape.size() == 3 ? static_cast<int>(shape[2]) : 1;
  picture.form.indices = field.classes > 0;
  picture.form.wide = field.type != ElementType::U8 && !picture.form.indices;
  if (picture.sizing != Sizing::None && picture.form.wide)
    return failure("field '{}' of type {} keeps values of 16 bits, which are not resized; declare it u8", field.name,
                   nameOf(field.type));
  picture.rowBytes = static_cast<uint64_t>(field.elements()) * (picture.form.wide ? 2 : 1);
  return picture;
}

static Image resized(const PictureField &picture, const Image &image, int64_t height, int64_t width) {
  if (picture.form.indices)
    return resizeNearest(image, height, width);
  return resizeFiltered(image, height, width,
                        picture.sizing == Sizing::Bicubic ? ResizeFilter::Bicubic : ResizeFilter::Bilinear);
}

static Frame frameOf(const PictureField &picture, const Image &image) {
  auto number = [](int64_t extent) { return static_cast<int32_t>(extent); };
  if (picture.sizing != Sizing::Letterbox)
    return {number(image.height), number(image.width), number(picture.height), number(picture.width)};
  const auto height = static_cast<double>(image.height), width = static_cast<double>(image.width);
  const double scale =
      std::min(static_cast<double>(picture.height) / height, static_cast<double>(picture.width) / width);
  auto scaled = [scale](double extent, int64_t most) {
    return std::clamp<int64_t>(static_cast<int64_t>(std::floor(extent * scale + 0.5)), 1, most);
  };
  return {number(image.height), number(image.width), number(scaled(height, picture.height)),
          number(scaled(width, picture.width))};
}

// Puts the picture where it belongs, brought to size where that was asked for.
static PictureStatus place(const PictureField &picture, Image image, const std::string &name, uint8_t *to,
                           Frame &frame) {
  frame = frameOf(picture, image);
  if (picture.sizing == Sizing::None && (image.height != picture.height || image.width != picture.width))
    return {failure("'{}' has {} x {} pixels, field '{}' is declared {}; `resize: true` in the arguments of '{}' "
                    "brings pictures to that size",
                    name, image.height, image.width, picture.field.name, shapeText(picture.field.shape),
                    picture.reader),
            true};
  if (image.height != frame.rows || image.width != frame.columns)
    image = resized(picture, image, frame.rows, frame.columns);
  if (frame.rows == picture.height && frame.columns == picture.width) {
    std::memcpy(to, image.pixels.data(), picture.rowBytes);
    return {};
  }
  std::memset(to, 0, picture.rowBytes);
  const uint64_t rowBytes = picture.rowBytes / static_cast<uint64_t>(picture.height),
                 pixelBytes = rowBytes / static_cast<uint64_t>(picture.width);
  to += static_cast<uint64_t>((picture.height - frame.rows) / 2) * rowBytes +
        static_cast<uint64_t>((picture.width - frame.columns) / 2) * pixelBytes;
  for (int32_t row = 0; row < frame.rows; ++row)
    std::memcpy(to + static_cast<uint64_t>(row) * rowBytes,
                image.pixels.data() + static_cast<uint64_t>(row) * image.rowBytes(), image.rowBytes());
  return {};
}

static PictureStatus decodePicture(const ImageList &list, const PictureField &picture, size_t sample,
                                   const Bytes &bytes, uint8_t *to, Frame &frame) {
  const std::string name = list.tree.nameOf(list.cells[picture.cells][sample]);
  Expected<Image> image = decodeImage(bytes, name, picture.form);
  if (!image)
    return {image.status()};
  if (!list.sizes.empty()) {
    const ImageSize &said = list.sizes[sample];
    if ((said.height && said.height != image->height) || (said.width && said.width != image->width))
      return {failure("'{}' has {} x {} pixels, '{}' says {} x {}: what it says of places in the picture does not fit",
                      name, image->height, image->width, list.source, said.height, said.width),
              true};
  }
  return place(picture, std::move(*image), name, to, frame);
}

// Without rows the picture is looked at only if `decodes` says so, or for its frame; its file is read in any case.
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
      const bool looks = picture.rows || picture.frames || decodes;
      std::vector<uint8_t> scratch(picture.rows || !looks ? 0 : picture.rowBytes);
      uint8_t *to = picture.rows ? picture.rows.get() + sample * picture.rowBytes : scratch.data();
      Frame frame{};
      if (looks)
        found = decodePicture(list, picture, sample, *bytes, to, frame);
      if (picture.frames)
        (*picture.frames)[sample] = frame;
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
  for (PictureField &picture : pictures) {
    if (picture.rows)
      closeGaps(damaged, picture.rowBytes, samples, picture.rows.get());
    if (picture.frames)
      closeGaps(damaged, sizeof(Frame), samples, reinterpret_cast<uint8_t *>(picture.frames->data()));
  }
  for (auto &[field, known] : list.known)
    closeGaps(damaged, known.rowBytes, samples, known.rows.data());
  for (std::vector<std::string> &cells : list.cells) {
    if (cells.empty())
      continue; // of what the list itself knows
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
    return failure("argument 'on_error' of reader '{}' is \"fail\" or \"skip\", not \"{}\"", request.reader(),
                   *onError);
  if (!(*cache >= 0 && *cache <= 1e9))
    return failure("argument 'cache' of reader '{}' is a number of MiB, not {}", request.reader(), *cache);
  return ReadChoices{*onError == "skip", static_cast<uint64_t>(*cache * 1048576)};
}

static Status makeRows(std::vector<PictureField> &pictures, size_t samples) {
  for (PictureField &picture : pictures) {
    auto *memory = static_cast<uint8_t *>(std::malloc(samples * picture.rowBytes));
    if (!memory)
      return failure("there is not enough memory for {} pictures of shape {}; give '{}' a smaller 'cache'", samples,
                     shapeText(picture.field.shape), picture.reader);
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
    Frame frame{};
    return bytes ? decodePicture(*list, picture, sample, *bytes, row, frame).status : bytes.status();
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

static Array arrayOfMemory(const ImageList &list, StoredType type, std::vector<int64_t> shape, const uint8_t *data,
                           uint64_t rowBytes, std::shared_ptr<const void> owner) {
  shape.insert(shape.begin(), list.samples);
  return {list.tree.path(),
          {data, rowBytes * static_cast<uint64_t>(list.samples), std::move(owner)},
          type,
          false,
          std::move(shape)};
}

static Array framesOf(const ImageList &list, const std::vector<PictureField> &pictures, const Field &field) {
  for (const PictureField &picture : pictures)
    if (field.name == frameName(picture.field))
      return arrayOfMemory(list, StoredType::I32, {4}, reinterpret_cast<const uint8_t *>(picture.frames->data()),
                           sizeof(Frame), picture.frames);
  assert(false && "a frame without its picture");
  return {};
}

static Expected<FormatResult> assemble(FormatRequest &request, const std::shared_ptr<const ImageList> &list,
                                       const std::vector<PictureField> &pictures, uint64_t cacheBytes) {
  FormatResult result;
  const std::vector<Field> &fields = request.fields();
  result.names.resize(fields.size());
  for (size_t i = 0, picture = 0; i < fields.size(); ++i) {
    if (list->isPicture(fields, i)) {
      result.arrays.push_back(arrayOf(list, pictures[picture++], cacheBytes, request.threads()));
      continue;
    }
    if (isFrame(fields[i])) {
      result.arrays.push_back(framesOf(*list, pictures, fields[i]));
      continue;
    }
    if (auto known = list->known.find(i); known != list->known.end()) {
      const KnownValues &values = known->second;
      result.names[i] = values.names;
      result.arrays.push_back(
          arrayOfMemory(*list, values.type, fields[i].shape, values.rows.data(), values.rowBytes, list));
      continue;
    }
    Expected<Array> values = valuesOf(request, fields[i], list->cells[i], list->tree.path(), result.names[i]);
    if (!values)
      return values.status();
    result.arrays.push_back(std::move(*values));
  }
  // Two folders of a domain may hold files of one name.
  const std::string &root = list->tree.path();
  const std::string top = request.asGiven(root);
  for (const std::string &file : list->cells[pictures[0].cells])
    result.sampleFiles.push_back(list->tree.nameBelow(top, root.empty() ? request.asGiven(file) : file));
  result.notes = list->notes;
  return result;
}

// The pictures whose frames are wanted; a frame of anything else is an error.
static Status findFrames(const std::vector<Field> &fields, std::vector<PictureField> &pictures, size_t samples) {
  for (const Field &field : fields) {
    if (!isFrame(field))
      continue;
    auto of = std::find_if(pictures.begin(), pictures.end(),
                           [&](const PictureField &picture) { return field.name == frameName(picture.field); });
    if (of == pictures.end() || field.shape != std::vector<int64_t>{4})
      return failure("field '{}' of shape {} is the frame of no picture", field.name, shapeText(field.shape));
    of->frames = std::make_shared<std::vector<Frame>>(samples);
  }
  return Status::success();
}

Expected<FormatResult> readImages(FormatRequest &request) {
  Expected<ImageList> list = listImages(request);
  return list ? readPictures(request, std::move(*list)) : Expected<FormatResult>(list.status());
}

Expected<FormatResult> readPictures(FormatRequest &request, ImageList found) {
  Expected<ReadChoices> choices = readChoices(request);
  if (!choices)
    return choices.status();
  std::vector<PictureField> pictures;
  uint64_t bytesOfSample = 0;
  for (size_t i = 0; i < request.fields().size(); ++i)
    if (found.isPicture(request.fields(), i)) {
      Expected<PictureField> picture = describePicture(request, i);
      if (!picture)
        return picture.status();
      bytesOfSample += picture->rowBytes;
      pictures.push_back(std::move(*picture));
    }
  auto list = std::make_shared<ImageList>(std::move(found));
  const auto samples = static_cast<size_t>(list->samples);
  if (Status status = findFrames(request.fields(), pictures, samples); status.failed())
    return status;
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
