// Predictions of classes on the page of a run: how often each is taken for which, how far they are to be trusted, and
// pictures of the samples.
#ifndef XFER_RUNTIME_CLI_PREDICTIONPICTURES_H
#define XFER_RUNTIME_CLI_PREDICTIONPICTURES_H

#include "runtime/program/PredictionTable.h"

namespace xfer::rt {

// Shares of the classes, a row a sample, from what a table says of its numbers: logits and logarithms become shares,
// numbers without a tag are shares if each row adds up to one and `reader` has labels of so many classes. Empty if
// they are no shares.
std::vector<double> classShares(const PredictionTable &table, const Reader &reader);

// The first field of so many classes, or none; and the names of the classes, "0", "1", .. where nobody named them.
int labelField(const Reader &reader, size_t classes);
std::vector<std::string> namesOfClasses(const Reader *reader, size_t classes);

// Confusion matrix (unless the page has one), table of the classes and calibration of a table with a truth.
std::string htmlJudged(const PredictionTable &table, const std::vector<double> &shares,
                       const std::vector<std::string> &names, bool withConfusion);

// A dozen of samples at equal distances, and the dozen of mistakes that the model is surest of, if the samples have
// pictures. `split`: their numbers in the reader.
Expected<std::string> htmlSamples(const PredictionTable &table, const std::vector<double> &shares, const Reader &reader,
                                  const std::vector<int32_t> &split);

} // namespace xfer::rt

#endif
