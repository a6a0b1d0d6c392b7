#include "common/telemetry/written_line_reader.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/telemetry/event_line_parser.h"
#include "tests/common/telemetry/sample_events.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using nlohmann::ordered_json;

const EventHeader kLineHeader{
    .seq = 7,
    .start = 2,
    .attempt = 3,
    .time = Clock::WallTime(std::chrono::milliseconds(1795376211042))};

std::string AcceptedLine() {
  return ToJsonLine(kLineHeader, SampleAccepted(1, "site-001", 2));
}

// One of each kind; run_started without what the reader leaves to the parser.
std::vector<std::string> SampleLines() {
  std::vector<std::string> lines;
  for (Event event : SampleEvents()) {
    if (auto* started = std::get_if<RunStartedEvent>(&event)) {
      started->seed = 1;
      started->config_toml = "seed = 1";
    }
    lines.push_back(ToJsonLine(kLineHeader, event));
  }
  return lines;
}

std::string Replaced(std::string text, std::string_view from,
                     std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

bool Reads(std::string_view line) {
  LoggedEvent unused;
  return ReadWrittenLine(line, unused);
}

// What is said of a line, and all that is read of it: as it is, and by JSON's
// rules alone, to which a blank behind the line leaves it.
class Readings {
 public:
  std::string Of(const std::string& line) {
    return Describe(parser_.Parse(line, event_), event_);
  }
  std::string ByParserOnly(const std::string& line) {
    return Describe(reference_.Parse(line + ' ', reference_event_),
                    reference_event_);
  }

 private:
  static std::string Describe(const Status& status, const LoggedEvent& event) {
    if (!status.ok()) return status.ToString();
    return event.known ? ToJsonLine(event.header, event.event) : "unknown";
  }

  EventLineParser parser_;
  EventLineParser reference_;
  LoggedEvent event_;  // both used again from line to line
  LoggedEvent reference_event_;
};

TEST(WrittenLineReaderTest, ReadsEveryKindToTheLastBit) {
  LoggedEvent read;
  for (const std::string& line : SampleLines()) {
    ASSERT_TRUE(ReadWrittenLine(line, read)) << line;
    EXPECT_TRUE(read.known);
    EXPECT_EQ(ToJsonLine(read.header, read.event), line);
  }
}

TEST(WrittenLineReaderTest, ReadsFractionsOfAnyLengthToTheLastBit) {
  const std::string line = AcceptedLine();
  std::mt19937_64 random(1);
  LoggedEvent read;
  for (int i = 0; i < 20'000; ++i) {
    const std::string digits =
        fmt::format("{:018}", random() % 1'000'000'000'000'000'000);
    const std::string number =
        fmt::format("{}{}.{}", i % 2 == 0 ? "-" : "", random() % 1000,
                    digits.substr(random() % digits.size()));
    ASSERT_TRUE(ReadWrittenLine(Replaced(line, "0.75", number), read));
    EXPECT_EQ(std::get<UpdateAcceptedEvent>(read.event).norm,
              std::strtod(number.c_str(), nullptr))
        << number;
  }
}

TEST(WrittenLineReaderTest, NothingStaysOfTheEventBefore) {
  RoundCommittedEvent longer = SampleCommitted(1);
  longer.contributors.push_back({"a name that no small string holds, surely"});
  RoundCommittedEvent shorter = SampleCommitted(2);
  shorter.contributors = {{"z"}};
  shorter.evaluation = {};
  LoggedEvent read;
  for (const RoundCommittedEvent& event : {longer, shorter, longer}) {
    const std::string line = ToJsonLine(kLineHeader, event);
    ASSERT_TRUE(ReadWrittenLine(line, read));
    EXPECT_EQ(ToJsonLine(read.header, read.event), line);
  }
}

TEST(WrittenLineReaderTest, LeavesWhatIsWrittenOtherwiseToTheParser) {
  const std::string line = AcceptedLine();
  ASSERT_TRUE(Reads(line));
  const std::vector<std::string> others = {
      line + " ",
      " " + line,
      Replaced(line, R"("schema":1,"seq":7)", R"("seq":7,"schema":1)"),
      Replaced(line, R"("schema":1,)", R"("schema":1,"new":1,)"),
      Replaced(line, "site-001", R"(site\u002d001)"),
      Replaced(line, "site-001", "site-\u00e9"),
      Replaced(line, R"(,"accuracy":0.4444444444444444)", ""),
      Replaced(line, R"("loss":1.0)", R"("loss":1e0)"),
      Replaced(line, R"("seq":7)", R"("seq":9223372036854775807)")};
  Readings readings;
  for (const std::string& other : others) {
    EXPECT_FALSE(Reads(other)) << other;
    EXPECT_TRUE(readings.Of(other).starts_with("{")) << other;
  }
}

// --- Of lines that may be damaged in any way ------------------------------

// Whatever is read without the parser is JSON, and both read and refuse the
// same, in the same words.
class DamagedLines {
 public:
  void Check(const std::string& line) {
    // Of its own, so that a sanitizer sees a read behind the end.
    const std::vector<char> exact(line.begin(), line.end());
    const bool reads = Reads({exact.data(), exact.size()});
    EXPECT_TRUE(!reads || ordered_json::accept(line)) << line;
    read_ += reads ? 1 : 0;
    EXPECT_EQ(readings_.Of(line), readings_.ByParserOnly(line)) << line;
  }
  // Of the lines checked, those that were read without the parser.
  int read() const { return read_; }

 private:
  Readings readings_;
  int read_ = 0;
};

TEST(WrittenLineReaderTest, RefusesEveryHalfLineAsTheParserDoes) {
  DamagedLines lines;
  for (const std::string& line : SampleLines()) {
    for (std::size_t size = 0; size < line.size(); ++size) {
      lines.Check(line.substr(0, size));
    }
  }
  EXPECT_EQ(lines.read(), 0);
}

TEST(WrittenLineReaderTest, AgreesWithTheParserOnEveryChangedByte) {
  constexpr std::string_view kOthers("\"\\{]:, 0-.e1x\0\x1f\x7f\xc3", 17);
  DamagedLines lines;
  for (const std::string& line : SampleLines()) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      std::string changed = line;
      for (const char other : kOthers) {
        changed[i] = other;
        lines.Check(changed);
      }
      changed[i] = static_cast<char>(line[i] ^ 1);
      lines.Check(changed);
      lines.Check(line.substr(0, i) + line.substr(i + 1));
      lines.Check(line.substr(0, i) + line[i] + line.substr(i));
    }
  }
  EXPECT_GT(lines.read(), 1000);
}

// The bounds of every number and string of a line, names too.
std::vector<std::pair<std::size_t, std::size_t>> Values(
    const std::string& line) {
  std::vector<std::pair<std::size_t, std::size_t>> values;
  for (std::size_t i = 1; i < line.size(); ++i) {
    const bool is_value =
        std::string_view(":[,").find(line[i - 1]) != std::string_view::npos;
    if (!is_value || line[i] == '{' || line[i] == '[') continue;
    const std::size_t end = line[i] == '"' ? line.find('"', i + 1) + 1
                                           : line.find_first_of(",]}", i);
    values.emplace_back(i, end);
  }
  return values;
}

// Values at the edges of what is written, of JSON, and of the fields' types.
std::vector<std::string> OddValues() {
  std::istringstream words(
      "0 -0 01 - -1 +1 1. .5 -0.0 1.0 0.1e 1e5 1E5 1.5e+3 1.5e-05 5e-324 "
      "1e-400 1.7976931348623157e308 1e309 0.30000000000000004 2147483648 "
      "-2147483648 999999999999999999 9223372036854775807 9223372036854775808 "
      "-9223372036854775808 18446744073709551615 18446744073709551616 "
      "123456789012345678901234567890 123456789012345678.5 "
      "1234567890123456789.5 NaN Infinity 0x10 null nul true false truefalse "
      R"({} [] [1] "" "x" "\n" "\ud800" "\x" 'x')");
  std::vector<std::string> values(std::istream_iterator<std::string>(words),
                                  {});
  values.push_back("0." + std::string(400, '0') + "1");
  values.insert(values.end(), {"", "\"\xc3\xa9\"", "\"\xff\"", "\"\t\""});
  return values;
}

TEST(WrittenLineReaderTest, AgreesWithTheParserOnEveryChangedValue) {
  const std::vector<std::string> odd = OddValues();
  DamagedLines lines;
  for (const std::string& line : SampleLines()) {
    for (const auto& [begin, end] : Values(line)) {
      for (const std::string& value : odd) {
        lines.Check(line.substr(0, begin) + value + line.substr(end));
      }
    }
  }
  EXPECT_GT(lines.read(), 1000);
}

TEST(WrittenLineReaderTest, AgreesWithTheParserOnFieldsElsewhereAndTwice) {
  DamagedLines lines;
  for (const std::string& line : SampleLines()) {
    const auto object = ordered_json::parse(line);
    for (const auto& [moved, value] : object.items()) {
      ordered_json others = object;
      others.erase(moved);
      lines.Check(others.dump());
      others[moved] = value;
      lines.Check(others.dump());
      const std::string field =
          fmt::format("{}:{}", ordered_json(moved).dump(), value.dump());
      lines.Check(fmt::format("{{{},{}", field, line.substr(1)));
      lines.Check(Replaced(line, field, fmt::format("{},{}", field, field)));
    }
  }
  EXPECT_GT(lines.read(), 0);  // the last field moved to the end
}

}  // namespace
}  // namespace fedgap
