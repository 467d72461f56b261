// The reader behind readManifest: one member function a section of the manifest, called in the order in which sections
// refer to each other. Names become positions at once; what needs the whole manifest is checked at the end.
#ifndef XFER_RUNTIME_PROGRAM_MANIFESTREADER_H
#define XFER_RUNTIME_PROGRAM_MANIFESTREADER_H

#include "runtime/program/JsonReader.h"
#include "runtime/program/Manifest.h"
#include <map>
#include <set>

namespace xfer::rt {

class ManifestReader {
public:
  ManifestReader(uint64_t functionCount, uint64_t constantsSize)
      : functionCount(functionCount), constantsSize(constantsSize) {}

  void read(const Json &json);

  JsonProblem problem;
  Manifest manifest;

private:
  // ManifestReader.cpp: what the program consists of
  void readOption(const Json &json, const std::string &place);
  void readSite(const Json &json, const std::string &place);
  void readVariable(const Json &json, const std::string &place, bool isParameter);
  void readTokenizer(const Json &json, const std::string &place);
  TextSpec readText(JsonObject &object);
  void readDomain(const Json &json, const std::string &place);
  void readRead(const Json &json, const std::string &place, DomainSpec &domain);
  ReaderArgument readArgument(const Json &value, const std::string &place, const std::string &name);
  void readSplits(JsonObject &object, DomainSpec &domain);
  void readPort(const Json &json, const std::string &place, std::vector<PortSpec> &ports);

  // ManifestLoads.cpp: weight files that it starts from
  void readLoad(const Json &json, const std::string &place);

  // ManifestFunctions.cpp: what it computes
  void readFunction(const Json &json, const std::string &place);
  Binding readBinding(const Json &json, const std::string &place, FunctionSpec &function, bool isResult);
  void resolveBinding(Binding &binding, const std::string &place);
  void resolveHoisted(Binding &binding, const std::string &place);
  void readArena(JsonObject &object, FunctionSpec &function);
  void checkInPlace(const FunctionSpec &function, const std::string &place);
  void readPass(const Json &json, const std::string &place);
  SourceSpec readSource(const Json &json, const std::string &place, bool withFunction);
  void readSampler(const Json &json, const std::string &place, SourceSpec &source);
  void findDrawnSymbols(const Json &json);

  // ManifestPipeline.cpp: in which order
  void readStage(const Json &json, const std::string &place);
  void readStageClauses(JsonObject &object, StageSpec &stage);
  void readMemory(JsonObject &clause, MemorySpec &memory);
  void readBaseline(const Json &json, const std::string &place);
  void readEvaluation(const Json &json, const std::string &place);
  void readExport(const Json &json, const std::string &place);
  void readOrder(const Json &json, const std::string &place);
  void readSweep(JsonObject &object);
  void addItem(OrderItem item, const std::string &place);
  PassOutput readPassOutput(const Json &json, const std::string &place, bool named);

  // ManifestCheck.cpp: how the pieces fit
  void check();
  void checkRows(const Binding &binding, const std::vector<SourceSpec> &sources, const std::string &place);
  void checkBatch(const Binding &binding, const std::vector<SourceSpec> &sources, const std::string &place,
                  bool wholeField);
  void checkStageFunction(StageSpec &stage, int function);
  void checkPass(const PassSpec &pass, size_t index);
  void checkGenerate(const DomainSpec &domain, const ReadSpec &read);
  void checkExport(const ExportSpec &item);
  void checkReport(const EvaluationSpec &evaluation, const ReportSpec &report);
  void checkOutput(const PassOutput &output, const std::string &place);
  void checkSampler(const SourceSpec &source, const std::string &place);
  void checkInitialised();

  // Shared small readers.
  Quantity readQuantity(JsonObject &object, const char *key, bool optional);
  ElementType readType(JsonObject &object, const char *key = "type");
  Shape readShape(JsonObject &object);
  std::vector<int64_t> readFixedShape(JsonObject &object);
  uint64_t bytesOf(ElementType type, const std::vector<int64_t> &shape, const std::string &place);
  std::vector<int> readPasses(JsonObject &object, const char *key, bool optional = true);
  // Positions; `none`, and a problem, where there is no such thing.
  enum class OptionUse { Any, Text, Number };
  int findOption(const std::string &name, const std::string &place, OptionUse use);
  int findStage(const std::string &name, const std::string &place);
  int findDomain(const std::string &name, const std::string &place);
  bool hasSplit(const DomainSpec &domain, const std::string &split) const;
  void checkSymbol(const std::string &symbol, const std::string &place);
  void readSum(const std::string &symbol, const std::string &place);

  uint64_t functionCount, constantsSize;
  int64_t functions = 0, passes = 0;            // counts, known before the sections are read
  std::set<std::string> drawnSymbols;           // numbers of elements that samplers of passes draw
  std::map<std::pair<int, int>, int> orderRuns; // kind and index of an item: how often it stood so far
  std::map<std::string, int> optionByName, variableByPath, hoistedByName, stageByName;
};

} // namespace xfer::rt

#endif
