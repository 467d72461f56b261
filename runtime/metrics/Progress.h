// What a user sees while a stage runs: on a terminal one line that is drawn over and over (bar, losses, rate, time
// left), elsewhere plain lines with the same: one an epoch, in long epochs one every few seconds, and of many epochs in
// a second one, but always of the last. Everything goes to standard error; results go to standard output.
#ifndef XFER_RUNTIME_METRICS_PROGRESS_H
#define XFER_RUNTIME_METRICS_PROGRESS_H

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace xfer::rt {

using NamedValues = std::vector<std::pair<std::string, double>>;

// "0:07", "12:34", "3:04:05"; hours only when there are any.
std::string clockText(double seconds);

class Progress {
public:
  using Clock = std::chrono::steady_clock;
  enum Style { Silent, Lines, Bar };
  // Bar if `stream` is a terminal that can draw over a line, else lines.
  static Style styleOf(FILE *stream);

  // `between`: the least time between two plain lines inside of an epoch, and a fifth of it between those of epochs.
  Progress(FILE *stream, Style style, Clock::duration between = std::chrono::seconds(5))
      : stream(stream), style(style), between(between) {}

  // `samples` a step; `done` steps lie behind already (a resumed run).
  void begin(std::string stage, int64_t steps, int64_t epochs, int64_t samples, int64_t done);
  // After each step that does not end an epoch; draws at most ten times a second.
  void step(int64_t step, int64_t epoch, const NamedValues &values);
  // After the last step of an epoch.
  void epoch(int64_t step, int64_t epoch, const NamedValues &values);
  void end();
  // A line of its own, above the bar.
  void note(const std::string &text);

private:
  void drawBar(int64_t step, int64_t epoch, const NamedValues &values);
  void writeLine(int64_t step, int64_t epoch, const NamedValues &values);
  std::string rateAndRest(int64_t step) const;
  void erase();

  FILE *stream;
  Style style;
  Clock::duration between;
  std::string stage;
  NamedValues last; // of the latest epoch
  int64_t steps = 0, epochs = 0, samples = 0, start = 0;
  Clock::time_point began, drawn;
  bool onLine = false;
};

} // namespace xfer::rt

#endif
