// `predict`: an export of the program, applied to the samples of files in the formats that domains are read from.
#include "runtime/cli/Command.h"
#include "runtime/core/File.h"
#include "runtime/cpu/ThreadTeam.h"
#include "runtime/data/Sampler.h"
#include "runtime/metrics/JsonText.h"
#include "runtime/program/PredictionTable.h"
#include <algorithm>
#include <cstring>
#include <numeric>
#include <sys/stat.h>

namespace xfer::rt {

static bool endsWith(const std::string &text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// The reader for a file by its name, or that of the export's domain.
static std::string readerFor(std::string file, const ReadSpec *read) {
  if (endsWith(file, ".gz"))
    file.resize(file.size() - 3);
  for (const char *kind : {"npy", "npz", "csv", "tsv", "safetensors", "idx"})
    if (endsWith(file, std::string(".") + kind))
      return kind;
  std::string lower = file;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const char *kind : {".jpg", ".jpeg", ".png", ".zip"})
    if (endsWith(lower, kind))
      return "images";
  struct stat facts;
  if (::stat(file.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode))
    return "images";
  if (endsWith(file, "-ubyte"))
    return "idx";
  if (endsWith(file, ".txt") && !(read && read->reader == "windows"))
    return "lines";
  return read ? read->reader : "";
}

static bool hasFileAField(const std::string &reader) { return reader == "idx" || reader == "npy"; }

// How the export's domain is read, if it is read from files.
static const ReadSpec *readOf(const Manifest &manifest, const ExportSpec &spec) {
  if (spec.domain != none)
    for (const ReadSpec &read : manifest.domains[spec.domain].reads)
      if (read.function == none)
        return &read;
  return nullptr;
}

static Expected<std::unique_ptr<Reader>> openInput(const Session &session, const ExportSpec &spec,
                                                   const std::vector<std::string> &inputs) {
  std::vector<Field> fields;
  for (const PortSpec &port : spec.inputs)
    fields.push_back(makeField(session.manifest, port));
  const ReadSpec *read = readOf(session.manifest, spec);
  std::vector<ReaderOption> options;
  std::string reader;
  for (const std::string &input : inputs) {
    size_t sign = input.find('=');
    std::string name = sign == std::string::npos ? "" : input.substr(0, sign);
    bool isField =
        std::any_of(fields.begin(), fields.end(), [&](const Field &field) { return field.source() == name; });
    std::string file = isField ? input.substr(sign + 1) : input;
    std::string kind = readerFor(file, read);
    if (kind.empty())
      return failure(
          "the format of '{}' is not known by its name; npy, npz, csv, tsv, txt, safetensors, idx, jpg, png, zip or "
          "a folder is expected",
          file);
    if (!reader.empty() && reader != kind)
      return failure("'{}' is not in the format of the other inputs ({})", file, reader);
    reader = kind;
    if (hasFileAField(kind) && !isField) {
      if (fields.size() != 1)
        return failure("'{}' holds one field; say which of the {} inputs with NAME=FILE", file, fields.size());
      name = fields[0].name;
    }
    options.push_back({hasFileAField(kind) ? name : std::string(), file});
  }
  // A table without names that fit: the input is all of its columns.
  bool isTable = reader == "csv" || reader == "tsv";
  if (isTable && !(read && read->reader == reader) && fields.size() == 1 && fields[0].elements() > 1 &&
      !fields[0].tokenizer)
    options.push_back({fields[0].name, format("0..{}", fields[0].elements() - 1)});
  // Columns, members, separators: as the domain reads them. Pictures by themselves are read as those with boxes are.
  const bool isAlike = read && (read->reader == reader || (read->reader == "coco" && reader == "images"));
  if (isAlike && !hasFileAField(reader))
    for (const ReaderOption &option : readerOptions(session, *read)) {
      bool isInput = std::any_of(fields.begin(), fields.end(), [&](const Field &field) {
        return option.name == field.source() || option.name == field.source() + "_names";
      });
      bool isOfOther = false;
      for (const FieldSpec &field : session.manifest.domains[spec.domain].fields) {
        bool isRead =
            std::any_of(fields.begin(), fields.end(), [&](const Field &one) { return one.source() == field.name; });
        isOfOther |= !isInput && field.text.tokenizer == none &&
                     (option.name == field.name || option.name == field.name + "_names" ||
                      (!isRead && option.name == field.name + "_resize"));
      }
      // Where the domain's images lie says nothing of where these do.
      if (reader == "images" && (isInput || isOfOther || option.name == "files"))
        continue;
      if (!option.name.empty() && option.name != "file" && !isOfOther)
        options.push_back(option);
    }
  return makeReader(reader, options, fields, ".", session.context.team ? session.context.team->size() : 0);
}

namespace {
// Writes rows of outputs as text; owns the file or standard output.
class Writer {
public:
  // `names`: of each output the names of its classes, empty if there are none; `files`: of each sample, or none.
  Writer(const ExportSpec &spec, bool asCsv, std::vector<std::vector<std::string>> names,
         const std::vector<std::string> &files)
      : spec(spec), asCsv(asCsv), names(std::move(names)), files(files) {}

  Status open(const std::string &path) {
    if (path.empty())
      return Status::success();
    Expected<AtomicFile> created = AtomicFile::create(path);
    if (!created)
      return created.status();
    file.emplace(std::move(*created));
    return Status::success();
  }

  void head() {
    if (!asCsv)
      return;
    text += files.empty() ? "sample" : "sample,file";
    for (size_t i = 0; i < spec.outputs.size(); ++i) {
      const PortSpec &port = spec.outputs[i];
      int64_t width = widthOf(port);
      for (int64_t k = 0; k < width; ++k)
        text += "," + (port.shape.empty() ? port.name : format("{}[{}]", port.name, k));
      if (isDistribution(port))
        text += "," + classKey(port, "class") + (names[i].empty() ? "" : "," + classKey(port, "name"));
    }
    text += "\n";
  }

  void row(int64_t sample, const std::vector<const char *> &values) {
    JsonWriter json;
    json.beginObject().key("sample").value(sample);
    text += asCsv ? std::to_string(sample) : "";
    if (!files.empty() && asCsv)
      text += "," + csvCell(files[static_cast<size_t>(sample)]);
    else if (!files.empty())
      json.key("file").value(files[static_cast<size_t>(sample)]);
    for (size_t i = 0; i < spec.outputs.size(); ++i) {
      const PortSpec &port = spec.outputs[i];
      std::vector<double> numbers;
      for (int64_t k = 0; k < widthOf(port); ++k)
        numbers.push_back(loadNumber(values[i] + static_cast<uint64_t>(k) * sizeOf(port.type), port.type));
      if (asCsv)
        for (double number : numbers)
          text += "," + jsonNumber(number);
      else
        json.key(port.name).tensor(port.shape, numbers.data());
      if (!isDistribution(port))
        continue;
      int64_t best = std::max_element(numbers.begin(), numbers.end()) - numbers.begin();
      const std::string *name = names[i].empty() ? nullptr : &names[i][static_cast<size_t>(best)];
      if (asCsv)
        text += "," + std::to_string(best) + (name ? "," + csvCell(*name) : "");
      else
        json.key(classKey(port, "class")).value(best);
      if (name && !asCsv)
        json.key(classKey(port, "name")).value(*name);
    }
    text += asCsv ? "\n" : json.endObject().text() + "\n";
  }

  Status flush() {
    Status status;
    if (file)
      status = file->write(text);
    else if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
      status = failure("the output cannot be written");
    text.clear();
    return status;
  }

  Status close() {
    Status status = flush();
    return status.ok() && file ? file->commit() : status;
  }

  static bool isDistribution(const PortSpec &port) {
    return port.shape.size() == 1 && port.shape[0] > 0 &&
           (port.tag == "prob" || port.tag == "logits" || port.tag == "logprob");
  }

private:
  std::string classKey(const PortSpec &port, const char *key) const {
    return spec.outputs.size() == 1 ? key : port.name + "." + key;
  }
  static int64_t widthOf(const PortSpec &port) {
    return std::accumulate(port.shape.begin(), port.shape.end(), int64_t(1), std::multiplies<int64_t>());
  }

  const ExportSpec &spec;
  bool asCsv;
  std::vector<std::vector<std::string>> names;
  const std::vector<std::string> &files;
  std::optional<AtomicFile> file;
  std::string text;
};
} // namespace

// The names of the classes of each output.
static std::vector<std::vector<std::string>> classNamesOf(const Session &session, const ExportSpec &spec) {
  std::vector<std::vector<std::string>> names(spec.outputs.size());
  for (size_t i = 0; spec.domain != none && i < spec.outputs.size(); ++i)
    if (Writer::isDistribution(spec.outputs[i]))
      names[i] = classNamesIn(session, session.manifest.domains[spec.domain], spec.outputs[i].shape[0]);
  return names;
}

static Status predictAll(Session &session, const ExportSpec &spec, const Reader &reader, Writer &writer) {
  Expected<Call> call = Call::bind(session, spec.function);
  if (!call)
    return call.status();
  std::vector<int32_t> all(static_cast<size_t>(reader.count())), samples;
  std::iota(all.begin(), all.end(), 0);
  writer.head();
  for (int64_t first = 0; first < reader.count(); first += spec.batch) {
    int64_t real = sequentialBatch(all, first, spec.batch, samples);
    for (size_t i = 0; i < call->argumentCount(); ++i)
      for (size_t field = 0; field < spec.inputs.size(); ++field)
        if (call->argument(i).kind == BindKind::Input && call->argument(i).name == spec.inputs[field].name) {
          Status status = reader.read(field, samples.data(), samples.size(), call->argumentBuffer(i).data());
          if (status.failed())
            return status;
        }
    if (Status status = call->run({}, makeStepKey(session.seed, 0, 0, static_cast<uint64_t>(first))); status.failed())
      return status;
    for (int64_t row = 0; row < real; ++row) {
      std::vector<const char *> values;
      for (const PortSpec &port : spec.outputs) {
        size_t result = static_cast<size_t>(call->findResult(BindKind::Output, port.name));
        values.push_back(static_cast<const char *>(call->resultMemory(result).data) +
                         static_cast<uint64_t>(row) * port.bytes);
      }
      writer.row(first + row, values);
    }
    if (Status status = writer.flush(); status.failed())
      return status;
  }
  return writer.close();
}

Expected<int> predict(const Command &command) {
  const Arguments &arguments = command.arguments;
  const ExportSpec *spec = nullptr;
  std::string names;
  for (const ExportSpec &item : command.manifest.exports) {
    if (!spec && (arguments.exportName.empty() || arguments.exportName == item.name))
      spec = &item;
    names += (names.empty() ? "" : ", ") + item.name;
  }
  if (!spec)
    return names.empty() ? failure("this program has no export; add one to its text and build it again")
                         : failure("there is no export '{}'; this program has {}", arguments.exportName, names);
  Expected<TrainedModel> model = openModel(command, /*withData=*/false);
  if (!model)
    return model.status();
  Expected<std::unique_ptr<Reader>> reader = openInput(*model->session, *spec, arguments.inputs);
  if (!reader)
    return reader.status();
  for (const std::string &note : (*reader)->notes())
    std::fprintf(stderr, "warning: %s\n", note.c_str());
  bool asCsv = arguments.format.empty() ? !endsWith(arguments.output, ".jsonl") : arguments.format == "csv";
  Writer writer(*spec, asCsv, classNamesOf(*model->session, *spec), (*reader)->sampleNames());
  if (Status status = writer.open(arguments.output); status.failed())
    return status;
  if (Status status = predictAll(*model->session, *spec, **reader, writer); status.failed())
    return status;
  return exitOk;
}

} // namespace xfer::rt
