#include "runtime/program/PredictionTable.h"
#include "runtime/metrics/JsonText.h"
#include <algorithm>

namespace xfer::rt {

std::string csvCell(const std::string &text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos)
    return text;
  std::string quoted = "\"";
  for (char c : text)
    quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

std::vector<std::string> classNamesIn(const Session &session, const DomainSpec &domain, size_t classes) {
  std::vector<std::string> names;
  for (const FieldSpec &field : domain.fields) {
    auto found = session.classNames.find(domain.name + "." + field.name);
    if (found == session.classNames.end() || found->second.size() != classes)
      continue;
    if (!names.empty())
      return {};
    names = found->second;
  }
  return names;
}

bool PredictionTable::hasClasses() const {
  return rows.shape.size() == 2 && width() > 0 && (tag == "prob" || tag == "logits" || tag == "logprob");
}

PredictionTable describeRows(const Session &session, const OpenedData &data, const EvaluationSpec &evaluation,
                             const ReportSpec &report, Tensor rows, Tensor truth) {
  PredictionTable table{std::move(rows), std::move(truth), report.tag, {}, {}, {}};
  const SourceSpec &source = *sourceOfRows(session.manifest, session.manifest.passes[evaluation.pass], report.output);
  const DomainSpec &domain = session.manifest.domains[source.domainIndex];
  if (table.hasClasses()) {
    auto named = session.classNames.find(domain.name + "." + report.labels);
    bool fits = named != session.classNames.end() && named->second.size() == table.width();
    table.classes = fits ? named->second : classNamesIn(session, domain, table.width());
  }
  if (source.sampler.kind != SamplerSpec::Plain)
    return table;
  const OpenedDomain &opened = data.domains[source.domainIndex];
  const std::vector<int32_t> &split = data.split(source);
  const std::vector<std::string> &files = opened.reader->sampleNames();
  if (static_cast<int64_t>(files.size()) == opened.reader->count()) {
    for (int32_t sample : split)
      table.files.push_back(files[static_cast<size_t>(sample)]);
    return table;
  }
  // Of what is read under a name of its own, samples are counted from its own first one.
  for (int32_t sample : split) {
    int32_t first = 0;
    for (const ReadSpec &read : domain.reads)
      if (const std::vector<int32_t> *part = opened.splits.find(read.split);
          part && sample >= part->front() && sample <= part->back())
        first = part->front();
    table.places.push_back(sample - first);
  }
  return table;
}

static std::string heads(const std::string &name, size_t width, size_t rank) {
  std::string text;
  for (size_t k = 0; k < width; ++k)
    text += "," + (rank < 2 ? name : format("{}[{}]", name, k));
  return text;
}

// The numbers of row i.
static std::string cells(const Tensor &tensor, size_t i, size_t width) {
  std::string text;
  for (size_t k = 0; k < width; ++k)
    text += "," + jsonNumber(tensor.values[i * width + k]);
  return text;
}

Status PredictionTable::write(AtomicFile &file) const {
  size_t truths = count() ? truth.values.size() / count() : 0;
  bool namesTruth = !classes.empty() && truths == 1;
  std::string text = "sample";
  text += !files.empty() ? ",file" : !places.empty() ? ",row" : "";
  text += heads("value", width(), rows.shape.size());
  if (hasClasses())
    text += classes.empty() ? ",class" : ",class,name";
  text += heads("truth", truths, truth.shape.size()) + (namesTruth ? ",truth_name\n" : "\n");
  for (size_t i = 0; i < count(); ++i) {
    text += std::to_string(i);
    if (!files.empty())
      text += "," + csvCell(files[i]);
    else if (!places.empty())
      text += "," + std::to_string(places[i]);
    text += cells(rows, i, width());
    if (hasClasses()) {
      const double *row = rows.values.data() + i * width();
      size_t best = static_cast<size_t>(std::max_element(row, row + width()) - row);
      text += "," + std::to_string(best) + (classes.empty() ? "" : "," + csvCell(classes[best]));
    }
    text += cells(truth, i, truths);
    if (namesTruth) {
      auto label = static_cast<int64_t>(truth.values[i]);
      bool isClass = label >= 0 && label < static_cast<int64_t>(classes.size());
      text += "," + (isClass ? csvCell(classes[static_cast<size_t>(label)]) : std::string());
    }
    text += "\n";
    if (text.size() > (1 << 20)) {
      if (Status status = file.write(text); status.failed())
        return status;
      text.clear();
    }
  }
  return file.write(text);
}

} // namespace xfer::rt
