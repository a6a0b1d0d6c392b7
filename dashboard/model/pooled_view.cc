#include "dashboard/model/pooled_view.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <string_view>
#include <utility>

#include "common/base/file_io.h"
#include "common/tensor/safetensors.h"

namespace fedgap {
namespace {

namespace fs = std::filesystem;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 30;
constexpr std::size_t kMaxProblems = 5;
constexpr std::size_t kMaxPointsPerRound = 2'000;

struct Entry {
  std::string client;
  int group = 0;
  VectorXd mean;
};

struct RoundVectors {
  Round round = 0;
  std::vector<Entry> entries;
  MatrixXd prototypes;  // a row a class; NaN where nobody holds it
};

// "CLIENT/g3/mean" -> ("CLIENT", 3).
std::optional<std::pair<std::string, int>> OwnerOf(std::string_view name,
                                                   std::string_view part) {
  if (!name.ends_with(part)) return std::nullopt;
  name.remove_suffix(part.size());
  const auto slash = name.rfind("/g");
  if (slash == name.npos) return std::nullopt;
  int group = -1;
  const char* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + slash + 2, end, group);
  if (parsed.ec != std::errc() || parsed.ptr != end || group < 0) {
    return std::nullopt;
  }
  return std::pair(std::string(name.substr(0, slash)), group);
}

VectorXd ToVector(const Parameters& values) {
  VectorXd out(static_cast<Eigen::Index>(values.size()));
  for (Eigen::Index i = 0; i < out.size(); ++i) {
    out[i] = values[static_cast<std::size_t>(i)];
  }
  return out;
}

// Adds the class means of one client to `sums`, those that it holds to `held`.
Status AddClassMeans(const SafetensorsFile& file, const std::string& owner,
                     MatrixXd& sums, VectorXd& held) {
  if (file.Find(owner + "/class_means") == nullptr) return absl::OkStatus();
  FEDGAP_ASSIGN_OR_RETURN(const auto counts,
                          file.Int64(owner + "/class_counts"));
  FEDGAP_ASSIGN_OR_RETURN(const Parameters means,
                          file.Float32(owner + "/class_means"));
  if (counts.empty() || means.size() == 0) return absl::OkStatus();
  const auto classes = static_cast<Eigen::Index>(counts.size());
  const auto channels = static_cast<Eigen::Index>(means.size()) / classes;
  if (sums.size() == 0) {
    sums = MatrixXd::Zero(classes, channels);
    held = VectorXd::Zero(classes);
  }
  if (sums.rows() != classes || sums.cols() != channels) {
    return absl::DataLossError(owner + " has class means of another shape");
  }
  const VectorXd flat = ToVector(means);
  for (Eigen::Index c = 0; c < classes; ++c) {
    if (counts[static_cast<std::size_t>(c)] <= 0) continue;
    sums.row(c) += flat.segment(c * channels, channels).transpose();
    held[c] += 1;
  }
  return absl::OkStatus();
}

StatusOr<RoundVectors> ReadRound(Round round, const fs::path& path) {
  FEDGAP_ASSIGN_OR_RETURN(auto bytes, ReadFileBytes(path, kMaxFileBytes));
  FEDGAP_ASSIGN_OR_RETURN(const SafetensorsFile file,
                          SafetensorsFile::Parse(std::move(bytes)));
  RoundVectors vectors{.round = round, .entries = {}, .prototypes = {}};
  MatrixXd sums;
  VectorXd held;
  for (const SafetensorsFile::Tensor& tensor : file.tensors()) {
    const auto owner = OwnerOf(tensor.name, "/mean");
    if (!owner.has_value()) continue;
    FEDGAP_ASSIGN_OR_RETURN(const Parameters mean, file.Float32(tensor.name));
    const VectorXd vector = ToVector(mean);
    const bool fits = vectors.entries.empty() ||
                      vectors.entries.front().mean.size() == vector.size();
    if (!fits || !vector.allFinite()) {
      return absl::DataLossError(tensor.name + " makes no sense");
    }
    if (vectors.entries.size() < kMaxPointsPerRound) {
      vectors.entries.push_back({owner->first, owner->second, vector});
    }
    FEDGAP_RETURN_IF_ERROR(AddClassMeans(
        file, fmt::format("{}/g{}", owner->first, owner->second), sums, held));
  }
  for (Eigen::Index c = 0; c < sums.rows(); ++c) {
    if (held[c] > 0) {
      sums.row(c) /= held[c];
    } else {
      sums.row(c).setConstant(std::numeric_limits<double>::quiet_NaN());
    }
  }
  vectors.prototypes = std::move(sums);
  return vectors;
}

std::map<Round, fs::path> ListRounds(const fs::path& directory) {
  std::map<Round, fs::path> files;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    constexpr std::string_view kPrefix = "round-";
    if (!name.starts_with(kPrefix) || !name.ends_with(".safetensors")) continue;
    Round round = 0;
    const auto parsed = std::from_chars(name.data() + kPrefix.size(),
                                        name.data() + name.size(), round);
    if (parsed.ec == std::errc() && *parsed.ptr == '.') {
      files[round] = entry->path();
    }
  }
  return files;
}

double Cosine(const VectorXd& a, const VectorXd& b) {
  const double lengths = a.norm() * b.norm();
  return lengths > 0 ? a.dot(b) / lengths : 0;
}

// The mean vector of each group, a client counting once.
std::map<int, VectorXd> GroupMeans(const std::vector<Entry>& entries) {
  std::map<int, VectorXd> sums;
  std::map<int, double> counts;
  for (const Entry& entry : entries) {
    const auto [sum, is_new] =
        sums.try_emplace(entry.group, VectorXd::Zero(entry.mean.size()));
    sum->second += entry.mean;
    counts[entry.group] += 1;
  }
  for (auto& [group, sum] : sums) sum /= counts[group];
  return sums;
}

VectorXd MeanOf(const std::vector<Entry>& entries) {
  VectorXd mean = VectorXd::Zero(entries.front().mean.size());
  for (const Entry& entry : entries) mean += entry.mean;
  return mean / static_cast<double>(entries.size());
}

void AddDrift(const std::vector<RoundVectors>& rounds, PooledView& view) {
  std::map<int, VectorXd> previous;
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    std::map<int, VectorXd> means = GroupMeans(rounds[i].entries);
    VectorXd all = VectorXd::Zero(means.begin()->second.size());
    for (const auto& [group, mean] : means) all += mean;
    for (const auto& [group, mean] : means) {
      GroupDrift drift{
          .group = group, .to_all = Cosine(mean, all), .to_previous = {}};
      const auto before = previous.find(group);
      if (before != previous.end()) {
        drift.to_previous = Cosine(mean, before->second);
      }
      view.rounds[i].drift.push_back(drift);
    }
    previous = std::move(means);
  }
}

void AddPoints(const std::vector<RoundVectors>& rounds, PooledView& view) {
  const Eigen::Index channels = rounds.front().entries.front().mean.size();
  MatrixXd covariance = MatrixXd::Zero(channels, channels);
  for (const RoundVectors& round : rounds) {
    const VectorXd mean = MeanOf(round.entries);
    for (const Entry& entry : round.entries) {
      const VectorXd offset = entry.mean - mean;
      covariance.selfadjointView<Eigen::Lower>().rankUpdate(offset);
    }
  }
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(covariance);
  const double total = solver.eigenvalues().sum();
  // Ascending: the largest are the last. Signs are free; the larger half of
  // each direction points up, so that two looks agree.
  MatrixXd axes = MatrixXd::Zero(channels, 2);
  for (Eigen::Index k = 0; k < std::min<Eigen::Index>(2, channels); ++k) {
    const Eigen::Index column = channels - 1 - k;
    axes.col(k) = solver.eigenvectors().col(column);
    if (axes.col(k).sum() < 0) axes.col(k) *= -1;
    const double share = total > 0 ? solver.eigenvalues()[column] / total : 0;
    (k == 0 ? view.explained_x : view.explained_y) = share;
  }
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    const VectorXd mean = MeanOf(rounds[i].entries);
    for (const Entry& entry : rounds[i].entries) {
      const VectorXd at = axes.transpose() * (entry.mean - mean);
      view.rounds[i].points.push_back(
          {entry.client, entry.group, at[0], at[1]});
    }
  }
}

void AddDistances(const MatrixXd& prototypes, PooledView& view) {
  view.classes = static_cast<int>(prototypes.rows());
  for (Eigen::Index a = 0; a < prototypes.rows(); ++a) {
    for (Eigen::Index b = 0; b < prototypes.rows(); ++b) {
      view.distances.push_back((prototypes.row(a) - prototypes.row(b)).norm());
    }
  }
}

}  // namespace

std::optional<PooledView> ReadPooledView(const fs::path& run,
                                         std::size_t max_rounds) {
  const std::map<Round, fs::path> files = ListRounds(run / "pooled");
  if (files.empty() || max_rounds == 0) return std::nullopt;
  PooledView view;
  std::vector<RoundVectors> rounds;
  const std::size_t step = (files.size() + max_rounds - 1) / max_rounds;
  std::size_t left = files.size();
  for (const auto& [round, path] : files) {
    if (--left % step != 0) continue;  // the newest is always one
    auto vectors = ReadRound(round, path);
    if (!vectors.ok()) {
      if (view.problems.size() < kMaxProblems) {
        view.problems.push_back(path.filename().string() + ": " +
                                MessageOf(vectors.status()));
      }
    } else if (!vectors->entries.empty() &&
               (rounds.empty() || rounds.front().entries.front().mean.size() ==
                                      vectors->entries.front().mean.size())) {
      rounds.push_back(*std::move(vectors));
      view.rounds.push_back({.round = round, .points = {}, .drift = {}});
    }
  }
  if (rounds.empty()) return view;
  AddPoints(rounds, view);
  AddDrift(rounds, view);
  AddDistances(rounds.back().prototypes, view);
  return view;
}

}  // namespace fedgap
