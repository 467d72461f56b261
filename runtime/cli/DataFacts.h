// What run.json says of the data: every file with its size and hash, so that a run that goes on notices what has
// changed.
#ifndef XFER_RUNTIME_CLI_DATAFACTS_H
#define XFER_RUNTIME_CLI_DATAFACTS_H

#include "runtime/metrics/JsonText.h"
#include "runtime/program/Data.h"

namespace xfer::rt {

// The list under the key "data".
void writeDataFacts(JsonWriter &json, const Manifest &manifest, const OpenedData &data);

// Of each domain with samples that could not be read, one line; empty if there are none.
std::string skippedText(const Manifest &manifest, const OpenedData &data);

// Of each domain that is read from files, one hash of all of them: what a checkpoint keeps.
std::map<std::string, std::string> dataHashes(const Manifest &manifest, const OpenedData &data);

// A sentence if the files of domains are not those of these hashes, naming what the run.json at `facts` knows of them;
// else empty. Domains without a hash are not compared.
std::string describeChanges(const std::map<std::string, std::string> &trained, const std::string &facts,
                            const Manifest &manifest, const OpenedData &data);

// Fails if the run.json of before tells of other data, naming what has changed, is gone or is new. A file that only
// lies elsewhere is the same. Without such a run.json there is nothing to compare.
Status compareDataFacts(const std::string &facts, const Manifest &manifest, const OpenedData &data);

} // namespace xfer::rt

#endif
