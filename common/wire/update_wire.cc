#include "common/wire/update_wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/federation/resolution_groups.h"
#include "common/wire/limits.h"
#include "common/wire/message_reader.h"

namespace fedgap {
namespace {

constexpr char kDelta[] = "delta";
constexpr std::int64_t kMaxLoss = std::int64_t{1} << 62;
constexpr int kMaxGroup = ResolutionGroups::kMaxGroups - 1;

void SetSums(const BatchMetrics& sums, v1::BatchMetrics* proto) {
  proto->set_count(sums.count);
  proto->set_correct(sums.correct);
  proto->set_loss_fixed(sums.loss_fixed);
}

BatchMetrics ReadSums(MessageReader& in, std::string_view field,
                      const v1::BatchMetrics& proto) {
  BatchMetrics sums;
  sums.count = in.Integer(field, proto.count(), 0, kMaxCount);
  sums.correct = in.Integer(field, proto.correct(), 0, sums.count);
  sums.loss_fixed = in.Integer(field, proto.loss_fixed(), 0, kMaxLoss);
  return sums;
}

template <typename Messages>
void SetMetrics(const std::vector<GroupMetrics>& metrics, Messages* proto) {
  for (const GroupMetrics& group : metrics) {
    auto* message = proto->Add();
    message->set_group(group.group);
    SetSums(group.sums, message->mutable_sums());
  }
}

// The group of one entry of an ascending list.
int ReadGroup(MessageReader& in, std::string_view list, int group,
              int* previous) {
  in.Int(list, group, 0, kMaxGroup);
  in.Require(group > *previous, list,
             fmt::format("has group {} after group {}; groups must ascend",
                         group, *previous));
  *previous = group;
  return group;
}

template <typename Messages>
std::vector<GroupMetrics> ReadMetrics(MessageReader& in, std::string_view list,
                                      const Messages& proto) {
  std::vector<GroupMetrics> metrics;
  int previous = -1;
  for (const v1::GroupMetrics& message : proto) {
    metrics.push_back({ReadGroup(in, list, message.group(), &previous),
                       ReadSums(in, list, message.sums())});
    if (!in.ok()) break;
  }
  return metrics;
}

std::vector<GroupCounts> ReadCounts(MessageReader& in,
                                    const v1::UpdateInfo& proto) {
  std::vector<GroupCounts> counts;
  int previous = -1;
  for (const v1::GroupCounts& message : proto.counts()) {
    counts.push_back(
        {ReadGroup(in, "counts", message.group(), &previous),
         in.Integer("counts.samples", message.samples(), 0, kMaxCount),
         in.Integer("counts.pixels", message.pixels(), 0, kMaxCount)});
    if (!in.ok()) break;
  }
  return counts;
}

void SetPooled(const PooledStatistics& pooled, v1::UpdateInfo* proto) {
  for (const GroupPooledStatistics& group : pooled.groups) {
    v1::GroupPooledStatistics* message = proto->add_pooled();
    message->set_group(group.group);
    message->set_count(group.count);
    message->mutable_mean()->Assign(group.mean.begin(), group.mean.end());
    message->mutable_class_counts()->Assign(group.class_counts.begin(),
                                            group.class_counts.end());
    message->mutable_class_means()->Assign(group.class_means.begin(),
                                           group.class_means.end());
  }
}

template <typename Floats>
bool AllFiniteIn(const Floats& values) {
  return std::all_of(values.begin(), values.end(),
                     [](float value) { return std::isfinite(value); });
}

// A class that is withheld has count 0 and a row of zeros.
bool WithheldRowsAreZero(const GroupPooledStatistics& group) {
  const std::size_t channels = group.mean.size();
  for (std::size_t k = 0; k < group.class_counts.size(); ++k) {
    const auto row =
        std::span(group.class_means).subspan(k * channels, channels);
    if (group.class_counts[k] == 0 &&
        std::any_of(row.begin(), row.end(), [](float v) { return v != 0; })) {
      return false;
    }
  }
  return true;
}

void ReadClasses(MessageReader& in, const v1::GroupPooledStatistics& proto,
                 GroupPooledStatistics* group) {
  in.Integer("class_counts", proto.class_counts_size(), 0, kMaxClasses);
  std::int64_t total = 0;
  for (const std::int64_t count : proto.class_counts()) {
    total += in.Integer("class_counts", count, 0, group->count);
    if (!in.ok()) return;
    group->class_counts.push_back(count);
  }
  in.Require(total <= group->count, "class_counts",
             "add up to more than the group's count");
  in.Require(static_cast<std::int64_t>(proto.class_means_size()) ==
                 std::int64_t{proto.class_counts_size()} * proto.mean_size(),
             "class_means", "must be one row of channels for each class");
  if (!in.ok()) return;
  group->class_means.assign(proto.class_means().begin(),
                            proto.class_means().end());
  in.Require(AllFiniteIn(group->class_means), "class_means",
             "holds NaN or infinity");
  in.Require(WithheldRowsAreZero(*group), "class_means",
             "has numbers for a class that is withheld");
}

PooledStatistics ReadPooled(MessageReader& outer, const v1::UpdateInfo& proto) {
  MessageReader in("update.info.pooled");
  PooledStatistics pooled;
  int previous = -1;
  for (const v1::GroupPooledStatistics& message : proto.pooled()) {
    GroupPooledStatistics group;
    group.group = ReadGroup(in, "group", message.group(), &previous);
    group.count = in.Integer("count", message.count(), 1, kMaxCount);
    in.Integer("mean", message.mean_size(), 1, kMaxChannels);
    group.mean.assign(message.mean().begin(), message.mean().end());
    in.Require(AllFiniteIn(group.mean), "mean", "holds NaN or infinity");
    if (in.ok()) ReadClasses(in, message, &group);
    if (!in.ok()) break;
    pooled.groups.push_back(std::move(group));
  }
  outer.Nested(in.status());
  return pooled;
}

StatusOr<UpdateInfo> ReadInfo(const v1::UpdateInfo& proto) {
  const auto bytes = static_cast<std::int64_t>(proto.ByteSizeLong());
  if (bytes > kMaxUpdateInfoBytes) {
    return absl::ResourceExhaustedError(fmt::format(
        "update.info has {} bytes, at most {} fit; pooled = \"mean\" or fewer "
        "resolution groups make it smaller",
        bytes, kMaxUpdateInfoBytes));
  }
  MessageReader in("update.info");
  UpdateInfo info;
  info.round = in.Integer("round", proto.round(), 0, kMaxRound);
  info.base = {in.Digest("base", proto.base())};
  info.counts = ReadCounts(in, proto);
  info.local_steps =
      in.Integer("local_steps", proto.local_steps(), 0, kMaxCount);
  info.train_seconds = in.Real("train_seconds", proto.train_seconds(), 0, 1e9);
  info.train_metrics = ReadMetrics(in, "train_metrics", proto.train_metrics());
  info.held_out_metrics =
      ReadMetrics(in, "held_out_metrics", proto.held_out_metrics());
  info.training = ReadSums(in, "training", proto.training());
  info.pooled = ReadPooled(in, proto);
  FEDGAP_RETURN_IF_ERROR(in.status());
  return info;
}

void SetInfo(const UpdateInfo& info, v1::UpdateInfo* proto) {
  proto->set_round(info.round);
  proto->set_base(BytesOf(info.base.digest));
  for (const GroupCounts& group : info.counts) {
    v1::GroupCounts* message = proto->add_counts();
    message->set_group(group.group);
    message->set_samples(group.samples);
    message->set_pixels(group.pixels);
  }
  proto->set_local_steps(info.local_steps);
  proto->set_train_seconds(info.train_seconds);
  SetMetrics(info.train_metrics, proto->mutable_train_metrics());
  SetMetrics(info.held_out_metrics, proto->mutable_held_out_metrics());
  SetSums(info.training, proto->mutable_training());
  SetPooled(info.pooled, proto);
}

// The only vector of version 1.
Status ReadDelta(const v1::VectorHeader& proto, UpdateHeader* header) {
  MessageReader in("update.vectors");
  in.Require(proto.name() == kDelta, "name",
             fmt::format("is not known; this version takes \"{}\"", kDelta));
  FEDGAP_RETURN_IF_ERROR(in.status());
  if (proto.codec() != v1::CODEC_FLOAT32) {
    return absl::UnimplementedError(
        fmt::format("update.vectors.codec is {}; this version takes FLOAT32",
                    static_cast<int>(proto.codec())));
  }
  if (proto.bytes() > kMaxVectorBytes) {
    return absl::ResourceExhaustedError(
        fmt::format("update.vectors.bytes is {}; at most {} are possible",
                    proto.bytes(), kMaxVectorBytes));
  }
  header->elements =
      in.Integer("elements", proto.elements(), 1, kMaxVectorBytes / 4);
  header->bytes = in.Integer("bytes", proto.bytes(), header->elements * 4,
                             header->elements * 4);
  header->digest = ToHex(in.Checksum("xxh3_128", proto.xxh3_128()));
  return in.status();
}

std::string BytesOfHex(const std::string& hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  }
  return bytes;
}

}  // namespace

UpdateHeader HeaderOf(const Update& update, const Sha256Digest& layout_hash) {
  UpdateHeader header;
  header.layout_hash = layout_hash;
  header.elements = static_cast<std::int64_t>(update.delta.size());
  header.bytes = header.elements * 4;
  header.digest = DeltaDigest(update.delta);
  header.info = update.info;
  return header;
}

v1::UpdateHeader ToProto(const UpdateHeader& header) {
  v1::UpdateHeader proto;
  proto.set_task_id(header.info.task.value);
  proto.set_layout_hash(BytesOf(header.layout_hash));
  if (header.elements > 0) {
    v1::VectorHeader* delta = proto.add_vectors();
    delta->set_name(kDelta);
    delta->set_codec(v1::CODEC_FLOAT32);
    delta->set_elements(header.elements);
    delta->set_bytes(header.bytes);
    delta->set_xxh3_128(BytesOfHex(header.digest));
  }
  SetInfo(header.info, proto.mutable_info());
  return proto;
}

StatusOr<UpdateHeader> FromProto(const v1::UpdateHeader& proto) {
  MessageReader in("update");
  UpdateHeader header;
  const std::string task =
      in.Name("task_id", proto.task_id(), 1, kMaxTaskIdBytes);
  header.layout_hash = in.Digest("layout_hash", proto.layout_hash());
  in.Integer("vectors", proto.vectors_size(), 0, 1);
  FEDGAP_RETURN_IF_ERROR(in.status());
  if (proto.vectors_size() == 1) {
    FEDGAP_RETURN_IF_ERROR(ReadDelta(proto.vectors(0), &header));
  } else {
    header.digest = DeltaDigest({});
  }
  FEDGAP_ASSIGN_OR_RETURN(header.info, ReadInfo(proto.info()));
  header.info.task = {task};
  return header;
}

}  // namespace fedgap
