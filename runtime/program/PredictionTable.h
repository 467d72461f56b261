// What `predict` of an evaluation gives, a row a sample, with what is known of the samples.
#ifndef XFER_RUNTIME_PROGRAM_PREDICTIONTABLE_H
#define XFER_RUNTIME_PROGRAM_PREDICTIONTABLE_H

#include "runtime/core/File.h"
#include "runtime/program/Data.h"
#include "runtime/program/PassRunner.h"

namespace xfer::rt {

struct PredictionTable {
  Tensor rows, truth;               // `truth` is empty where there is none
  std::string tag;                  // "prob", "logits", "logprob": numbers of classes
  std::vector<std::string> classes; // their names, or none
  std::vector<std::string> files;   // of each row its sample's, or none
  std::vector<int64_t> places; // else the number of its sample in what it is read from; none where several were drawn

  bool hasClasses() const;
  size_t count() const { return rows.shape.empty() ? 0 : static_cast<size_t>(rows.shape[0]); }
  size_t width() const { return count() ? rows.values.size() / count() : 0; }
  // Comma-separated lines (RFC 4180): sample, file or row, the numbers, class, name, truth, truth_name.
  Status write(AtomicFile &file) const;
};

// What a `rows` report of an evaluation gave.
PredictionTable describeRows(const Session &session, const OpenedData &data, const EvaluationSpec &evaluation,
                             const ReportSpec &report, Tensor rows, Tensor truth);

// The names that the model knows for so many classes: those of the one field of the domain that has as many.
std::vector<std::string> classNamesIn(const Session &session, const DomainSpec &domain, size_t classes);

// A text as a cell of comma-separated lines.
std::string csvCell(const std::string &text);

} // namespace xfer::rt

#endif
