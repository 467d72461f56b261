// A pass of the manifest: sources streamed through their batch functions, the rows kept, then one function over the
// whole of them, or over sums of them. Everything outside of training steps is computed so.
#ifndef XFER_RUNTIME_PROGRAM_PASSRUNNER_H
#define XFER_RUNTIME_PROGRAM_PASSRUNNER_H

#include "runtime/program/BatchInput.h"

namespace xfer::rt {

// Where a pass is run: what its random keys and counters are made of.
struct Moment {
  std::string stageKey; // key of the running stage, empty outside of stages
  uint32_t run = 0;     // number of the stage's run
  Counters counters;
};

struct Tensor {
  std::vector<int64_t> shape;
  std::vector<double> values;
};

class PassRunner {
public:
  // With `atMost`, of a pass that only has rows: that many samples of a larger split, at equal distances.
  static Expected<PassRunner> bind(Session &session, const OpenedData &data, int pass, int64_t atMost = 0);

  Status run(const Moment &moment);

  // After run(): a result of the pass's own function, or all rows of a batch function's result.
  Tensor output(const std::string &name) const;
  Tensor rows(const std::string &id) const;

  // After run(): a scalar output for samples drawn with replacement (Bootstrap.h), round by round; empty where the pass
  // has no samples. What run() made stays, but for the outputs.
  Expected<std::vector<double>> bootstrap(const std::string &name, const Moment &moment);

private:
  struct Whole {
    size_t result; // of the batch function
    uint64_t rowBytes;
    Buffer memory;
  };
  // What is added up over the samples, in their order and in double width.
  struct Sum {
    size_t result; // of the batch function
    Buffer totals; // double for f32, int64_t for i32
    Buffer memory; // what the pass's own function takes
  };
  struct Source {
    const SourceSpec *spec;
    std::unique_ptr<Call> call;
    BatchInput input;
    std::vector<Whole> wholes;
    std::vector<Sum> sums;
    int64_t elements;                 // of the split, or what its sampler draws
    std::shared_ptr<Sampler> sampler; // null: the split in order, or of it
    std::vector<int32_t> some;        // unless they are all
  };
  // Rows of all samples of a source that the pass's own function takes.
  struct Rows {
    size_t argument;
    const SourceSpec *spec;
    int64_t count; // of rows: the source's elements
    uint64_t rowBytes;
    const void *memory;
  };
  Status bindSource(const OpenedData &data, const SourceSpec &spec, int64_t atMost);
  Status bindFunction(const OpenedData &data, const PassSpec &spec);
  Expected<Buffer> readColumn(const SourceSpec &source, const Binding &binding, const BatchColumn &column,
                              int64_t elements) const;
  Status stream(Source &source, const Moment &moment);
  Status runFunction(const Moment &moment);

  Session *session = nullptr;
  const OpenedData *data = nullptr;
  std::vector<Source> sources;
  std::vector<Buffer> columns;
  std::vector<Rows> rowArguments;
  std::unique_ptr<Call> function;
};

} // namespace xfer::rt

#endif
