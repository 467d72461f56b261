#include "runtime/metrics/Progress.h"
#include "xfer/rt/Status.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sys/ioctl.h>
#include <unistd.h>

namespace xfer::rt {

std::string clockText(double seconds) {
  int64_t whole = static_cast<int64_t>(std::clamp(seconds, 0.0, 3.6e8) + 0.5);
  if (whole >= 3600)
    return format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return format("{}:{:02}", whole / 60, whole % 60);
}

Progress::Style Progress::styleOf(FILE *stream) {
  const char *terminal = std::getenv("TERM");
  return isatty(fileno(stream)) && terminal && std::strcmp(terminal, "dumb") != 0 ? Bar : Lines;
}

void Progress::begin(std::string name, int64_t planned, int64_t plannedEpochs, int64_t perStep, int64_t done) {
  stage = std::move(name);
  steps = planned;
  epochs = plannedEpochs;
  samples = perStep;
  start = done;
  last.clear();
  began = drawn = Clock::now();
}

static std::string textOf(const NamedValues &values) {
  std::string text;
  for (const auto &[name, value] : values)
    text += format("  {} {:.4f}", name, value);
  return text;
}

std::string Progress::rateAndRest(int64_t step) const {
  double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  if (step <= start || seconds <= 0)
    return "";
  double rate = static_cast<double>(step - start) / seconds;
  std::string text = format("  {:.0f} samples/s", rate * static_cast<double>(samples));
  if (steps > step)
    text += format("  {} left", clockText(static_cast<double>(steps - step) / rate));
  return text;
}

void Progress::step(int64_t step, int64_t epoch, const NamedValues &values) {
  if (style == Bar)
    drawBar(step, epoch, values);
  else if (style == Lines && Clock::now() - drawn >= between)
    writeLine(step, epoch, values);
}

void Progress::epoch(int64_t step, int64_t epoch, const NamedValues &values) {
  last = values;
  if (style == Bar) // an epoch may be a single step
    drawBar(step, epoch, values);
  else if (style == Lines && (epoch + 1 >= epochs || Clock::now() - drawn >= between / 5))
    writeLine(step, epoch, values);
}

void Progress::writeLine(int64_t step, int64_t epoch, const NamedValues &values) {
  drawn = Clock::now();
  note(format("{}  epoch {}/{}  step {}{}{}", stage, epoch + 1, epochs, step, textOf(values), rateAndRest(step)));
}

void Progress::drawBar(int64_t step, int64_t epoch, const NamedValues &values) {
  if (Clock::now() - drawn < std::chrono::milliseconds(100))
    return;
  drawn = Clock::now();
  constexpr int width = 20;
  int filled = steps > 0 ? static_cast<int>(std::min<int64_t>(step, steps) * width / steps) : 0;
  std::string line = format("{}  epoch {}/{} [{}{}]{}{}", stage, epoch + 1, epochs, std::string(filled, '#'),
                            std::string(width - filled, '.'), textOf(values), rateAndRest(step));
  struct winsize window;
  if (ioctl(fileno(stream), TIOCGWINSZ, &window) == 0 && window.ws_col > 1 && line.size() >= window.ws_col)
    line.resize(window.ws_col - 1);
  erase();
  std::fputs(line.c_str(), stream);
  std::fflush(stream);
  onLine = true;
}

// On a terminal nothing of the bar stays but this line.
void Progress::end() {
  if (style == Silent)
    return;
  double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  note(format("{}  done in {}{}", stage, clockText(seconds), textOf(last)));
}

void Progress::note(const std::string &text) {
  if (style == Silent)
    return;
  erase();
  std::fprintf(stream, "%s\n", text.c_str());
  std::fflush(stream);
}

void Progress::erase() {
  if (onLine)
    std::fputs("\r\033[K", stream);
  onLine = false;
}

} // namespace xfer::rt
