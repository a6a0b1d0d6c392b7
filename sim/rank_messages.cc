#include "sim/rank_messages.h"

#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "common/wire/update_bytes.h"
#include "server/aggregation/memory_vector.h"

namespace fedgap {
namespace {

// Numbers as they stand in memory, texts and vectors behind their length: all
// ranks run the same program.
class Writer {
 public:
  template <typename T>
  void Number(T value) {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
    Raw(&value, sizeof(value));
  }
  void Text(std::string_view text) {
    Number<std::uint64_t>(text.size());
    Raw(text.data(), text.size());
  }
  void Floats(std::span<const float> values) {
    Number<std::uint64_t>(values.size());
    Raw(values.data(), values.size_bytes());
  }
  void Of(const Status& status) {
    Number(static_cast<int>(status.code()));
    Text(MessageOf(status));
  }
  RankGroup::Bytes Finish() { return std::move(bytes_); }

 private:
  void Raw(const void* data, std::size_t size) {
    const auto* begin = static_cast<const std::uint8_t*>(data);
    bytes_.insert(bytes_.end(), begin, begin + size);
  }
  RankGroup::Bytes bytes_;
};

// Reads zeros past the end; Finish says whether that happened.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  template <typename T>
  T Number() {
    T value{};
    Raw(&value, sizeof(value));
    return value;
  }
  // How many elements of at least `least` bytes follow.
  std::size_t Count(std::size_t least) {
    const auto count = Number<std::uint64_t>();
    if (count > rest_.size() / least) {
      whole_ = false;
      return 0;
    }
    return count;
  }
  std::string Text() {
    std::string text(Count(1), '\0');
    Raw(text.data(), text.size());
    return text;
  }
  Parameters Floats() {
    Parameters values(Count(sizeof(float)));
    Raw(values.data(), values.size() * sizeof(float));
    return values;
  }
  Status Error() {
    const int code = Number<int>();
    return {static_cast<absl::StatusCode>(code), Text()};
  }
  Status Finish() const {
    if (whole_ && rest_.empty()) return absl::OkStatus();
    return absl::DataLossError(
        "a rank's message is torn: do all ranks run the same program?");
  }

 private:
  void Raw(void* out, std::size_t size) {
    if (size > rest_.size()) whole_ = false;
    if (!whole_ || size == 0) return;
    std::memcpy(out, rest_.data(), size);
    rest_ = rest_.subspan(size);
  }
  std::span<const std::uint8_t> rest_;
  bool whole_ = true;
};

// The layout is the same at all ranks.
std::string InfoBytes(const UpdateInfo& info) {
  return SerializeHeader(HeaderOf({.info = info, .delta = {}}, {}));
}

void Write(const TrainedUpdate& update, Writer& writer) {
  // Of an update that was refused nothing is of use, and not all of it may be
  // such that it can be read again.
  UpdateInfo refused;
  refused.task = update.info.task;
  writer.Text(update.client.value);
  writer.Text(InfoBytes(update.verdict.ok() ? update.info : refused));
  writer.Text(update.digest);
  writer.Number(update.bytes);
  writer.Number(update.arrived_seconds);
  writer.Floats(update.local);
  writer.Of(update.verdict);
  writer.Number(update.review.facts.norm);
  writer.Number(update.review.facts.max_abs);
  writer.Number(update.review.facts.scale);
  writer.Number(update.review.cosine);
  writer.Number<std::uint8_t>(update.delta != nullptr);
  if (update.delta != nullptr) writer.Floats(update.delta->InMemory());
}

StatusOr<TrainedUpdate> ReadUpdate(Reader& reader) {
  TrainedUpdate update;
  update.client.value = reader.Text();
  FEDGAP_ASSIGN_OR_RETURN(UpdateHeader header, ParseHeader(reader.Text()));
  update.info = std::move(header.info);
  update.digest = reader.Text();
  update.bytes = reader.Number<std::int64_t>();
  update.arrived_seconds = reader.Number<double>();
  update.local = reader.Floats();
  update.verdict = reader.Error();
  update.review.facts.norm = reader.Number<double>();
  update.review.facts.max_abs = reader.Number<double>();
  update.review.facts.scale = reader.Number<double>();
  update.review.cosine = reader.Number<double>();
  if (reader.Number<std::uint8_t>() != 0) {
    update.delta = std::make_shared<MemoryVector>(reader.Floats());
  }
  return update;
}

// Metrics travel as those of an update.
std::string MetricsBytes(const std::vector<GroupMetrics>& metrics) {
  UpdateInfo info;
  info.task.value = "metrics";
  info.held_out_metrics = metrics;
  return InfoBytes(info);
}

}  // namespace

RankGroup::Bytes ToBytes(const RankSetup& setup) {
  Writer writer;
  writer.Text(setup.host);
  writer.Text(setup.software);
  writer.Number<std::uint8_t>(setup.portable_bits);
  writer.Text(setup.model);
  writer.Number(setup.clients);
  writer.Text(setup.data);
  return writer.Finish();
}

StatusOr<RankSetup> RankSetupFrom(const RankGroup::Bytes& bytes) {
  Reader reader(bytes);
  RankSetup setup;
  setup.host = reader.Text();
  setup.software = reader.Text();
  setup.portable_bits = reader.Number<std::uint8_t>() != 0;
  setup.model = reader.Text();
  setup.clients = reader.Number<std::uint64_t>();
  setup.data = reader.Text();
  FEDGAP_RETURN_IF_ERROR(reader.Finish());
  return setup;
}

RankGroup::Bytes ToBytes(const RankOrder& order) {
  Writer writer;
  writer.Number(order.kind);
  writer.Text(order.run.value);
  writer.Number(order.round);
  writer.Number(order.attempt);
  writer.Floats(order.model);
  writer.Floats(order.last_delta);
  writer.Number<std::uint64_t>(order.clients.size());
  for (const auto& part : order.clients) {
    writer.Number<std::uint64_t>(part.size());
    for (const std::size_t client : part) writer.Number<std::uint64_t>(client);
  }
  writer.Number<std::uint64_t>(order.local_tensors.size());
  for (const auto& [client, tensors] : order.local_tensors) {
    writer.Text(client.value);
    writer.Floats(tensors);
  }
  return writer.Finish();
}

StatusOr<RankOrder> RankOrderFrom(const RankGroup::Bytes& bytes) {
  Reader reader(bytes);
  RankOrder order;
  order.kind = reader.Number<RankOrder::Kind>();
  order.run.value = reader.Text();
  order.round = reader.Number<Round>();
  order.attempt = reader.Number<int>();
  order.model = reader.Floats();
  order.last_delta = reader.Floats();
  order.clients.resize(reader.Count(sizeof(std::uint64_t)));
  for (auto& part : order.clients) {
    part.resize(reader.Count(sizeof(std::uint64_t)));
    for (std::size_t& client : part) client = reader.Number<std::uint64_t>();
  }
  order.local_tensors.resize(reader.Count(2 * sizeof(std::uint64_t)));
  for (auto& [client, tensors] : order.local_tensors) {
    client.value = reader.Text();
    tensors = reader.Floats();
  }
  FEDGAP_RETURN_IF_ERROR(reader.Finish());
  return order;
}

RankGroup::Bytes ToBytes(const RankAnswer& answer) {
  Writer writer;
  writer.Of(answer.status);
  writer.Number<std::uint8_t>(answer.interrupted);
  writer.Text(MetricsBytes(answer.metrics));
  writer.Number<std::uint64_t>(answer.updates.size());
  for (const TrainedUpdate& update : answer.updates) Write(update, writer);
  return writer.Finish();
}

StatusOr<RankAnswer> RankAnswerFrom(const RankGroup::Bytes& bytes) {
  Reader reader(bytes);
  RankAnswer answer;
  answer.status = reader.Error();
  answer.interrupted = reader.Number<std::uint8_t>() != 0;
  FEDGAP_ASSIGN_OR_RETURN(UpdateHeader metrics, ParseHeader(reader.Text()));
  answer.metrics = std::move(metrics.info.held_out_metrics);
  const std::size_t updates = reader.Count(sizeof(std::uint64_t));
  for (std::size_t i = 0; i < updates; ++i) {
    FEDGAP_ASSIGN_OR_RETURN(answer.updates.emplace_back(), ReadUpdate(reader));
  }
  FEDGAP_RETURN_IF_ERROR(reader.Finish());
  return answer;
}

}  // namespace fedgap
