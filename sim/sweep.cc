#include "sim/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "common/federation/model_id.h"

namespace fedgap {
namespace {

constexpr std::string_view kSeed = "run.seed";

std::string_view LeafOf(std::string_view key) {
  return key.substr(key.rfind('.') + 1);  // npos + 1 is 0
}

// As a CSV field.
std::string Field(const std::string& text) {
  if (text.find_first_of(",\"\n") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

double MeanOf(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double SampleDeviation(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const double mean = MeanOf(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

// Shares of 1 as percent, with their deviation where there is one.
std::string Cell(const std::string& measure,
                 const std::vector<double>& values) {
  const double unit = measure.ends_with("seconds") ? 1 : 100;
  std::string cell = fmt::format("{:.1f}", unit * MeanOf(values));
  if (values.size() > 1) {
    cell += fmt::format(" +- {:.1f}", unit * SampleDeviation(values));
  }
  return cell;
}

// Columns as wide as their widest cell; the first `left` flush left.
std::string Align(const std::vector<std::vector<std::string>>& rows,
                  std::size_t left) {
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      widths[c] = std::max(widths[c], row[c].size());
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      line += c < left ? fmt::format("{:<{}}  ", row[c], widths[c])
                       : fmt::format("{:>{}}  ", row[c], widths[c]);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

// The runs that differ by their seed alone.
struct Family {
  std::vector<std::string> values;  // of the axes but the seed
  int runs = 0;
  std::map<std::string, std::vector<double>> measures;
};

std::vector<Family> Families(const std::vector<SweepAxis>& axes,
                             const std::vector<SweepResult>& results) {
  std::vector<Family> families;
  for (const SweepResult& result : results) {
    std::vector<std::string> values;
    for (std::size_t a = 0; a < axes.size(); ++a) {
      if (axes[a].key != kSeed) values.push_back(result.point.values[a]);
    }
    auto found = std::ranges::find(families, values, &Family::values);
    if (found == families.end()) {
      families.push_back({values, 0, {}});
      found = families.end() - 1;
    }
    ++found->runs;
    for (const auto& [name, value] : Measures(result.report)) {
      found->measures[name].push_back(value);
    }
  }
  return families;
}

}  // namespace

StatusOr<SweepAxis> ParseSweepAxis(std::string_view text) {
  const std::size_t equals = text.find('=');
  SweepAxis axis;
  axis.key = text.substr(0, equals);
  if (equals == text.npos || axis.key.find('.') == axis.key.npos) {
    return absl::InvalidArgumentError(fmt::format(
        "--sweep {}: must be key=value,value, such as run.seed=1,2,3", text));
  }
  text.remove_prefix(equals + 1);
  const char separator = text.find(';') == text.npos ? ',' : ';';
  while (true) {
    const std::size_t end = text.find(separator);
    axis.values.emplace_back(text.substr(0, end));
    if (end == text.npos) return axis;
    text.remove_prefix(end + 1);
  }
}

Status CheckAxes(const std::vector<SweepAxis>& axes) {
  std::set<std::string> keys;
  for (const SweepAxis& axis : axes) {
    if (!keys.insert(axis.key).second) {
      return absl::InvalidArgumentError(fmt::format(
          "{} is swept twice: give one --sweep with all its values, and none "
          "of the key that --baseline goes through",
          axis.key));
    }
    std::set<std::string> values;
    for (const std::string& value : axis.values) {
      if (!values.insert(value).second) {
        return absl::InvalidArgumentError(fmt::format(
            "--sweep {}: the value '{}' comes twice", axis.key, value));
      }
    }
  }
  std::set<std::string> directories;
  for (const SweepPoint& point : Grid(axes)) {
    const std::string directory = DirectoryOf(axes, point);
    if (!directories.insert(directory).second) {
      return absl::InvalidArgumentError(fmt::format(
          "two runs of the sweep would have the directory '{}'", directory));
    }
  }
  return absl::OkStatus();
}

std::vector<SweepPoint> Grid(const std::vector<SweepAxis>& axes) {
  std::vector<SweepPoint> points(1);
  for (const SweepAxis& axis : axes) {
    std::vector<SweepPoint> longer;
    for (const SweepPoint& point : points) {
      for (const std::string& value : axis.values) {
        longer.push_back(point);
        longer.back().values.push_back(value);
        longer.back().overrides.push_back(
            fmt::format("{}={}", axis.key, value));
      }
    }
    points = std::move(longer);
  }
  return points;
}

std::string DirectoryOf(const std::vector<SweepAxis>& axes,
                        const SweepPoint& point) {
  std::string name;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    name += fmt::format("{}{}={}", name.empty() ? "" : ",", LeafOf(axes[a].key),
                        point.values[a]);
  }
  for (char& c : name) {
    if (c == '/' || c == ' ' || c < ' ') c = '_';
  }
  return name;
}

std::vector<std::pair<std::string, double>> Measures(const RunReport& report) {
  std::vector<std::pair<std::string, double>> measures;
  for (const SizeReport& size : report.sizes) {
    const std::string name = size.size == "native" ? size.label : size.size;
    measures.emplace_back(name, size.sums.accuracy());
  }
  if (report.sizes.empty()) {
    for (const GroupReport& group : report.groups) {
      if (group.sums.count > 0) {
        measures.emplace_back(group.label, group.sums.accuracy());
      }
    }
  }
  measures.emplace_back("mean", report.accuracy.mean);
  measures.emplace_back("worst", report.accuracy.worst);
  measures.emplace_back("gap", report.accuracy.gap);
  measures.emplace_back("seconds", report.seconds);
  if (report.virtual_seconds > 0) {
    measures.emplace_back("virtual_seconds", report.virtual_seconds);
  }
  return measures;
}

std::string ToCsv(const std::vector<SweepAxis>& axes,
                  const std::vector<SweepResult>& results) {
  std::string csv;
  for (const SweepAxis& axis : axes) csv += Field(axis.key) + ",";
  csv += "run,rounds,model_sha256,measure,value\n";
  for (const SweepResult& result : results) {
    std::string start;
    for (const std::string& value : result.point.values) {
      start += Field(value) + ",";
    }
    start +=
        fmt::format("{},{},{},", Field(result.directory), result.report.rounds,
                    ToHex(result.report.model_sha256));
    for (const auto& [name, value] : Measures(result.report)) {
      csv += fmt::format("{}{},{}\n", start, Field(name), value);
    }
  }
  return csv;
}

std::string ToSummary(const std::vector<SweepAxis>& axes,
                      const std::vector<SweepResult>& results) {
  const std::vector<Family> families = Families(axes, results);
  std::vector<std::string> head;
  for (const SweepAxis& axis : axes) {
    if (axis.key != kSeed) head.emplace_back(LeafOf(axis.key));
  }
  const std::size_t left = head.size();
  head.emplace_back("runs");
  std::vector<std::string> names;
  for (const SweepResult& result : results) {
    for (const auto& [name, value] : Measures(result.report)) {
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  head.insert(head.end(), names.begin(), names.end());
  std::vector<std::vector<std::string>> rows = {head};
  for (const Family& family : families) {
    std::vector<std::string> row = family.values;
    row.push_back(std::to_string(family.runs));
    for (const std::string& name : names) {
      const auto found = family.measures.find(name);
      row.push_back(found == family.measures.end() ? "-"
                                                   : Cell(name, found->second));
    }
    rows.push_back(std::move(row));
  }
  return Align(rows, left);
}

}  // namespace fedgap
