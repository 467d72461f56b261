#include "runtime/cli/PredictionPictures.h"
#include "runtime/metrics/HtmlPage.h"
#include "runtime/metrics/Png.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace xfer::rt {

// The first field of so many classes, or none.
int labelField(const Reader &reader, size_t classes) {
  for (size_t i = 0; i < reader.fields().size(); ++i) {
    const Field &field = reader.fields()[i];
    if (field.classes == static_cast<int64_t>(classes) && !field.isLength && !field.tokenizer && field.elements() == 1)
      return static_cast<int>(i);
  }
  return none;
}

// "0", "1", .. where nobody named them.
std::vector<std::string> namesOfClasses(const Reader *reader, size_t classes) {
  int field = reader ? labelField(*reader, classes) : none;
  if (field != none && reader->classNames(field).size() == classes)
    return reader->classNames(field);
  std::vector<std::string> names;
  for (size_t c = 0; c < classes; ++c)
    names.push_back(std::to_string(c));
  return names;
}

// Do all rows add up to one?
static bool areShares(const PredictionTable &table) {
  for (size_t i = 0; i < table.count(); ++i) {
    double sum = 0;
    for (size_t k = 0; k < table.width(); ++k) {
      double share = table.rows.values[i * table.width() + k];
      if (!(share >= 0))
        return false;
      sum += share;
    }
    if (std::abs(sum - 1) > 1e-3)
      return false;
  }
  return true;
}

std::vector<double> classShares(const PredictionTable &table, const Reader &reader) {
  std::vector<double> shares = table.rows.values;
  if (table.rows.shape.size() != 2 || table.width() < 2)
    return {};
  if (table.tag == "logits" || table.tag == "logprob") {
    for (size_t i = 0; i < table.count(); ++i) {
      double *row = shares.data() + i * table.width(), most = *std::max_element(row, row + table.width()), sum = 0;
      for (size_t k = 0; k < table.width(); ++k)
        sum += row[k] = std::exp(row[k] - most);
      for (size_t k = 0; k < table.width(); ++k)
        row[k] /= sum;
    }
    bool finite = std::all_of(shares.begin(), shares.end(), [](double share) { return std::isfinite(share); });
    return finite ? shares : std::vector<double>();
  }
  bool known = !table.truth.values.empty() || labelField(reader, table.width()) != none;
  return known && areShares(table) ? shares : std::vector<double>();
}

static size_t guessOf(const std::vector<double> &shares, size_t row, size_t classes) {
  const double *first = shares.data() + row * classes;
  return static_cast<size_t>(std::max_element(first, first + classes) - first);
}

std::string htmlJudged(const PredictionTable &table, const std::vector<double> &shares,
                       const std::vector<std::string> &names, bool withConfusion) {
  constexpr size_t most = 100; // classes that a matrix is of use for
  constexpr size_t bins = 10;
  size_t classes = table.width();
  if (table.truth.values.size() != table.count() || classes < 2)
    return "";
  std::vector<double> counts(classes * classes);
  std::vector<CalibrationBin> calibration(bins);
  for (size_t i = 0; i < table.count(); ++i) {
    double label = table.truth.values[i];
    if (label < 0 || label >= static_cast<double>(classes) || label != std::floor(label))
      return "";
    size_t guess = guessOf(shares, i, classes);
    counts[static_cast<size_t>(label) * classes + guess] += 1;
    double sure = shares[i * classes + guess];
    CalibrationBin &bin = calibration[std::min(bins - 1, static_cast<size_t>(sure * bins))];
    bin.count += 1;
    bin.sure += sure;
    bin.right += static_cast<size_t>(label) == guess;
  }
  std::string text;
  if (withConfusion && classes <= most)
    text += "<h3>confusion</h3>\n" + htmlConfusion(counts, names) + "<h3>by class</h3>\n" + htmlPerClass(counts, names);
  return text + "<h3>calibration</h3>\n" + htmlCalibration(calibration);
}

// A field that can be seen: height x width, or with 1 or 3 channels.
static int pictureField(const Reader &reader) {
  for (size_t i = 0; i < reader.fields().size(); ++i) {
    const Field &field = reader.fields()[i];
    bool hasChannels = field.shape.size() == 3 && (field.shape[2] == 1 || field.shape[2] == 3);
    if ((hasChannels || field.shape.size() == 2) && field.shape[0] >= 4 && field.shape[1] >= 4 && field.classes == 0 &&
        (field.type == ElementType::U8 || field.type == ElementType::F32))
      return static_cast<int>(i);
  }
  return none;
}

// Of a large picture every second, third, .. pixel of each direction, so that none is longer than `longest`.
static std::vector<uint8_t> thinned(const std::vector<uint8_t> &pixels, uint32_t &width, uint32_t &height,
                                    int channels) {
  constexpr uint32_t longest = 224;
  uint32_t step = (std::max(width, height) + longest - 1) / longest;
  std::vector<uint8_t> kept;
  for (uint32_t y = 0; y < height; y += step)
    for (uint32_t x = 0; x < width; x += step)
      kept.insert(kept.end(), &pixels[(size_t(y) * width + x) * channels],
                  &pixels[(size_t(y) * width + x) * channels] + channels);
  width = (width + step - 1) / step;
  height = (height + step - 1) / step;
  return kept;
}

// Shares of one are shown as they are; other numbers that are no bytes go from black (the least of the sample) to
// white.
static Expected<std::string> pictureOf(const Reader &reader, int field, int32_t sample) {
  const Field &spec = reader.fields()[field];
  std::vector<uint8_t> stored(spec.bytes()), pixels(spec.elements());
  if (Status status = reader.read(field, &sample, 1, stored.data()); status.failed())
    return status;
  if (spec.type == ElementType::U8) {
    pixels = stored;
  } else {
    std::vector<float> values(pixels.size());
    std::memcpy(values.data(), stored.data(), stored.size());
    auto [least, most] = std::minmax_element(values.begin(), values.end());
    bool areShares = *least >= 0 && *most <= 1;
    float low = areShares ? 0 : *least, high = areShares ? 1 : *most, scale = high > low ? 255 / (high - low) : 0;
    for (size_t i = 0; i < pixels.size(); ++i)
      pixels[i] = static_cast<uint8_t>((values[i] - low) * scale + 0.5f);
  }
  auto height = static_cast<uint32_t>(spec.shape[0]), width = static_cast<uint32_t>(spec.shape[1]);
  int channels = spec.shape.size() == 3 ? static_cast<int>(spec.shape[2]) : 1;
  pixels = thinned(pixels, width, height, channels);
  return pngFile(pixels, width, height, channels);
}

namespace {
struct Seen {
  size_t row, guess;
  std::optional<size_t> label;
  bool isRight() const { return !label || *label == guess; }
};
} // namespace

static Expected<std::string> pictureRow(std::string_view title, const std::vector<Seen> &chosen,
                                        const std::vector<double> &shares, const std::vector<std::string> &names,
                                        const Reader &reader, const std::vector<int32_t> &split) {
  int picture = pictureField(reader);
  std::string text = format("<h3>{}</h3>\n<div class=\"flow pictures\">\n", title);
  for (const Seen &seen : chosen) {
    Expected<std::string> png = pictureOf(reader, picture, split[seen.row]);
    if (!png)
      return png.status();
    double sure = 100 * shares[seen.row * names.size() + seen.guess];
    std::string words = format("{} ({:.0f}\u00a0%)", names[seen.guess], sure);
    if (!seen.isRight())
      words =
          format("{}, read as {}", *seen.label < names.size() ? names[*seen.label] : format("{}", *seen.label), words);
    text += htmlPicture(*png, words, seen.isRight());
  }
  return text + "</div>\n";
}

Expected<std::string> htmlSamples(const PredictionTable &table, const std::vector<double> &shares, const Reader &reader,
                                  const std::vector<int32_t> &split) {
  constexpr size_t some = 12;
  size_t classes = table.width();
  int labels = labelField(reader, classes);
  if (pictureField(reader) == none || split.size() != table.count() || table.count() == 0)
    return std::string();
  bool compared = table.truth.values.size() == table.count();
  std::vector<Seen> all;
  for (size_t i = 0; i < table.count(); ++i) {
    Seen seen{i, guessOf(shares, i, classes), std::nullopt};
    uint8_t stored[8] = {};
    if (compared) {
      seen.label = static_cast<size_t>(std::max(0.0, table.truth.values[i]));
    } else if (labels != none) {
      if (Status status = reader.read(labels, &split[i], 1, stored); status.failed())
        return status;
      seen.label =
          static_cast<size_t>(loadNumber(reinterpret_cast<const char *>(stored), reader.fields()[labels].type));
    }
    all.push_back(seen);
  }
  std::vector<Seen> wrong, spread;
  std::copy_if(all.begin(), all.end(), std::back_inserter(wrong), [](const Seen &s) { return !s.isRight(); });
  std::sort(wrong.begin(), wrong.end(), [&](const Seen &a, const Seen &b) {
    double sureA = shares[a.row * classes + a.guess], sureB = shares[b.row * classes + b.guess];
    return sureA != sureB ? sureA > sureB : a.row < b.row;
  });
  if (wrong.size() > some)
    wrong.resize(some);
  for (size_t i = 0; i < std::min(some, all.size()); ++i)
    spread.push_back(all[i * all.size() / std::min(some, all.size())]);
  std::vector<std::string> names = table.classes.empty() ? namesOfClasses(&reader, classes) : table.classes;
  std::string text;
  for (const auto &[title, chosen] : {std::pair("samples", &spread), std::pair("surest mistakes", &wrong)}) {
    if (chosen->empty())
      continue;
    Expected<std::string> row = pictureRow(title, *chosen, shares, names, reader, split);
    if (!row)
      return row.status();
    text += *row;
  }
  return text;
}

} // namespace xfer::rt
