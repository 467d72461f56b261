#include "runtime/core/Hash.h"
#include "runtime/cpu/ThreadTeam.h"
#include "runtime/program/Call.h"
#include "runtime/program/Data.h"
#include "runtime/program/PassCache.h"
#include "runtime/program/SourceSampler.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

namespace xfer::rt {

// Generated samples are data: the same for every --seed.
static constexpr uint64_t generatorSeed = 0;

std::vector<Field> fieldsOf(const Manifest &manifest, const DomainSpec &domain) {
  std::vector<Field> fields;
  for (const FieldSpec &spec : domain.fields) {
    fields.push_back(makeField(manifest, spec));
    if (!fields.back().isLength)
      fields.back().classes = spec.classes;
  }
  return fields;
}

std::vector<ReaderOption> readerOptions(const Session &session, const ReadSpec &read) {
  std::vector<ReaderOption> options;
  for (const ReaderArgument &argument : read.arguments) {
    ReaderOption option{argument.name, argument.text};
    if (argument.kind == ReaderArgument::Number)
      option.value = argument.number;
    else if (argument.kind == ReaderArgument::Boolean)
      option.value = argument.number != 0;
    else if (argument.kind == ReaderArgument::Option) {
      const OptionSpec &spec = session.manifest.options[argument.option];
      const OptionValue &value = session.options[argument.option];
      if (spec.type == OptionSpec::String)
        option.value = value.text;
      else if (spec.type == OptionSpec::Bool)
        option.value = value.number != 0;
      else
        option.value = value.number;
    }
    options.push_back(std::move(option));
  }
  return options;
}

// Calls the generating function for all samples, batch by batch; the last batch runs over numbers beyond the end.
static Expected<std::unique_ptr<Reader>> generate(Session &session, const DomainSpec &domain, const ReadSpec &read) {
  OpenedData noData;
  PassCache passes(session, noData);
  Expected<double> count = passes.number(read.count, {});
  if (!count)
    return count.status();
  if (!(*count >= 1) || *count != std::floor(*count) || *count > 2147483647.0)
    return failure("domain '{}': the number of samples must be a whole number of at least 1, not {}", domain.name,
                   *count);
  Expected<std::unique_ptr<MemoryReader>> reader =
      MemoryReader::make(fieldsOf(session.manifest, domain), static_cast<int64_t>(*count));
  if (!reader)
    return reader.status();
  Expected<Call> call = Call::bind(session, read.function);
  if (!call)
    return call.status();
  int64_t samples = static_cast<int64_t>(*count);
  SampleKeys keys(generatorSeed, hashName(domain.name), 0, hashName(read.split));
  uint64_t batch = static_cast<uint64_t>(read.batch);
  Expected<Buffer> numbers = Buffer::allocate(batch * sizeof(int32_t), "generated samples");
  Expected<Buffer> words = Buffer::allocate(batch * sizeof(PhiloxKey), "generated samples");
  if (!numbers || !words)
    return numbers ? words.status() : numbers.status();
  for (size_t i = 0; i < call->argumentCount(); ++i) {
    if (call->argument(i).kind == BindKind::Index)
      call->setArgument(i, numbers->data());
    else if (call->argument(i).kind == BindKind::Key)
      call->setArgument(i, words->data());
  }
  for (int64_t first = 0; first < samples; first += read.batch) {
    for (int64_t i = 0; i < read.batch; ++i) {
      numbers->as<int32_t>()[i] = static_cast<int32_t>(std::min(first + i, samples - 1));
      words->as<PhiloxKey>()[i] = keys(0, static_cast<uint64_t>(numbers->as<int32_t>()[i]));
    }
    if (Status status = call->run({}, {}); status.failed())
      return status;
    uint64_t real = static_cast<uint64_t>(std::min(read.batch, samples - first));
    for (size_t i = 0; i < call->function().results.size(); ++i) {
      size_t field = 0;
      while (domain.fields[field].name != call->result(i).name)
        ++field;
      uint64_t bytes = domain.fields[field].bytes;
      std::memcpy(static_cast<char *>((*reader)->data(field)) + static_cast<uint64_t>(first) * bytes,
                  call->resultMemory(i).data, real * bytes);
    }
  }
  if (Status status = (*reader)->check("what 'generate' makes"); status.failed())
    return status;
  return std::unique_ptr<Reader>(std::move(*reader));
}

static Expected<OpenedDomain> openDomain(Session &session, const DomainSpec &domain, const std::string &folder) {
  std::vector<std::unique_ptr<Reader>> readers;
  std::vector<NamedPart> parts;
  for (const ReadSpec &read : domain.reads) {
    Expected<std::unique_ptr<Reader>> reader =
        read.function != none
            ? generate(session, domain, read)
            : makeReader(read.reader, readerOptions(session, read), fieldsOf(session.manifest, domain), folder,
                         session.context.team ? session.context.team->size() : 0);
    if (!reader)
      return reader.status();
    parts.push_back({read.split, (*reader)->count()});
    readers.push_back(std::move(*reader));
  }
  Expected<std::unique_ptr<Reader>> all =
      readers.size() == 1 ? std::move(readers[0]) : ConcatReader::make(std::move(readers));
  if (!all)
    return all.status();
  Expected<Splits> splits = Splits::make(**all, parts, domain.splits);
  if (!splits)
    return splits.status();
  return OpenedDomain{std::move(*all), std::move(*splits)};
}

// Class 3 of one domain is to be class 3 of another where both call the field alike: a folder that is missing or has
// another name in one of them would shift all classes behind it.
static Status compareClasses(const Manifest &manifest, const OpenedData &data) {
  struct Known {
    const std::string *domain;
    const std::vector<std::string> *names;
  };
  std::map<std::pair<std::string, int64_t>, Known> known;
  for (size_t i = 0; i < data.domains.size(); ++i)
    for (size_t field = 0; field < manifest.domains[i].fields.size(); ++field) {
      const FieldSpec &spec = manifest.domains[i].fields[field];
      const std::vector<std::string> &names = data.domains[i].reader->classNames(field);
      if (names.empty())
        continue;
      auto [found, isNew] = known.insert({{spec.name, spec.classes}, {&manifest.domains[i].name, &names}});
      if (isNew || *found->second.names == names)
        continue;
      const std::vector<std::string> &others = *found->second.names;
      size_t at = 0;
      while (at < names.size() && at < others.size() && names[at] == others[at])
        ++at;
      return failure(
          "domain '{}' calls class {} of '{}' '{}', domain '{}' calls it '{}'; give both the same folders or "
          "'{}_names', or call the field of one otherwise if it means something else",
          manifest.domains[i].name, at, spec.name, at < names.size() ? names[at] : "", *found->second.domain,
          at < others.size() ? others[at] : "", spec.name);
    }
  return Status::success();
}

Expected<OpenedData> openData(Session &session, const std::string &folder) {
  OpenedData data;
  data.folder = folder;
  for (const DomainSpec &domain : session.manifest.domains) {
    Expected<OpenedDomain> opened = openDomain(session, domain, folder);
    if (!opened)
      return opened.status().within("domain '" + domain.name + "'");
    data.domains.push_back(std::move(*opened));
  }
  for (const PassSpec &pass : session.manifest.passes)
    for (const SourceSpec &source : pass.sources)
      if (!source.rows.empty()) {
        Expected<int64_t> elements = elementsOf(data, source);
        if (!elements)
          return elements.status();
        data.drawn[source.rows] = *elements;
      }
  if (Status status = compareClasses(session.manifest, data); status.failed())
    return status;
  if (Status status = setExtents(session, data); status.failed())
    return status;
  return data;
}

std::shared_ptr<const std::vector<int32_t>> OpenedData::places(int domain, const std::string &split) const {
  std::shared_ptr<const std::vector<int32_t>> &known = placesBySplit[{domain, split}];
  if (!known) {
    std::vector<int32_t> made(static_cast<size_t>(domains[domain].reader->count()), none);
    const std::vector<int32_t> &samples = *domains[domain].splits.find(split);
    for (size_t i = 0; i < samples.size(); ++i)
      made[samples[i]] = static_cast<int32_t>(i);
    known = std::make_shared<const std::vector<int32_t>>(std::move(made));
  }
  return known;
}

Status setExtents(Session &session, const OpenedData &data) {
  for (const auto &[symbol, elements] : data.drawn)
    session.setExtent(symbol, elements);
  for (size_t i = 0; i < data.domains.size(); ++i) {
    const DomainSpec &domain = session.manifest.domains[i];
    auto set = [&](const std::string &split) {
      session.setExtent(domain.name + "." + split, static_cast<int64_t>(data.domains[i].splits.find(split)->size()));
    };
    set("all");
    for (const ReadSpec &read : domain.reads)
      if (!read.split.empty())
        set(read.split);
    for (const SplitRule &split : domain.splits)
      set(split.name);
    for (size_t field = 0; field < domain.fields.size(); ++field)
      if (const std::vector<std::string> &names = data.domains[i].reader->classNames(field); !names.empty())
        session.classNames[domain.name + "." + domain.fields[field].name] = names;
  }
  for (const auto &[symbol, sum] : session.manifest.sums) {
    int64_t size = sum.fixed;
    for (const std::string &term : sum.terms)
      size += session.extents.at(term);
    session.setExtent(symbol, size);
  }
  return session.allocateRows();
}

} // namespace xfer::rt
